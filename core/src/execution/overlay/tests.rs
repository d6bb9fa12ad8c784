//! Only what differs from before the block is a change.

use super::*;
use crate::{
    execution::{cell::Account, cells::Cells, fixtures::address},
    transaction::Asset,
};

fn path(account: u8) -> CellPath {
    CellPath::account(&address(account))
}

fn cell(balance: u64) -> Option<Cell> {
    Some(Cell::Account(Account::with_balance(balance)))
}

fn sorted(mut cells: Vec<(CellPath, Option<Cell>)>) -> Vec<(CellPath, Option<Cell>)> {
    cells.sort_unstable_by_key(|(path, _)| *path);
    cells
}

fn overlay(cells: Vec<(CellPath, Option<Cell>)>) -> Overlay {
    let (paths, cells) = sorted(cells).into_iter().unzip();
    Overlay::new(paths, cells)
}

#[test]
fn only_differences_are_changes() {
    let before = vec![
        (path(0), cell(1)),
        (path(1), cell(2)),
        (path(2), cell(3)),
        (path(3), None),
        (path(4), None),
    ];
    let mut overlay = overlay(before.clone());
    overlay.write(&path(0), cell(7));
    overlay.write(&path(0), cell(1));
    overlay.write(&path(1), None);
    overlay.write(&path(2), None);
    overlay.write(&path(2), cell(4));
    overlay.write(&path(3), cell(5));
    overlay.write(&path(3), None);
    let native = Amount { asset: Asset::Native, amount: 6 };
    overlay.credit(overlay.place(&path(4)), &native);
    assert_eq!(overlay.read(&path(1)), None);
    let expected = vec![(path(1), None), (path(2), cell(4)), (path(4), cell(6))];
    assert_eq!(overlay.changes(), sorted(expected));
    assert_eq!(overlay.before(), sorted(before));
}

#[test]
#[should_panic(expected = "was not planned for")]
fn cell_that_was_not_read_stops_the_program() {
    let _ = overlay(vec![(path(0), cell(1))]).read(&path(1));
}

#[test]
#[should_panic(expected = "one value per path")]
fn missing_cell_stops_the_program() {
    let _ = Overlay::new(vec![path(0)], vec![]);
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
