//! Threads for pure work: waves of transactions, and signatures.
//!
//! What runs here is a function of its arguments; how many threads there are changes how long it takes and
//! nothing else.

use std::fmt;

use quorate_core::{
    crypto::{Ed25519, SignatureCheck, Verifier},
    execution::schedule::Parallel,
};
use rayon::{
    ThreadPool, ThreadPoolBuilder,
    iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator},
    slice::ParallelSlice,
};

use super::fate::{Fate, panicked};
use crate::exit::{Exit, Failure};

/// Items below which handing them to threads costs more than it gains.
const ITEMS_MIN: usize = 16;

/// Signatures that one thread checks as one batch: large enough that a batch costs half of single checks,
/// small enough that two threads end at about the same time.
const BATCH_CHECKS: usize = 64;

/// A pool of so many threads, whose panics end the node.
pub(crate) fn pool(name: &'static str, threads: usize, fate: &Fate) -> Result<ThreadPool, Failure> {
    let fate = fate.clone();
    let built = ThreadPoolBuilder::new()
        .num_threads(threads.max(1))
        .thread_name(move |place| format!("{name}-{place}"))
        .panic_handler(move |panic| fate.seal(panicked(name, &*panic)))
        .build();
    built.map_err(|error| {
        Failure::new(Exit::Restart, format!("the threads {name:?} cannot be started: {error}"))
    })
}

/// A private pool for the waves of one executor.
pub(crate) struct Waves(ThreadPool);

impl Waves {
    /// On a pool that is used for nothing else, or a wave would wait for other work.
    pub(crate) fn on(pool: ThreadPool) -> Self {
        Self(pool)
    }
}

impl fmt::Debug for Waves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Waves({})", self.0.current_num_threads())
    }
}

impl Parallel for Waves {
    fn map<T, R, F>(&self, items: &[T], f: F) -> Vec<R>
    where
        T: Sync,
        R: Send,
        F: Fn(&T) -> R + Sync,
    {
        let threads = self.0.current_num_threads();
        if items.len() < ITEMS_MIN || threads == 1 {
            return items.iter().map(f).collect();
        }
        let each = (items.len() / (4 * threads)).max(ITEMS_MIN / 2);
        self.0.install(|| items.par_iter().with_min_len(each).map(&f).collect())
    }
}

/// Checks signatures on the pool it is called from, a batch per thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batched;

impl Verifier for Batched {
    fn verify(&mut self, checks: &[SignatureCheck]) -> Vec<bool> {
        if checks.len() <= BATCH_CHECKS {
            return Ed25519.verify(checks);
        }
        let answers: Vec<Vec<bool>> =
            checks.par_chunks(BATCH_CHECKS).map(|part| Ed25519.verify(part)).collect();
        answers.concat()
    }
}
