//! Failed reads never become cells, and the cache answers what its source would.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::execution::{cell::Account, fixtures::address};

/// A map that fails as told: how often each of its next batches fails before it answers.
#[derive(Default)]
struct Faulty {
    cells: BTreeMap<CellPath, Cell>,
    failures: Vec<u32>,
    batches: Vec<usize>,
}

impl CellSource for Faulty {
    fn fetch(&mut self, paths: &[CellPath]) -> Result<Vec<Option<Cell>>, ReadError> {
        if let Some(left) = self.failures.last_mut() {
            if *left > 0 {
                *left -= 1;
                return Err(ReadError::Failed);
            }
            self.failures.pop();
        }
        self.batches.push(paths.len());
        Ok(paths.iter().map(|path| self.cells.get(path).cloned()).collect())
    }
}

fn path(account: u8) -> CellPath {
    CellPath::account(&address(account))
}

fn cell(balance: u64) -> Cell {
    Cell::Account(Account::with_balance(balance))
}

fn sorted(accounts: &[u8]) -> Vec<CellPath> {
    let mut paths: Vec<CellPath> = accounts.iter().map(|one| path(*one)).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

#[test]
fn failure_is_retried_and_then_told() {
    let mut source = Faulty { failures: vec![3, 2], ..Faulty::default() };
    source.cells.insert(path(0), cell(5));
    assert_eq!(read_all(&mut source, &[path(0)]), Ok(vec![Some(cell(5))]), "the third time");
    assert_eq!(read_all(&mut source, &[path(0)]), Err(ReadError::Failed), "three failures");
}

#[test]
fn what_cannot_be_an_answer_is_an_error() {
    struct Odd(Vec<Option<Cell>>);
    impl CellSource for Odd {
        fn fetch(&mut self, _: &[CellPath]) -> Result<Vec<Option<Cell>>, ReadError> {
            Ok(self.0.clone())
        }
    }
    let short = read_all(&mut Odd(vec![]), &[path(0)]);
    assert_eq!(short, Err(ReadError::Incomplete { asked: 1, answered: 0 }));
    let fees = CellPath::system(&crate::execution::cell::SystemKey::Fees);
    let odd = read_all(&mut Odd(vec![Some(cell(1))]), &[fees]);
    assert_eq!(odd, Err(ReadError::WrongKind(fees)));
}

#[test]
fn only_what_is_not_held_is_fetched_in_one_batch() {
    let mut cached = Cached::new(Faulty::default(), 100);
    cached.source_mut().cells.insert(path(1), cell(7));
    let _ = cached.fetch(&sorted(&[1, 2, 3])).unwrap();
    let again = cached.fetch(&sorted(&[1, 2, 4, 5])).unwrap();
    let expected: Vec<_> =
        sorted(&[1, 2, 4, 5]).iter().map(|at| (*at == path(1)).then_some(cell(7))).collect();
    assert_eq!(again, expected);
    assert_eq!(cached.source_mut().batches, [3, 2]);
    assert_eq!(cached.reads(), Reads { asked: 7, hits: 2, fetched: 5 });
}

proptest! {
    /// Reads, commits and failures in any order: an answer is always the source's own, and memory
    /// stays within the bound.
    #[test]
    fn cache_answers_what_the_source_holds(
        steps in proptest::collection::vec(
            (proptest::collection::vec(0u8..30, 1..12), 0u32..5, proptest::option::of(0u64..9)),
            1..60,
        ),
        cells_max in 2usize..40,
    ) {
        let mut cached = Cached::new(Faulty::default(), cells_max);
        for (accounts, failures, write) in steps {
            let paths = sorted(&accounts);
            cached.source_mut().failures = vec![failures];
            let truth: Vec<_> = {
                let cells = &cached.source_mut().cells;
                paths.iter().map(|path| cells.get(path).cloned()).collect()
            };
            match read_all(&mut cached, &paths) {
                Ok(cells) => prop_assert_eq!(cells, truth),
                Err(error) => prop_assert_eq!(error, ReadError::Failed),
            }
            prop_assert!(cached.len() <= cells_max.max(2));
            let Some(balance) = write else { continue };
            let cell = (balance > 0).then_some(cell(balance));
            let writes: Vec<_> = paths.iter().map(|path| (*path, cell.clone())).collect();
            for (path, cell) in &writes {
                match cell {
                    Some(cell) => cached.source_mut().cells.insert(*path, cell.clone()),
                    None => cached.source_mut().cells.remove(path),
                };
            }
            cached.on_committed(&writes);
        }
    }
}
