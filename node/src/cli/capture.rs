//! `quorate capture`: takes a stretch of the recording elsewhere.

use quorate_core::types::Height;

use super::{
    Console,
    arguments::{CaptureCommand, CaptureExportOptions},
};
use crate::{
    capture::{ExportError, export},
    config::bytes,
    exit::{Exit, Failure},
    home::Home,
};

pub(super) fn capture(command: &CaptureCommand, console: &mut Console<'_>) -> Result<(), Failure> {
    match command {
        CaptureCommand::Export(options) => take(options, console),
    }
}

fn take(options: &CaptureExportOptions, console: &mut Console<'_>) -> Result<(), Failure> {
    let home = Home::at(&options.home);
    if options.out.exists() {
        let what = format!("{} is there already, and was left alone", options.out.display());
        return Err(Failure::new(Exit::Usage, what));
    }
    let (from, to) = options.heights.bounds(Height::new(u64::MAX));
    let exported = export(&home.capture(), from..=to, &options.out).map_err(|error| {
        let exit = match &error {
            ExportError::File { .. } => Exit::Disk,
            ExportError::Damaged { .. } => Exit::Storage,
            ExportError::Nothing(_) | ExportError::OutOfRange { .. } => Exit::Usage,
        };
        Failure::new(exit, error.to_string())
    })?;
    console.line(format_args!(
        "wrote {} inputs between heights {} and {} to {} ({})",
        exported.inputs,
        exported.first,
        exported.last,
        options.out.display(),
        bytes(exported.bytes)
    ))?;
    console.line("it holds transactions and signed votes, and no keys")
}
