//! Running a block's transactions, in one order or many at once, with one result.
//!
//! Every scheduler calls the same pure [`Task::run`] and folds effects into the overlay on one thread;
//! there are no locks, no atomics and no shared mutable state. [`Scheduler::Sequential`] runs and folds
//! one after the other. [`Scheduler::Waves`] runs conflict-free batches ([`Levels`]) over whatever
//! [`Parallel`] the driver has. [`Scheduler::Shuffled`] walks a random legal interleaving on one
//! thread, so that a wrong order is found by a seed and not by luck. Why all three agree bit by bit is
//! in docs/execution.md, "Schedulers".

mod executor;
mod levels;
mod mismatch;
mod parallel;
mod plan;
mod shuffle;

pub use executor::{Executor, Options, Totals};
pub use levels::Levels;
pub use mismatch::{Difference, Mismatch, MismatchError, Run};
pub use parallel::{Inline, Parallel};
pub use plan::{Plan, Use};

use shuffle::run_shuffled;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    execution::{
        access::{Access, AccessSet, Prepared, Slots},
        overlay::Overlay,
        transition::{Params, TxEffects, exec_tx},
    },
    random::Seed,
};

/// What a scheduler runs: a transaction, or a stand-in for one in tests.
pub trait Task: Sync {
    /// What it may touch.
    fn access(&self) -> &AccessSet;

    /// About how long it runs, in nanoseconds, from its bytes alone.
    fn weight(&self) -> u64;

    /// Runs it. A pure function of the arguments.
    fn run(&self, params: &Params, slots: &Slots<'_>) -> TxEffects;
}

impl Task for Prepared<'_> {
    fn access(&self) -> &AccessSet {
        &self.access
    }

    /// A transfer costs about a tenth of a microsecond and half of that for each cell.
    fn weight(&self) -> u64 {
        let cells = u64::try_from(self.access.entries().len()).expect("few accesses");
        100 + 50 * cells
    }

    fn run(&self, params: &Params, slots: &Slots<'_>) -> TxEffects {
        exec_tx(params, slots, self)
    }
}

/// The order in which transactions run. Never changes what comes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Scheduler {
    /// One after the other, in the block's order.
    #[default]
    Sequential = 1,
    /// In batches without conflicts, where that pays.
    Waves = 2,
    /// In a random legal order on one thread; another one at every height.
    Shuffled(Seed) = 3,
}

/// Runs every task under one scheduler, whether that pays or not.
fn run_as<T: Task, P: Parallel>(
    scheduler: Scheduler,
    parallel: &P,
    params: &Params,
    tasks: &[T],
    plan: &Plan,
    overlay: &mut Overlay,
) -> Vec<TxEffects> {
    match scheduler {
        Scheduler::Sequential => run_in_order(params, tasks, plan, overlay),
        Scheduler::Waves => {
            let levels = Levels::within(plan, usize::MAX).expect("no limit was set");
            run_in_waves(parallel, params, tasks, plan, &levels, overlay)
        }
        Scheduler::Shuffled(seed) => {
            let rng = seed.fork("shuffled", params.height.get()).rng();
            run_shuffled(rng, params, tasks, plan, overlay)
        }
    }
}

/// Runs every task in the block's order.
fn run_in_order<T: Task>(
    params: &Params,
    tasks: &[T],
    plan: &Plan,
    overlay: &mut Overlay,
) -> Vec<TxEffects> {
    let step = |(index, task): (usize, &T)| {
        let effects = task.run(params, &slots(plan, overlay, index));
        fold(task.access(), plan.uses(index), &effects, overlay);
        effects
    };
    tasks.iter().enumerate().map(step).collect()
}

/// Runs each batch at once, then folds its effects in the block's order.
///
/// A credit is folded with its own batch, so whatever conflicts with it, being in a later batch, sees
/// it.
fn run_in_waves<T: Task, P: Parallel>(
    parallel: &P,
    params: &Params,
    tasks: &[T],
    plan: &Plan,
    levels: &Levels,
    overlay: &mut Overlay,
) -> Vec<TxEffects> {
    let mut effects: Vec<Option<TxEffects>> = Vec::new();
    effects.resize_with(tasks.len(), || None);
    for wave in levels.waves() {
        let seen = &*overlay;
        let done = parallel
            .map(wave, |index: &usize| tasks[*index].run(params, &slots(plan, seen, *index)));
        assert_eq!(done.len(), wave.len(), "one result per task of a wave");
        for (index, result) in wave.iter().zip(done) {
            fold(tasks[*index].access(), plan.uses(*index), &result, overlay);
            effects[*index] = Some(result);
        }
    }
    effects.into_iter().map(|one| one.expect("every task is in a wave")).collect()
}

/// The cells of a task as they are now.
fn slots<'a>(plan: &Plan, overlay: &'a Overlay, index: usize) -> Slots<'a> {
    let uses = plan.uses(index).iter();
    Slots::of(uses.map(|one| one.access.is_readable().then(|| overlay.at(one.slot)).flatten()))
}

/// Puts one task's effects into the overlay.
///
/// # Panics
/// If they touch what the access set does not allow: the transition checks that, and the order that
/// the scheduler chose is wrong otherwise.
fn fold(set: &AccessSet, uses: &[Use], effects: &TxEffects, overlay: &mut Overlay) {
    let place = |path| {
        let position = set.position(path).unwrap_or_else(|| panic!("{path:?} is not declared"));
        uses[position]
    };
    for (path, cell) in &effects.writes {
        let Use { slot, access } = place(path);
        assert_eq!(access, Access::Write, "{path:?} is written but declared {access:?}");
        overlay.replace(slot, cell.clone());
    }
    for (path, amount) in &effects.adds {
        let Use { slot, access } = place(path);
        assert_ne!(access, Access::Read, "{path:?} is added to but declared {access:?}");
        overlay.credit(slot, amount);
    }
}

#[cfg(test)]
mod tests;
