//! What must hold in every run, checked from outside.
//!
//! Each checker restates one invariant in its own words and arithmetic, from observations alone; none
//! calls a predicate of the protocol, or a mistake there would excuse itself here. ([`replay`] executes
//! blocks as the core does, but in another order: what it judges is that none matters.) What is needed by
//! several of them (who voted for what, which blocks exist, what lies on which disk) is gathered once,
//! in [`Scene`]. The invariants are about honest validators: see [`Honesty`].

pub mod accountability;
pub mod agreement;
pub mod ballots;
pub mod bounded_memory;
pub mod certificates_valid;
pub mod checkpoints;
pub mod durable_votes;
pub mod evidence_kept;
pub mod evidence_never_blames_honest;
pub mod honesty;
pub mod lineage;
pub mod liveness;
pub mod marks;
pub mod mempool;
pub mod mirror;
pub mod monotone_finalized;
pub mod no_honest_equivocation;
pub mod oracle;
pub mod replay;
pub mod scene;
pub mod set;
pub mod state_root;
pub mod supply;
pub mod sync_only_verified;
pub mod validity;
pub mod vote_rules;
pub mod votes;

#[cfg(test)]
mod stage;

pub use honesty::{Honesty, Lapse};
pub use marks::Marks;
pub use scene::{Actor, Scene};
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

impl Violation {
    /// A violation that showed in an observation.
    #[must_use]
    pub fn of(invariant: Invariant, observation: &Observation, detail: String) -> Self {
        Self { invariant, at: observation.at, node: Some(observation.node), detail }
    }
}

/// One invariant.
pub trait Checker: Send {
    /// Which.
    fn invariant(&self) -> Invariant;

    /// Whether it watches the time: it is then shown also what says nothing of any invariant, messages
    /// that arrive, crash points that are passed, and wake-ups, which is half of all there is.
    fn watches_time(&self) -> bool {
        false
    }

    /// Takes in one observation. They come in order of world time, and the scene has seen this one.
    ///
    /// # Errors
    /// If the invariant is broken.
    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation>;

    /// Says what only the end of a run can show; `at` is its world time in nanoseconds.
    ///
    /// # Errors
    /// If the invariant is broken.
    fn finish(&mut self, _scene: &Scene, _at: u64) -> Result<(), Violation> {
        Ok(())
    }
}
