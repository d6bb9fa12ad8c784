//! The cells of the block under way: what they were before it and what they are now.
//!
//! Made from the cells that a block's plan names, so nothing is looked up below it while transactions
//! run. Only slots whose two values differ are changes: a cell created and removed within one block
//! leaves no trace, and one changed back costs nothing.

use crate::{
    execution::cell::{Cell, CellPath, System, SystemKey},
    transaction::Amount,
};

/// One cell of the block under way.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    /// Before the block.
    base: Option<Cell>,
    /// After what has been folded so far.
    now: Option<Cell>,
}

/// The cells of the block under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Overlay {
    /// Ascending, each once.
    paths: Vec<CellPath>,
    slots: Vec<Slot>,
}

impl Overlay {
    /// Of cells as they are before the block.
    ///
    /// # Panics
    /// If there is not exactly one value per path, the paths are not ascending, or a value cannot lie
    /// at its path: executing on cells that were not read would split the chain.
    pub(super) fn new(paths: Vec<CellPath>, cells: Vec<Option<Cell>>) -> Self {
        assert_eq!(cells.len(), paths.len(), "one value per path");
        assert!(paths.is_sorted_by(|a, b| a < b), "paths ascend without repetition");
        for (path, cell) in paths.iter().zip(&cells) {
            let fits = cell.as_ref().is_none_or(|cell| cell.kind().code() == path.get()[0]);
            assert!(fits, "{path:?} cannot hold {cell:?}");
        }
        let slots = cells.into_iter().map(|cell| Slot { now: cell.clone(), base: cell }).collect();
        Self { paths, slots }
    }

    /// The cell at a place among the paths.
    pub(super) fn at(&self, slot: usize) -> Option<&Cell> {
        self.slots[slot].now.as_ref()
    }

    /// Replaces or removes the cell at a place among the paths.
    pub(super) fn replace(&mut self, slot: usize, cell: Option<Cell>) {
        self.slots[slot].now = cell;
    }

    /// Adds to the cell at a place among the paths.
    pub(super) fn credit(&mut self, slot: usize, amount: &Amount) {
        let now = &mut self.slots[slot].now;
        *now = Some(Cell::credited(now.take(), &self.paths[slot], amount));
    }

    /// The cell at a path.
    ///
    /// # Panics
    /// If the path is none of the block's: see [`Self::place`].
    pub(super) fn read(&self, path: &CellPath) -> Option<&Cell> {
        self.at(self.place(path))
    }

    /// Puts a cell in place at a path, or removes it.
    ///
    /// # Panics
    /// If the path is none of the block's.
    pub(super) fn write(&mut self, path: &CellPath, cell: Option<Cell>) {
        let slot = self.place(path);
        self.replace(slot, cell);
    }

    /// The amount in a system counter.
    pub(super) fn total(&self, key: &SystemKey) -> u64 {
        match self.read(&CellPath::system(key)) {
            None => 0,
            Some(Cell::System(
                System::Fees(amount) | System::Burned(amount) | System::Stake(amount),
            )) => *amount,
            Some(other) => panic!("{key:?} should be an amount but is {other:?}"),
        }
    }

    /// Cells that differ from before the block, ascending by path, with both values.
    pub(super) fn changed(
        &self,
    ) -> impl Iterator<Item = (&CellPath, Option<&Cell>, Option<&Cell>)> {
        let pairs = self.paths.iter().zip(&self.slots);
        let changed = pairs.filter(|(_, slot)| slot.base != slot.now);
        changed.map(|(path, slot)| (path, slot.base.as_ref(), slot.now.as_ref()))
    }

    /// What the block changes, ascending by path; `None` removes the cell.
    pub(super) fn changes(&self) -> Vec<(CellPath, Option<Cell>)> {
        self.changed().map(|(path, _, after)| (*path, after.cloned())).collect()
    }

    /// All cells as they were before the block, ascending by path.
    pub(super) fn before(&self) -> Vec<(CellPath, Option<Cell>)> {
        let base = |(path, slot): (&CellPath, &Slot)| (*path, slot.base.clone());
        self.paths.iter().zip(&self.slots).map(base).collect()
    }

    /// Where a path stands among the block's.
    fn place(&self, path: &CellPath) -> usize {
        let place = self.paths.binary_search(path);
        place.unwrap_or_else(|_| panic!("{path:?} is used but was not planned for"))
    }
}

#[cfg(test)]
mod tests;
