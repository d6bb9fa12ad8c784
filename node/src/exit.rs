//! How the program ends, and what it says then.
//!
//! The codes are part of the interface: service managers and scripts decide by them whether a restart
//! can help. See `docs/configuration.md`.

use std::{fmt, process::ExitCode};

/// What the process ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Clean,
    /// The command line makes no sense.
    Usage,
    /// A configuration that cannot be used.
    Config,
    /// Another chain, or a genesis that makes no sense.
    Genesis,
    /// The store is damaged, of another schema, or has to be recovered.
    Storage,
    /// A key is missing, readable by others, or would have to contradict what it promised.
    Key,
    /// Somebody else uses the home or the port.
    Busy,
    /// Nobody answers.
    Unreachable,
    /// The disk is full, or fails.
    Disk,
    /// A transaction was refused, or is final and failed; or a proof does not hold.
    Refused,
    /// Two truths about the same chain: somebody has to look before anything is done.
    SafetyHalt,
    /// A fault that a restart may mend.
    Restart,
}

impl Exit {
    /// All of them, by number.
    pub const ALL: [Self; 12] = [
        Self::Clean,
        Self::Usage,
        Self::Config,
        Self::Genesis,
        Self::Storage,
        Self::Key,
        Self::Busy,
        Self::Unreachable,
        Self::Disk,
        Self::Refused,
        Self::SafetyHalt,
        Self::Restart,
    ];

    /// What it says, for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Clean => "done, or stopped on request",
            Self::Usage => "the command line makes no sense",
            Self::Config => "the configuration cannot be used",
            Self::Genesis => "another chain, or a genesis that makes no sense",
            Self::Storage => "the database is damaged, of another schema, or has to be recovered",
            Self::Key => {
                "a key or its sign-state is missing, readable by others, or would contradict itself"
            }
            Self::Busy => "somebody else uses the home or a port",
            Self::Unreachable => "nobody answers, or not in time",
            Self::Disk => "the disk is full or fails",
            Self::Refused => {
                "a transaction was refused, or is final and failed; a proof does not hold"
            }
            Self::SafetyHalt => "two truths about one chain: a person has to look first",
            Self::Restart => "a fault of the program that a restart may mend",
        }
    }

    /// Whether starting again, with nothing else done, could go better.
    #[must_use]
    pub const fn can_restart_help(self) -> bool {
        matches!(self, Self::Busy | Self::Unreachable | Self::Restart)
    }

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Usage => 2,
            Self::Config => 10,
            Self::Genesis => 11,
            Self::Storage => 12,
            Self::Key => 13,
            Self::Busy => 14,
            Self::Unreachable => 15,
            Self::Disk => 16,
            Self::Refused => 17,
            Self::SafetyHalt => 20,
            Self::Restart => 75,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why something ends: what happened, where, and what mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The code to end with.
    pub exit: Exit,
    /// For a person.
    pub what: String,
}

impl Failure {
    /// Of a kind, with words.
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}
