//! One number for a whole run, and where two runs part.
//!
//! A chain of digests over the canonical bytes of all observations, one link every so many of them.
//! Two runs with the same last digest did the same; two that differ share the links up to the stretch
//! in which they first differ.

use std::ops::Range;

use quorate_core::{
    digest::{Domain, Hasher},
    types::Digest,
};

use super::observation::Observation;

/// Observations per link of the chain: a compromise between finding a difference and keeping links.
pub const CHECKPOINT_EVERY: u64 = 1024;

/// The hash of the observations so far.
#[derive(Clone, Debug)]
pub struct TraceHash {
    chain: Digest,
    pending: Vec<u8>,
    count: u64,
    checkpoints: Vec<Digest>,
}

impl Default for TraceHash {
    fn default() -> Self {
        Self { chain: Digest::ZERO, pending: Vec::new(), count: 0, checkpoints: Vec::new() }
    }
}

impl TraceHash {
    /// Of no observations.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next observation.
    pub fn observe(&mut self, observation: &Observation) {
        observation.encode(&mut self.pending);
        self.count += 1;
        if self.count.is_multiple_of(CHECKPOINT_EVERY) {
            self.chain = link(&self.chain, &self.pending);
            self.checkpoints.push(self.chain);
            self.pending.clear();
        }
    }

    /// How many observations were taken in.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The links so far: the n-th, from 0, covers the first `(n + 1) * CHECKPOINT_EVERY` observations.
    #[must_use]
    pub fn checkpoints(&self) -> &[Digest] {
        &self.checkpoints
    }

    /// The hash of everything so far, with the count in it.
    #[must_use]
    pub fn finish(&self) -> Digest {
        let last = link(&self.chain, &self.pending);
        Hasher::new(Domain::Trace).value(&last).value(&self.count).finish()
    }
}

fn link(chain: &Digest, bytes: &[u8]) -> Digest {
    Hasher::new(Domain::Trace).value(chain).bytes(bytes).finish()
}

/// The stretch of observations, counted from 0, in which two unequal runs first differ.
///
/// If all common links agree it is the stretch after them, which may reach beyond the shorter run.
#[must_use]
pub fn first_difference(ours: &[Digest], theirs: &[Digest]) -> Range<u64> {
    // The chain makes agreement monotone: once a link differs, so do all later ones.
    let pairs: Vec<bool> = ours.iter().zip(theirs).map(|(a, b)| a == b).collect();
    let agreed = pairs.partition_point(|same| *same);
    let start = u64::try_from(agreed).expect("a length in memory fits") * CHECKPOINT_EVERY;
    start..start + CHECKPOINT_EVERY
}
