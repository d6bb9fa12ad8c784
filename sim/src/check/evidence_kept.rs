//! An honest validator that has proof of an offence puts it before everybody, restarts included.
//!
//! What evidence lies in its log belongs into every block it makes until a block with evidence of the same
//! offence is final for it: a crash must not be a pardon. Of one offender and kind of offence
//! one piece is enough. A block that is full of evidence owes no more.

use std::collections::{BTreeMap, BTreeSet};

use quorate_core::{
    block::{Block, EVIDENCE_MAX},
    store::Record,
    types::Digest,
};

use super::{
    Checker, Scene, Violation,
    mirror::{Wrong, wrong_of},
};
use crate::{
    scenario::Invariant,
    trace::{NodeIndex, Observation, What},
};

/// What is in blocks, and what is done with.
#[derive(Default)]
pub struct EvidenceKept {
    /// Blocks that hold any.
    inside: BTreeMap<Digest, BTreeSet<Wrong>>,
    /// What is in blocks that were once final for a node. It may believe so no more after a crash, and
    /// then says it again, which is no fault.
    settled: BTreeMap<NodeIndex, BTreeSet<Wrong>>,
}

impl Checker for EvidenceKept {
    fn invariant(&self) -> Invariant {
        Invariant::EvidenceKept
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        let What::Wrote { records, .. } = &observation.what else { return Ok(()) };
        let node = observation.node;
        for record in records.iter() {
            match record {
                Record::Block(block) => {
                    if !block.payload().evidence.is_empty() {
                        self.inside.entry(block.digest()).or_insert_with(|| wrongs(block));
                    }
                    let missing = self.missing(scene, node, block);
                    if let Some((signer, _)) = missing {
                        let (height, blamed) = (block.header().height, scene.name_at(signer));
                        let detail = format!(
                            "{node} holds evidence against {blamed}, which is in no final block, \
                             and proposes height {height} without it"
                        );
                        return Err(Violation::of(self.invariant(), observation, detail));
                    }
                }
                Record::Finalized(advance) => {
                    let inside = advance.blocks.iter().filter_map(|(_, one)| self.inside.get(one));
                    self.settled.entry(node).or_default().extend(inside.flatten().copied());
                }
                Record::Certificate(_)
                | Record::Proof(_)
                | Record::Evidence(_)
                | Record::Checkpoint(_) => {}
            }
        }
        Ok(())
    }
}

impl EvidenceKept {
    /// What the log holds and a block of the node's own leaves out.
    fn missing(&self, scene: &Scene, node: NodeIndex, block: &Block) -> Option<Wrong> {
        let actor = scene.actor(node.number())?;
        let held = scene.mirror(node)?.appended();
        let is_own = block.header().proposer == actor.index && scene.honesty.is_honest_node(node);
        // What became final is written again if a crash took it: that is no proposal.
        let is_new = held.head.is_none_or(|(height, _)| block.header().height > height);
        let is_full = block.payload().evidence.len() >= EVIDENCE_MAX;
        if !is_own || !is_new || is_full {
            return None;
        }
        let (inside, settled) = (wrongs(block), self.settled.get(&node));
        let is_owed = |wrong: &&Wrong| {
            !inside.contains(wrong) && settled.is_none_or(|settled| !settled.contains(wrong))
        };
        held.wrongs.iter().find(is_owed).copied()
    }
}

fn wrongs(block: &Block) -> BTreeSet<Wrong> {
    block.payload().evidence.iter().map(wrong_of).collect()
}

#[cfg(test)]
mod tests;
