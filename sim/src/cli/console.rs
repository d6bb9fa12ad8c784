//! Where output goes, and how a command ends that could not do its work.

use std::{
    fmt::Display,
    io::{self, Write},
};

use crate::scenario::Problems;

/// Standard output and standard error, and what they can do.
pub struct Console<'a> {
    /// For accounts and results.
    pub out: &'a mut dyn Write,
    /// For complaints and progress.
    pub err: &'a mut dyn Write,
    /// Whether standard output takes colours.
    pub paint: bool,
    /// Whether standard error is a terminal that can show a progress bar.
    pub live: bool,
}

/// Why a command ends without a verdict of its own.
#[derive(Debug)]
pub(super) enum Stop {
    /// The command line makes no sense: exit 2.
    Usage(String),
    /// Scenario files are wrong: exit 10.
    Invalid(Vec<Problems>),
    /// A file that was to hold a run or an execution does not: exit 10.
    Unsound(String),
    /// Something around the simulator failed: exit 30.
    Infrastructure(String),
    /// Whoever reads our output has gone away. That is their choice: exit 0.
    NobodyReads,
}

impl Stop {
    /// Says why on standard error, and gives the exit code.
    pub(super) fn explain(self, console: &mut Console<'_>) -> u8 {
        // If even standard error is gone there is nobody to tell.
        match self {
            Self::Usage(message) => {
                let _ = writeln!(console.err, "error: {message}");
                2
            }
            Self::Invalid(list) => {
                for problems in &list {
                    let _ = writeln!(console.err, "{problems}");
                }
                let count: usize = list.iter().map(|problems| problems.list.len()).sum();
                let files = if list.len() == 1 { "file" } else { "files" };
                let errors = if count == 1 { "error" } else { "errors" };
                let _ = writeln!(
                    console.err,
                    "{count} {errors} in {} scenario {files}; nothing was run",
                    list.len()
                );
                10
            }
            Self::Unsound(message) => {
                let _ = writeln!(console.err, "error: {message}");
                10
            }
            Self::Infrastructure(message) => {
                let _ = writeln!(console.err, "error: {message}");
                30
            }
            Self::NobodyReads => 0,
        }
    }

    /// A failure of the file system, with what was tried.
    pub(super) fn file(what: impl Display, error: &io::Error) -> Self {
        Self::Infrastructure(format!("{what}: {error}"))
    }
}

impl From<io::Error> for Stop {
    /// For writing to the console.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::NobodyReads,
            _ => Self::Infrastructure(format!("cannot write output: {error}")),
        }
    }
}

/// Colours, or nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    fn wrap(self, code: &str, text: impl Display) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    pub(super) fn strong(self, text: impl Display) -> String {
        self.wrap("1", text)
    }

    pub(super) fn faint(self, text: impl Display) -> String {
        self.wrap("2", text)
    }

    pub(super) fn good(self, text: impl Display) -> String {
        self.wrap("32", text)
    }

    pub(super) fn bad(self, text: impl Display) -> String {
        self.wrap("1;31", text)
    }

    pub(super) fn warning(self, text: impl Display) -> String {
        self.wrap("33", text)
    }

    pub(super) fn note(self, text: impl Display) -> String {
        self.wrap("36", text)
    }

    /// The colour of an exit code.
    pub(super) fn by_code(self, code: u8, text: impl Display) -> String {
        match code {
            0 => self.good(text),
            24 | 25 => self.warning(text),
            _ => self.bad(text),
        }
    }
}
