//! Schedulers over the named workloads: what one thread pays, and what more threads gain.

use quorate_core::{
    block::Block,
    digest::{Domain, digest_of},
    execution::{
        ExecutionState, Executor, Options, Scheduler,
        access::{AccessSet, Prepared, Slots},
        cell::{Cell, CellPath},
        prefetch::{CellSource, ReadError, read_all},
        schedule::{Levels, Plan, Task},
        transition::{Params, TxEffects},
    },
    testing::workload::{Keys, Stage, Workload},
};

use crate::{
    measure::{best, each, rounds, times},
    pool::Pool,
};

const BLOCK: usize = 1_000;
const THREADS: [usize; 4] = [1, 2, 4, 8];
const ROUNDS: u32 = 30;

/// As a node would be set up to use its threads.
const WAVES: Options =
    Options { scheduler: Scheduler::Waves, transactions_min: 20, weight_min: 0, test_mode: false };

/// A block with everything that is worked out before it runs.
pub(crate) struct Ready<'a> {
    pub(crate) params: Params,
    pub(crate) prepared: Vec<Prepared<'a>>,
    pub(crate) plan: Plan,
    pub(crate) cells: Vec<Option<Cell>>,
}

impl<'a> Ready<'a> {
    pub(crate) fn new(state: &ExecutionState, block: &'a Block) -> Self {
        let header = block.header();
        let transactions = &block.payload().transactions;
        let prepared: Vec<Prepared<'a>> = transactions.iter().map(Prepared::new).collect();
        let plan = Plan::new(prepared.iter().map(|one| &one.access), &[]);
        let cells = state.source().fetch(plan.paths()).expect("memory does not fail");
        let params = Params { chain_id: header.chain_id, height: header.height };
        Self { params, prepared, plan, cells }
    }
}

/// One line per workload.
#[expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
pub(crate) fn table() {
    println!(
        "\nexecution of a {BLOCK}-transaction block, no signatures, no root; microseconds per\n\
         transaction; then how many times as fast as in order when waves are asked for\n\
         workload     prepare  read  in order  waves   1 thr   2 thr   4 thr   8 thr   naive  distinct"
    );
    for workload in Workload::NAMED {
        let mut stage = Stage::new(*workload, Keys::Blank, u32::MAX, 1);
        let state = ExecutionState::new(&stage.genesis());
        let block = stage.block(BLOCK);
        let rounds = rounds(ROUNDS);
        let executor = Executor::inline(Options::default());
        let prepare = best(rounds, || (), |()| state.begin(&block, &executor));
        let ready = Ready::new(&state, &block);
        let (prepared, plan) = (&ready.prepared, &ready.plan);
        let read = best(rounds, || state.source(), |mut from| from.fetch(plan.paths()));
        let mut in_order = Executor::inline(Options::default());
        let cells = || ready.cells.clone();
        let alone = |cells| in_order.run_alone(&ready.params, prepared, plan, cells);
        let sequential = best(rounds, cells, alone);
        let gains = THREADS.map(|threads| {
            let pool = Pool::new(threads);
            let mut executor = Executor::new(WAVES, pool.clone());
            let alone = |cells| executor.run_alone(&ready.params, prepared, plan, cells);
            times(sequential, pool.enter(|| best(rounds, cells, alone)))
        });
        let levels =
            Levels::within(plan, BLOCK / 4).map_or("-".to_owned(), |all| all.len().to_string());
        println!(
            "{:<12} {:>7.3} {:>5.3} {:>9.3} {levels:>6} {:>7.2} {:>7.2} {:>7.2} {:>7.2} {:>7} {:>9}",
            workload.to_string(),
            each(prepare, BLOCK),
            each(read, BLOCK),
            each(sequential, BLOCK),
            gains[0],
            gains[1],
            gains[2],
            gains[3],
            plan.uses_count(),
            plan.paths().len(),
        );
    }
}

/// A transfer with as much work besides as a contract call has.
struct Heavy<'a> {
    transfer: &'a Prepared<'a>,
    hashes: u32,
    weight: u64,
}

impl Task for Heavy<'_> {
    fn access(&self) -> &AccessSet {
        &self.transfer.access
    }

    fn weight(&self) -> u64 {
        self.weight
    }

    fn run(&self, params: &Params, slots: &Slots<'_>) -> TxEffects {
        work(self.hashes);
        self.transfer.run(params, slots)
    }
}

fn work(hashes: u32) {
    let mut digest = digest_of(Domain::Seed, &0u64);
    for _ in 0..hashes {
        digest = digest_of(Domain::Seed, &digest);
    }
    std::hint::black_box(digest);
}

/// The thread curve when transactions cost 1 to 50 microseconds.
#[expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
pub(crate) fn contracts() {
    const HASHES: u32 = 10_000;
    let hashes = best(rounds(20), || (), |()| work(HASHES));
    let per_microsecond = f64::from(HASHES) / (hashes.as_secs_f64() * 1e6);
    println!(
        "\nas above with work in every transaction; how many times as fast as in order\n\
         workload     work us  in order us  waves   1 thr   2 thr   4 thr   8 thr"
    );
    for workload in [Workload::P2p(10_000), Workload::P2p(100), Workload::Hot(50), Workload::Chain]
    {
        let mut stage = Stage::new(workload, Keys::Blank, u32::MAX, 1);
        let state = ExecutionState::new(&stage.genesis());
        let block = stage.block(BLOCK);
        let ready = Ready::new(&state, &block);
        for microseconds in [1u32, 5, 20, 50] {
            let wanted = per_microsecond * f64::from(microseconds);
            let hashes = (1..1_000_000).find(|count| f64::from(*count) >= wanted).unwrap_or(1);
            let weight = 1_000 * u64::from(microseconds);
            let heavy = |transfer| Heavy { transfer, hashes, weight };
            let tasks: Vec<Heavy<'_>> = ready.prepared.iter().map(heavy).collect();
            let cells = || ready.cells.clone();
            let mut in_order = Executor::inline(Options::default());
            let alone = |cells| in_order.run_alone(&ready.params, &tasks, &ready.plan, cells);
            let sequential = best(rounds(10), cells, alone);
            let gains = THREADS.map(|threads| {
                let pool = Pool::new(threads);
                let mut executor = Executor::new(WAVES, pool.clone());
                let alone = |cells| executor.run_alone(&ready.params, &tasks, &ready.plan, cells);
                times(sequential, pool.enter(|| best(rounds(10), cells, alone)))
            });
            let levels = Levels::within(&ready.plan, BLOCK / 4);
            println!(
                "{:<12} {microseconds:>7} {:>12.2} {:>6} {:>7.2} {:>7.2} {:>7.2} {:>7.2}",
                workload.to_string(),
                each(sequential, BLOCK),
                levels.map_or("-".to_owned(), |all| all.len().to_string()),
                gains[0],
                gains[1],
                gains[2],
                gains[3],
            );
        }
    }
}

/// Cells behind a database that takes its time: so much for a call, and an eighth of it for each
/// further key of a batch, as RocksDB's batched reads were measured.
struct Slow<'a> {
    state: &'a ExecutionState,
    hashes: u32,
}

impl CellSource for Slow<'_> {
    fn fetch(&mut self, paths: &[CellPath]) -> Result<Vec<Option<Cell>>, ReadError> {
        let keys = u32::try_from(paths.len()).expect("few cells");
        work(self.hashes + self.hashes / 8 * keys.saturating_sub(1));
        self.state.source().fetch(paths)
    }
}

/// Reading a block's cells, one by one when they are used and all at once before.
#[expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
pub(crate) fn latencies() {
    const HASHES: u32 = 10_000;
    let hashes = best(rounds(20), || (), |()| work(HASHES));
    let per_microsecond = f64::from(HASHES) / (hashes.as_secs_f64() * 1e6);
    println!(
        "\nreading the cells of a {BLOCK}-transaction block, milliseconds\n\
         workload     db_latency us  at each use  distinct, one batch"
    );
    for workload in [Workload::P2p(10_000), Workload::P2p(1_000), Workload::Smallbank] {
        let mut stage = Stage::new(workload, Keys::Blank, u32::MAX, 1);
        let state = ExecutionState::new(&stage.genesis());
        let block = stage.block(BLOCK);
        let ready = Ready::new(&state, &block);
        for microseconds in [0u32, 20, 40, 60, 80, 100] {
            let wanted = per_microsecond * f64::from(microseconds);
            let hashes = (0..1_000_000).find(|count| f64::from(*count) >= wanted).unwrap_or(0);
            let slow = || Slow { state: &state, hashes };
            let naive = best(rounds(3), slow, |mut slow| {
                let used = ready.prepared.iter().flat_map(|one| one.access.entries());
                used.map(|(path, _)| slow.fetch(&[*path]).expect("it does not fail")).count()
            });
            let paths = ready.plan.paths();
            let batch = best(rounds(3), slow, |mut slow| read_all(&mut slow, paths));
            println!(
                "{:<12} {microseconds:>13} {:>12.2} {:>20.2}",
                workload.to_string(),
                naive.as_secs_f64() * 1e3,
                batch.as_secs_f64() * 1e3,
            );
        }
    }
}
