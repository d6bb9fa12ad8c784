//! What is stored that is not one of the core's own types.

use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{
    execution::{Commitment, ExecutedBlock, Outcome},
    types::{Digest, Height},
};

/// The last height executed, and the state after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Committed {
    /// The height; zero for the genesis.
    pub height: Height,
    /// Its block; the genesis digest at height zero.
    pub block: Digest,
    /// The state after it.
    pub commitment: Commitment,
}

/// What an executed height came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ExecutedRoots {
    /// Its block; the genesis digest at height zero.
    pub block: Digest,
    /// The state after it.
    pub commitment: Commitment,
    /// The root of its receipts.
    pub receipts: Digest,
    /// The root of its messages to other chains.
    pub outbox: Digest,
}

impl ExecutedRoots {
    pub(super) fn new(block: Digest, commitment: Commitment, executed: &ExecutedBlock) -> Self {
        let (receipts, outbox) = (executed.receipts_root, executed.outbox_root);
        Self { block, commitment, receipts, outbox }
    }

    pub(super) fn committed(self, height: Height) -> Committed {
        Committed { height, block: self.block, commitment: self.commitment }
    }
}

/// Where the index says that a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Place {
    pub(super) height: Height,
    pub(super) index: u32,
    pub(super) outcome: Outcome,
}

/// Where a transaction is, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionPlace {
    /// The height of its block.
    pub height: Height,
    /// Its place in the block, from zero.
    pub index: u32,
    /// Its fate.
    pub outcome: Outcome,
}

impl From<Place> for TransactionPlace {
    fn from(Place { height, index, outcome }: Place) -> Self {
        Self { height, index, outcome }
    }
}
