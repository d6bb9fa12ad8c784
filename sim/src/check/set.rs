//! The checkers of one run, asked in a fixed order.

use super::{Checker, Scene, Violation};
use crate::trace::Observation;

/// Several checkers behind one call. After the first violation none is asked again.
#[derive(Default)]
pub struct Checks {
    checkers: Vec<Box<dyn Checker>>,
}

impl Checks {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one.
    pub fn push(&mut self, checker: Box<dyn Checker>) {
        self.checkers.push(checker);
    }

    /// The names of all, in the order they are asked.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.checkers.iter().map(|checker| checker.name())
    }

    /// Shows all of them one observation.
    ///
    /// # Errors
    /// The first violation found.
    pub fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        self.checkers.iter_mut().try_for_each(|checker| checker.observe(scene, observation))
    }

    /// Asks all of them what the end of the run shows.
    ///
    /// # Errors
    /// The first violation found.
    pub fn finish(&mut self, scene: &Scene, at: u64) -> Result<(), Violation> {
        self.checkers.iter_mut().try_for_each(|checker| checker.finish(scene, at))
    }
}
