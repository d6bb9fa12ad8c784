//! The long work that the core hands out: checks of signatures, execution, reading blocks.

use std::sync::Arc;

use quorate_core::{
    block::Block,
    codec::Bounded,
    execution::{ExecutedBlock, ExecutionState, Executor},
    job::{self, Job, JobResult},
};

use super::{
    super::{delay::sample, fabric::Ledger, host::Host, lock, records},
    Due, Process,
};
use crate::trace::What;

impl Process {
    pub(super) fn on_job(&mut self, host: &mut Host, ledger: &mut Ledger, job: &Job) {
        let altered = if host.diverges { without_last_transaction(job) } else { None };
        let result = match altered.as_ref().unwrap_or(job) {
            Job::Execute { block } => {
                JobResult::Executed(execute(&mut self.execution, &mut self.executor, block))
            }
            asked => {
                let mut memo = lock(&self.common.memo);
                job::run(asked, &mut *memo, &mut self.execution, &self.stored)
            }
        };
        if altered.is_some() {
            host.diverges = false;
            self.note(ledger, What::Diverged(self.execution.height()));
        }
        if let (Job::Execute { block }, JobResult::Executed(executed)) = (job, &result) {
            let block = Arc::clone(block);
            let result = Arc::new(executed.clone());
            self.note(ledger, What::Executed { block, result, replayed: false });
            let (height, total) = (self.execution.height(), self.execution.supply().total());
            self.note(ledger, What::Supply { height, total });
        }
        host.jobs += 1;
        let nanos = sample(&self.common.jobs, self.common.job_draw(host.machine, host.jobs));
        self.later_at_pace(nanos, Due::Finished(Box::new(result)));
    }
}

/// What a broken machine makes of a block; none if it has no transaction to lose.
fn without_last_transaction(job: &Job) -> Option<Job> {
    let Job::Execute { block } = job else { return None };
    let mut payload = block.payload().clone();
    let mut transactions = payload.transactions.into_inner();
    transactions.pop()?;
    payload.transactions = Bounded::new(transactions);
    let block = Arc::new(Block::new(block.header().clone(), payload));
    Some(Job::Execute { block })
}

/// Executes a block as this machine does it.
///
/// # Panics
/// If two orders of one block come to different results. What shows it again is left in a file.
pub(super) fn execute(
    state: &mut ExecutionState,
    executor: &mut Executor,
    block: &Block,
) -> ExecutedBlock {
    let executed = state.execute_on(block, executor);
    if let Some(mismatch) = executor.take_mismatch() {
        let (height, scheduler) = (executed.height, mismatch.scheduler);
        let difference = mismatch.sequential.difference(&mismatch.other);
        let difference = difference.map_or_else(String::new, |one| format!(": {one}"));
        let kept = records::keep(&mismatch);
        panic!("height {height} comes to something else under {scheduler:?}{difference}; {kept}");
    }
    executed
}
