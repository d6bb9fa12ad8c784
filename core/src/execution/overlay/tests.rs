//! Only what differs from before the block is a change.

use super::*;
use crate::execution::{cell::Account, fixtures::address};

fn path(account: u8) -> CellPath {
    CellPath::account(&address(account))
}

fn cell(balance: u64) -> Option<Cell> {
    Some(Cell::Account(Account { nonce: 0, balance }))
}

#[test]
fn only_differences_are_changes() {
    let mut cells = Cells::default();
    let mut before = vec![(path(0), cell(1)), (path(1), cell(2)), (path(2), cell(3))];
    before.sort_unstable_by_key(|(path, _)| *path);
    cells.commit(before);
    let mut overlay = Overlay::new(&cells);
    overlay.write(path(0), cell(7));
    overlay.write(path(0), cell(1));
    overlay.write(path(1), None);
    overlay.write(path(2), None);
    overlay.write(path(2), cell(4));
    overlay.write(path(3), cell(5));
    overlay.write(path(3), None);
    overlay.write(path(4), cell(6));
    assert_eq!(overlay.read(&path(1)), None);
    let mut expected = vec![(path(1), None), (path(2), cell(4)), (path(4), cell(6))];
    expected.sort_unstable_by_key(|(path, _)| *path);
    assert_eq!(overlay.into_changes(), expected);
}

#[test]
fn removed_cell_leaves_digest_and_supply_as_if_it_never_was() {
    let mut cells = Cells::default();
    let empty = (cells.digest(), cells.supply());
    cells.commit(vec![(path(0), cell(1))]);
    assert_ne!((cells.digest(), cells.supply()), empty);
    cells.commit(vec![(path(0), None)]);
    assert_eq!((cells.digest(), cells.supply()), empty);
    assert_eq!(cells, Cells::default());
}
