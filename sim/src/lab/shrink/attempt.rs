//! What a shrinker tries, what one try comes to, and who makes the runs.

use std::collections::BTreeMap;

use quorate_core::time::Span;

use crate::{
    lab::signature,
    report::{Finding, Happening, RunReport},
    scenario::Scenario,
};

/// A scenario, and the seed that it is run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What is run.
    pub scenario: Scenario,
    /// What its chance is drawn by.
    pub seed: u64,
}

/// What one attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Why it ended: see [`signature()`].
    pub signature: String,
    /// When it went wrong, or when it ended.
    pub at: Span,
    /// When each fault that began did so last, by its place.
    pub began: BTreeMap<usize, Span>,
}

impl Attempt {
    /// Of a run.
    #[must_use]
    pub fn of(report: &RunReport) -> Self {
        let at = match &report.facts.finding {
            Finding::Violation(broken) => broken.at,
            Finding::Stall { at, .. } | Finding::CorePanic { at, .. } => *at,
            Finding::Held | Finding::NoVerdict { .. } | Finding::Infrastructure { .. } => {
                report.simulated
            }
        };
        let mut began: BTreeMap<usize, Span> = BTreeMap::new();
        for moment in &report.timeline {
            if let Happening::FaultBegan { fault, .. } = moment.what
                && let Ok(place) = usize::try_from(fault)
            {
                let last = began.entry(place).or_insert(moment.at);
                *last = (*last).max(moment.at);
            }
        }
        Self { signature: signature(report), at, began }
    }
}

/// How large a scenario is, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Its faults.
    pub faults: usize,
    /// Its behaviours.
    pub behaviours: usize,
    /// Its validators.
    pub validators: u32,
    /// Its simulated time.
    pub max_time: Span,
}

impl Size {
    /// Of a scenario.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        Self {
            faults: scenario.faults.len(),
            behaviours: scenario.byzantine.len(),
            validators: scenario.cluster.validators,
            max_time: scenario.run.max_time,
        }
    }
}

/// What became of a list of candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// The one at this place fails as wanted, and none before it does.
    Found(usize, Attempt),
    /// None does.
    Nothing,
    /// The budget was over before that was known.
    Exhausted,
}

/// Makes runs for a shrinker, and says when it is enough.
pub trait Bench {
    /// Looks for the first of the candidates whose run has this signature. Which one that is must not
    /// depend on how many runs are made at once.
    fn first(&mut self, candidates: &[Candidate], wanted: &str) -> Search;

    /// Something smaller fails in the same way.
    fn found(&mut self, best: &Candidate);
}
