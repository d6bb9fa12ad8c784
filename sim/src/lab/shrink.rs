//! A failing scenario made small: less and less of it, as long as it fails for the same reason.
//!
//! Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002)
//! over faults and behaviours, then simpler attempts for everything else: time, validators, load,
//! noise, settings. What is tried is a whole run, and counts only if its signature is the wanted one.
//! Each fault keeps the draws it had, so taking one out leaves the others as they were. Where a failure
//! hangs on a coincidence that goes with any fault, other seeds are tried as well. The passes are
//! repeated until none of them finds anything, and while much is left, with more and more seeds.
//!
//! What is tried is decided by what was found before and by nothing else: as many attempts come to the
//! same scenario, however many are made at once.

mod attempt;
mod cut;
mod delta;
mod parts;
mod simpler;
mod within;

use std::collections::BTreeSet;

use quorate_core::{time::Span, types::Digest};

pub use self::attempt::{Attempt, Bench, Candidate, Search, Size};
use crate::scenario::{self, Scenario};

/// Time that candidates are given, besides half as much again as the best one needs to fail.
const SLACK: Span = Span::from_millis(1_000);

/// Edits of a list that are made ready together.
const EDITS_AT_ONCE: usize = 64;

/// Makes a scenario small.
pub struct Shrinker<'a> {
    bench: &'a mut dyn Bench,
    best: Candidate,
    /// What the run of the best one comes to. Its signature is the wanted one.
    attempt: Attempt,
    /// What was tried, by meaning and seed.
    tried: BTreeSet<(Digest, u64)>,
    /// Whether no more lie, or have damaged disks, than is tolerated. Then it stays so.
    within: bool,
    /// The budget is over.
    exhausted: bool,
}

impl<'a> Shrinker<'a> {
    /// Of a candidate, and what its run comes to.
    #[must_use]
    pub fn new(bench: &'a mut dyn Bench, candidate: Candidate, attempt: Attempt) -> Self {
        let mut best = candidate;
        parts::pin_draws(&mut best.scenario);
        if !attempt.signature.starts_with("unmet:") {
            // What is left need not all happen.
            best.scenario.faults.iter_mut().for_each(|fault| fault.must_fire = false);
        }
        let within = within::is_tolerated(&best.scenario);
        Self { bench, best, attempt, tried: BTreeSet::new(), within, exhausted: false }
    }

    /// The smallest candidate found that fails for the same reason.
    #[must_use]
    pub fn shrink(mut self) -> Candidate {
        let mut lot = 0;
        let mut fallback = None;
        loop {
            let before = self.best.clone();
            self.cut_time();
            self.cut_cost();
            self.cut_parts();
            self.look_elsewhere(lot);
            self.simplify_parts();
            self.cut_validators();
            self.simplify_surroundings();
            lot = if self.best == before { lot + 1 } else { 0 };
            if self.exhausted || lot == delta::LOTS || lot > 0 && !self.has_many_parts() {
                return match fallback {
                    Some((whole, brief)) if whole == self.best => brief,
                    _ => self.brief(),
                };
            }
            if lot == 1 {
                // The budget may not last to the end of all seeds.
                let (whole, attempt) = (self.best.clone(), self.attempt.clone());
                fallback = Some((whole.clone(), self.brief()));
                (self.best, self.attempt) = (whole, attempt);
            }
        }
    }

    /// The best one with short faults, and the end on the spot. That is for the end: what is brief meets
    /// with less by chance, and fails with fewer seeds.
    fn brief(&mut self) -> Candidate {
        self.shorten();
        self.end_by(Span::from_millis(self.attempt.at.millis() + 1));
        self.best.clone()
    }

    /// Whether the failure is an expectation that was not met: then expectations stay.
    fn is_about_expectations(&self) -> bool {
        self.attempt.signature.starts_with("unmet:")
    }

    /// Puts the first candidate that fails as wanted in the place of the best one. Its place.
    fn first(&mut self, candidates: Vec<Candidate>) -> Option<usize> {
        if self.exhausted {
            return None;
        }
        let ready = candidates.into_iter().enumerate();
        let ready = ready.filter_map(|(place, one)| Some((place, self.ready(one)?)));
        let (places, mut ready): (Vec<usize>, Vec<Candidate>) = ready.unzip();
        if ready.is_empty() {
            return None;
        }
        let key = |one: &Candidate| (one.scenario.digest(), one.seed);
        match self.bench.first(&ready, &self.attempt.signature) {
            Search::Found(found, attempt) => {
                self.tried.extend(ready.iter().take(found + 1).map(key));
                self.best = ready.swap_remove(found);
                self.attempt = attempt;
                self.bench.found(&self.best);
                Some(places[found])
            }
            Search::Nothing => {
                self.tried.extend(ready.iter().map(key));
                None
            }
            Search::Exhausted => {
                self.exhausted = true;
                None
            }
        }
    }

    /// The candidate as a file says it: the outcome is a file. `None` if it cannot be one, is nothing
    /// new, or fails by asking for more than is promised.
    fn ready(&self, candidate: Candidate) -> Option<Candidate> {
        // With another seed the same is no smaller.
        let is_same = candidate.scenario == self.best.scenario;
        if is_same || self.within && !within::is_tolerated(&candidate.scenario) {
            return None;
        }
        let text = candidate.scenario.to_toml();
        let scenario = scenario::parse("shrunk", text.as_bytes()).ok()?;
        let is_new = !self.tried.contains(&(scenario.digest(), candidate.seed));
        is_new.then_some(Candidate { scenario, seed: candidate.seed })
    }

    /// Another scenario, with the seed of the best one.
    fn with(&self, scenario: Scenario) -> Candidate {
        Candidate { scenario, seed: self.best.seed }
    }

    /// The best one with an edit.
    fn edited(&self, edit: impl FnOnce(&mut Scenario)) -> Candidate {
        let mut candidate = self.best.clone();
        edit(&mut candidate.scenario);
        candidate
    }

    /// Goes through edits in their order. Each with which the best one still fails is kept.
    fn consider_each<E: Fn(&mut Scenario)>(&mut self, edits: &[E]) {
        let mut left = edits;
        while !left.is_empty() {
            // Not all at once: each is written out and read back before the first is run.
            let some = &left[..left.len().min(EDITS_AT_ONCE)];
            let candidates = some.iter().map(|edit| self.edited(edit)).collect();
            let next = self.first(candidates).map_or(some.len(), |place| place + 1);
            left = &left[next..];
        }
    }

    /// Tries with the run over at a time.
    fn end_by(&mut self, end: Span) {
        if end < self.best.scenario.run.max_time {
            let shorter = self.edited(|scenario| cut::end_at(scenario, end));
            self.first(vec![shorter]);
        }
    }
}

/// Makes something about a scenario simpler.
type Edit = Box<dyn Fn(&mut Scenario)>;

#[cfg(test)]
mod tests;
