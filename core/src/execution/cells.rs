//! All cells, with their digest and the ledger's totals kept up to date.
//!
//! Changes are gathered in an [`Overlay`] and committed once per block, so a cell that a block
//! touches a thousand times costs one update. Cells are never removed.

use std::{
    collections::BTreeMap,
    ops::{Add, Sub},
};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    execution::{
        cell::{Account, Cell, CellPath, System, SystemKey, element},
        lthash::LtHash,
        transition::TxEffects,
    },
    types::Digest,
};

/// Where all native tokens are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Supply {
    /// In accounts.
    pub accounts: u128,
    /// At stake.
    pub stakes: u128,
    /// Taken as fees and not given to anyone yet.
    pub fees: u128,
    /// Destroyed.
    pub burned: u128,
}

impl Supply {
    /// Everything ever issued: it never changes after the genesis.
    #[must_use]
    pub fn total(&self) -> u128 {
        self.accounts + self.stakes + self.fees + self.burned
    }

    /// What one cell holds.
    #[must_use]
    fn of(cell: &Cell) -> Self {
        let none = Self::default();
        match cell {
            Cell::Account(account) => Self { accounts: account.balance.into(), ..none },
            Cell::System(System::Stake(amount)) => Self { stakes: (*amount).into(), ..none },
            Cell::System(System::Fees(amount)) => Self { fees: (*amount).into(), ..none },
            Cell::System(System::Burned(amount)) => Self { burned: (*amount).into(), ..none },
            Cell::System(System::Offence(_)) => none,
        }
    }
}

impl Add for Supply {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            accounts: self.accounts + other.accounts,
            stakes: self.stakes + other.stakes,
            fees: self.fees + other.fees,
            burned: self.burned + other.burned,
        }
    }
}

impl Sub for Supply {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            accounts: self.accounts - other.accounts,
            stakes: self.stakes - other.stakes,
            fees: self.fees - other.fees,
            burned: self.burned - other.burned,
        }
    }
}

/// Every cell there is.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Cells {
    map: BTreeMap<CellPath, Cell>,
    hash: LtHash,
    /// Of `hash`, which is two kilobytes: most empty blocks leave it as it is.
    digest: Digest,
    supply: Supply,
}

impl Default for Cells {
    fn default() -> Self {
        let hash = LtHash::new();
        Self { map: BTreeMap::new(), digest: hash.digest(), hash, supply: Supply::default() }
    }
}

impl Cells {
    pub(super) fn read(&self, path: &CellPath) -> Option<&Cell> {
        self.map.get(path)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Cell> {
        self.map.values()
    }

    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn supply(&self) -> Supply {
        self.supply
    }

    /// Puts new values in place of old ones.
    pub(super) fn commit(&mut self, changes: BTreeMap<CellPath, Cell>) {
        let mut before = Supply::default();
        let mut after = Supply::default();
        let mut changed = false;
        for (path, cell) in changes {
            assert_eq!(path.get()[0], cell.kind().code(), "cell {path:?} cannot hold {cell:?}");
            let old = self.map.insert(path, cell);
            if old == Some(cell) {
                continue;
            }
            changed = true;
            if let Some(old) = old {
                before = before + Supply::of(&old);
                self.hash.remove(&element(&path, &old));
            }
            after = after + Supply::of(&cell);
            self.hash.add(&element(&path, &cell));
        }
        self.supply = self.supply + after - before;
        if changed {
            self.digest = self.hash.digest();
        }
    }

    /// The digest and the supply, worked out from nothing but the cells.
    pub(super) fn recomputed(&self) -> (Digest, Supply) {
        let mut hash = LtHash::new();
        let mut supply = Supply::default();
        for (path, cell) in &self.map {
            hash.add(&element(path, cell));
            supply = supply + Supply::of(cell);
        }
        (hash.digest(), supply)
    }
}

/// The cells as they will be after the block under way.
pub(super) struct Overlay<'a> {
    below: &'a Cells,
    changes: BTreeMap<CellPath, Cell>,
}

impl<'a> Overlay<'a> {
    pub(super) fn new(below: &'a Cells) -> Self {
        Self { below, changes: BTreeMap::new() }
    }

    pub(super) fn read(&self, path: &CellPath) -> Option<Cell> {
        self.changes.get(path).or_else(|| self.below.read(path)).copied()
    }

    pub(super) fn write(&mut self, path: CellPath, cell: Cell) {
        self.changes.insert(path, cell);
    }

    /// Applies one transaction's effects.
    ///
    /// # Panics
    /// If accounts gain or lose anything but the fee that the effects declare.
    pub(super) fn fold(&mut self, effects: &TxEffects) {
        let (mut gained, mut lost) = (0u128, 0u128);
        for (path, cell) in &effects.writes {
            let old = self.read(path).map_or(0, |old| Supply::of(&old).accounts);
            let new = Supply::of(cell).accounts;
            gained += new.saturating_sub(old);
            lost += old.saturating_sub(new);
            self.write(*path, *cell);
        }
        for (path, amount) in &effects.adds {
            self.credit(*path, *amount);
            gained += u128::from(*amount);
        }
        let fee = u128::from(effects.ledger.fee);
        assert_eq!(lost, gained + fee, "{lost} lost, {gained} gained, fee {fee}: {effects:?}");
    }

    /// The amount in a system counter that only grows.
    pub(super) fn total(&self, key: &SystemKey) -> u64 {
        match self.read(&CellPath::system(key)) {
            None => 0,
            Some(Cell::System(
                System::Fees(amount) | System::Burned(amount) | System::Stake(amount),
            )) => amount,
            Some(other) => panic!("{key:?} should be an amount but is {other:?}"),
        }
    }

    pub(super) fn into_changes(self) -> BTreeMap<CellPath, Cell> {
        self.changes
    }

    fn credit(&mut self, path: CellPath, amount: u64) {
        let Account { nonce, balance } = match self.read(&path) {
            None => Account::default(),
            Some(Cell::Account(account)) => account,
            Some(other) => panic!("cell {path:?} should be an account but is {other:?}"),
        };
        let balance = balance.checked_add(amount).unwrap_or_else(|| {
            panic!("{balance} + {amount} exceeds a u64, but the supply does not")
        });
        self.write(path, Cell::Account(Account { nonce, balance }));
    }
}
