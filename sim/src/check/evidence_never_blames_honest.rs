//! No evidence names an honest validator.
//!
//! An honest validator never stores, reports or passes on such evidence, whatever its signatures. From
//! anybody else it must not verify: it may not hold two votes that the named validator really signed.

use quorate_core::{
    event::Event, evidence::Evidence, message::Message, store::Record, vote::Promise,
};

use super::{Checker, Scene, Violation};
use crate::{
    scenario::Invariant,
    trace::{Observation, What},
};

/// Looks at all evidence that is sent, stored, reported or executed.
#[derive(Default)]
pub struct EvidenceNeverBlamesHonest;

impl Checker for EvidenceNeverBlamesHonest {
    fn invariant(&self) -> Invariant {
        Invariant::EvidenceNeverBlamesHonest
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        let by_honest = scene.honesty.is_honest_node(observation.node);
        for evidence in shown(&observation.what) {
            if !scene.is_honest_at(evidence.signer()) {
                continue;
            }
            if by_honest || is_real(scene, &evidence) {
                let (by, blamed) = (observation.node, scene.name_at(evidence.signer()));
                let detail = format!("{by} shows evidence against {blamed}, which is honest");
                return Err(Violation::of(self.invariant(), observation, detail));
            }
        }
        Ok(())
    }
}

/// The evidence in an observation.
#[must_use]
pub fn shown(what: &What) -> Vec<Evidence> {
    match what {
        What::Reported(event) => match event.as_ref() {
            Event::Evidence(evidence) => vec![**evidence],
            _ => Vec::new(),
        },
        What::Sent { parcel, .. } => match parcel.message().as_ref() {
            Message::Evidence(evidence) => vec![**evidence],
            Message::Proposal(proposal) => proposal.body.evidence().to_vec(),
            _ => Vec::new(),
        },
        What::Wrote { records, .. } => {
            let stored = records.iter().filter_map(|record| match record {
                Record::Evidence(evidence) => Some(*evidence),
                _ => None,
            });
            stored.collect()
        }
        What::Executed { block, .. } => block.payload().evidence.to_vec(),
        _ => Vec::new(),
    }
}

/// Whether both votes were really signed, for one place, and contradict each other.
#[must_use]
pub fn is_real(scene: &Scene, evidence: &Evidence) -> bool {
    let [first, second] = evidence.votes();
    let same_place = match (&first.statement, &second.statement) {
        (Promise::View(a), Promise::View(b)) => a.epoch() == b.epoch() && a.view() == b.view(),
        (Promise::Checkpoint(a), Promise::Checkpoint(b)) => a.height == b.height,
        (Promise::View(_), Promise::Checkpoint(_)) | (Promise::Checkpoint(_), Promise::View(_)) => {
            false
        }
    };
    same_place
        && first.signer == second.signer
        && first.statement != second.statement
        && scene.was_signed(first)
        && scene.was_signed(second)
}

#[cfg(test)]
mod tests;
