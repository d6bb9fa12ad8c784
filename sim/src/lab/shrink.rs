//! A failing scenario made small: less and less of it, as long as it fails for the same reason.
//!
//! Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002)
//! over faults and behaviours, then simpler attempts for everything else: time, validators, load,
//! noise, settings. What is tried is a whole run, and counts only if its signature is the wanted one.
//! Each fault keeps the draws it had, so taking one out leaves the others as they were. The passes are
//! repeated until none of them finds anything.

mod cut;
mod parts;

use std::collections::BTreeSet;

use quorate_core::{
    time::Span,
    types::{Digest, Height},
};

use crate::{
    report::{Finding, RunReport},
    scenario::{
        self, Clock, Cluster, Disk, End, Expect, Jobs, LinkModel, Network, Ppm, Run, Scenario,
        StakePlan, Workload,
    },
};

/// Time that candidates are given, besides twice what the best one needs to fail.
const SLACK: Span = Span::from_millis(1_000);

/// What one attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Why it ended: see [`super::signature()`].
    pub signature: String,
    /// When it went wrong, or when it ended.
    pub at: Span,
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
        Self { signature: super::signature(report), at }
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

/// Makes runs for a [`Shrinker`], and says when it is enough.
pub trait Bench {
    /// Runs a scenario with the seed of the failure. `None`: no time is left.
    fn attempt(&mut self, scenario: &Scenario) -> Option<Attempt>;

    /// Something smaller fails in the same way.
    fn found(&mut self, size: Size);
}

/// Makes a scenario small.
pub struct Shrinker<'a> {
    bench: &'a mut dyn Bench,
    wanted: String,
    best: Scenario,
    /// When the best one fails.
    at: Span,
    /// What was tried and was not it, by meaning.
    tried: BTreeSet<Digest>,
    /// No time is left.
    exhausted: bool,
}

impl<'a> Shrinker<'a> {
    /// Of a scenario that fails with this signature at this time.
    #[must_use]
    pub fn new(bench: &'a mut dyn Bench, scenario: Scenario, wanted: String, at: Span) -> Self {
        let mut best = scenario;
        parts::pin_draws(&mut best);
        if !wanted.starts_with("unmet:") {
            // What is left need not all happen.
            best.faults.iter_mut().for_each(|fault| fault.must_fire = false);
        }
        Self { bench, wanted, best, at, tried: BTreeSet::new(), exhausted: false }
    }

    /// The smallest scenario found that fails for the same reason.
    #[must_use]
    pub fn shrink(mut self) -> Scenario {
        loop {
            let before = self.best.digest();
            self.cut_time();
            self.cut_parts();
            self.simplify_parts();
            self.cut_validators();
            self.simplify_surroundings();
            if self.exhausted || self.best.digest() == before {
                // What fails is found; only now the run may end on the spot.
                self.end_by(Span::from_millis(self.at.millis() + 1));
                return self.best;
            }
        }
    }

    /// Tries a scenario in place of the best one. Whether it took its place.
    fn consider(&mut self, candidate: Scenario) -> bool {
        if self.exhausted || candidate == self.best {
            return false;
        }
        // Only what a file can say: the outcome is a file.
        let text = candidate.to_toml();
        let Ok(candidate) = scenario::parse("shrunk", text.as_bytes()) else { return false };
        if !self.tried.insert(candidate.digest()) {
            return false;
        }
        let Some(attempt) = self.bench.attempt(&candidate) else {
            self.exhausted = true;
            return false;
        };
        if attempt.signature != self.wanted {
            return false;
        }
        self.best = candidate;
        self.at = attempt.at;
        self.bench.found(Size::of(&self.best));
        true
    }

    /// Tries the best one with an edit.
    fn consider_edited(&mut self, edit: impl FnOnce(&mut Scenario)) -> bool {
        let mut candidate = self.best.clone();
        edit(&mut candidate);
        self.consider(candidate)
    }

    /// Tries with the run over at a time.
    fn end_by(&mut self, end: Span) {
        if end < self.best.run.max_time {
            let mut candidate = self.best.clone();
            cut::end_at(&mut candidate, end);
            self.consider(candidate);
        }
    }

    /// Ends the run some time after it has failed, and for a stall lets the good time come earlier.
    fn cut_time(&mut self) {
        // Other moments go with other faults: a candidate may fail later than the whole did.
        self.end_by(Span::from_millis(self.at.millis() + 1).times(2).plus(SLACK));
        for quarters in [1, 2, 3] {
            let Some(liveness) = self.best.liveness.clone() else { break };
            let gst = Span::from_millis(liveness.gst.millis() * quarters / 4);
            let mut candidate = self.best.clone();
            cut::good_from(&mut candidate, gst);
            if self.consider(candidate) {
                break;
            }
        }
    }

    /// Delta debugging over faults and behaviours together.
    fn cut_parts(&mut self) {
        let mut all = parts::all(&self.best);
        if all.is_empty() || self.consider(parts::only(&self.best, &[])) {
            return;
        }
        let mut chunks = 2_usize;
        while all.len() >= 2 && !self.exhausted {
            let size = all.len().div_ceil(chunks);
            let subsets: Vec<Vec<parts::Part>> = all.chunks(size).map(<[_]>::to_vec).collect();
            let whole = self.best.clone();
            let found = subsets
                .iter()
                .find(|subset| self.consider(parts::only(&whole, subset)))
                .map(|subset| (subset.clone(), 2));
            let found = found.or_else(|| {
                let complement = |subset: &Vec<parts::Part>| -> Vec<parts::Part> {
                    all.iter().filter(|part| !subset.contains(part)).copied().collect()
                };
                let complements = subsets.iter().map(complement);
                // Of two, each is the other's complement and was tried.
                let mut complements = complements.filter(|_| subsets.len() > 2);
                complements
                    .find(|rest| self.consider(parts::only(&whole, rest)))
                    .map(|rest| (rest, chunks.saturating_sub(1).max(2)))
            });
            match found {
                Some((_, next)) => {
                    // The places have moved up.
                    all = parts::all(&self.best);
                    chunks = next;
                }
                None if chunks < all.len() => chunks = (2 * chunks).min(all.len()),
                None => break,
            }
        }
    }

    /// Makes what is left of faults and behaviours simpler: fewer names, no repetition.
    fn simplify_parts(&mut self) {
        // The last names first: what is left can do with fewer validators.
        for place in (0..parts::names_in(&self.best)).rev() {
            self.consider_edited(|scenario| parts::drop_name(scenario, place));
        }
        for place in 0..self.best.faults.len() {
            self.consider_edited(|scenario| scenario.faults[place].repeat = 1);
            if let End::For(lasting) = self.best.faults[place].end {
                self.consider_edited(|scenario| {
                    scenario.faults[place].end = End::For(lasting.scaled(1, 2));
                });
            }
        }
        for place in 0..self.best.byzantine.len() {
            self.consider_edited(|scenario| {
                scenario.byzantine[place].when = scenario::When::Always;
                scenario.byzantine[place].after = Span::ZERO;
            });
        }
    }

    /// Tries with fewer validators, the smallest cluster first.
    fn cut_validators(&mut self) {
        for count in 1..self.best.cluster.validators {
            let mut candidate = self.best.clone();
            if cut::to_validators(&mut candidate, count) && self.consider(candidate) {
                return;
            }
        }
    }

    /// Everything around the faults as it is when nothing is said.
    fn simplify_surroundings(&mut self) {
        let kept = self.best.expect.outcome;
        if !self.wanted.starts_with("unmet:") {
            self.consider_edited(|scenario| {
                scenario.expect = Expect { outcome: kept, ..Expect::default() };
            });
        }
        self.consider_edited(|scenario| scenario.liveness = None);
        self.consider_edited(|scenario| scenario.workload = Workload::default());
        self.consider_edited(|scenario| scenario.network = Network::default());
        self.consider_edited(|scenario| scenario.disk = Disk::default());
        self.consider_edited(|scenario| scenario.clock = Clock::default());
        self.consider_edited(|scenario| scenario.jobs = Jobs::default());
        self.consider_edited(|scenario| scenario.protocol = Default::default());
        self.consider_edited(|scenario| scenario.cluster.stake = StakePlan::Equal);
        self.consider_edited(|scenario| scenario.cluster.codec = Cluster::default().codec);
        self.consider_edited(|scenario| {
            let (max_time, seeds) = (scenario.run.max_time, scenario.run.seeds);
            scenario.run = Run { max_time, seeds, ..Run::default() };
        });
        self.consider_edited(|scenario| scenario.run.reserialize = Ppm::NEVER);
        self.consider_edited(|scenario| scenario.network.links.clear());
        let edits: [fn(&mut LinkModel); 6] = [
            |model| model.drop = Ppm::NEVER,
            |model| model.duplicate = Ppm::NEVER,
            |model| model.reorder = Ppm::NEVER,
            |model| model.corrupt = Ppm::NEVER,
            |model| model.bandwidth = None,
            |model| model.delay = LinkModel::default().delay,
        ];
        for edit in edits {
            self.consider_edited(|scenario| edit(&mut scenario.network.model));
        }
        self.consider_edited(|scenario| scenario.workload.hot_accounts = 0);
        self.consider_edited(|scenario| {
            scenario.workload.invalid = Ppm::NEVER;
            scenario.workload.resubmit = Ppm::NEVER;
        });
        if self.best.workload.tx_per_second > 1 {
            self.consider_edited(|scenario| scenario.workload.tx_per_second = 1);
        }
        if let Some(height) = self.best.run.stop_at_height {
            self.consider_edited(|scenario| {
                scenario.run.stop_at_height = Some(Height::new(height.get().div_ceil(2)));
            });
        }
    }
}

#[cfg(test)]
mod tests;
