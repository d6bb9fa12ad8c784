//! A state put together from what was kept is the state: now, after further blocks, and after some of
//! them were taken back. What cannot be one is refused for what it is.

use std::collections::BTreeMap;

use super::*;
use crate::{
    execution::{
        CHECKPOINTS_KEPT, ExecutedBlock, Executor, Options, UNDO_HEIGHTS,
        cell::Account,
        fixtures::{address, block, genesis, transfer},
        prefetch::read_all,
    },
    transaction::Transaction,
};

/// A store of the plainest kind.
struct Shelf {
    genesis: Genesis,
    state: ExecutionState,
    cells: BTreeMap<CellPath, Cell>,
    undo: Vec<(Height, KeptUndo)>,
    roots: Vec<KeptRoots>,
    checkpoints: Vec<Checkpoint>,
}

impl Shelf {
    fn new() -> Self {
        let genesis = genesis(&[1_000_000; 12], &[10, 20]);
        let state = ExecutionState::new(&genesis);
        let cells = state.entries().map(|(path, cell)| (*path, cell.clone())).collect();
        Self { genesis, state, cells, undo: vec![], roots: vec![], checkpoints: vec![] }
    }

    fn at(height: u64) -> Self {
        let mut shelf = Self::new();
        (1..=height).for_each(|height| shelf.execute(height));
        shelf
    }

    fn execute(&mut self, height: u64) {
        let block = block(height, content(height), vec![]);
        let mut executor = Executor::inline(Options::default());
        let work = self.state.begin(&block, &executor);
        let cells = read_all(&mut self.state.source(), work.paths()).expect("held in memory");
        let done = self.state.finish(&work, cells, &mut executor);
        for (path, cell) in done.writes {
            match cell {
                Some(cell) => self.cells.insert(path, cell),
                None => self.cells.remove(&path),
            };
        }
        let executed = done.executed;
        self.undo.push((executed.height, done.undo));
        self.roots.push(KeptRoots {
            height: executed.height,
            receipts: executed.receipts_root,
            outbox: executed.outbox_root,
        });
        self.checkpoints.extend(executed.checkpoint);
    }

    /// No more than is said to be needed.
    fn kept(&self) -> Kept {
        let height = self.state.height();
        let (oldest, lowest) =
            (height.minus(UNDO_HEIGHTS), Kept::roots_from(height, &self.genesis));
        let skipped = self.checkpoints.len().saturating_sub(CHECKPOINTS_KEPT);
        Kept {
            height,
            cells: self.cells.clone().into_iter().collect(),
            undo: self.undo.iter().filter(|(own, _)| *own > oldest).cloned().collect(),
            roots: self.roots.iter().filter(|one| one.height >= lowest).copied().collect(),
            checkpoints: self.checkpoints[skipped..].to_vec(),
        }
    }

    fn restored(&self) -> ExecutionState {
        ExecutionState::restore(&self.genesis, self.kept()).expect("kept from a state")
    }
}

/// Somebody pays somebody, except at every fifth height, where nothing happens.
fn content(height: u64) -> Vec<Transaction> {
    let payer = u8::try_from(height % 7).expect("below seven");
    match height % 5 {
        0 => vec![],
        _ => vec![transfer(payer, nonce(payer, height), 1, &[(payer + 3, 5), (payer + 5, 1)])],
    }
}

/// How often the account has paid below a height.
fn nonce(payer: u8, height: u64) -> u64 {
    let own = |at: &u64| at % 7 == u64::from(payer) && !at.is_multiple_of(5);
    u64::try_from((1..height).filter(own).count()).expect("a short chain")
}

fn next(state: &mut ExecutionState) -> ExecutedBlock {
    let height = state.height().next().get();
    state.execute(&block(height, content(height), vec![]))
}

#[test]
fn goes_on_like_the_state_it_was_taken_from() {
    for height in [0, 1, 7, 8, 63, 64, 65, 140] {
        let mut shelf = Shelf::at(height);
        let mut restored = shelf.restored();
        assert_eq!(restored, shelf.state, "at {height}");
        assert_eq!(restored.commitment(), shelf.state.commitment(), "at {height}");
        assert_eq!(restored.checkpoints(), shelf.state.checkpoints(), "at {height}");
        for _ in 0..20 {
            assert_eq!(next(&mut restored), next(&mut shelf.state), "above {height}");
        }
        for asked in (1..=height + 20).map(Height::new) {
            let (ours, theirs) =
                (restored.prove_receipts(asked), shelf.state.prove_receipts(asked));
            assert_eq!(ours, theirs, "{asked} above {height}");
        }
    }
}

#[test]
fn can_be_taken_back_as_far() {
    for height in [0, 1, 20, 64, 65, 140] {
        for back in [0, 1, 2, 9, 64, 65] {
            let mut shelf = Shelf::at(height);
            let mut restored = shelf.restored();
            let to = Height::new(height).minus(back);
            assert_eq!(restored.rollback(to), shelf.state.rollback(to), "{height} to {to}");
            assert_eq!(restored, shelf.state, "{height} to {to}");
            assert_eq!(restored.checkpoints(), shelf.state.checkpoints(), "{height} to {to}");
            for _ in 0..10 {
                assert_eq!(next(&mut restored), next(&mut shelf.state), "above {to} of {height}");
            }
        }
    }
}

#[test]
fn what_is_no_state_is_refused() {
    let shelf = Shelf::at(70);
    let refusal = |change: &dyn Fn(&mut Kept)| {
        let mut kept = shelf.kept();
        change(&mut kept);
        ExecutionState::restore(&shelf.genesis, kept).expect_err("no state")
    };
    let second = shelf.kept().cells[1].0;
    assert_eq!(
        refusal(&|kept| kept.cells.swap(0, 1)),
        RestoreError::Order(shelf.kept().cells[0].0)
    );
    assert_eq!(
        refusal(&|kept| kept.cells.insert(1, kept.cells[1].clone())),
        RestoreError::Order(second)
    );
    let stake = shelf.kept().cells.last().expect("stakes").1.clone();
    assert_eq!(refusal(&|kept| kept.cells[1].1 = stake.clone()), RestoreError::Kind(second));
    let rich = Cell::Account(Account::with_balance(7));
    let supply = refusal(&|kept| kept.cells[1].1 = rich.clone());
    assert!(matches!(supply, RestoreError::Supply { .. }), "{supply:?}");
    let gap = |at: u64| RestoreError::Undo(Height::new(at));
    assert_eq!(refusal(&|kept| drop(kept.undo.remove(3))), gap(10));
    assert_eq!(refusal(&|kept| drop(kept.undo.pop())), gap(70));
    assert_eq!(refusal(&|kept| kept.height = Height::new(71)), gap(71));
}

/// Without anything to take back the state begins here, as after a snapshot.
#[test]
fn undo_may_begin_anywhere() {
    let shelf = Shelf::at(30);
    let mut kept = shelf.kept();
    kept.undo = kept.undo.split_off(25);
    let mut restored = ExecutionState::restore(&shelf.genesis, kept).expect("a state");
    let refused = restored.rollback(Height::new(24)).expect_err("never known");
    assert_eq!(refused.oldest, Height::new(25));
    assert_eq!(restored.rollback(Height::new(25)), Ok(()));
    assert_eq!(restored.balance(&address(3)), {
        let mut other = Shelf::at(30).state;
        other.rollback(Height::new(25)).expect("remembered");
        other.balance(&address(3))
    });
}
