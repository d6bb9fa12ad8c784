//! Threads for waves, as a driver would bring them: a private pool that is used for nothing else.
//!
//! Shared by the tests of the schedulers and the benches; the core itself links no threads.

use std::{fmt, sync::Arc};

use quorate_core::execution::schedule::Parallel;
use rayon::{
    ThreadPool, ThreadPoolBuilder,
    iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator},
};

/// Items below which handing them to threads costs more than it gains.
const ITEMS_MIN: usize = 16;

/// A private pool.
#[derive(Clone)]
pub(crate) struct Pool {
    threads: Arc<ThreadPool>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({})", self.threads.current_num_threads())
    }
}

impl Pool {
    /// Of so many threads.
    pub(crate) fn new(threads: usize) -> Self {
        let threads = ThreadPoolBuilder::new().num_threads(threads).build();
        Self { threads: Arc::new(threads.expect("the system has threads")) }
    }

    /// Runs something on a thread of the pool, as a node's execution lane does: whoever stands outside
    /// pays for a change of threads with every wave.
    pub(crate) fn enter<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        self.threads.install(f)
    }

    /// As [`Parallel::map`], for few items that are each worth a thread.
    pub(crate) fn map_each<T: Sync, R: Send>(
        &self,
        items: &[T],
        f: impl Fn(&T) -> R + Sync,
    ) -> Vec<R> {
        self.threads.install(|| items.par_iter().map(&f).collect())
    }
}

impl Parallel for Pool {
    fn map<T, R, F>(&self, items: &[T], f: F) -> Vec<R>
    where
        T: Sync,
        R: Send,
        F: Fn(&T) -> R + Sync,
    {
        if items.len() < ITEMS_MIN || self.threads.current_num_threads() == 1 {
            return items.iter().map(f).collect();
        }
        let each = (items.len() / (4 * self.threads.current_num_threads())).max(ITEMS_MIN / 2);
        self.threads.install(|| items.par_iter().with_min_len(each).map(&f).collect())
    }
}
