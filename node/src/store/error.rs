//! What can be wrong with a store, each with what mends it and the code to end with.
//!
//! A store never repairs itself: whatever it cannot vouch for it names, and stops.

use std::path::PathBuf;

use quorate_core::{
    execution::GenesisError,
    types::{Digest, Height},
};

use crate::exit::{Exit, Failure};

/// Why the store cannot do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("{} is in use by another process; stop that one first", dir.display())]
    Busy {
        /// Where.
        dir: PathBuf,
    },
    /// The disk is full.
    #[error("the disk under {} is full ({why}); make room and start again", dir.display())]
    Full {
        /// Where.
        dir: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The disk, or the way to it, fails.
    #[error("{} cannot be read or written: {why}; check the disk and the permissions", dir.display())]
    Io {
        /// Where.
        dir: PathBuf,
        /// What the system said.
        why: String,
    },
    /// An earlier write failed. What is on disk is not known, so nothing more is written or promised.
    #[error("an earlier write failed, so nothing more is written; start again")]
    Stopped,
    /// What is stored is not what was written.
    #[error(
        "the store at {} is damaged: {what}: {why}; put back a copy of it, or follow the \
         chain anew (quorate recover)", dir.display()
    )]
    Corrupt {
        /// Where.
        dir: PathBuf,
        /// Which part of it.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Made by another version of this program.
    #[error(
        "the store at {} has the schema {found}, and this program writes {ours}; use the program it was \
         made with, or follow the chain anew (quorate recover --discard-data)", dir.display()
    )]
    Schema {
        /// Where.
        dir: PathBuf,
        /// Its schema.
        found: String,
        /// This program's.
        ours: u32,
    },
    /// Of another chain.
    #[error(
        "the store at {} is of the chain with genesis {found}, and this node is configured for {ours}; \
         use another home for another chain", dir.display()
    )]
    OtherGenesis {
        /// Where.
        dir: PathBuf,
        /// Its genesis.
        found: Digest,
        /// This node's.
        ours: Digest,
    },
    /// The genesis cannot be executed upon.
    #[error("the genesis is bad: {0}")]
    Genesis(#[from] GenesisError),
    /// The cells are not the state whose digest was stored with them.
    #[error(
        "the cells at height {height} have the root {found}, and {stored} was stored with them; {}put back a \
         copy, or follow the chain anew (quorate recover)", more(dump.as_ref())
    )]
    OtherState {
        /// The last height executed.
        height: Height,
        /// Of the cells.
        found: Digest,
        /// Stored with them.
        stored: Digest,
        /// What was written down for whoever looks into it, if anything was.
        dump: Option<PathBuf>,
    },
    /// A quorum says otherwise.
    #[error(
        "the checkpoint at height {height} is {ours} here, and a quorum certified {certified}; nothing was \
         changed; {}look into it before anything else is done", more(dump.as_ref())
    )]
    Diverged {
        /// The checkpoint's height.
        height: Height,
        /// What was computed here.
        ours: String,
        /// By the certificate.
        certified: String,
        /// What was written down for whoever looks into it, if anything was.
        dump: Option<PathBuf>,
    },
    /// The height to go back to is not remembered, or above what was executed.
    #[error(
        "the state can be taken back to heights {oldest} to {newest}, and {asked} was asked for"
    )]
    Rollback {
        /// The height asked for.
        asked: Height,
        /// The lowest that is remembered.
        oldest: Height,
        /// The last one executed.
        newest: Height,
    },
    /// There is something already where something new should go.
    #[error("{} exists already; name a place that does not", dir.display())]
    Exists {
        /// Where.
        dir: PathBuf,
    },
}

impl StoreError {
    /// Whether what is stored is not what it must be: whoever meets that must not go on. That something cannot be
    /// read at the moment is another thing, and may be for want of file descriptors.
    pub(crate) const fn is_damage(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::OtherState { .. } | Self::Diverged { .. })
    }

    /// What the process ends with because of it.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Busy { .. } => Exit::Busy,
            Self::Full { .. } | Self::Io { .. } | Self::Stopped => Exit::Disk,
            Self::Corrupt { .. } | Self::Schema { .. } | Self::OtherState { .. } => Exit::Storage,
            Self::OtherGenesis { .. } | Self::Genesis(_) => Exit::Genesis,
            Self::Diverged { .. } => Exit::SafetyHalt,
            Self::Rollback { .. } | Self::Exists { .. } => Exit::Usage,
        }
    }
}

/// Where more is said, for the middle of a sentence.
fn more(dump: Option<&PathBuf>) -> String {
    dump.map_or_else(String::new, |path| format!("{} says more; ", path.display()))
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(error.exit(), error.to_string())
    }
}
