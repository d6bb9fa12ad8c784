//! What a transaction may touch, and the cells it was given.
//!
//! An access set follows from a transaction's bytes and id alone, never from the state, so conflicts
//! are known before anything runs. Nothing here executes: schedulers order transactions by these
//! sets, and the transition reads nothing but what they declare.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    execution::{
        cell::{Cell, CellPath},
        transition::declare,
    },
    transaction::Transaction,
    types::Digest,
};

/// How a transaction uses a cell.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Access {
    /// Adds to its amount without seeing it. Cannot fail, since supplies are capped when issued.
    Add = 1,
    /// Reads it.
    Read = 2,
    /// Reads, replaces, creates or removes it, and may add to it besides.
    Write = 3,
}

impl Access {
    /// Whether two transactions that use one cell like this must keep their order.
    #[must_use]
    pub fn conflicts(self, other: Self) -> bool {
        self == Self::Write || self != other
    }

    /// One use that allows both: reading and adding together is as good as writing.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        if self == other { self } else { Self::Write }
    }

    /// Whether the cell's value may be seen.
    #[must_use]
    pub fn is_readable(self) -> bool {
        self != Self::Add
    }
}

/// A use of a cell that the access set does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cell {0:?} is used but not declared for this use")]
pub struct Undeclared(pub CellPath);

/// Every cell a transaction may use, each once, ascending by path, with the use that allows all it
/// declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessSet {
    entries: Vec<(CellPath, Access)>,
    /// Where each declaration, in the order they were made, ended up among the entries.
    declared: Vec<u32>,
}

impl AccessSet {
    /// Sorts and merges declarations.
    ///
    /// # Panics
    /// If there are more than `u32::MAX`; a transaction's length rules that out.
    #[must_use]
    pub fn new(declarations: &[(CellPath, Access)]) -> Self {
        let mut entries = declarations.to_vec();
        entries.sort_unstable();
        entries.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = kept.1.merged(next.1);
            }
            same
        });
        let mut set = Self { entries, declared: Vec::new() };
        let index = |(path, _): &(CellPath, Access)| {
            let position = set.position(path).expect("every declaration became an entry");
            u32::try_from(position).expect("a transaction has few accesses")
        };
        set.declared = declarations.iter().map(index).collect();
        set
    }

    /// The cells and their uses, ascending by path.
    #[must_use]
    pub fn entries(&self) -> &[(CellPath, Access)] {
        &self.entries
    }

    /// Where a cell stands among the entries.
    #[must_use]
    pub fn position(&self, path: &CellPath) -> Option<usize> {
        self.entries.binary_search_by(|(entry, _)| entry.cmp(path)).ok()
    }

    /// The allowed use of a cell.
    #[must_use]
    pub fn access(&self, path: &CellPath) -> Option<Access> {
        self.position(path).map(|position| self.entries[position].1)
    }

    /// The path of the `nth` declaration, as [`declare`] made them. Paths are hashes: looking one up
    /// costs a hundredth of working it out again.
    #[must_use]
    pub fn declared(&self, nth: usize) -> Option<&CellPath> {
        let position = usize::try_from(*self.declared.get(nth)?).ok()?;
        self.entries.get(position).map(|(path, _)| path)
    }
}

/// A transaction with everything about it that is worked out once.
#[derive(Clone, Debug)]
pub struct Prepared<'a> {
    /// The transaction's id.
    pub id: Digest,
    /// The transaction.
    pub transaction: &'a Transaction,
    /// What it may touch.
    pub access: AccessSet,
}

impl<'a> Prepared<'a> {
    /// Hashes the id and works out the access set.
    #[must_use]
    pub fn new(transaction: &'a Transaction) -> Self {
        let id = transaction.id();
        let access = AccessSet::new(&declare(transaction, &id));
        Self { id, transaction, access }
    }
}

/// The cells a transaction may read, as they are when its turn comes.
///
/// One per entry of its access set; those it may only add to are not there to be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots<'a> {
    cells: Vec<Option<&'a Cell>>,
}

impl<'a> Slots<'a> {
    /// Loads what `set` allows to be read. `read` is asked once per readable entry, in order.
    #[must_use]
    pub fn load(set: &AccessSet, mut read: impl FnMut(&CellPath) -> Option<&'a Cell>) -> Self {
        let load = |(path, access): &(CellPath, Access)| {
            access.is_readable().then(|| read(path)).flatten()
        };
        Self { cells: set.entries().iter().map(load).collect() }
    }

    /// One cell per entry of an access set, `None` where it may not be read.
    pub(super) fn of(cells: impl Iterator<Item = Option<&'a Cell>>) -> Self {
        Self { cells: cells.collect() }
    }

    /// A cell; `None` if there is none at that path.
    ///
    /// # Errors
    /// If `set`, from which the slots were loaded, does not allow it to be read.
    pub fn get(&self, set: &AccessSet, path: &CellPath) -> Result<Option<&'a Cell>, Undeclared> {
        let position = set.position(path).ok_or(Undeclared(*path))?;
        if !set.entries()[position].1.is_readable() {
            return Err(Undeclared(*path));
        }
        assert_eq!(self.cells.len(), set.entries().len(), "slots of another access set");
        Ok(self.cells[position])
    }
}

#[cfg(test)]
mod tests;
