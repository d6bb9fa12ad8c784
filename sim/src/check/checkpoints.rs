//! Certified checkpoints agree with each other and with what honest validators compute.
//!
//! Two certificates of one height say the same. Each has a quorum that really signed it, and says what
//! the first honest validator that computed the height found, which is of the state it then had: whichever of the two is seen later is
//! held against the other. Demanded while those who lie or whose machines are wrong weigh less than a
//! third; beyond, a quorum may well be wrong.

use std::collections::BTreeMap;

use quorate_core::{
    certificate::Certificate, checkpoint::Checkpoint, message::Message, store::Record,
    types::Height,
};

use super::{Checker, Scene, Violation};
use crate::{
    scenario::Invariant,
    trace::{NodeIndex, Observation, What, describe::checkpoint_words},
};

/// What is known of every height that has a checkpoint.
#[derive(Default)]
pub struct CheckpointsAgree {
    computed: BTreeMap<Height, (NodeIndex, Checkpoint)>,
    certified: BTreeMap<Height, Checkpoint>,
}

impl Checker for CheckpointsAgree {
    fn invariant(&self) -> Invariant {
        Invariant::Checkpoints
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        let node = observation.node;
        if !scene.honesty.is_honest_node(node) {
            return Ok(());
        }
        let judged = match &observation.what {
            What::Executed { result, .. } if scene.computes(node) => match result.checkpoint {
                None => Ok(()),
                Some(computed) if computed.state_root != result.state => {
                    let words = checkpoint_words(&computed);
                    Err(format!("{words} is of another state than {:?}", result.state))
                }
                Some(computed) => self.on_computed(scene, node, computed),
            },
            What::Wrote { records, .. } => records.iter().try_for_each(|record| match record {
                Record::Checkpoint(certificate) => self.on_certified(scene, certificate),
                _ => Ok(()),
            }),
            What::Sent { parcel, .. } => match parcel.message().as_ref() {
                Message::CheckpointCertificate(certificate) => {
                    self.on_certified(scene, certificate)
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        };
        judged.map_err(|detail| Violation::of(Invariant::Checkpoints, observation, detail))
    }
}

impl CheckpointsAgree {
    fn on_computed(
        &mut self,
        scene: &Scene,
        node: NodeIndex,
        computed: Checkpoint,
    ) -> Result<(), String> {
        let height = computed.height;
        let (first, known) = *self.computed.entry(height).or_insert((node, computed));
        if known != computed {
            return Err(format!("{first} and {node} computed different checkpoints of {height:?}"));
        }
        self.compare(scene, height)
    }

    fn on_certified(
        &mut self,
        scene: &Scene,
        certificate: &Certificate<Checkpoint>,
    ) -> Result<(), String> {
        let theirs = certificate.statement;
        let known = self.certified.get(&theirs.height).copied();
        if known == Some(theirs) {
            return Ok(());
        }
        scene
            .examine(certificate)
            .map_err(|reason| format!("certified {}: {reason}", checkpoint_words(&theirs)))?;
        self.certified.insert(theirs.height, theirs);
        match known {
            Some(other) if !scene.reaches_one_third(scene.misleading_weight()) => {
                let (other, theirs) = (checkpoint_words(&other), checkpoint_words(&theirs));
                Err(format!("a quorum signed {other}, and one {theirs}"))
            }
            _ => self.compare(scene, theirs.height),
        }
    }

    fn compare(&self, scene: &Scene, height: Height) -> Result<(), String> {
        let (Some((node, ours)), Some(theirs)) =
            (self.computed.get(&height), self.certified.get(&height))
        else {
            return Ok(());
        };
        if ours == theirs || scene.reaches_one_third(scene.misleading_weight()) {
            return Ok(());
        }
        let (ours, theirs) = (checkpoint_words(ours), checkpoint_words(theirs));
        Err(format!("a quorum signed {theirs}, and {node} computed {ours}"))
    }
}

#[cfg(test)]
mod tests;
