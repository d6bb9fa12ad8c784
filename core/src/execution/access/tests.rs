//! Access sets merge what is declared twice, and slots show nothing that was not declared.

use super::*;
use crate::execution::{
    cell::Account,
    fixtures::{address, transfer},
};

fn path(account: u8) -> CellPath {
    CellPath::account(&address(account))
}

#[test]
fn accesses_conflict_unless_both_read_or_both_add() {
    use Access::{Add, Read, Write};
    for (a, b, conflict) in [
        (Read, Read, false),
        (Add, Add, false),
        (Read, Add, true),
        (Read, Write, true),
        (Add, Write, true),
        (Write, Write, true),
    ] {
        assert_eq!((a.conflicts(b), b.conflicts(a)), (conflict, conflict), "{a:?} with {b:?}");
    }
}

#[test]
fn declared_twice_allows_both_uses() {
    use Access::{Add, Read, Write};
    let declarations =
        [(path(2), Read), (path(1), Add), (path(2), Add), (path(3), Read), (path(1), Add)];
    let set = AccessSet::new(&declarations);
    let mut expected = vec![(path(1), Add), (path(2), Write), (path(3), Read)];
    expected.sort_unstable();
    assert_eq!(set.entries(), expected);
    for (nth, (path, _)) in declarations.iter().enumerate() {
        assert_eq!(set.declared(nth), Some(path));
    }
    assert_eq!(set.declared(declarations.len()), None);
    assert_eq!((set.access(&path(2)), set.access(&path(9))), (Some(Write), None));
}

#[test]
fn transfer_reads_only_its_payer() {
    let transaction = transfer(0, 0, 0, &[(1, 1), (0, 1), (1, 2)]);
    let set = Prepared::new(&transaction).access;
    assert_eq!(set.entries().len(), 2, "paths are not repeated");
    assert_eq!(set.access(&path(0)), Some(Access::Write));
    assert_eq!(set.access(&path(1)), Some(Access::Add));
}

#[test]
fn slots_show_what_may_be_read_and_nothing_else() {
    let cell = Cell::Account(Account::with_balance(5));
    let set = AccessSet::new(&[
        (path(0), Access::Read),
        (path(1), Access::Write),
        (path(2), Access::Add),
    ]);
    let slots = Slots::load(&set, |at| (*at != path(1)).then_some(&cell));
    assert_eq!(slots.get(&set, &path(0)), Ok(Some(&cell)));
    assert_eq!(slots.get(&set, &path(1)), Ok(None));
    assert_eq!(slots.get(&set, &path(2)), Err(Undeclared(path(2))), "may only be added to");
    assert_eq!(slots.get(&set, &path(3)), Err(Undeclared(path(3))));
}
