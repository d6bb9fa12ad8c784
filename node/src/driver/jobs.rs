//! The work that the core hands out, on threads of its own.
//!
//! Two pools check signatures, one for what consensus waits for and one for transactions on their way into
//! the mempool, so that a vote is never behind a thousand transfers; the system shares the cores among
//! them. A third, small one reads blocks for peers. None of their queues grows beyond what the core has
//! outstanding: four checks of transactions, 64 reads, one block to execute, and as many checks for
//! consensus as [`JOBS_MAX`], because the replica's task takes nothing from outside above that.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
};

use quorate_core::{
    effect::Input,
    job::{self, Job},
};
use rayon::ThreadPool;

use super::{
    fate::Fate,
    lane::LaneQueue,
    metrics::Metrics,
    ports::Reads,
    storage::Answers,
    threads::{Batched, pool},
};
use crate::exit::Failure;

/// Jobs under way above which nothing from outside is taken.
const JOBS_MAX: u64 = 1_024;

/// Threads that read for peers: enough that one slow read does not hold up all others.
const READERS: usize = 2;

/// Held by every job, so that it is known when the last one is done. Nothing is ever sent.
type Token = Sender<Infallible>;

/// Tells when no job is left.
#[derive(Debug)]
pub(crate) struct Remaining(Mutex<Receiver<Infallible>>);

impl Remaining {
    /// Waits until the jobs' owner is dropped and the last job done, and with it all it held.
    pub(crate) fn wait(self) {
        let ended = self.0.into_inner().unwrap_or_else(PoisonError::into_inner).recv();
        assert!(ended.is_err(), "nothing can be sent");
    }
}

/// Where jobs run.
pub(crate) struct Jobs {
    urgent: ThreadPool,
    patient: ThreadPool,
    readers: ThreadPool,
    reads: Arc<dyn Reads>,
    fate: Fate,
    lane: LaneQueue,
    answers: Answers,
    waiting: Arc<AtomicU64>,
    token: Token,
    metrics: Metrics,
}

impl Jobs {
    /// Pools of `threads` for signatures.
    pub(crate) fn new(
        threads: usize,
        reads: Arc<dyn Reads>,
        lane: LaneQueue,
        answers: Answers,
        fate: &Fate,
        metrics: &Metrics,
    ) -> Result<(Self, Remaining), Failure> {
        let (token, remaining) = channel();
        let jobs = Self {
            urgent: pool("check", threads, fate)?,
            patient: pool("admit", threads, fate)?,
            readers: pool("read", READERS, fate)?,
            reads,
            fate: fate.clone(),
            lane,
            answers,
            waiting: Arc::default(),
            token,
            metrics: metrics.clone(),
        };
        Ok((jobs, Remaining(Mutex::new(remaining))))
    }

    /// Has a job done and answered.
    pub(crate) fn run(&self, job: Job) {
        match job {
            Job::Execute { block } => self.lane.execute(block),
            Job::Verify { .. } | Job::CheckBlock { .. } => self.check(&self.urgent, job),
            Job::CheckTransactions { .. } => self.check(&self.patient, job),
            Job::Read { .. } => self.read(job),
        }
    }

    /// Jobs not answered yet, execution aside.
    pub(crate) fn len(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether so many are under way that nothing should be taken in from outside.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= JOBS_MAX
    }

    fn check(&self, pool: &ThreadPool, job: Job) {
        let (answer, seconds) = (self.answer(), self.metrics.verify_seconds.clone());
        let token = self.token.clone();
        pool.spawn(move || {
            let begun = std::time::Instant::now();
            let result = job::run_pure(&job, &mut Batched).expect("only checks are sent here");
            seconds.observe(begun.elapsed().as_secs_f64());
            answer(Input::Finished(result));
            drop(token);
        });
    }

    fn read(&self, job: Job) {
        let (answer, reads, fate) = (self.answer(), Arc::clone(&self.reads), self.fate.clone());
        let token = self.token.clone();
        self.readers.spawn(move || {
            let result = job::run_read(&job, &*reads).expect("only reads are sent here");
            match reads.failure() {
                None => answer(Input::Finished(result)),
                Some(failure) => fate.seal(failure),
            }
            // Whoever waits for the last job may open the store again.
            drop(reads);
            drop(token);
        });
    }

    /// Counts one job, and makes the way to answer it.
    fn answer(&self) -> impl FnOnce(Input) + Send + 'static {
        self.metrics.jobs.inc();
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let (answers, waiting) = (self.answers.clone(), Arc::clone(&self.waiting));
        move |input| {
            waiting.fetch_sub(1, Ordering::Relaxed);
            // The replica's task is gone only when the node stops, and then nobody waits for this.
            let _ = answers.send(input);
        }
    }
}
