//! A replica with everything it needs to run, put together and taken apart.
//!
//! Knows no database, key or socket: those come in through [`super::ports`].

use std::{path::PathBuf, sync::Arc, thread::JoinHandle, time::Duration};

use futures_util::FutureExt;
use quorate_core::{
    config::Config,
    execution::{ExecutionState, Executor, Options},
    random::Seed,
    replica::Replica,
    signer::SignState,
    store::{Recovered, SignerRecord},
};
use tokio::sync::{mpsc::unbounded_channel, watch};

use super::{
    Driver, Turns,
    clock::Clock,
    fate::{Fate, panicked},
    hands::Hands,
    intake::{Counter, intake},
    jobs::{Jobs, Remaining},
    lane::{Lane, StateDesk},
    metrics::Metrics,
    observe::{Observer, first_snapshot},
    ports::{Commits, Inlet, Log, Outlet, Reads, Signs},
    storage::{self, Signing},
    threads::{Waves, pool},
    twins::Twins,
};
use crate::{
    capture::{self, CaptureOptions},
    exit::Failure,
    published::{Published, published},
};

/// What an engine is made of.
pub(crate) struct Parts<L, C, I> {
    /// What the replica is told at birth.
    pub(crate) config: Config,
    /// The seed of this life: drawn anew for each.
    pub(crate) seed: Seed,
    /// What the store and the signer hold.
    pub(crate) recovered: Recovered,
    /// The state after everything final was executed.
    pub(crate) state: ExecutionState,
    /// Where records become durable.
    pub(crate) log: L,
    /// Whoever holds the key; none if the node only follows.
    pub(crate) signer: Option<Box<dyn Signs>>,
    /// How long to listen for another user of the key before it signs, if it has signed before.
    pub(crate) listen: Duration,
    /// Where executed blocks are kept.
    pub(crate) commits: C,
    /// Where blocks are read for peers.
    pub(crate) reads: Arc<dyn Reads>,
    /// Where messages come in.
    pub(crate) inlet: I,
    /// Where messages leave.
    pub(crate) outlet: Arc<dyn Outlet>,
    /// Threads for signatures, and as many for execution.
    pub(crate) threads: usize,
    /// How blocks are executed.
    pub(crate) execution: Options,
    /// Where records of mismatches are left.
    pub(crate) dumps: PathBuf,
    /// Where inputs are captured, if they are.
    pub(crate) capture: Option<CaptureOptions>,
    /// What to observe into.
    pub(crate) metrics: Metrics,
}

/// A replica that runs.
#[derive(Debug)]
pub(crate) struct Engine {
    published: Published,
    counter: Counter,
    desk: StateDesk,
    fate: Fate,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
    threads: Vec<JoinHandle<()>>,
    remaining: Remaining,
}

impl Engine {
    /// Starts everything, on the runtime it is called on.
    ///
    /// # Errors
    /// If the system has no threads to give, or the store knows of votes that the sign-state does not.
    pub(crate) fn start(
        parts: Parts<impl Log, impl Commits, impl Inlet>,
        fate: Fate,
    ) -> Result<Self, Failure> {
        let Parts { config, seed, recovered, state, metrics, inlet, .. } = parts;
        let twins = Twins::of(&config, &recovered);
        if let Some(failure) = twins.as_ref().and_then(|twins| twins.on_start(&recovered)) {
            return Err(failure);
        }
        let first = first_snapshot(&config, &recovered, state.digest());
        let (publisher, published) = published(first.clone());
        let (answers, answered) = unbounded_channel();
        let mut threads = Vec::new();
        // A key that has promised nothing begins with its chain, and nobody waits for it.
        let is_fresh = recovered.signer == SignerRecord::Intact(SignState::default());
        let signing = parts.signer.map(|signer| Signing {
            signer,
            listen: if is_fresh { Duration::ZERO } else { parts.listen },
        });
        let (log, thread) = storage::start(parts.log, signing, answers.clone(), &fate, &metrics)?;
        threads.push(thread);
        let waves = Waves::on(pool("wave", parts.threads, &fate)?);
        let lane = Lane {
            state,
            executor: Executor::new(parts.execution, waves),
            commits: parts.commits,
            dumps: parts.dumps,
            publisher: publisher.clone(),
            answers: answers.clone(),
            metrics: metrics.clone(),
        };
        let (lane, desk, thread) = lane.start(&fate)?;
        threads.push(thread);
        let (jobs, remaining) =
            Jobs::new(parts.threads, parts.reads, lane, answers, &fate, &metrics)?;
        let tape = match &parts.capture {
            None => None,
            Some(options) => {
                let (tape, thread) =
                    capture::start(options, &config, seed, recovered.clone(), &fate, &metrics)?;
                threads.push(thread);
                Some(tape)
            }
        };
        let (counter, intake) = intake(&metrics);
        let observer = Observer::new(&config, &recovered, first, publisher, metrics.clone());
        let driver = Driver {
            hands: Hands::new(&config, parts.outlet, log, jobs, fate.clone()),
            replica: Replica::new(config, recovered, seed),
            clock: Clock::start(),
            answers: answered,
            inlet,
            intake,
            observer,
            twins,
            tape,
            turns: Turns::new(&metrics),
            metrics,
        };
        let (stop, stopped) = watch::channel(false);
        let sealed = fate.clone();
        let task = tokio::spawn(async move {
            let run = std::panic::AssertUnwindSafe(driver.run(stopped)).catch_unwind();
            if let Err(panic) = run.await {
                sealed.seal(panicked("the replica", &*panic));
            }
        });
        Ok(Self { published, counter, desk, fate, stop, task, threads, remaining })
    }

    /// What readers may see.
    pub(crate) fn published(&self) -> &Published {
        &self.published
    }

    /// Where transactions are handed in.
    pub(crate) fn counter(&self) -> &Counter {
        &self.counter
    }

    /// Where the state can be asked.
    pub(crate) fn desk(&self) -> &StateDesk {
        &self.desk
    }

    /// Waits until the node comes to its end by itself.
    pub(crate) async fn finished(&self) -> Failure {
        self.fate.sealed().await
    }

    /// Takes nothing in any more, lets the threads finish what they were given, and ends.
    ///
    /// # Errors
    /// If the node's fate was sealed before or meanwhile.
    ///
    /// # Panics
    /// If the runtime is shutting down.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        // Nobody listens if the task is over already.
        let _ = self.stop.send(true);
        let Self { task, threads, remaining, fate, .. } = self;
        let joined = task.await;
        assert!(joined.is_ok(), "the replica's task catches its own panics: {joined:?}");
        let all = move || {
            remaining.wait();
            threads.into_iter().all(|thread| thread.join().is_ok())
        };
        let joined = tokio::task::spawn_blocking(all).await;
        assert!(matches!(joined, Ok(true)), "threads catch their own panics: {joined:?}");
        match fate.failure() {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }
}
