//! Why a key does not sign.
//!
//! Whatever is wrong with the record of what a key has promised, the answer is the same: the key signs
//! nothing. What mends it is in the words.

use std::path::PathBuf;

use quorate_core::{crypto::PublicKey, signer::Refusal, types::Digest};

use crate::exit::{Exit, Failure};

/// Why the signer cannot do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// There is no sign-state beside the key.
    #[error(
        "there is no sign-state at {}; a key without it may have signed anything, so it signs nothing. Put \
         back the newest copy if no other machine has used the key since, or join again with a fresh key \
         (quorate recover)", path.display()
    )]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// Nothing says what a key without a home has signed.
    #[error(
        "there is no {} to say that the key {} was never used, so it may have signed anything. For a new \
         key `quorate key gen --consensus` writes one. Of a key that has voted, put the sign-state of the \
         home that it voted in last there under this name, if no other machine has used it since. If that is \
         lost, follow without voting (--mode full), or join with a new key (quorate recover)",
        path.display(), key_file.display()
    )]
    Unaccompanied {
        /// Where it should be.
        path: PathBuf,
        /// The key.
        key_file: PathBuf,
    },
    /// There is one already.
    #[error("{} exists already, and what a key has promised is never overwritten", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// It is not what was written, or an older version of it.
    #[error(
        "the sign-state at {} is damaged: {why}; its key signs nothing any more. Join again with a fresh \
         key (quorate recover)", path.display()
    )]
    Damaged {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It is of another key.
    #[error(
        "the sign-state at {} is of the key {}, and this key is {}; put each beside its own", path.display(),
        hex::encode(found.get()), hex::encode(ours.get())
    )]
    OtherKey {
        /// Where.
        path: PathBuf,
        /// Its key.
        found: PublicKey,
        /// The key that should sign.
        ours: PublicKey,
    },
    /// It is of another chain.
    #[error(
        "the sign-state at {} is of the chain with genesis {found}, and this node is configured for {ours}; \
         use another home for another chain", path.display()
    )]
    OtherGenesis {
        /// Where.
        path: PathBuf,
        /// Its genesis.
        found: Digest,
        /// This node's.
        ours: Digest,
    },
    /// Others than its owner can read or write it.
    #[error("{} has the mode {mode:o}; let nobody else touch it (chmod 600)", path.display())]
    Exposed {
        /// Where.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another process signs with it.
    #[error("{} is in use by another process; stop that one first", path.display())]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// The key is nobody's in the committee.
    #[error(
        "the key {} is not in the committee of the genesis; run a full node with it, or use a member's key",
        hex::encode(.0.get())
    )]
    NotMember(PublicKey),
    /// What was asked could contradict what was promised. The replica is wrong, or two nodes share a key.
    #[error("the signer refuses: {0}; see that no other node uses this key, and report this")]
    Refused(#[from] Refusal),
    /// The disk fails.
    #[error("{} cannot be read or written: {why}; check the disk and the permissions", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// An earlier write failed. What is on disk is not known, so nothing is signed.
    #[error("an earlier write of the sign-state failed, so nothing is signed; start again")]
    Stopped,
}

impl SignerError {
    /// What the process ends with because of it.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Missing { .. }
            | Self::Unaccompanied { .. }
            | Self::Exists { .. }
            | Self::Damaged { .. }
            | Self::OtherKey { .. }
            | Self::OtherGenesis { .. }
            | Self::Exposed { .. }
            | Self::NotMember(_)
            | Self::Refused(_) => Exit::Key,
            Self::InUse { .. } => Exit::Busy,
            Self::Io { .. } | Self::Stopped => Exit::Disk,
        }
    }
}

impl From<SignerError> for Failure {
    fn from(error: SignerError) -> Self {
        Self::new(error.exit(), error.to_string())
    }
}
