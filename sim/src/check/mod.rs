//! What must hold in every run, checked from outside.
//!
//! Each checker restates one invariant in its own words and arithmetic, from observations alone; none
//! calls a predicate of the protocol, or a mistake there would excuse itself here. A checker reports
//! the first thing that went wrong and is not asked again.

pub mod honesty;
pub mod scene;
pub mod set;

pub use honesty::{Honesty, Lapse};
pub use scene::Scene;
pub use set::Checks;

use crate::{
    scenario::Invariant,
    trace::{NodeIndex, Observation},
};

/// Something that must never happen, and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant.
    pub invariant: Invariant,
    /// World time in nanoseconds.
    pub at: u64,
    /// The node at which it showed, if it showed at one.
    pub node: Option<NodeIndex>,
    /// What happened, in one sentence.
    pub detail: String,
}

/// One invariant.
pub trait Checker: Send {
    /// Which.
    fn invariant(&self) -> Invariant;

    /// Takes in one observation. They come in order of world time.
    ///
    /// # Errors
    /// If the invariant is broken.
    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation>;

    /// Says what only the end of a run can show.
    ///
    /// # Errors
    /// If the invariant is broken.
    fn finish(&mut self, _scene: &Scene, _at: u64) -> Result<(), Violation> {
        Ok(())
    }
}
