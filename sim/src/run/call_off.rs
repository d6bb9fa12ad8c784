//! Ending a run that nobody waits for any more.
//!
//! Of several runs made at once the first in their order that counts is taken, and those behind it are
//! for nothing. A run that was called off ends where it is, and its report says nothing; what a run
//! comes to that was not is the same as ever.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A run's place among several, and the first place among them that is known to count.
#[derive(Clone, Debug)]
pub struct CallOff {
    counts: Arc<AtomicUsize>,
    place: usize,
}

impl CallOff {
    /// Of the run at `place`, to be called off as soon as `counts` is less.
    #[must_use]
    pub fn new(counts: &Arc<AtomicUsize>, place: usize) -> Self {
        Self { counts: Arc::clone(counts), place }
    }

    /// Whether nobody waits for this run.
    #[must_use]
    pub fn is_called_off(&self) -> bool {
        self.counts.load(Ordering::Relaxed) < self.place
    }
}

impl PartialEq for CallOff {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.counts, &other.counts) && self.place == other.place
    }
}

impl Eq for CallOff {}
