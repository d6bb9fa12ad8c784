//! The execution lane: one thread that owns the state.
//!
//! Blocks come one at a time, because the core never has more than one under way. Each is executed,
//! committed, told to subscribers, and only then answered. Questions about the state are asked here too,
//! between blocks, as many at a time as [`QUESTIONS_MAX`] and no more. In test mode a block whose
//! schedulers differ leaves a record that shows it again, and the node goes on with the sequential result.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
    time::Instant,
};

use quorate_core::{
    block::Block,
    digest::{Domain, digest_of},
    effect::Input,
    execution::{ExecutionState, Executor, prefetch::CellSource, schedule::Mismatch},
    job::JobResult,
};
use tokio::sync::{Semaphore, oneshot};

use super::{
    fate::Fate,
    metrics::{Fared, FaredLabel, Metrics},
    ports::Commits,
    storage::Answers,
    threads::Waves,
};
use crate::{
    exit::Failure,
    published::{Executed, NodeEvent, Publisher},
};

/// Questions about the state that may wait at once.
const QUESTIONS_MAX: usize = 64;

/// A question about the state; it answers through whatever it captured.
type Question = Box<dyn FnOnce(&ExecutionState) + Send>;

enum Request {
    Execute(Arc<Block>),
    Ask(Question),
    Stop,
}

/// The replica's way to the lane.
#[derive(Debug)]
pub(crate) struct LaneQueue(Sender<Request>);

impl LaneQueue {
    /// Has the next block executed.
    pub(crate) fn execute(&self, block: Arc<Block>) {
        // Nobody listens after a failure, which has sealed the node's fate already.
        let _ = self.0.send(Request::Execute(block));
    }
}

/// Everybody's way to ask about the state.
#[derive(Clone, Debug)]
pub(crate) struct StateDesk {
    requests: Sender<Request>,
    places: Arc<Semaphore>,
}

/// Why a question was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Too many others wait.
    #[error("too many requests wait already; ask again in a moment")]
    Busy,
    /// The node is about to end.
    #[error("the node is stopping")]
    Stopping,
}

impl StateDesk {
    /// Asks about the state after the block executed last.
    ///
    /// # Errors
    /// If too many ask, or the node ends.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&ExecutionState) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| Unavailable::Busy)?;
        let (reply, answer) = oneshot::channel();
        let asked = Request::Ask(Box::new(move |state| {
            // Whoever asked may have gone away.
            let _ = reply.send(question(state));
            drop(place);
        }));
        self.requests.send(asked).map_err(|_| Unavailable::Stopping)?;
        answer.await.map_err(|_| Unavailable::Stopping)
    }
}

/// What the lane is made of.
pub(crate) struct Lane<C> {
    /// The state after the block executed last.
    pub(crate) state: ExecutionState,
    /// How blocks are executed.
    pub(crate) executor: Executor<Waves>,
    /// Where what they changed is kept.
    pub(crate) commits: C,
    /// The folder for records of mismatches.
    pub(crate) dumps: PathBuf,
    /// Whom to tell.
    pub(crate) publisher: Publisher,
    /// Where results go.
    pub(crate) answers: Answers,
    /// What to observe into.
    pub(crate) metrics: Metrics,
}

impl<C: Commits> Lane<C> {
    /// Starts the thread. It ends when the replica's queue is dropped, or at a failure.
    pub(crate) fn start(
        self,
        fate: &Fate,
    ) -> Result<(LaneQueue, StateDesk, JoinHandle<()>), Failure> {
        let (requests, queue) = channel();
        let places = Arc::new(Semaphore::new(QUESTIONS_MAX));
        let desk = StateDesk { requests: requests.clone(), places };
        let sealed = fate.clone();
        let body = move || {
            if let Err(failure) = self.run(&queue, &sealed) {
                sealed.seal(failure);
            }
        };
        let thread = fate.spawn("execution", body)?;
        Ok((LaneQueue(requests), desk, thread))
    }

    fn run(mut self, queue: &Receiver<Request>, fate: &Fate) -> Result<(), Failure> {
        while let Ok(request) = queue.recv() {
            match request {
                _ if fate.is_sealed() => break,
                Request::Stop => break,
                Request::Ask(question) => question(&self.state),
                Request::Execute(block) => self.execute(&block)?,
            }
        }
        Ok(())
    }

    fn execute(&mut self, block: &Block) -> Result<(), Failure> {
        let begun = Instant::now();
        let work = self.state.begin(block, &self.executor);
        let cells = self.state.source().fetch(work.paths());
        let cells = cells.expect("cells in memory are always there");
        let done = self.state.finish(&work, cells, &mut self.executor);
        self.metrics.execution_seconds.observe(begun.elapsed().as_secs_f64());
        if let Some(mismatch) = self.executor.take_mismatch() {
            self.metrics.shadow_mismatches.inc();
            keep(&mismatch, &self.dumps);
        }
        let begun = Instant::now();
        self.commits.commit(block, &done, &self.state)?;
        self.metrics.commit_seconds.observe(begun.elapsed().as_secs_f64());
        let counts = done.executed.counts();
        for (outcome, count) in [
            (Fared::Applied, counts.applied),
            (Fared::Failed, counts.failed),
            (Fared::Skipped, counts.skipped),
        ] {
            self.metrics
                .transactions
                .get_or_create(&FaredLabel { outcome })
                .inc_by(u64::from(count));
        }
        self.publisher.tell(NodeEvent::Executed(Executed {
            height: done.executed.height,
            state: done.executed.state,
            outcomes: done.executed.outcomes.clone(),
        }));
        // The replica's task is gone only when the node stops, and then nobody waits for this.
        let _ = self.answers.send(Input::Finished(JobResult::Executed(done.executed)));
        Ok(())
    }
}

impl Drop for LaneQueue {
    fn drop(&mut self) {
        // Desks outlive the replica and must not keep the lane alive.
        let _ = self.0.send(Request::Stop);
    }
}

/// Leaves a mismatch where people find it, under a name that follows from what is in it.
fn keep(mismatch: &Mismatch, folder: &Path) {
    let bytes = mismatch.encode();
    let digest = digest_of(Domain::Record, &bytes).to_string();
    let name = digest.get(..16).unwrap_or(&digest);
    let path = folder.join(format!("mismatch-{name}.bin"));
    let kept = fs::create_dir_all(folder).and_then(|()| fs::write(&path, bytes));
    let path = path.display();
    match kept {
        Ok(()) => tracing::error!(
            "two schedulers disagree about a block; see it again with: quorate-sim exec replay {path}"
        ),
        Err(error) => {
            tracing::error!(
                "two schedulers disagree about a block; {path} cannot be written: {error}"
            );
        }
    }
}
