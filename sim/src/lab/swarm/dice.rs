//! Draws for one purpose, in the units that scenarios have.

use quorate_core::{
    random::{Rng, Seed},
    time::Span,
};

use crate::scenario::Ppm;

/// A stream of draws.
pub(super) struct Dice(Rng);

impl Dice {
    /// The stream of a seed for a purpose.
    pub(super) fn new(seed: &Seed, label: &str) -> Self {
        Self(seed.fork(label, 0).rng())
    }

    /// A number below a bound that is not zero.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    /// A number between two, both included.
    pub(super) fn between(&mut self, least: u32, most: u32) -> u32 {
        let width = u64::from(most.saturating_sub(least)) + 1;
        least + u32::try_from(self.0.below(width)).expect("the width is one of 32 bits")
    }

    /// Whether something with so many chances in a hundred happens.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.0.below(100) < percent
    }

    /// A span between two numbers of milliseconds, both included.
    pub(super) fn millis(&mut self, least: u64, most: u64) -> Span {
        Span::from_millis(least + self.0.below(most.saturating_sub(least) + 1))
    }

    /// A probability between two numbers of thousandths, both included.
    pub(super) fn permille(&mut self, least: u32, most: u32) -> Ppm {
        Ppm::new(self.between(least, most) * 1_000).expect("at most a thousand thousandths")
    }

    /// One of several.
    pub(super) fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        let count = u64::try_from(all.len()).expect("a list in memory");
        all[usize::try_from(self.0.below(count)).expect("below a length")].clone()
    }

    /// All of them, in drawn order (Fisher and Yates, 1938).
    pub(super) fn shuffled<T: Clone>(&mut self, all: &[T]) -> Vec<T> {
        let mut order = all.to_vec();
        for last in (1..order.len()).rev() {
            let bound = u64::try_from(last).expect("a list in memory") + 1;
            let other = usize::try_from(self.0.below(bound)).expect("below a length");
            order.swap(last, other);
        }
        order
    }

    /// Some of them, at least one and at most so many, ascending.
    pub(super) fn some<T: Clone + Ord>(&mut self, all: &[T], most: usize) -> Vec<T> {
        let most = u64::try_from(most.min(all.len()).max(1)).expect("a list in memory");
        let count = usize::try_from(1 + self.0.below(most)).expect("below a length");
        let mut chosen = self.shuffled(all);
        chosen.truncate(count);
        chosen.sort();
        chosen
    }
}
