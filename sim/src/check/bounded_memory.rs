//! No honest replica holds more than its limits, whatever it is sent.

use quorate_core::mempool::UNCHECKED_BYTES_MAX;

use super::{Checker, Scene, Violation};
use crate::{
    scenario::{Invariant, MemoryLimits},
    trace::{Observation, What},
};

/// The limits of the scenario. The mempool's own are in the genesis.
pub struct BoundedMemory {
    limits: MemoryLimits,
}

impl BoundedMemory {
    /// Checks against these limits.
    #[must_use]
    pub fn new(limits: MemoryLimits) -> Self {
        Self { limits }
    }
}

impl Checker for BoundedMemory {
    fn invariant(&self) -> Invariant {
        Invariant::BoundedMemory
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        let What::Holds(held) = &observation.what else { return Ok(()) };
        if !scene.honesty.is_honest_node(observation.node) {
            return Ok(());
        }
        let parameters = &scene.genesis.parameters;
        let limits = [
            ("votes", held.votes, self.limits.votes_max),
            ("requests and jobs", held.pending, self.limits.pending_messages_max),
            ("blocks", held.blocks, self.limits.pending_messages_max),
            ("certificates", held.certificates, self.limits.votes_max),
            ("views", held.views, self.limits.votes_max),
            ("transactions", held.mempool_transactions, parameters.mempool_transactions_max),
            ("bytes of transactions", held.mempool_bytes, parameters.mempool_bytes_max),
            ("bytes of unchecked transactions", held.unchecked_bytes, UNCHECKED_BYTES_MAX),
        ];
        match limits.iter().find(|(_, held, limit)| held > limit) {
            None => Ok(()),
            Some((what, held, limit)) => {
                let detail = format!("holds {held} {what}, {limit} are allowed");
                Err(Violation::of(Invariant::BoundedMemory, observation, detail))
            }
        }
    }
}

#[cfg(test)]
mod tests;
