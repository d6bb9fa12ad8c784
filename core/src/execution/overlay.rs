//! The cells as they will be after the block under way.
//!
//! Every cell a block touches has one [`Slot`]: what it was before the block and what it is now. Only
//! slots that differ are changes, so a cell created and removed within one block leaves no trace, and
//! one changed back costs nothing.

use std::collections::BTreeMap;

use crate::execution::{
    cell::{Cell, CellPath, System, SystemKey},
    cells::{Cells, Supply},
    transition::TxEffects,
};

/// One cell of the block under way.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    /// Before the block.
    base: Option<Cell>,
    /// After what has been folded so far.
    now: Option<Cell>,
}

/// The cells as they will be after the block under way.
pub(super) struct Overlay<'a> {
    below: &'a Cells,
    slots: BTreeMap<CellPath, Slot>,
}

impl<'a> Overlay<'a> {
    pub(super) fn new(below: &'a Cells) -> Self {
        Self { below, slots: BTreeMap::new() }
    }

    pub(super) fn read(&self, path: &CellPath) -> Option<&Cell> {
        match self.slots.get(path) {
            Some(slot) => slot.now.as_ref(),
            None => self.below.read(path),
        }
    }

    /// Puts a cell in place, or removes it.
    pub(super) fn write(&mut self, path: CellPath, cell: Option<Cell>) {
        self.slot(path).now = cell;
    }

    /// Applies one transaction's effects.
    ///
    /// # Panics
    /// If accounts gain or lose anything but the fee that the effects declare.
    pub(super) fn fold(&mut self, effects: &TxEffects) {
        let held = |cell: Option<&Cell>| cell.map_or(0, |cell| Supply::of(cell).accounts);
        let (mut gained, mut lost) = (0u128, 0u128);
        for (path, cell) in &effects.writes {
            let slot = self.slot(*path);
            let (old, new) = (held(slot.now.as_ref()), held(cell.as_ref()));
            gained += new.saturating_sub(old);
            lost += old.saturating_sub(new);
            slot.now.clone_from(cell);
        }
        for (path, amount) in &effects.adds {
            let slot = self.slot(*path);
            slot.now = Some(Cell::credited(slot.now.take(), path, *amount));
            gained += u128::from(*amount);
        }
        let fee = u128::from(effects.fee);
        assert_eq!(lost, gained + fee, "{lost} lost, {gained} gained, fee {fee}: {effects:?}");
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

    /// What the block changes, ascending by path; `None` removes the cell.
    pub(super) fn into_changes(self) -> Vec<(CellPath, Option<Cell>)> {
        let changed =
            |(path, slot): (CellPath, Slot)| (slot.base != slot.now).then_some((path, slot.now));
        self.slots.into_iter().filter_map(changed).collect()
    }

    fn slot(&mut self, path: CellPath) -> &mut Slot {
        let below = self.below;
        self.slots.entry(path).or_insert_with(|| {
            let base = below.read(&path).cloned();
            Slot { now: base.clone(), base }
        })
    }
}

#[cfg(test)]
mod tests;
