//! Executing the same block gives the same state, by whomever, whenever, and again after a restart.
//!
//! Compared per block and not per height: where agreement is broken, states may differ as well.

use std::collections::BTreeMap;

use quorate_core::{
    digest::{Domain, digest_of},
    types::{Digest, Height},
};

use super::{Checker, Scene, Violation};
use crate::{
    scenario::Invariant,
    trace::{NodeIndex, Observation, What},
};

/// What came of a block, the first time.
struct First {
    node: NodeIndex,
    state: Digest,
    outcomes: Digest,
}

/// What came of every block, and where every node's state stands.
#[derive(Default)]
pub struct StateRoot {
    blocks: BTreeMap<Digest, First>,
    heights: BTreeMap<NodeIndex, Height>,
}

impl Checker for StateRoot {
    fn invariant(&self) -> Invariant {
        Invariant::StateRoot
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        let node = observation.node;
        if !scene.computes(node) {
            return Ok(());
        }
        let broken = |detail| Err(Violation::of(Invariant::StateRoot, observation, detail));
        let (block, result) = match &observation.what {
            What::Executed { block, result, .. } => (block, result),
            What::Started { .. } => {
                // Where execution resumes is the driver's choice: the disk may hold a snapshot.
                self.heights.remove(&node);
                return Ok(());
            }
            _ => return Ok(()),
        };
        let height = block.header().height;
        if result.height != height {
            return broken(format!("executed height {height} but answered for {}", result.height));
        }
        if let Some(before) = self.heights.insert(node, height)
            && height != before.next()
        {
            return broken(format!("executed height {height} after {before}"));
        }
        let outcomes = digest_of(Domain::Trace, &result.outcomes);
        let state = result.state;
        let first = self.blocks.entry(block.digest()).or_insert(First { node, state, outcomes });
        if first.state != state {
            let (other, theirs) = (first.node, first.state);
            return broken(format!(
                "the state at height {height} is {theirs:?} at {other} and {state:?} at {node}"
            ));
        }
        if first.outcomes != outcomes {
            let other = first.node;
            return broken(format!("{other} and {node} disagree on outcomes at height {height}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
