//! Only submitted transactions are executed, none takes effect twice, and every block carries the
//! payload its header commits to and is younger than its parent.

use std::collections::{BTreeMap, BTreeSet};

use quorate_core::{
    execution::Outcome,
    message::{Body, Message},
    time::UnixMillis,
    transaction::Address,
    types::{Digest, Height},
};

use super::{Checker, Scene, Violation};
use crate::{
    scenario::Invariant,
    trace::{Observation, What},
};

/// What was handed in and what has taken effect, once per block however many execute it.
#[derive(Default)]
pub struct Validity {
    submitted: BTreeSet<Digest>,
    effective: BTreeMap<Digest, Height>,
    /// Every block looked at, and when it says it was made.
    examined: BTreeMap<Digest, UnixMillis>,
}

impl Checker for Validity {
    fn invariant(&self) -> Invariant {
        Invariant::Validity
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        let broken = |detail| Err(Violation::of(Invariant::Validity, observation, detail));
        match &observation.what {
            What::Submitted(transaction) => {
                self.submitted.insert(*transaction);
                Ok(())
            }
            // Whoever is dishonest may be a client as well, if only with its own key.
            What::Sent { parcel, .. } if !scene.honesty.is_honest_node(observation.node) => {
                let Message::Proposal(proposal) = parcel.message().as_ref() else { return Ok(()) };
                let Body::Full(block) = &proposal.body else { return Ok(()) };
                let actor = scene.actor(observation.node.number());
                let own = actor.map(|actor| Address::of_key(&actor.key));
                let transactions = block.payload().transactions.iter();
                let own = transactions.filter(|one| Some(one.body.payer.address()) == own);
                self.submitted.extend(own.map(|one| one.id()));
                Ok(())
            }
            What::Executed { block, result, .. }
                if scene.computes(observation.node)
                    && self.examined.insert(block.digest(), block.header().timestamp).is_none() =>
            {
                let (header, payload) = (block.header(), block.payload());
                let parent = self.examined.get(&header.parent);
                if let Some(parent) = parent.filter(|parent| header.timestamp <= **parent) {
                    let (height, time) = (header.height, header.timestamp.get());
                    let parent = parent.get();
                    let detail = format!("height {height} says {time} ms, its parent {parent} ms");
                    return broken(detail);
                }
                if header.payload_root != payload.root() {
                    return broken(format!("block {:?} carries another payload", block.digest()));
                }
                let ids: Vec<Digest> = payload.transactions.iter().map(|one| one.id()).collect();
                if let Some(stranger) = ids.iter().find(|id| !self.submitted.contains(*id)) {
                    return broken(format!("transaction {stranger:?} was never submitted"));
                }
                let answered: Vec<Digest> = result.outcomes.iter().map(|(id, _)| *id).collect();
                if answered != ids {
                    let (got, wanted) = (answered.len(), ids.len());
                    return broken(format!("{got} outcomes do not answer {wanted} transactions"));
                }
                for (id, outcome) in &result.outcomes {
                    if !takes_effect(*outcome) {
                        continue;
                    }
                    if let Some(before) = self.effective.insert(*id, header.height) {
                        let again = header.height;
                        let detail = format!("{id:?} took effect at height {before} and {again}");
                        return broken(detail);
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn takes_effect(outcome: Outcome) -> bool {
    match outcome {
        // A failed one has used up its nonce and paid.
        Outcome::Applied | Outcome::Failed(_) => true,
        Outcome::Skipped(_) => false,
    }
}

#[cfg(test)]
mod tests;
