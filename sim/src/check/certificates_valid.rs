//! Every certificate an honest validator sends or stores is a quorum of votes really signed, and no two
//! of them contradict each other.
//!
//! In one view there are no Notarizations of two candidates, no Finalizations of two, and no
//! Nullification beside a Finalization. That much is promised only while less than a third of the
//! weight is dishonest; that each certificate holds is promised always.

use std::collections::BTreeMap;

use quorate_core::{
    certificate::Certificate,
    types::{Epoch, View},
    vote::{Kind, Statement},
};

use super::{Checker, Scene, Violation, votes};
use crate::{
    scenario::Invariant,
    trace::{
        Observation, What,
        describe::{certificate_words, statement_words},
    },
};

/// What the certificates seen so far decide.
#[derive(Default)]
pub struct CertificatesValid {
    decided: BTreeMap<(Epoch, View), Vec<Statement>>,
}

impl Checker for CertificatesValid {
    fn invariant(&self) -> Invariant {
        Invariant::CertificatesValid
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        if !scene.honesty.is_honest_node(observation.node) {
            return Ok(());
        }
        let certificates: Vec<&Certificate> = match &observation.what {
            What::Sent { parcel, .. } => votes::certificates_in(parcel.message()),
            What::Wrote { records, .. } => {
                records.iter().flat_map(votes::certificates_of).collect()
            }
            _ => return Ok(()),
        };
        for certificate in certificates {
            scene
                .judge(certificate)
                .and_then(|()| self.check_conflict(scene, &certificate.statement))
                .map_err(|reason| {
                    let detail = format!("{}: {reason}", certificate_words(certificate));
                    Violation::of(Invariant::CertificatesValid, observation, detail)
                })?;
        }
        Ok(())
    }
}

impl CertificatesValid {
    fn check_conflict(&mut self, scene: &Scene, statement: &Statement) -> Result<(), String> {
        let place = (statement.epoch(), statement.view());
        let decided = self.decided.entry(place).or_default();
        if decided.contains(statement) {
            // Compared with the others before. Who is dishonest stays so, and nothing more is promised.
            return Ok(());
        }
        let other = decided.iter().find(|other| conflict(other, statement)).copied();
        decided.push(*statement);
        match other {
            Some(other) if !scene.reaches_one_third(scene.dishonest_weight()) => {
                Err(format!("a quorum also signed {}", statement_words(&other)))
            }
            _ => Ok(()),
        }
    }
}

fn conflict(a: &Statement, b: &Statement) -> bool {
    match (a.kind(), b.kind()) {
        (Kind::Nullify, Kind::Finalize) | (Kind::Finalize, Kind::Nullify) => true,
        (Kind::Nullify, _) | (_, Kind::Nullify) => false,
        // A finalized candidate is the notarized one.
        (Kind::Notarize | Kind::Finalize, Kind::Notarize | Kind::Finalize) => {
            a.candidate() != b.candidate()
        }
    }
}

#[cfg(test)]
mod tests;
