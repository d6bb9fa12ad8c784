//! Faults and behaviours taken out: whole kinds first, then one by one, then with other seeds.

use super::{
    Candidate, Shrinker,
    parts::{self, Part},
};
use crate::scenario::{SEED_END, Scenario};

/// Other seeds of one lot, tried where the given one gets stuck.
const SEEDS: u64 = 8;

/// Lots of other seeds, if the budget lasts as long.
pub(super) const LOTS: u64 = 64;

/// With so many parts or fewer nothing is looked for with other seeds.
const FEW: usize = 3;

impl Shrinker<'_> {
    /// Takes out what the failure does not need, with the seed as it is.
    pub(super) fn cut_parts(&mut self) {
        self.cut_idle();
        let nothing = self.only(&[]);
        if self.first(vec![nothing]).is_some() {
            return;
        }
        self.delta(parts::by_kind);
        self.delta(parts::singly);
    }

    /// Takes out faults that had not begun when the run failed: it is the same run without them.
    fn cut_idle(&mut self) {
        let mut kept = parts::all(&self.best.scenario);
        kept.retain(|part| match part {
            Part::Fault(place) => self.attempt.began.contains_key(place),
            Part::Behaviour(_) => true,
        });
        let busy = self.only(&kept);
        self.first(vec![busy]);
    }

    fn only(&self, kept: &[Part]) -> Candidate {
        self.with(parts::only(&self.best.scenario, kept))
    }

    /// Delta debugging over groups of parts, until leaving out any one group lets the failure go.
    fn delta(&mut self, grouped: fn(&Scenario) -> Vec<Vec<Part>>) {
        let mut chunks = 2_usize;
        loop {
            // Places move up with every part that goes.
            let groups = grouped(&self.best.scenario);
            if groups.len() < 2 || self.exhausted {
                return;
            }
            let subsets = chunked(&groups, chunks);
            let mut kept = subsets.clone();
            if subsets.len() > 2 {
                // Of two, each is the other's complement.
                kept.extend(subsets.iter().map(|subset| without(&groups.concat(), subset)));
            }
            let candidates = kept.iter().map(|kept| self.only(kept)).collect();
            chunks = match self.first(candidates) {
                Some(place) if place < subsets.len() => 2,
                Some(_) => chunks.saturating_sub(1).max(2),
                None if chunks < groups.len() => (2 * chunks).min(groups.len()),
                None => return,
            };
        }
    }

    /// With many parts left, tries fewer of them with other seeds, and goes on from what is found.
    ///
    /// A failure that takes a coincidence of moments goes with any part that shifts them, needed or
    /// not: what one seed then calls necessary says little. Half of the parts at another seed meets
    /// another coincidence, and if the half has what matters that is as likely as with all of them.
    pub(super) fn look_elsewhere(&mut self, mut lot: u64) {
        while self.has_many_parts() {
            let parts = self.by_nearness();
            let halves = chunked(&singles(&parts), 2);
            let quarters = chunked(&singles(&parts), 4);
            let most = quarters.iter().map(|subset| without(&parts, subset)).collect();
            let less = parts.iter().map(|part| without(&parts, &[*part])).collect();
            let mut candidates = Vec::new();
            for subsets in [halves, quarters, most, less] {
                for seed in self.seeds(lot) {
                    candidates.extend(subsets.iter().map(|kept: &Vec<Part>| {
                        let scenario = parts::only(&self.best.scenario, kept);
                        Candidate { scenario, seed }
                    }));
                }
            }
            if self.first(candidates).is_none() {
                return;
            }
            self.cut_parts();
            lot = 0;
        }
    }

    /// Whether other seeds are worth the time.
    pub(super) fn has_many_parts(&self) -> bool {
        parts::all(&self.best.scenario).len() > FEW
    }

    /// A lot of other seeds to try: the next ones are the first.
    pub(super) fn seeds(&self, lot: u64) -> impl Iterator<Item = u64> + use<> {
        let before = self.best.seed.saturating_add(lot * SEEDS);
        let seeds = (1..=SEEDS).filter_map(move |further| before.checked_add(further));
        seeds.filter(|seed| *seed < SEED_END)
    }

    /// All parts: behaviours, then faults, the last that began before the failure first.
    fn by_nearness(&self) -> Vec<Part> {
        let mut parts = parts::all(&self.best.scenario);
        parts.sort_by_key(|part| match part {
            Part::Behaviour(_) => None,
            Part::Fault(place) => {
                let began = self.attempt.began.get(place).copied().unwrap_or_default();
                Some(self.attempt.at.minus(began))
            }
        });
        parts
    }
}

fn singles(parts: &[Part]) -> Vec<Vec<Part>> {
    parts.iter().map(|part| vec![*part]).collect()
}

/// Groups put together to so many subsets, or fewer.
fn chunked(groups: &[Vec<Part>], chunks: usize) -> Vec<Vec<Part>> {
    groups.chunks(groups.len().div_ceil(chunks)).map(<[Vec<Part>]>::concat).collect()
}

fn without(parts: &[Part], subset: &[Part]) -> Vec<Part> {
    parts.iter().filter(|part| !subset.contains(part)).copied().collect()
}
