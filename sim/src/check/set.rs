//! The checkers of one run, asked in a fixed order.

use super::{Checker, Honesty, Scene, Violation};
use crate::{scenario::Invariant, trace::Observation};

/// The scene and its checkers behind one call.
pub struct Checks {
    scene: Scene,
    checkers: Vec<Box<dyn Checker>>,
}

impl Checks {
    /// A scene without checkers.
    #[must_use]
    pub fn new(scene: Scene) -> Self {
        Self { scene, checkers: Vec::new() }
    }

    /// Appends a checker.
    pub fn push(&mut self, checker: Box<dyn Checker>) {
        self.checkers.push(checker);
    }

    /// What is checked, in the order it is asked.
    pub fn invariants(&self) -> impl Iterator<Item = Invariant> + '_ {
        self.checkers.iter().map(|checker| checker.invariant())
    }

    /// The scene.
    #[must_use]
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Where the world enters validators that stop being honest.
    pub fn honesty_mut(&mut self) -> &mut Honesty {
        &mut self.scene.honesty
    }

    /// Shows everybody one observation. They come in order of world time.
    ///
    /// # Errors
    /// The first violation found. The run is over then.
    pub fn observe(&mut self, observation: &Observation) -> Result<(), Violation> {
        self.checkers.iter_mut().try_for_each(|checker| checker.observe(&self.scene, observation))
    }

    /// Asks everybody what the end of the run shows; `at` is its world time in nanoseconds.
    ///
    /// # Errors
    /// The first violation found.
    pub fn finish(&mut self, at: u64) -> Result<(), Violation> {
        self.checkers.iter_mut().try_for_each(|checker| checker.finish(&self.scene, at))
    }
}
