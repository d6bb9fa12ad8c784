//! What a replica tells people: logs, metrics, traces, explanations. Nothing may depend on it.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::Candidate,
    checkpoint::Divergence,
    evidence::Evidence,
    time::Span,
    types::{Digest, Height, ValidatorIndex, View},
    vote::Kind,
};

/// One thing worth telling.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Event {
    /// The replica starts or restarts.
    Started {
        /// The view it resumes in.
        view: View,
        /// Its finalized height.
        height: Height,
        /// How many own statements it repeats.
        repeated: u32,
        /// Whether it may vote.
        votes: bool,
    },
    /// It enters a view.
    Entered {
        /// The view.
        view: View,
        /// Whose turn it is.
        leader: ValidatorIndex,
        /// The certificate that let it in.
        by: Kind,
        /// How long it will wait for a proposal.
        timeout: Span,
    },
    /// It gives up on a view.
    TimedOut {
        /// The view.
        view: View,
        /// Why.
        reason: TimeoutReason,
        /// Whether it may say so: not after having signed Finalize.
        nullifies: bool,
    },
    /// It proposes a block.
    Proposed {
        /// The candidate.
        candidate: Candidate,
        /// Its height.
        height: Height,
        /// Its transactions.
        transactions: u32,
    },
    /// It announces its block by short ids.
    Announced {
        /// The view.
        view: View,
        /// Bytes of the announcement.
        bytes: u32,
        /// Bytes of the block's payload.
        body_bytes: u32,
    },
    /// It lacks transactions of an announced block and asks for them.
    TransactionsMissing {
        /// The view.
        view: View,
        /// How many it lacks.
        missing: u32,
        /// Of how many.
        transactions: u32,
    },
    /// It gives a peer transactions of an announced block.
    TransactionsGiven {
        /// The view.
        view: View,
        /// How many.
        count: u32,
        /// Bytes of them.
        bytes: u32,
    },
    /// It accepts a leader's proposal as well formed.
    ProposalAccepted {
        /// The candidate.
        candidate: Candidate,
    },
    /// It holds a certificate.
    Certified {
        /// The kind.
        kind: Kind,
        /// The view.
        view: View,
        /// The candidate's id, unless the view was given up.
        id: Option<Digest>,
        /// Whether it was gathered here from votes, rather than received whole.
        gathered: bool,
    },
    /// A block is final and everything below it is durable.
    Finalized {
        /// Its height.
        height: Height,
        /// The view of its candidate.
        view: View,
        /// The block.
        block: Digest,
    },
    /// A block was executed.
    Executed {
        /// Its height.
        height: Height,
        /// The digest of the state after it.
        state: Digest,
        /// Transactions applied.
        applied: u32,
        /// Transactions failed, their fee taken.
        failed: u32,
        /// Transactions skipped, without effect.
        skipped: u32,
    },
    /// A quorum agrees on the state after a height.
    Checkpointed {
        /// The height.
        height: Height,
        /// The state's root.
        state_root: Digest,
        /// Whether it was gathered here from votes, rather than received whole.
        gathered: bool,
    },
    /// A validator signed another result than a quorum did.
    CheckpointDissent {
        /// Which.
        signer: ValidatorIndex,
        /// The height.
        height: Height,
        /// The state's root by the quorum's word.
        certified: Digest,
        /// By its word.
        theirs: Digest,
    },
    /// Finality runs ahead, and no new checkpoint is certified.
    CheckpointsOverdue {
        /// The newest certified height.
        certified: Height,
        /// The finalized height.
        finalized: Height,
    },
    /// Checkpoints keep up with finality again.
    CheckpointsResumed {
        /// The newest certified height.
        certified: Height,
    },
    /// Its results differ from those of others, or from its own: it executes nothing more.
    ExecutionHalted(Box<Divergence>),
    /// Two conflicting chains were finalized: it stops for good.
    SafetyHalt {
        /// The highest block it had taken for final.
        height: Height,
    },
    /// It holds proof of an offence.
    Evidence(Box<Evidence>),
    /// It asks for blocks it lacks.
    Fetching {
        /// Its finalized height.
        height: Height,
    },
    /// A block came by fetching, and is what was asked for.
    Fetched {
        /// The block.
        block: Digest,
        /// Its height.
        height: Height,
    },
    /// A transaction entered the mempool.
    TransactionAdmitted(Digest),
    /// A transaction was turned away.
    TransactionRefused(Digest, crate::mempool::Refusal),
}

/// Why a validator gives up on a view.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum TimeoutReason {
    /// No acceptable proposal in time.
    NoProposal,
    /// A proposal, but no certificate in time.
    NoCertificate,
    /// The leader's block can never be accepted.
    InvalidProposal,
    /// The leader gave up itself.
    LeaderNullified,
    /// The leader has been silent for long and is not waited for.
    LeaderInactive,
}
