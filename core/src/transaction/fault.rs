//! What is wrong with a transaction whatever the state is.

use borsh::{BorshDeserialize, BorshSerialize};

/// Why a transaction can never do what it says. The numbers are stable: clients and stored receipts
/// keep them.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    thiserror::Error,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Fault {
    /// Nobody to pay, or nothing to do.
    #[error("there is nothing to do: no output, no action")]
    NoOutputs = 1,
    /// An amount of nothing.
    #[error("an amount is zero")]
    ZeroAmount = 2,
    /// Amounts of one asset, with the fee, do not add up to a `u64`.
    #[error("the amounts exceed 2^64 - 1")]
    AmountOverflow = 3,
    /// A list that must be strictly ascending is not: something is repeated or out of order.
    #[error("a list is not strictly ascending: it is out of order, or repeats itself")]
    NotAscending = 4,
    /// A threshold of zero, or above the number of signers.
    #[error("the threshold is not from one to the number of signers")]
    BadThreshold = 5,
    /// More decimals than any asset may have.
    #[error("the asset has too many decimals")]
    TooManyDecimals = 6,
    /// More is issued than the cap allows.
    #[error("more is issued than the asset's own cap")]
    AboveCap = 7,
    /// An action on an input that is not there.
    #[error("an action names an input that is not there")]
    NoSuchInput = 8,
    /// An action changes an input that is only read.
    #[error("an action changes an input that is only read")]
    ReadOnlyInput = 9,
}

impl Fault {
    /// A stable name, for people and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoOutputs => "no-outputs",
            Self::ZeroAmount => "zero-amount",
            Self::AmountOverflow => "amount-overflow",
            Self::NotAscending => "not-ascending",
            Self::BadThreshold => "bad-threshold",
            Self::TooManyDecimals => "too-many-decimals",
            Self::AboveCap => "above-cap",
            Self::NoSuchInput => "no-such-input",
            Self::ReadOnlyInput => "read-only-input",
        }
    }
}
