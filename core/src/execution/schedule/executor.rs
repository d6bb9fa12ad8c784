//! Which scheduler runs a block, and whether another one checks it.
//!
//! The choice depends on the block and the options only, and never changes the result. In test mode
//! every block also runs on the other schedulers; should one ever differ, the sequential result is
//! kept, the difference counted, and everything needed to see it again is handed to the driver.

use crate::{
    execution::{
        cell::Cell,
        overlay::Overlay,
        schedule::{
            Inline, Levels, Mismatch, Parallel, Plan, Run, Scheduler, Task, run_as, run_in_order,
            run_in_waves,
        },
        transition::{Params, TxEffects},
    },
    transaction::Transaction,
};

/// How blocks are executed. Nodes may differ in every field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The order asked for.
    pub scheduler: Scheduler,
    /// Transactions below which a block runs in order.
    pub transactions_min: usize,
    /// Nanoseconds of expected work below which a block runs in order: starting threads on a wave
    /// costs 10 to 30 microseconds.
    pub weight_min: u64,
    /// Run every block on other schedulers as well and compare.
    pub test_mode: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scheduler: Scheduler::Sequential,
            transactions_min: 20,
            weight_min: 300_000,
            test_mode: false,
        }
    }
}

/// What an executor has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Blocks executed.
    pub blocks: u64,
    /// Of those, in waves.
    pub blocks_in_waves: u64,
    /// Waves of those blocks.
    pub waves: u64,
    /// Comparisons of another scheduler with the sequential one.
    pub compared: u64,
    /// Comparisons that found a difference: anything but zero is a defect of this program.
    pub mismatches: u64,
}

/// Runs the transactions of one block after the other.
#[derive(Clone, Debug, Default)]
pub struct Executor<P = Inline> {
    options: Options,
    parallel: P,
    totals: Totals,
    mismatch: Option<Box<Mismatch>>,
}

impl Executor<Inline> {
    /// One without threads.
    #[must_use]
    pub fn inline(options: Options) -> Self {
        Self::new(options, Inline)
    }
}

impl<P: Parallel> Executor<P> {
    /// One that runs waves on `parallel`.
    #[must_use]
    pub fn new(options: Options, parallel: P) -> Self {
        Self { options, parallel, totals: Totals::default(), mismatch: None }
    }

    /// What it has done.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The first mismatch since this was last asked. The driver keeps it where people find it.
    pub fn take_mismatch(&mut self) -> Option<Box<Mismatch>> {
        self.mismatch.take()
    }

    /// What the driver brought for doing many things at once.
    #[must_use]
    pub fn parallel(&self) -> &P {
        &self.parallel
    }

    /// Runs tasks that need not be a block's transactions, on one cell per path of their plan, and
    /// keeps nothing but their effects: for benches.
    #[must_use]
    pub fn run_alone<T: Task>(
        &mut self,
        params: &Params,
        tasks: &[T],
        plan: &Plan,
        cells: Vec<Option<Cell>>,
    ) -> Vec<TxEffects> {
        let mut overlay = Overlay::new(plan.paths().to_vec(), cells);
        self.run(params, tasks, plan, &mut overlay, &[])
    }

    /// Runs a block's tasks on the overlay. `transactions` are kept with a mismatch.
    pub(in crate::execution) fn run<T: Task>(
        &mut self,
        params: &Params,
        tasks: &[T],
        plan: &Plan,
        overlay: &mut Overlay,
        transactions: &[Transaction],
    ) -> Vec<TxEffects> {
        self.totals.blocks += 1;
        if self.options.test_mode {
            return self.run_and_compare(params, tasks, plan, overlay, transactions);
        }
        match self.options.scheduler {
            Scheduler::Sequential => run_in_order(params, tasks, plan, overlay),
            shuffled @ Scheduler::Shuffled(_) => {
                run_as(shuffled, &self.parallel, params, tasks, plan, overlay)
            }
            Scheduler::Waves => match self.worthwhile(tasks, plan) {
                None => run_in_order(params, tasks, plan, overlay),
                Some(levels) => {
                    self.totals.blocks_in_waves += 1;
                    self.totals.waves += u64::try_from(levels.len()).expect("few levels");
                    run_in_waves(&self.parallel, params, tasks, plan, &levels, overlay)
                }
            },
        }
    }

    /// The levels of a block that is worth running in waves.
    fn worthwhile<T: Task>(&self, tasks: &[T], plan: &Plan) -> Option<Levels> {
        if tasks.len() < self.options.transactions_min.max(1) {
            return None;
        }
        let weight = tasks.iter().fold(0u64, |sum, task| sum.saturating_add(task.weight()));
        if weight < self.options.weight_min {
            return None;
        }
        Levels::within(plan, tasks.len() / 4)
    }

    fn run_and_compare<T: Task>(
        &mut self,
        params: &Params,
        tasks: &[T],
        plan: &Plan,
        overlay: &mut Overlay,
        transactions: &[Transaction],
    ) -> Vec<TxEffects> {
        let before = overlay.clone();
        let effects = run_in_order(params, tasks, plan, overlay);
        let sequential = Run::of(&effects, overlay);
        let repro = Repro { params, before: &before, transactions, sequential: &sequential };
        let asked = Some(self.options.scheduler);
        let shuffled = asked.filter(|one| matches!(one, Scheduler::Shuffled(_)));
        for scheduler in [Some(Scheduler::Waves), shuffled].into_iter().flatten() {
            let mut other = before.clone();
            let done = run_as(scheduler, &self.parallel, params, tasks, plan, &mut other);
            self.compare(&repro, scheduler, Run::of(&done, &other));
        }
        effects
    }

    pub(super) fn compare(&mut self, repro: &Repro<'_>, scheduler: Scheduler, other: Run) {
        self.totals.compared += 1;
        if other == *repro.sequential {
            return;
        }
        self.totals.mismatches += 1;
        if self.mismatch.is_none() {
            self.mismatch = Some(Box::new(Mismatch {
                params: *repro.params,
                cells: repro.before.before(),
                transactions: repro.transactions.to_vec(),
                scheduler,
                sequential: repro.sequential.clone(),
                other,
            }));
        }
    }
}

/// What a comparison is about.
pub(super) struct Repro<'a> {
    pub(super) params: &'a Params,
    pub(super) before: &'a Overlay,
    pub(super) transactions: &'a [Transaction],
    pub(super) sequential: &'a Run,
}
