//! What becomes of transactions and blocks.
//!
//! An invalid transaction is never an error of its block: it is skipped, or fails at its payer's
//! cost. The reasons' numbers are stable: clients and stored receipts keep them.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    digest::{Domain, digest_of},
    execution::{cell::CellPath, commitment::Commitment},
    merkle,
    transaction::{Address, TransferFault},
    types::{Digest, Height},
};

/// What came of a block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ExecutedBlock {
    /// Its height.
    pub height: Height,
    /// The root of the state after it.
    pub state: Digest,
    /// The order-free digest of the same state: wherever the roots agree, so must these.
    pub lanes: Digest,
    /// The root of the list of receipts: one per transaction, in block order.
    pub receipts_root: Digest,
    /// The root of the list of messages to other chains, of which there are none yet.
    pub outbox_root: Digest,
    /// The id and fate of every transaction, in block order.
    pub outcomes: Vec<(Digest, Outcome)>,
    /// How every payer of the block stands now, ascending by address.
    pub payers: Vec<Standing>,
    /// The native tokens in every account that the block changed, ascending by path.
    pub balances: Vec<(CellPath, u64)>,
}

/// What whoever holds an account's waiting transactions should know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Standing {
    /// The account.
    pub address: Address,
    /// The nonce that its next transaction must carry.
    pub nonce: u64,
    /// Its native tokens, in the smallest unit.
    pub balance: u64,
}

impl ExecutedBlock {
    /// What came of a block, from its parts.
    #[must_use]
    pub fn new(
        height: Height,
        commitment: &Commitment,
        outcomes: Vec<(Digest, Outcome)>,
        payers: Vec<Standing>,
        balances: Vec<(CellPath, u64)>,
    ) -> Self {
        Self {
            height,
            state: commitment.root,
            lanes: commitment.lanes,
            receipts_root: merkle::root(&receipts(&outcomes)),
            outbox_root: merkle::root(&[]),
            outcomes,
            payers,
            balances,
        }
    }

    /// The leaves of [`Self::receipts_root`], for proofs.
    #[must_use]
    pub fn receipts(&self) -> Vec<Digest> {
        receipts(&self.outcomes)
    }

    /// How many transactions were applied, failed and skipped.
    ///
    /// # Panics
    /// If there are more than `u32::MAX`; a block holds ten thousand.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let count = |wanted: fn(&Outcome) -> bool| {
            let found = self.outcomes.iter().filter(|(_, outcome)| wanted(outcome)).count();
            u32::try_from(found).expect("a block holds at most ten thousand transactions")
        };
        Counts {
            applied: count(|outcome| matches!(outcome, Outcome::Applied)),
            failed: count(|outcome| matches!(outcome, Outcome::Failed(_))),
            skipped: count(|outcome| matches!(outcome, Outcome::Skipped(_))),
        }
    }
}

/// One digest per transaction: of its id and its fate.
fn receipts(outcomes: &[(Digest, Outcome)]) -> Vec<Digest> {
    outcomes.iter().map(|outcome| digest_of(Domain::Receipt, outcome)).collect()
}

/// How many transactions of a block met which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Done.
    pub applied: u32,
    /// Nonce and fee taken, nothing else.
    pub failed: u32,
    /// No effect at all.
    pub skipped: u32,
}

/// What became of one transaction.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Outcome {
    /// Done.
    Applied = 0,
    /// The nonce is used up and the fee taken; nothing else happened.
    Failed(Failure) = 1,
    /// Nothing happened: no fee, and the nonce may still be used.
    Skipped(Skip) = 2,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied => f.write_str("applied"),
            Self::Failed(reason) => write!(f, "failed: {}", reason.name()),
            Self::Skipped(reason) => write!(f, "skipped: {}", reason.name()),
        }
    }
}

/// Why a transaction failed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Failure {
    /// The payer can pay the fee but not the amounts as well.
    InsufficientBalance = 1,
    /// The amounts and the fee do not add up to a `u64`.
    AmountOverflow = 2,
    /// Nobody to pay.
    NoOutputs = 3,
    /// An output of nothing.
    ZeroAmount = 4,
}

impl Failure {
    /// A stable name, for people and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InsufficientBalance => "insufficient-balance",
            Self::AmountOverflow => "amount-overflow",
            Self::NoOutputs => "no-outputs",
            Self::ZeroAmount => "zero-amount",
        }
    }
}

impl From<TransferFault> for Failure {
    fn from(fault: TransferFault) -> Self {
        match fault {
            TransferFault::NoOutputs => Self::NoOutputs,
            TransferFault::ZeroAmount => Self::ZeroAmount,
            TransferFault::Overflow => Self::AmountOverflow,
        }
    }
}

/// Why a transaction was skipped.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Skip {
    /// An encoding version this chain does not know.
    UnknownVersion = 1,
    /// Signed for another chain.
    WrongChain = 2,
    /// The block is above `valid_until`.
    Expired = 3,
    /// The keys that sign may not act for the payer.
    WrongKeys = 4,
    /// The payer's nonce has moved past this one.
    NonceUsed = 5,
    /// An earlier transaction of the payer is missing.
    NonceGap = 6,
    /// The payer has used its last nonce.
    NonceExhausted = 7,
    /// The payer cannot even pay the fee.
    CannotPay = 8,
}

impl Skip {
    /// A stable name, for people and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownVersion => "unknown-version",
            Self::WrongChain => "wrong-chain",
            Self::Expired => "expired",
            Self::WrongKeys => "wrong-keys",
            Self::NonceUsed => "nonce-used",
            Self::NonceGap => "nonce-gap",
            Self::NonceExhausted => "nonce-exhausted",
            Self::CannotPay => "cannot-pay",
        }
    }
}
