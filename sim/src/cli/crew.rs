//! Many runs, several at once: jobs in one order, rows as they come, and no job begun when the budget
//! is over. Each run has a thread of its own, because a run leaves nothing behind there.

use std::{
    sync::{Mutex, mpsc::channel},
    thread,
    time::{Duration, Instant},
};

use super::{Runner, console::Stop};
use crate::{
    report::{RunOptions, RunReport},
    scenario::Scenario,
};

/// Jobs that wait.
struct Queue<I> {
    items: Mutex<Option<I>>,
    begun: Instant,
    budget: Option<Duration>,
}

impl<I: Iterator> Queue<I> {
    fn take(&self) -> Option<I::Item> {
        if self.budget.is_some_and(|budget| self.begun.elapsed() >= budget) {
            return None;
        }
        // A worker never panics while it holds the lock.
        self.items.lock().ok()?.as_mut()?.next()
    }

    fn close(&self) {
        if let Ok(mut items) = self.items.lock() {
            *items = None;
        }
    }
}

/// Does every job on so many threads and hands over each row as soon as it is there. A row that
/// cannot be taken, or a job that cannot be done, ends the work.
pub(super) fn work<I, R>(
    jobs: I,
    threads: usize,
    budget: Option<Duration>,
    make: &(dyn Fn(I::Item) -> Result<R, Stop> + Sync),
    mut take: impl FnMut(R) -> Result<(), Stop>,
) -> Result<(), Stop>
where
    I: Iterator + Send,
    I::Item: Send,
    R: Send,
{
    let queue = Queue { items: Mutex::new(Some(jobs)), begun: Instant::now(), budget };
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        for _ in 0..threads.max(1) {
            let (sender, queue) = (sender.clone(), &queue);
            scope.spawn(move || {
                while let Some(job) = queue.take() {
                    if sender.send(make(job)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for row in receiver {
            if let Err(stop) = row.and_then(&mut take) {
                // The workers end with the run they are at.
                queue.close();
                return Err(stop);
            }
        }
        Ok(())
    })
}

/// One run on a thread of its own; one that panics is a failure of the simulator.
pub(super) fn run_apart(
    runner: Runner,
    scenario: &Scenario,
    seed: u64,
    options: &RunOptions,
) -> RunReport {
    let report = thread::scope(|scope| scope.spawn(|| runner(scenario, seed, options)).join());
    report.unwrap_or_else(|_| {
        RunReport::infrastructure(scenario, seed, "the simulator panicked".to_owned())
    })
}

/// How many threads there are to work on, unless somebody says.
pub(super) fn threads(asked: Option<u16>) -> usize {
    asked.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from)
}
