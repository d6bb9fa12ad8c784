//! Thousands of stand-in transactions with random access sets: every scheduler gives the same results,
//! bit by bit, and the comparison notices a scheduler that forgets a kind of conflict.
//!
//! A stand-in writes a hash of everything it read, so any other order shows; and adds what it read to
//! cells it cannot see. Some remove a cell, some create one, some do nothing.

use proptest::prelude::*;

use super::{executor::Repro, *};
use crate::{
    codec,
    digest::{Domain, Hasher},
    execution::{
        cell::{Account, Cell, CellPath},
        fixtures::CHAIN,
        ledger::Ledger,
        outcome::Outcome,
    },
    transaction::{Address, Amount, Asset},
    types::{Digest, Height},
};

const PARAMS: Params = Params { chain_id: CHAIN, height: Height::new(9) };

#[derive(Debug)]
struct StandIn {
    number: u64,
    access: AccessSet,
}

impl Task for StandIn {
    fn access(&self) -> &AccessSet {
        &self.access
    }

    fn weight(&self) -> u64 {
        100_000
    }

    fn run(&self, params: &Params, slots: &Slots<'_>) -> TxEffects {
        let mut seen = Hasher::new(Domain::Seed).value(params).value(&self.number);
        for (path, access) in self.access.entries() {
            if access.is_readable() {
                let cell = slots.get(&self.access, path).expect("it is declared");
                seen = seen.value(&cell.cloned());
            }
        }
        let digest = seen.finish();
        let byte = u64::from(digest.get()[0]);
        let mut effects = TxEffects {
            outcome: Outcome::Applied,
            writes: Vec::new(),
            adds: Vec::new(),
            ledger: Ledger::default(),
            fee: byte,
            details: Vec::new(),
        };
        for (path, access) in self.access.entries() {
            match access {
                Access::Read => {}
                Access::Add => {
                    let amount = Amount { asset: Asset::Native, amount: byte };
                    effects.adds.push((*path, amount));
                }
                Access::Write if byte % 5 == 0 => effects.writes.push((*path, None)),
                Access::Write => {
                    let nonce = u64::from(digest.get()[1]);
                    let cell = Cell::Account(Account { nonce, ..Account::with_balance(byte) });
                    effects.writes.push((*path, Some(cell)));
                }
            }
        }
        effects
    }
}

fn path(number: u16) -> CellPath {
    let digest = Hasher::new(Domain::Seed).value(&number).finish();
    CellPath::account(&Address::of_key(&crate::crypto::PublicKey::new(*digest.get())))
}

fn access() -> impl Strategy<Value = Access> {
    prop_oneof![Just(Access::Read), Just(Access::Write), Just(Access::Add)]
}

/// Blocks from one hot cell up to almost no conflicts.
fn stand_ins(count: usize) -> impl Strategy<Value = Vec<StandIn>> {
    prop_oneof![1..4u16, 4..40u16, 40..2_000u16].prop_flat_map(move |cells| {
        let set = proptest::collection::vec((0..cells, access()), 0..5);
        proptest::collection::vec(set, 0..count).prop_map(|sets| {
            let one = |(number, set): (u64, Vec<(u16, Access)>)| {
                let declared: Vec<_> = set.iter().map(|(cell, at)| (path(*cell), *at)).collect();
                StandIn { number, access: AccessSet::new(&declared) }
            };
            (0..).zip(sets).map(one).collect()
        })
    })
}

fn plan(tasks: &[StandIn]) -> Plan {
    Plan::new(tasks.iter().map(|task| &task.access), &[])
}

/// Every second cell exists before the block.
fn overlay(plan: &Plan) -> Overlay {
    let cell = |path: &CellPath| {
        let balance = u64::from(path.get()[9]);
        (balance % 2 == 0).then_some(Cell::Account(Account::with_balance(balance)))
    };
    Overlay::new(plan.paths().to_vec(), plan.paths().iter().map(cell).collect())
}

fn run(scheduler: Scheduler, tasks: &[StandIn]) -> Run {
    let plan = plan(tasks);
    let mut overlay = overlay(&plan);
    let effects = run_as(scheduler, &Inline, &PARAMS, tasks, &plan, &mut overlay);
    Run::of(&effects, &overlay)
}

/// In waves, with another idea of what conflicts.
fn run_flawed(tasks: &[StandIn], conflicts: impl Fn(Access, Access) -> bool) -> Run {
    let plan = plan(tasks);
    let mut overlay = overlay(&plan);
    let levels = Levels::by(&plan, usize::MAX, conflicts).expect("no limit was set");
    let effects = run_in_waves(&Inline, &PARAMS, tasks, &plan, &levels, &mut overlay);
    Run::of(&effects, &overlay)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_scheduler_gives_the_sequential_result(tasks in stand_ins(1_500), seed in any::<u64>()) {
        let sequential = run(Scheduler::Sequential, &tasks);
        prop_assert_eq!(&run(Scheduler::Waves, &tasks), &sequential);
        let shuffled = Scheduler::Shuffled(Seed::from_number(seed));
        prop_assert_eq!(&run(shuffled, &tasks), &sequential);
    }

    /// Against the definition, pair by pair: no two of one level conflict, and every level but the
    /// first has its reason in the one before.
    #[test]
    fn levels_are_as_defined(tasks in stand_ins(120)) {
        let plan = plan(&tasks);
        let conflict = |a: usize, b: usize| plan.uses(a).iter().any(|one| {
            let hits = |other: &&Use| other.slot == one.slot && other.access.conflicts(one.access);
            plan.uses(b).iter().find(hits).is_some()
        });
        let mut expected: Vec<usize> = Vec::new();
        for task in 0..tasks.len() {
            let earlier = (0..task).filter(|earlier| conflict(*earlier, task));
            expected.push(earlier.map(|earlier| expected[earlier] + 1).max().unwrap_or(0));
        }
        let levels = Levels::within(&plan, usize::MAX).expect("no limit was set");
        let mut found = vec![None; tasks.len()];
        for (level, wave) in levels.waves().enumerate() {
            prop_assert!(wave.is_sorted() && !wave.is_empty());
            wave.iter().for_each(|task| found[*task] = Some(level));
        }
        prop_assert_eq!(found, expected.into_iter().map(Some).collect::<Vec<_>>());
        if let Some(fewer) = levels.len().checked_sub(1) {
            prop_assert_eq!(Levels::within(&plan, fewer), None);
        }
        prop_assert_eq!(Levels::within(&plan, levels.len()), Some(levels));
    }
}

/// Draws blocks until one tells the flawed order from the right one, and says how many it took.
fn blocks_until_found(conflicts: impl Fn(Access, Access) -> bool + Copy) -> u32 {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    for block in 1..=40 {
        let tasks = stand_ins(200).new_tree(&mut runner).expect("no filters").current();
        let sequential = run(Scheduler::Sequential, &tasks);
        if run_flawed(&tasks, conflicts) != sequential {
            return block;
        }
    }
    panic!("40 blocks did not tell a scheduler that forgets conflicts")
}

#[test]
fn forgotten_conflicts_are_found() {
    use Access::{Add, Read, Write};
    assert!(blocks_until_found(|a, b| a == Write && b == Write) <= 5, "reads are forgotten");
    assert!(blocks_until_found(|a, b| (a, b) != (Write, Read) && a.conflicts(b)) <= 20);
    assert!(blocks_until_found(|a, b| (a, b) != (Read, Write) && a.conflicts(b)) <= 20);
    assert!(blocks_until_found(|a, b| (a, b) != (Read, Add) && a.conflicts(b)) <= 20);
    assert!(blocks_until_found(|a, b| (a, b) != (Write, Add) && a.conflicts(b)) <= 20);
}

#[test]
fn mismatch_is_counted_and_kept_and_the_first_one_only() {
    let set = |access| AccessSet::new(&[(path(1), access)]);
    let tasks: Vec<StandIn> = (0..)
        .zip([Access::Write, Access::Read, Access::Write])
        .map(|(number, access)| StandIn { number, access: set(access) })
        .collect();
    let plan = plan(&tasks);
    let before = overlay(&plan);
    let sequential = run(Scheduler::Sequential, &tasks);
    let mut wrong = sequential.clone();
    wrong.fees += 1;
    let repro =
        Repro { params: &PARAMS, before: &before, transactions: &[], sequential: &sequential };
    let mut executor = Executor::inline(Options { test_mode: true, ..Options::default() });
    executor.compare(&repro, Scheduler::Waves, sequential.clone());
    assert_eq!((executor.totals().compared, executor.totals().mismatches), (1, 0));
    assert_eq!(executor.take_mismatch(), None);
    executor.compare(&repro, Scheduler::Waves, wrong.clone());
    executor.compare(&repro, Scheduler::Sequential, wrong.clone());
    assert_eq!((executor.totals().compared, executor.totals().mismatches), (3, 2));
    let found = executor.take_mismatch().expect("it was kept");
    assert_eq!(found.scheduler, Scheduler::Waves);
    let difference = found.sequential.difference(&found.other).expect("the fees differ");
    assert_eq!(difference, Difference::Fees(sequential.fees, wrong.fees));
    assert_eq!(executor.take_mismatch(), None);
}

#[test]
fn test_mode_compares_every_block_and_keeps_the_sequential_result() {
    let tasks: Vec<StandIn> = (0..9)
        .map(|number| StandIn { number, access: AccessSet::new(&[(path(1), Access::Write)]) })
        .collect();
    let plan = plan(&tasks);
    let scheduler = Scheduler::Shuffled(Seed::from_number(3));
    let options = Options { scheduler, test_mode: true, ..Options::default() };
    let mut executor = Executor::inline(options);
    let mut overlay = overlay(&plan);
    let effects = executor.run(&PARAMS, &tasks, &plan, &mut overlay, &[]);
    assert_eq!(Run::of(&effects, &overlay), run(Scheduler::Sequential, &tasks));
    let totals = executor.totals();
    assert_eq!((totals.blocks, totals.compared, totals.mismatches), (1, 2, 0));
}

#[test]
fn waves_are_for_blocks_that_gain_by_them() {
    let options = Options { scheduler: Scheduler::Waves, ..Options::default() };
    let in_waves = |count: u64, cells: u64| {
        let mut executor = Executor::inline(options);
        let one = |number| {
            let cell = u16::try_from(number % cells).expect("few cells");
            StandIn { number, access: AccessSet::new(&[(path(cell), Access::Write)]) }
        };
        let tasks: Vec<StandIn> = (0..count).map(one).collect();
        let plan = plan(&tasks);
        let _ = executor.run(&PARAMS, &tasks, &plan, &mut overlay(&plan), &[]);
        executor.totals().waves
    };
    assert_eq!(in_waves(40, 40), 1);
    assert_eq!(in_waves(40, 4), 10, "as many levels as a quarter of the block");
    assert_eq!(in_waves(40, 3), 0, "more levels than a quarter of the block");
    assert_eq!(in_waves(20, 20), 1);
    assert_eq!(in_waves(19, 19), 0, "too few transactions");
}

#[test]
fn mismatch_survives_encoding_and_damage_is_told() {
    let found = Mismatch {
        params: PARAMS,
        cells: vec![(
            path(1),
            Some(Cell::Account(Account { nonce: 1, ..Account::with_balance(2) })),
        )],
        transactions: vec![],
        scheduler: Scheduler::Shuffled(Seed::from_number(1)),
        sequential: Run { effects: vec![], changes: vec![], fees: 0, digest: Digest::ZERO },
        other: Run { effects: vec![], changes: vec![], fees: 1, digest: Digest::ZERO },
    };
    let bytes = found.encode();
    assert_eq!(Mismatch::decode(&bytes).as_ref(), Ok(&found));
    assert_eq!(Mismatch::decode(&bytes[..5]), Err(MismatchError::NotOne));
    assert_eq!(Mismatch::decode(b"something else"), Err(MismatchError::NotOne));
    let mut newer = bytes.clone();
    newer[7] = 2;
    assert_eq!(Mismatch::decode(&newer), Err(MismatchError::Version(2)));
    let cut = Mismatch::decode(&bytes[..bytes.len() - 1]);
    assert_eq!(cut, Err(MismatchError::Damaged(codec::DecodeError::Malformed)));
    let mut twice = found.clone();
    twice.cells.push(twice.cells[0].clone());
    assert_eq!(Mismatch::decode(&twice.encode()), Err(MismatchError::Cells));
}
