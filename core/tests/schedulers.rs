//! Blocks of every named workload under every scheduler, on real threads: one result.
//!
//! Also what the workloads are for: how few waves a hot receiver needs, and how many reads it saves to
//! read every cell of a block once.

mod pool;

use pool::Pool;
use quorate_core::{
    execution::{
        ExecutionState, Executor, Options, Outcome, Scheduler,
        access::Prepared,
        cell::{Cell, CellPath},
        model::{Mix, Plain, Workload as Transactions},
        prefetch::{Cached, CellSource, ReadError, read_all},
        schedule::{Inline, Levels, Mismatch, Parallel, Plan, Run, Totals},
        transition::Params,
    },
    random::Seed,
    testing::{
        cast::Cast,
        workload::{Keys, Stage, Workload},
    },
    types::Digest,
};

/// Never too small or too light for waves.
const ALWAYS: Options =
    Options { scheduler: Scheduler::Waves, transactions_min: 0, weight_min: 0, test_mode: false };

fn stage(workload: Workload, seed: u64) -> Stage {
    Stage::new(workload, Keys::Blank, 2_000, seed)
}

#[test]
fn pool_keeps_the_order() {
    let numbers: Vec<u64> = (0..1_000).collect();
    let squares: Vec<u64> = numbers.iter().map(|number| number * number).collect();
    let pool = Pool::new(3);
    assert_eq!(pool.map(&numbers, |number| number * number), squares);
    let within = || pool.map_each(&numbers, |number| number * number);
    assert_eq!(pool.enter(within), squares);
}

#[test]
fn threads_do_not_change_results() {
    for workload in Workload::NAMED {
        let mut stage = stage(*workload, 1);
        let mut in_order = ExecutionState::new(&stage.genesis());
        let mut others: Vec<_> = [1, 2, 4, 8]
            .map(|threads| (in_order.clone(), Executor::new(ALWAYS, Pool::new(threads))))
            .into();
        let mut shuffled = in_order.clone();
        let scheduler = Scheduler::Shuffled(Seed::from_number(2));
        let mut shuffler = Executor::inline(Options { scheduler, ..ALWAYS });
        for _ in 0..3 {
            let block = stage.block(300);
            let expected = in_order.execute(&block);
            let applied = |(_, outcome): &(_, Outcome)| *outcome == Outcome::Applied;
            assert!(expected.outcomes.iter().all(applied), "{workload}: {:?}", expected.counts());
            for (state, executor) in &mut others {
                assert_eq!(state.execute_on(&block, executor), expected, "{workload} in waves");
            }
            let done = shuffled.execute_on(&block, &mut shuffler);
            assert_eq!(done, expected, "{workload} shuffled");
        }
        assert_eq!(in_order.recomputed(), *in_order.commitment());
        assert!(others.iter().all(|(state, _)| *state == in_order), "{workload}");
        assert_eq!(shuffled, in_order, "{workload}");
    }
}

/// Blocks of every workload below.
const BLOCKS: u64 = 1_000;

/// In order, in waves on one to eight threads, and shuffled, by turns: each runs a block in all three
/// ways and compares.
fn comparing(seed: u64) -> Vec<Executor<Pool>> {
    let scheduler = Scheduler::Shuffled(Seed::from_number(seed));
    let options = Options { scheduler, test_mode: true, ..ALWAYS };
    (1..=8).map(|threads| Executor::new(options, Pool::new(threads))).collect()
}

fn turn(executors: &mut [Executor<Pool>], number: u64) -> &mut Executor<Pool> {
    let place = usize::try_from(number).expect("few blocks") % executors.len();
    &mut executors[place]
}

/// Asserts that all of these together compared every block with both other schedulers and found no
/// difference.
fn assert_same(executors: &[Executor<Pool>], name: &str) {
    for (executor, threads) in executors.iter().zip(1..) {
        let blocks = BLOCKS / 8;
        let expected = Totals { blocks, compared: 2 * blocks, ..Totals::default() };
        assert_eq!(executor.totals(), expected, "{name}, {threads} threads");
    }
}

/// The gate for running in parallel at all: a thousand blocks of every workload, each in order, in
/// waves on one to eight threads, and shuffled, without one difference.
#[test]
fn a_thousand_blocks_of_every_workload_without_a_mismatch() {
    for (workload, size) in [
        (Workload::P2p(2), 100),
        (Workload::P2p(100), 100),
        (Workload::Hot(50), 100),
        (Workload::Zipf(9), 100),
        (Workload::Chain, 100),
        // Each pays a hundred.
        (Workload::Batch100, 10),
        (Workload::Smallbank, 100),
    ] {
        // So few accounts that the shapes of larger ones would be the same.
        let mut stage = Stage::new(workload, Keys::Blank, 60, 3);
        let mut state = ExecutionState::new(&stage.genesis());
        let mut executors = comparing(4);
        for number in 0..BLOCKS {
            state.execute_on(&stage.block(size), turn(&mut executors, number));
        }
        assert_same(&executors, &workload.to_string());
    }
}

/// The same for every kind of transaction, good and spoiled, and with the outcomes of the plain model.
fn agrees_with_the_model(mix: Mix) {
    let mut workload = Transactions::unsigned(Seed::from_number(11), mix, 24);
    let genesis = workload.genesis(1_000_000);
    let (mut state, mut plain) = (ExecutionState::new(&genesis), Plain::new(&genesis));
    let cast = Cast::equal(1);
    let mut executors = comparing(12);
    let mut applied = 0;
    for number in 0..BLOCKS {
        let (mut transactions, mut expected) = (Vec::new(), Vec::new());
        for _ in 0..100 {
            let transaction = workload.transaction(&plain);
            expected.push((transaction.id(), plain.transact(&transaction)));
            transactions.push(transaction);
        }
        let block = cast.block(plain.height, Digest::ZERO, transactions);
        let done = state.execute_on(&block, turn(&mut executors, number));
        assert_eq!(done.outcomes, expected, "{} at height {}", mix.name(), plain.height);
        applied += u64::from(done.counts().applied);
        plain.height += 1;
    }
    assert_same(&executors, mix.name());
    assert!(applied > BLOCKS * 50, "{applied} were applied: the workload is too bad");
    assert_eq!(*state.commitment(), state.recomputed());
    assert_eq!(*state.asset_supplies(), state.recounted_assets());
}

#[test]
fn transfers_agree_on_threads() {
    agrees_with_the_model(Mix::Transfers);
}

#[test]
fn hot_account_agrees_on_threads() {
    agrees_with_the_model(Mix::Hot);
}

#[test]
fn assets_agree_on_threads() {
    agrees_with_the_model(Mix::Assets);
}

#[test]
fn energy_agrees_on_threads() {
    agrees_with_the_model(Mix::Energy);
}

#[test]
fn multisig_agrees_on_threads() {
    agrees_with_the_model(Mix::MultiSig);
}

#[test]
fn coins_agree_on_threads() {
    agrees_with_the_model(Mix::Coins);
}

#[test]
fn objects_agree_on_threads() {
    agrees_with_the_model(Mix::Objects);
}

#[test]
fn mixed_agrees_on_threads() {
    agrees_with_the_model(Mix::Mixed);
}

#[test]
fn hot_receiver_needs_few_waves() {
    let mut stage = Stage::new(Workload::Hot(10), Keys::Blank, u32::MAX, 5);
    let block = stage.block(1_000);
    let prepared: Vec<Prepared<'_>> =
        block.payload().transactions.iter().map(Prepared::new).collect();
    let plan = Plan::new(prepared.iter().map(|one| &one.access), &[]);
    let levels = Levels::within(&plan, usize::MAX).expect("no limit was set");
    assert!(levels.len() <= 5, "{} waves", levels.len());
}

/// A mismatch that somebody else wrote down replays to the results it holds, and one whose record is
/// wrong shows where.
#[test]
fn mismatch_is_replayed_from_its_bytes() {
    let mut stage = stage(Workload::P2p(10), 6);
    let state = ExecutionState::new(&stage.genesis());
    let block = stage.block(30);
    let executor = Executor::inline(ALWAYS);
    let work = state.begin(&block, &executor);
    let paths = work.paths().to_vec();
    let cells = read_all(&mut state.source(), &paths).expect("memory does not fail");
    let header = block.header();
    let nothing = Run { effects: vec![], changes: vec![], fees: 0, digest: Digest::ZERO };
    let empty = Mismatch {
        params: Params { chain_id: header.chain_id, height: header.height },
        cells: paths.into_iter().zip(cells).collect(),
        transactions: block.payload().transactions.to_vec(),
        scheduler: Scheduler::Waves,
        sequential: nothing.clone(),
        other: nothing,
    };
    let right = empty.run(Scheduler::Sequential, &Inline);
    let mut wrong = right.clone();
    wrong.effects[7].fee += 1;
    let found = Mismatch { sequential: right.clone(), other: wrong, ..empty };
    let read = Mismatch::decode(&found.encode()).expect("its own bytes");
    assert_eq!(read, found);
    assert_eq!(read.run(Scheduler::Waves, &Pool::new(2)).difference(&right), None);
    let difference = read.sequential.difference(&read.other).expect("a fee differs");
    assert_eq!(difference.to_string(), "transaction 7: other effects");
}

/// A database in memory, kept up to date by executing blocks itself, that fails every third batch.
struct Database {
    state: ExecutionState,
    batches: u64,
}

impl CellSource for Database {
    fn fetch(&mut self, paths: &[CellPath]) -> Result<Vec<Option<Cell>>, ReadError> {
        self.batches += 1;
        if self.batches.is_multiple_of(3) {
            return Err(ReadError::Failed);
        }
        self.state.source().fetch(paths)
    }
}

/// Reading each distinct cell of a block once against reading a cell whenever a transaction uses it:
/// less than half the reads on these workloads, and with a cache less than half on all of them but
/// those that never come back. What runs on cells read like this, failures included, ends in the same
/// state.
#[test]
fn distinct_cells_are_less_than_half_of_the_naive_reads() {
    for (workload, within_a_block) in [
        (Workload::P2p(2), true),
        (Workload::P2p(100), true),
        (Workload::P2p(1_000), true),
        (Workload::P2p(10_000), false),
        (Workload::Hot(50), false),
        (Workload::Zipf(11), true),
        (Workload::Batch100, false),
        (Workload::Smallbank, false),
    ] {
        let mut stage = Stage::new(workload, Keys::Blank, 10_000, 7);
        let mut state = ExecutionState::new(&stage.genesis());
        let mut executor = Executor::inline(ALWAYS);
        let (mut naive, mut distinct) = (0, 0);
        let mut source = Cached::new(Database { state: state.clone(), batches: 0 }, 20_000);
        let transactions = if workload == Workload::Batch100 { 100 } else { 1_000 };
        for _ in 0..12 {
            let block = stage.block(transactions);
            let work = state.begin(&block, &executor);
            naive += work.uses_count();
            distinct += work.paths().len();
            let cells = read_all(&mut source, work.paths()).expect("no batch fails twice");
            let done = state.finish(&work, cells, &mut executor);
            assert_eq!(source.source_mut().state.execute(&block), done.executed, "{workload}");
            source.on_committed(&done.writes);
        }
        assert_eq!(source.source_mut().state, state, "{workload}");
        let fetched = usize::try_from(source.reads().fetched).expect("few reads");
        let figures = format!("{workload}: {naive} naive, {distinct} distinct, {fetched} fetched");
        assert!(!within_a_block || distinct * 2 <= naive, "{figures}");
        assert!(fetched * 2 <= naive, "{figures}");
    }
}
