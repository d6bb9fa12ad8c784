//! All cells, with their digest and the ledger's totals kept up to date.
//!
//! Changes are gathered in an overlay and committed once per block, so a cell that a block touches a
//! thousand times costs one update.

use std::{
    collections::BTreeMap,
    ops::{Add, Sub},
};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    execution::{
        cell::{Cell, CellPath, System, element},
        lthash::LtHash,
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
    pub(super) fn of(cell: &Cell) -> Self {
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

    /// Puts new cells in place of old ones, or removes them.
    pub(super) fn commit(&mut self, changes: Vec<(CellPath, Option<Cell>)>) {
        let mut before = Supply::default();
        let mut after = Supply::default();
        let mut changed = false;
        for (path, cell) in changes {
            let old = match &cell {
                Some(cell) => {
                    assert_eq!(path.get()[0], cell.kind().code(), "{path:?} cannot hold {cell:?}");
                    self.map.insert(path, cell.clone())
                }
                None => self.map.remove(&path),
            };
            if old == cell {
                continue;
            }
            changed = true;
            if let Some(old) = old {
                before = before + Supply::of(&old);
                self.hash.remove(&element(&path, &old));
            }
            if let Some(cell) = cell {
                after = after + Supply::of(&cell);
                self.hash.add(&element(&path, &cell));
            }
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
