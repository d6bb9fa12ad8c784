//! Every finalized block is executed once more from the genesis on, in another order, and comes to the
//! same in every part: state, receipts, outcomes, balances.
//!
//! The second half of equal state by whatever way; the first, that all validators agree, is
//! [`super::state_root`]. Follows the first chain it is shown: where agreement is broken there are two.

use quorate_core::{
    config::Genesis,
    execution::{ExecutedBlock, ExecutionState, Executor, Options, Scheduler},
    random::Seed,
    types::Digest,
};

use super::{Checker, Scene, Violation};
use crate::{
    scenario::Invariant,
    trace::{Observation, What},
};

/// The state as it should be, and what executes the next block.
pub struct Replay {
    state: ExecutionState,
    executor: Executor,
    head: Digest,
}

impl Replay {
    /// Before the first block.
    #[must_use]
    pub fn new(genesis: &Genesis) -> Self {
        // No validator draws its orders from this seed, whatever the scenario asks for.
        let scheduler = Scheduler::Shuffled(Seed::from_number(0).fork("replay", 0));
        Self {
            state: ExecutionState::new(genesis),
            executor: Executor::inline(Options { scheduler, ..Options::default() }),
            head: genesis.digest(),
        }
    }
}

impl Checker for Replay {
    fn invariant(&self) -> Invariant {
        Invariant::StateRoot
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        let What::Executed { block, result, .. } = &observation.what else { return Ok(()) };
        let header = block.header();
        let is_next = header.height == self.state.height().next() && header.parent == self.head;
        if !is_next || !scene.computes(observation.node) {
            return Ok(());
        }
        let again = self.state.execute_on(block, &mut self.executor);
        self.head = block.digest();
        match difference(result, &again) {
            None => Ok(()),
            Some(what) => {
                let (node, height) = (observation.node, header.height);
                let detail =
                    format!("executed again, height {height} has other {what} than {node} has");
                Err(Violation::of(Invariant::StateRoot, observation, detail))
            }
        }
    }

    fn finish(&mut self, _scene: &Scene, at: u64) -> Result<(), Violation> {
        let same = *self.state.commitment() == self.state.recomputed()
            && *self.state.asset_supplies() == self.state.recounted_assets();
        if same {
            return Ok(());
        }
        let height = self.state.height();
        let detail = format!("the state at height {height} is not what its cells come to");
        Err(Violation { invariant: Invariant::StateRoot, at, node: None, detail })
    }
}

/// The first part in which two results differ.
fn difference(a: &ExecutedBlock, b: &ExecutedBlock) -> Option<&'static str> {
    let parts = [
        ("outcomes", a.outcomes == b.outcomes),
        ("receipts", a.receipts_root == b.receipts_root),
        ("state", a.state == b.state),
        ("lanes", a.lanes == b.lanes),
        ("payers", a.payers == b.payers),
        ("balances", a.balances == b.balances),
        ("results", a == b),
    ];
    parts.into_iter().find(|(_, same)| !same).map(|(what, _)| what)
}

#[cfg(test)]
mod tests;
