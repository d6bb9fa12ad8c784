//! What a checkpoint says.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::types::{Digest, Epoch, Height};

/// "After this height the state is this, and this is what happened since the last checkpoint."
///
/// Whoever trusts the committee needs nothing else to judge any account, receipt or outgoing transfer:
/// each is proven by a path to one of the roots.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Checkpoint {
    /// The epoch of the block.
    pub epoch: Epoch,
    /// The height executed last.
    pub height: Height,
    /// The block at that height.
    pub block: Digest,
    /// Commits to every cell of the state.
    pub state_root: Digest,
    /// Merkle root over the receipt roots of all heights since the previous checkpoint.
    pub receipts_root: Digest,
    /// Merkle root over the outbox roots of the same heights.
    pub outbox_root: Digest,
    /// The committee whose members sign this.
    pub committee: Digest,
    /// The next epoch's committee, if the block ends its epoch.
    pub next_committee: Option<Digest>,
}

/// Whose word stands against what was computed here.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum Source {
    /// This validator's own signature of an earlier life: the same block gave another result then.
    OwnPromise,
    /// Validators that together weigh a third or more.
    Votes,
    /// A quorum.
    Certificate,
}

/// Two results of one height: everything needed to find the block that gave them.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Divergence {
    /// What was computed here.
    pub ours: Checkpoint,
    /// What it should be, or what others say it is.
    pub theirs: Checkpoint,
    /// Whose word that is.
    pub source: Source,
}
