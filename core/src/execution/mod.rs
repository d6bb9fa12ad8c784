//! Execution of finalized blocks over the state.
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::Block,
    config::Genesis,
    transaction::Address,
    types::{Digest, Height},
};

/// The state, as the driver's execution lane owns it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ExecutionState {
    height: Height,
}

impl ExecutionState {
    /// The state of the genesis.
    #[must_use]
    pub fn new(_genesis: &Genesis) -> Self {
        Self { height: Height::ZERO }
    }
    /// The last height executed.
    #[must_use]
    pub fn height(&self) -> Height {
        self.height
    }
    /// Executes the next block.
    pub fn execute(&mut self, block: &Block) -> ExecutedBlock {
        self.height = block.header().height;
        ExecutedBlock {
            height: self.height,
            state: Digest::ZERO,
            outcomes: Vec::new(),
            nonces: Vec::new(),
        }
    }
}

/// What came of a block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ExecutedBlock {
    /// Its height.
    pub height: Height,
    /// The digest of the state after it.
    pub state: Digest,
    /// One per transaction, in block order.
    pub outcomes: Vec<(Digest, Outcome)>,
    /// The next nonce of every payer in the block.
    pub nonces: Vec<(Address, u64)>,
}

/// What became of one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Outcome {
    /// Done.
    Applied,
}
