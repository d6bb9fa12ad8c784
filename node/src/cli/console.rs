//! Where output goes. Results go to standard output, complaints and progress to standard error.

use std::{
    fmt::{Arguments, Display},
    io::{self, Write},
};

use crate::exit::{Exit, Failure};

/// Standard output and standard error, and what they can do.
pub struct Console<'a> {
    /// For results.
    pub out: &'a mut dyn Write,
    /// For complaints and progress.
    pub err: &'a mut dyn Write,
    /// Whether standard output takes colours.
    pub paint: bool,
    /// Whether standard error is a terminal that can show a progress bar.
    pub live: bool,
}

impl Console<'_> {
    /// Writes a line of the result.
    pub(super) fn line(&mut self, text: impl Display) -> Result<(), Failure> {
        writeln!(self.out, "{text}").map_err(|error| unwritten(&error))
    }

    /// Writes text of the result as it is.
    pub(super) fn text(&mut self, text: Arguments<'_>) -> Result<(), Failure> {
        self.out.write_fmt(text).map_err(|error| unwritten(&error))
    }

    /// Writes what is pending, for readers who watch.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| unwritten(&error))
    }

    /// Says something that is no result. Nobody fails because nobody listens.
    pub(super) fn note(&mut self, text: impl Display) {
        let _ = writeln!(self.err, "{text}");
    }

    /// Bold, where there are colours.
    pub(super) fn strong(&self, text: impl Display) -> String {
        self.wrap("1", text)
    }

    /// Green, where there are colours.
    pub(super) fn good(&self, text: impl Display) -> String {
        self.wrap("32", text)
    }

    /// Red, where there are colours.
    pub(super) fn bad(&self, text: impl Display) -> String {
        self.wrap("1;31", text)
    }

    /// Pale, where there are colours.
    pub(super) fn faint(&self, text: impl Display) -> String {
        self.wrap("2", text)
    }

    fn wrap(&self, code: &str, text: impl Display) -> String {
        if self.paint { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}

/// A result that could not be written. A reader that has gone away has had enough: that is no fault.
fn unwritten(error: &io::Error) -> Failure {
    let exit = match error.kind() {
        io::ErrorKind::BrokenPipe => Exit::Clean,
        _ => Exit::Disk,
    };
    Failure::new(exit, format!("cannot write output: {error}"))
}
