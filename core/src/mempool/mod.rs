//! Transactions waiting for a block.
use borsh::{BorshDeserialize, BorshSerialize};

/// Why a transaction was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Refusal {
    /// Held already.
    Duplicate,
}
