//! What becomes of transactions and blocks.
//!
//! An invalid transaction is never an error of its block: it is skipped, or fails at its payer's
//! cost. The reasons' numbers are stable: clients and stored receipts keep them.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    checkpoint::Checkpoint,
    digest::{Domain, digest_of},
    execution::{cell::CellPath, commitment::Commitment},
    merkle,
    transaction::{Address, CoinId, Fault, Signers},
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
    /// How every payer of the block stands now, ascending by address: the accounts, and the owners of
    /// the coins that pay. Those of skipped transactions too, so that whoever did not know why they had
    /// to be skipped knows it now.
    pub payers: Vec<Standing>,
    /// The native tokens in every account that the block changed, ascending by path.
    pub balances: Vec<(CellPath, u64)>,
    /// The coins that it spent, ascending.
    pub spent: Vec<CoinId>,
    /// The checkpoint of this height, if there is one.
    pub checkpoint: Option<Checkpoint>,
}

/// What whoever holds an account's waiting transactions should know of it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Standing {
    /// The account.
    pub address: Address,
    /// The nonce that its next transaction must carry.
    pub nonce: u64,
    /// Its native tokens, in the smallest unit.
    pub balance: u64,
    /// Whose signatures it takes; `None` if its own key's.
    pub signers: Option<Signers>,
}

impl ExecutedBlock {
    /// What came of a block that spent no coins, from its parts.
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
            spent: Vec::new(),
            checkpoint: None,
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

/// Something about a transaction that its bytes and its outcome do not tell.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Detail {
    /// Native tokens that came back to the payer, from unfreezing or a deleted object.
    Returned(u64) = 1,
    /// The version that all objects it changed or made have now.
    Version(u64) = 2,
}

/// Why a transaction failed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Failure {
    /// It could not be carried out in any state.
    Malformed(Fault) = 1,
    /// It touches a cell that it does not declare, or not for this use.
    UndeclaredAccess = 2,
    /// The payer can pay the fee but does not hold the amounts as well.
    InsufficientBalance = 3,
    /// There is no such asset.
    UnknownAsset = 4,
    /// Only an asset's issuer may issue more of it.
    NotIssuer = 5,
    /// More would be issued than the asset's cap.
    AboveCap = 6,
    /// Less is frozen than is to be unfrozen.
    NotFrozen = 7,
    /// As many amounts are unfreezing as may be.
    TooManyUnfreezing = 8,
    /// Nothing can be withdrawn yet.
    NothingToWithdraw = 9,
    /// The account has no signers to clear.
    NoSigners = 10,
    /// A coin does not exist, or was spent.
    MissingCoin = 11,
    /// A coin or an object is somebody else's.
    NotOwner = 12,
    /// Of some asset, not as much goes out as comes in.
    Unbalanced = 13,
    /// An object does not exist.
    MissingObject = 14,
    /// An object has moved on from that version.
    StaleVersion = 15,
    /// An object is named as shared, but an account owns it.
    NotShared = 16,
    /// An object is frozen for ever.
    FrozenObject = 17,
    /// An object was deleted by an earlier action.
    ObjectGone = 18,
}

impl Failure {
    /// A stable name, for people and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed(fault) => fault.name(),
            Self::UndeclaredAccess => "undeclared-access",
            Self::InsufficientBalance => "insufficient-balance",
            Self::UnknownAsset => "unknown-asset",
            Self::NotIssuer => "not-issuer",
            Self::AboveCap => "above-asset-cap",
            Self::NotFrozen => "not-frozen",
            Self::TooManyUnfreezing => "too-many-unfreezing",
            Self::NothingToWithdraw => "nothing-to-withdraw",
            Self::NoSigners => "no-signers",
            Self::MissingCoin => "missing-coin",
            Self::NotOwner => "not-owner",
            Self::Unbalanced => "unbalanced",
            Self::MissingObject => "missing-object",
            Self::StaleVersion => "stale-version",
            Self::NotShared => "not-shared",
            Self::FrozenObject => "frozen-object",
            Self::ObjectGone => "object-gone",
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Malformed(fault)
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
    /// Coins cannot pay for this, or not in this way.
    UnfitPayer = 9,
    /// The payer takes the signatures of its signers only, and the body does not say so.
    NeedsMultiSig = 10,
    /// The body says that the payer has signers, but it has none.
    NotMultiSig = 11,
    /// The payer does not have the energy that the fee takes.
    NoEnergy = 12,
    /// It would have failed, and coins pay for it, which stay unspent: so there is nobody to charge.
    Uncharged(Failure) = 13,
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
            Self::UnfitPayer => "unfit-payer",
            Self::NeedsMultiSig => "needs-multisig",
            Self::NotMultiSig => "not-multisig",
            Self::NoEnergy => "no-energy",
            Self::Uncharged(reason) => reason.name(),
        }
    }
}
