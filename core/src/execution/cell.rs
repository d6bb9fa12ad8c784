//! The state's smallest parts: typed values under 32-byte paths.
//!
//! A path is `kind byte || last 31 bytes of blake2b-256(kind, raw key)`, so cells of one kind lie
//! together and nobody can choose where a cell lies. Nothing here knows how cells are stored. The
//! numbers of the kinds are part of the state's definition and never change.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    digest::{Domain, Hasher},
    evidence::Offence,
    transaction::Address,
    types::{Digest, Epoch, Height, ValidatorId, hex},
};

/// What a cell is about.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum CellKind {
    /// An account: nonce and native balance.
    Account = 1,
    /// Something the chain keeps for itself.
    System = 8,
}

impl CellKind {
    /// The first byte of the paths of this kind.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Account => 1,
            Self::System => 8,
        }
    }
}

/// Where a cell lies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct CellPath([u8; 32]);

impl CellPath {
    /// The path of an account.
    #[must_use]
    pub fn account(address: &Address) -> Self {
        Self::of(CellKind::Account, address)
    }

    /// The path of a system cell.
    #[must_use]
    pub fn system(key: &SystemKey) -> Self {
        Self::of(CellKind::System, key)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn get(&self) -> &[u8; 32] {
        &self.0
    }

    /// A path that was made here before.
    pub(super) const fn from_raw(raw: [u8; 32]) -> Self {
        Self(raw)
    }

    fn of<K: BorshSerialize>(kind: CellKind, key: &K) -> Self {
        let digest = Hasher::new(Domain::CellPath).value(&kind).value(key).finish();
        let mut raw = *digest.get();
        raw[0] = kind.code();
        Self(raw)
    }
}

impl fmt::Debug for CellPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0[..5], f)
    }
}

/// An account that exists: it was paid, or has paid, at least once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// The nonce its next transaction must carry: how many it has executed.
    pub nonce: u64,
    /// Native tokens, in the smallest unit.
    pub balance: u64,
}

/// The raw key of a system cell.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum SystemKey {
    /// All fees ever taken.
    Fees = 1,
    /// All tokens ever destroyed.
    Burned = 2,
    /// What a validator has at stake.
    Stake(ValidatorId) = 3,
    /// A validator's offence, once per epoch and kind.
    Offence(ValidatorId, Epoch, Offence) = 4,
}

/// A system cell's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum System {
    /// All fees ever taken.
    Fees(u64) = 1,
    /// All tokens ever destroyed.
    Burned(u64) = 2,
    /// What a validator has at stake; zero once slashed.
    Stake(u64) = 3,
    /// An offence that was proven on chain.
    Offence(OffenceRecord) = 4,
}

/// A proven offence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct OffenceRecord {
    /// Who.
    pub validator: ValidatorId,
    /// When it happened.
    pub epoch: Epoch,
    /// What it was.
    pub offence: Offence,
    /// The block that brought the evidence.
    pub height: Height,
    /// The stake destroyed for it: all there was, so zero for every offence but the first.
    pub slashed: u64,
}

/// One cell's value. Its encoding begins with the code of its kind.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Cell {
    /// An account.
    Account(Account) = 1,
    /// A system cell.
    System(System) = 8,
}

impl Cell {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> CellKind {
        match self {
            Self::Account(_) => CellKind::Account,
            Self::System(_) => CellKind::System,
        }
    }

    /// The cell after `amount` was added to it; one that does not exist is created.
    ///
    /// # Panics
    /// If cells at `path` hold no amount that may be added to unseen, or the sum exceeds a `u64`:
    /// access sets and capped supplies rule both out.
    #[must_use]
    pub fn credited(cell: Option<Self>, path: &CellPath, amount: u64) -> Self {
        let Account { nonce, balance } = match cell {
            None => Account::default(),
            Some(Self::Account(account)) => account,
            Some(other) => panic!("cell {path:?} should be an account but is {other:?}"),
        };
        let balance = balance.checked_add(amount).unwrap_or_else(|| {
            panic!("{balance} + {amount} exceeds a u64, but the supply does not")
        });
        Self::Account(Account { nonce, balance })
    }
}

/// Stands for one cell at one path wherever the state is committed to.
#[must_use]
pub fn element(path: &CellPath, cell: &Cell) -> Digest {
    Hasher::new(Domain::CellValue).value(path).value(cell).finish()
}
