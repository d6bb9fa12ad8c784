//! `quorate metrics`: what can be measured of a node.

use clap::Subcommand;

use super::Console;
use crate::{
    exit::{Exit, Failure},
    metrics,
};

#[derive(Debug, Subcommand)]
pub(super) enum MetricsCommand {
    /// Prints every metric: its name, its kind and what it says.
    #[command(after_help = "Example:\n  quorate metrics list | grep api_")]
    List,
}

pub(super) fn metrics(command: &MetricsCommand, console: &mut Console<'_>) -> Result<(), Failure> {
    match command {
        MetricsCommand::List => {
            let mut text = Vec::new();
            metrics::list(&mut text)
                .map_err(|error| Failure::new(Exit::Restart, error.to_string()))?;
            console.text(format_args!("{}", String::from_utf8_lossy(&text)))
        }
    }
}
