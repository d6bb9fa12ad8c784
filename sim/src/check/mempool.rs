//! What waits for a block is handled with care, as far as it shows.
//!
//! An honest leader proposes nothing that took effect below its block, if its state was that of a lower
//! height when its process began: since then it was told. (What took effect before, a mempool that was
//! empty at the start cannot know.) Nor the same thing twice in one block. And whoever drops a
//! transaction for another has been offered more for it: more than for all that go for the same one.

use std::collections::{BTreeMap, BTreeSet};

use quorate_core::{
    event::Event,
    execution::Outcome,
    mempool::Refusal,
    store::Record,
    types::{Digest, Height},
};

use super::{Checker, Scene, Violation};
use crate::{
    scenario::Invariant,
    trace::{NodeIndex, Observation, What},
};

/// The last transaction a node took in, and what those paid that went for it.
#[derive(Clone, Copy, Debug)]
struct Taken {
    id: Digest,
    replaced: u128,
}

/// What was handed in, what took effect, and what honest leaders made of it.
#[derive(Default)]
pub struct MempoolSound {
    fees: BTreeMap<Digest, u64>,
    effective: BTreeMap<Digest, Height>,
    executed: Height,
    /// The height of each node's state when its life began.
    begun: BTreeMap<NodeIndex, Height>,
    /// Blocks of honest leaders that nobody has executed, with who made them and that height.
    proposed: BTreeMap<(Height, Digest), (NodeIndex, Height)>,
    taken: BTreeMap<NodeIndex, Taken>,
}

impl Checker for MempoolSound {
    fn invariant(&self) -> Invariant {
        Invariant::Mempool
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        let node = observation.node;
        let judged = match &observation.what {
            What::Submitted { transaction, fee } => {
                self.fees.insert(*transaction, *fee);
                Ok(())
            }
            What::Started { height, .. } => {
                self.begun.insert(node, *height);
                self.taken.remove(&node);
                Ok(())
            }
            What::Wrote { records, .. } if scene.computes(node) => {
                let own = scene.actor(node.number()).map(|actor| actor.index);
                let begun = self.begun.get(&node).copied().unwrap_or_default();
                for record in records.iter() {
                    if let Record::Block(block) = record
                        && Some(block.header().proposer) == own
                        && block.header().height > self.executed
                    {
                        let place = (block.header().height, block.digest());
                        self.proposed.entry(place).or_insert((node, begun));
                    }
                }
                Ok(())
            }
            What::Executed { block, result, .. }
                if scene.computes(node) && block.header().height > self.executed =>
            {
                self.executed = block.header().height;
                let ids = || block.payload().transactions.iter().map(|one| one.id());
                let judged = self.judge(scene, self.executed, block.digest(), ids());
                let lasting = ids().zip(&result.outcomes);
                let lasting = lasting.filter(|(_, (_, outcome))| match outcome {
                    Outcome::Applied | Outcome::Failed(_) => true,
                    Outcome::Skipped(_) => false,
                });
                self.effective.extend(lasting.map(|(id, _)| (id, self.executed)));
                self.proposed = self.proposed.split_off(&(self.executed.next(), Digest::ZERO));
                judged
            }
            What::Reported(event) if scene.honesty.is_honest_node(node) => match event.as_ref() {
                Event::TransactionAdmitted(id) => {
                    self.taken.insert(node, Taken { id: *id, replaced: 0 });
                    Ok(())
                }
                Event::TransactionRefused(old, Refusal::Replaced) => self.on_replaced(node, old),
                _ => Ok(()),
            },
            _ => Ok(()),
        };
        judged.map_err(|detail| Violation::of(self.invariant(), observation, detail))
    }
}

impl MempoolSound {
    /// Judges the block that is final at a height by what took effect below.
    fn judge(
        &self,
        scene: &Scene,
        height: Height,
        block: Digest,
        ids: impl Iterator<Item = Digest>,
    ) -> Result<(), String> {
        let Some((leader, begun)) = self.proposed.get(&(height, block)) else { return Ok(()) };
        // A machine that is wrong has told its mempool what was not so.
        if !scene.computes(*leader) {
            return Ok(());
        }
        let mut before = BTreeSet::new();
        for id in ids {
            if !before.insert(id) {
                return Err(format!("{leader} proposed {id:?} twice in height {height}"));
            }
            if let Some(done) = self.effective.get(&id).filter(|done| *done > begun) {
                let since = format!("and has run since height {begun}");
                return Err(format!(
                    "{leader} proposed {id:?} in height {height}, which took effect at {done}, {since}"
                ));
            }
        }
        Ok(())
    }

    fn on_replaced(&mut self, node: NodeIndex, old: &Digest) -> Result<(), String> {
        let Some(taken) = self.taken.get_mut(&node) else { return Ok(()) };
        let (Some(was), Some(is)) = (self.fees.get(old), self.fees.get(&taken.id)) else {
            return Ok(());
        };
        taken.replaced += u128::from(*was);
        if u128::from(*is) > taken.replaced {
            return Ok(());
        }
        let (new, was) = (taken.id, taken.replaced);
        Err(format!("{node} took {new:?}, which pays {is}, for what paid {was}"))
    }
}

#[cfg(test)]
mod tests;
