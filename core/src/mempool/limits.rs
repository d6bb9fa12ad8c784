//! How much the mempool may hold, and how much a block may take from it.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{config::Parameters, types::Height};

/// Bytes of transactions waiting for a signature check.
pub const UNCHECKED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Bounds of the mempool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Limits {
    /// Bytes of all encoded transactions held.
    pub bytes_max: u64,
    /// Transactions held.
    pub transactions_max: u64,
    /// Transactions held of one payer.
    pub payer_transactions_max: u64,
    /// How far a nonce may be from the payer's next one, exclusive.
    pub nonce_window: u64,
    /// How far a nonce may be from the first one that is missing.
    pub parked_max: u64,
    /// Heights after which a transaction that still waits is dropped.
    pub age_max: u64,
    /// Bytes of the largest transaction: a larger one fits no block.
    pub transaction_bytes_max: u32,
    /// Payers whose next nonce and balance are remembered.
    pub accounts_max: u64,
    /// Ids of executed transactions that are remembered.
    pub recent_max: u64,
    /// Bytes waiting for a signature check, of one peer or of all clients together.
    pub unchecked_source_bytes_max: u64,
    /// Bytes waiting for a signature check in all.
    pub unchecked_bytes_max: u64,
    /// Bytes one peer may offer per second, and at once after a pause.
    pub peer_bytes_per_second: u64,
    /// See [`Self::peer_bytes_per_second`].
    pub peer_bytes_burst: u64,
}

impl Limits {
    /// The genesis's limits, and named constants for what no operator should choose.
    #[must_use]
    pub fn of(parameters: &Parameters) -> Self {
        Self {
            bytes_max: parameters.mempool_bytes_max,
            transactions_max: parameters.mempool_transactions_max,
            payer_transactions_max: 64,
            nonce_window: 64,
            parked_max: 16,
            age_max: 10_000,
            // A payload also encodes the counts of its transactions and of its evidence.
            transaction_bytes_max: parameters.payload_bytes_max.saturating_sub(8),
            accounts_max: 65_536,
            recent_max: 16_384,
            unchecked_source_bytes_max: 2 * 1024 * 1024,
            unchecked_bytes_max: UNCHECKED_BYTES_MAX,
            peer_bytes_per_second: 8 * 1024 * 1024,
            peer_bytes_burst: 8 * 1024 * 1024,
        }
    }
}

/// What one block can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// The block's height: transactions that expire below it are left out.
    pub height: Height,
    /// Bytes for the encoded list of transactions, its count included.
    pub bytes_max: u32,
    /// Transactions.
    pub transactions_max: u32,
}
