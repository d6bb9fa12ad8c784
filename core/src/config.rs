//! What a replica is told at birth: the genesis everybody shares, and who it is itself.

use std::num::NonZeroU64;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    committee::{Committee, CommitteeError, Member},
    digest::{Domain, digest_of},
    random::Seed,
    time::{Span, UnixMillis},
    transaction::Address,
    types::{ChainId, Digest, PeerId, ValidatorId},
};

/// Timing and limits. Equal on every validator: part of the genesis.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Parameters {
    /// Lower clamp of the adaptive delay D.
    pub delay_min: Span,
    /// Upper clamp of D, and its value until enough views were measured.
    pub delay_max: Span,
    /// Ceiling of the growing timers.
    pub timeout_max: Span,
    /// First pause of a standstill before own votes are resent; grows by half to five times.
    pub retry_base: Span,
    /// Pause between heartbeats, before jitter.
    pub status_interval: Span,
    /// A leader not heard from for this long may be skipped.
    pub skip_after: Span,
    /// How long a leader with nothing to propose waits; zero is as fast as it goes.
    pub idle_block_interval: Span,
    /// How far ahead of the own wall clock a block's timestamp may be.
    pub timestamp_ahead_max: Span,
    /// Bytes of the largest payload.
    pub payload_bytes_max: u32,
    /// Transactions in the largest payload.
    pub transactions_max: u32,
    /// Bytes the mempool may hold.
    pub mempool_bytes_max: u64,
    /// Transactions the mempool may hold.
    pub mempool_transactions_max: u64,
    /// A checkpoint is made at every multiple of this height.
    pub checkpoint_interval: NonZeroU64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            delay_min: Span::from_millis(100),
            delay_max: Span::from_millis(500),
            timeout_max: Span::from_millis(30_000),
            retry_base: Span::from_millis(1_000),
            status_interval: Span::from_millis(1_000),
            skip_after: Span::from_millis(10_000),
            idle_block_interval: Span::from_millis(200),
            timestamp_ahead_max: Span::from_millis(2_000),
            payload_bytes_max: 1024 * 1024,
            transactions_max: 10_000,
            mempool_bytes_max: 64 * 1024 * 1024,
            mempool_transactions_max: 100_000,
            checkpoint_interval: NonZeroU64::new(8).expect("not zero"),
        }
    }
}

/// An account's opening balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GenesisAccount {
    /// Whose.
    pub address: Address,
    /// Native tokens, in the smallest unit.
    pub balance: u64,
}

/// The document a chain starts from. Its digest is the parent of the first block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// The chain.
    pub chain_id: ChainId,
    /// The first block's timestamp is greater than this.
    pub timestamp: UnixMillis,
    /// The first epoch's committee.
    pub validators: Vec<Member>,
    /// Opening balances.
    pub accounts: Vec<GenesisAccount>,
    /// Timing and limits.
    pub parameters: Parameters,
}

impl Genesis {
    /// Commits to all of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest_of(Domain::Genesis, self)
    }

    /// The first epoch's committee.
    ///
    /// # Errors
    /// If the validators are not a committee.
    pub fn committee(&self) -> Result<Committee, CommitteeError> {
        Committee::new(self.validators.clone())
    }

    /// The seed of the first epoch's leader schedule.
    #[must_use]
    pub fn epoch_seed(&self) -> Seed {
        Seed::new(*self.digest().get()).fork("epoch", 0)
    }
}

/// What one replica is told at birth.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Config {
    /// What everybody shares.
    pub genesis: Genesis,
    /// The validator whose keys the driver holds; `None` for a node that only follows.
    pub validator: Option<ValidatorId>,
    /// Its name on the network.
    pub peer: PeerId,
}
