//! What can be owned in amounts: the chain's own tokens, and whatever accounts have issued.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::Bounded,
    transaction::{Address, Fault},
    types::Digest,
};

/// An issued asset's name: the id of the transaction that created it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct AssetId(Digest);

impl AssetId {
    /// The asset that the transaction with this id creates, if it creates one.
    #[must_use]
    pub const fn of_transaction(id: Digest) -> Self {
        Self(id)
    }

    /// The raw digest.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

/// What an amount is an amount of.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Asset {
    /// The chain's own tokens, which pay fees.
    Native = 0,
    /// An asset that an account issued.
    Issued(AssetId) = 1,
}

/// So much of something.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Amount {
    /// Of what.
    pub asset: Asset,
    /// How much, in its smallest unit.
    pub amount: u64,
}

/// One credit to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Output {
    /// Who receives.
    pub to: Address,
    /// Of what.
    pub asset: Asset,
    /// How much, in its smallest unit.
    pub amount: u64,
}

impl Output {
    /// Native tokens for somebody.
    #[must_use]
    pub const fn native(to: Address, amount: u64) -> Self {
        Self { to, asset: Asset::Native, amount }
    }
}

/// Refuses an amount of nothing.
pub(super) fn check_amounts(mut amounts: impl Iterator<Item = u64>) -> Result<(), Fault> {
    if amounts.any(|amount| amount == 0) { Err(Fault::ZeroAmount) } else { Ok(()) }
}

/// The sum.
pub(super) fn sum(mut amounts: impl Iterator<Item = u64>) -> Result<u64, Fault> {
    amounts.try_fold(0, u64::checked_add).ok_or(Fault::AmountOverflow)
}
/// Refuses a list that is not strictly ascending: one that is unsorted, or repeats itself.
pub(super) fn check_ascending<T: Ord, const MAX: usize>(
    items: &Bounded<T, MAX>,
) -> Result<(), Fault> {
    if items.is_sorted_by(|a, b| a < b) { Ok(()) } else { Err(Fault::NotAscending) }
}
