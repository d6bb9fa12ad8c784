//! The checkers of one run, asked in a fixed order.

use std::collections::{BTreeMap, BTreeSet};

use quorate_core::{config::Genesis, store::Record, types::ValidatorId};

use super::{
    Checker, Honesty, Marks, Scene, Violation,
    accountability::{self, Judgement},
    agreement::Agreement,
    bounded_memory::BoundedMemory,
    certificates_valid::CertificatesValid,
    checkpoints::CheckpointsAgree,
    durable_votes::DurableVotes,
    evidence_kept::EvidenceKept,
    evidence_never_blames_honest::{EvidenceNeverBlamesHonest, is_real, shown},
    liveness::Liveness,
    mempool::MempoolSound,
    monotone_finalized::MonotoneFinalized,
    no_honest_equivocation::NoHonestEquivocation,
    replay::Replay,
    state_root::StateRoot,
    supply::SupplyConserved,
    sync_only_verified::SyncOnlyVerified,
    validity::Validity,
    vote_rules::VoteRules,
};
use crate::{
    scenario::{Invariant, Mark, Scenario},
    trace::{Observation, What},
};

/// How long validators may go on gathering proof after agreement broke, in nanoseconds.
const PROOF_GRACE: u64 = 10_000_000_000;

/// The scene, its checkers and its marks behind one call.
pub struct Checks {
    scene: Scene,
    marks: Marks,
    checkers: Vec<Box<dyn Checker>>,
    /// Whether each of them watches the time.
    punctual: Vec<bool>,
    /// Whether proof is demanded when agreement breaks.
    accountable: bool,
    /// Agreement broke, and proof of the culprits is being gathered until then.
    broken: Option<(Violation, u64)>,
    named: BTreeSet<ValidatorId>,
}

impl Checks {
    /// A scene without checkers.
    #[must_use]
    pub fn new(scene: Scene) -> Self {
        Self {
            scene,
            marks: Marks::default(),
            checkers: Vec::new(),
            punctual: Vec::new(),
            accountable: false,
            broken: None,
            named: BTreeSet::new(),
        }
    }

    /// The checkers a scenario asks for. `determinism` is none of them: it takes two runs.
    #[must_use]
    pub fn of_scenario(scenario: &Scenario, genesis: Genesis) -> Self {
        let mut checks = Self::new(Scene::new(genesis));
        for invariant in &scenario.check.invariants {
            let checker: Box<dyn Checker> = match invariant {
                Invariant::Agreement => Box::new(Agreement::default()),
                Invariant::Validity => Box::new(Validity::default()),
                Invariant::NoHonestEquivocation => Box::new(NoHonestEquivocation::default()),
                Invariant::VoteRules => Box::new(VoteRules),
                Invariant::MonotoneFinalized => Box::new(MonotoneFinalized::default()),
                Invariant::StateRoot => {
                    let replay = Replay::new(&checks.scene.genesis);
                    checks.push(Box::new(replay));
                    Box::new(StateRoot::default())
                }
                Invariant::Checkpoints => Box::new(CheckpointsAgree::default()),
                Invariant::DurableVotes => Box::new(DurableVotes::default()),
                Invariant::CertificatesValid => Box::new(CertificatesValid::default()),
                Invariant::SyncOnlyVerified => Box::new(SyncOnlyVerified::default()),
                Invariant::SupplyConserved => Box::new(SupplyConserved),
                Invariant::BoundedMemory => Box::new(BoundedMemory::new(scenario.check.memory)),
                Invariant::EvidenceNeverBlamesHonest => Box::new(EvidenceNeverBlamesHonest),
                Invariant::EvidenceKept => Box::new(EvidenceKept::default()),
                Invariant::Mempool => Box::new(MempoolSound::default()),
                Invariant::Liveness => match &scenario.liveness {
                    Some(demand) => Box::new(Liveness::new(demand.gst, demand.bound)),
                    None => continue,
                },
                Invariant::Accountability => {
                    checks.demand_accountability();
                    continue;
                }
                Invariant::Determinism => continue,
            };
            checks.push(checker);
        }
        checks
    }

    /// Appends a checker.
    pub fn push(&mut self, checker: Box<dyn Checker>) {
        self.punctual.push(checker.watches_time());
        self.checkers.push(checker);
    }

    /// Demands proof of the culprits when agreement breaks.
    pub fn demand_accountability(&mut self) {
        self.accountable = true;
    }

    /// What is checked, in the order it is asked.
    pub fn invariants(&self) -> impl Iterator<Item = Invariant> + '_ {
        let accountability = self.accountable.then_some(Invariant::Accountability);
        self.checkers.iter().map(|checker| checker.invariant()).chain(accountability)
    }

    /// The scene.
    #[must_use]
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Where the world enters validators that stop being honest.
    pub fn honesty_mut(&mut self) -> &mut Honesty {
        &mut self.scene.honesty
    }

    /// What was seen, and how often.
    #[must_use]
    pub fn marks(&self) -> &BTreeMap<Mark, u64> {
        self.marks.counts()
    }

    /// Whom evidence names: after agreement broke, whom the least telling pair of disagreeing honest
    /// validators can convict; otherwise whom honest validators hold evidence against.
    #[must_use]
    pub fn culprits(&self) -> &BTreeSet<ValidatorId> {
        &self.named
    }

    /// Shows everybody one observation. They come in order of world time.
    ///
    /// When agreement breaks the others are asked no more, and the run may go on for a while in which
    /// proof of the culprits is gathered. The world need not know: it goes on until this is an error.
    ///
    /// # Errors
    /// The first violation found. The run is over then.
    pub fn observe(&mut self, observation: &Observation) -> Result<(), Violation> {
        self.scene.observe(observation);
        self.marks.observe(&self.scene, observation);
        if let Some((_, deadline)) = &self.broken {
            let late = observation.at >= *deadline;
            let fresh = match &observation.what {
                What::Wrote { records, .. } => records.iter().any(is_proof),
                _ => false,
            };
            return if late || fresh { self.convict(late) } else { Ok(()) };
        }
        let idle = says_nothing(&observation.what);
        if !idle {
            self.note_evidence(observation);
        }
        let scene = &self.scene;
        let shown = self.checkers.iter_mut().zip(&self.punctual);
        let found = shown
            .filter(|(_, punctual)| !idle || **punctual)
            .try_for_each(|(checker, _)| checker.observe(scene, observation));
        match found {
            Err(violation) if self.accountable && violation.invariant == Invariant::Agreement => {
                let deadline = violation.at.saturating_add(PROOF_GRACE);
                self.broken = Some((violation, deadline));
                self.convict(false)
            }
            found => found,
        }
    }

    /// Asks everybody what the end of the run shows; `at` is its world time in nanoseconds.
    ///
    /// # Errors
    /// The first violation found.
    pub fn finish(&mut self, at: u64) -> Result<(), Violation> {
        if self.broken.is_some() {
            return self.convict(true);
        }
        let scene = &self.scene;
        self.checkers.iter_mut().try_for_each(|checker| checker.finish(scene, at))
    }

    /// Looks for the culprits of a broken agreement; `last` says that there will be no other look.
    fn convict(&mut self, last: bool) -> Result<(), Violation> {
        let judgement = accountability::judge(&self.scene);
        let Some((violation, _)) = &self.broken else { return Ok(()) };
        let named = match judgement {
            Judgement::Broken(reason) => {
                let detail = format!("{}; {reason}", violation.detail);
                let invariant = Invariant::Accountability;
                return Err(Violation { invariant, detail, ..violation.clone() });
            }
            Judgement::NotYet(_) if !last => return Ok(()),
            Judgement::NotYet(named) | Judgement::Named(named) => named,
        };
        let actors = named.iter().filter_map(|signer| self.scene.actor_at(*signer));
        self.named = actors.map(|actor| ValidatorId::new(actor.number)).collect();
        Err(violation.clone())
    }

    fn note_evidence(&mut self, observation: &Observation) {
        if !self.scene.honesty.is_honest_node(observation.node) {
            return;
        }
        for evidence in shown(&observation.what) {
            let actor = self.scene.actor_at(evidence.signer());
            if let Some(actor) = actor.filter(|_| is_real(&self.scene, &evidence)) {
                self.named.insert(ValidatorId::new(actor.number));
            }
        }
    }
}

/// Whether an observation can break no invariant but by its time.
fn says_nothing(what: &What) -> bool {
    matches!(what, What::Delivered { .. } | What::PassedPoint { .. } | What::Woke(_))
}

fn is_proof(record: &Record) -> bool {
    matches!(record, Record::Proof(_) | Record::Finalized(_))
}

#[cfg(test)]
mod tests;
