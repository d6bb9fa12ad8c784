//! Log lines on standard error, as the configuration says.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{EnvFilter, fmt};

use crate::{
    config::{Config, LogFormat},
    exit::{Exit, Failure},
};

/// Begins to log. Once per process.
///
/// # Errors
/// If the filter is none, or something logs already.
pub(super) fn begin(config: &Config) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(config.log.filter.as_str())
        .map_err(|error| Failure::new(Exit::Config, format!("`log.filter`: {error}")))?;
    let builder = fmt().with_env_filter(filter).with_writer(io::stderr);
    let begun = match config.log.format {
        LogFormat::Text => builder.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    begun.map_err(|error| Failure::new(Exit::Restart, format!("cannot log: {error}")))
}
