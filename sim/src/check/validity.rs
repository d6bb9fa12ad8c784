//! Only submitted transactions take effect, none twice and none without its payer's signature, and every
//! block carries the payload its header commits to and is younger than its parent.

use std::collections::{BTreeMap, BTreeSet};

use quorate_core::{
    execution::Outcome,
    message::{Body, Message},
    time::UnixMillis,
    transaction::{Address, Authority, Transaction},
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
    /// What only dishonest leaders have proposed. It may be in a block, and must do nothing.
    foreign: BTreeSet<Digest>,
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
            What::Submitted { transaction, .. } => {
                self.submitted.insert(*transaction);
                Ok(())
            }
            // Whoever is dishonest may be a client as well, if only with its own key.
            What::Sent { parcel, .. } if !scene.honesty.is_honest_node(observation.node) => {
                let Message::Proposal(proposal) = parcel.message().as_ref() else { return Ok(()) };
                let Body::Full(block) = &proposal.body else { return Ok(()) };
                let actor = scene.actor(observation.node.number());
                let own = actor.map(|actor| Address::of_key(&actor.key));
                for one in &block.payload().transactions {
                    let is_own = Some(one.body.payer.address()) == own;
                    let seen = if is_own { &mut self.submitted } else { &mut self.foreign };
                    seen.insert(one.id());
                }
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
                let known = |id: &Digest| self.submitted.contains(id) || self.foreign.contains(id);
                if let Some(stranger) = ids.iter().find(|id| !known(id)) {
                    return broken(format!("transaction {stranger:?} was never submitted"));
                }
                let answered: Vec<Digest> = result.outcomes.iter().map(|(id, _)| *id).collect();
                if answered != ids {
                    let (got, wanted) = (answered.len(), ids.len());
                    return broken(format!("{got} outcomes do not answer {wanted} transactions"));
                }
                for ((id, outcome), transaction) in
                    result.outcomes.iter().zip(&payload.transactions)
                {
                    if !takes_effect(*outcome) {
                        continue;
                    }
                    if !self.submitted.contains(id) {
                        return broken(format!("{id:?} took effect and no client submitted it"));
                    }
                    if let Err(reason) = check_signer(transaction) {
                        return broken(format!("{id:?} took effect and {reason}"));
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

/// Whether whoever pays has signed, if that is to be seen without the state: who speaks for an account
/// with several signers, only the state tells.
fn check_signer(transaction: &Transaction) -> Result<(), String> {
    if transaction.body.authority != Authority::Key {
        return Ok(());
    }
    let payer = transaction.body.payer.address();
    match &*transaction.signatures {
        [only] if Address::of_key(&only.key) == payer => Ok(()),
        signatures => {
            let count = signatures.len();
            Err(format!("its payer {payer:?} is not the signer of its {count} signatures"))
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
