//! `quorate completions`.

use clap::CommandFactory as _;

use super::{
    Console,
    arguments::{Arguments, CompletionsOptions},
};
use crate::exit::Failure;

pub(super) fn completions(
    options: &CompletionsOptions,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    // The generator panics when it cannot write, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "quorate", &mut script);
    let script = String::from_utf8_lossy(&script);
    console.text(format_args!("{script}"))
}
