//! Keeps the hash of a run and as many of its observations as were asked for.

use std::{collections::VecDeque, ops::Range};

use quorate_core::types::Digest;

use super::{hash::TraceHash, observation::Observation};

/// Which observations to keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// None: only the hash.
    #[default]
    Nothing,
    /// The last so many: what led to a violation.
    Last(usize),
    /// Those with these places in the run, counted from 0: what a comparison looks at.
    Between(Range<u64>),
    /// All of them.
    Everything,
}

/// The hash and the kept part of one run.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    keep: Keep,
    hash: TraceHash,
    kept: VecDeque<Observation>,
}

impl Recorder {
    /// Of a run that has not begun.
    #[must_use]
    pub fn new(keep: Keep) -> Self {
        Self { keep, hash: TraceHash::new(), kept: VecDeque::new() }
    }

    /// Takes in the next observation.
    pub fn observe(&mut self, observation: &Observation) {
        let place = self.hash.count();
        self.hash.observe(observation);
        match &self.keep {
            Keep::Nothing => {}
            Keep::Everything => self.kept.push_back(observation.clone()),
            Keep::Between(places) => {
                if places.contains(&place) {
                    self.kept.push_back(observation.clone());
                }
            }
            Keep::Last(count) => {
                self.kept.push_back(observation.clone());
                if self.kept.len() > *count {
                    self.kept.pop_front();
                }
            }
        }
    }

    /// How many observations were taken in.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.hash.count()
    }

    /// The hash of all of them.
    #[must_use]
    pub fn hash(&self) -> Digest {
        self.hash.finish()
    }

    /// Digests along the way, to find where two runs part.
    #[must_use]
    pub fn checkpoints(&self) -> &[Digest] {
        self.hash.checkpoints()
    }

    /// The observations kept, in order.
    pub fn kept(&self) -> impl Iterator<Item = &Observation> {
        self.kept.iter()
    }

    /// Gives the observations kept away.
    #[must_use]
    pub fn into_kept(self) -> Vec<Observation> {
        self.kept.into()
    }
}
