//! Everything about a scenario but which faults it has: how long it runs, what a run costs, whom faults
//! name, how many validators there are, and what surrounds them.

use quorate_core::{time::Span, types::Height};

use super::{Candidate, Edit, SLACK, Shrinker, cut, parts};
use crate::scenario::{
    Clock, Cluster, Codec, Crypto, Disk, DiskOp, End, Expect, Jobs, LinkModel, Network, NodeName,
    Ppm, Run, Scenario, StakePlan, Verb, When, Workload,
};

/// Other seeds that are tried where fewer validators, or nothing around them, do not fail.
const SEEDS: usize = 3;

/// Faults that are shorter are short enough.
const SHORT: Span = Span::from_millis(20);

impl Shrinker<'_> {
    /// Ends the run some time after it has failed, and for a stall lets the good time come earlier.
    pub(super) fn cut_time(&mut self) {
        // Other moments go with other faults: a candidate may fail later than the whole did.
        let at = self.attempt.at;
        self.end_by(at.plus(at.scaled(1, 2)).plus(SLACK));
        let Some(liveness) = self.best.scenario.liveness.clone() else { return };
        let earlier = [1, 2, 3].map(|quarters| {
            let gst = Span::from_millis(liveness.gst.millis() * quarters / 4);
            self.edited(|scenario| cut::good_from(scenario, gst))
        });
        self.first(earlier.into());
    }

    /// Makes the runs cheap that everything else is tried with.
    pub(super) fn cut_cost(&mut self) {
        let cheaper = |scenario: &mut Scenario| {
            scenario.cluster.crypto = Crypto::Mock;
            scenario.cluster.codec = Codec::Memory;
            scenario.run.reserialize = Ppm::NEVER;
        };
        let quiet = self.edited(|scenario| {
            cheaper(scenario);
            scenario.workload = Workload::default();
        });
        let cheap = self.edited(cheaper);
        self.first(vec![quiet, cheap]);
    }

    /// Makes what is left of faults and behaviours simpler: fewer names and none drawn, no repetition,
    /// less left to chance. Then it also fails more easily with other seeds.
    pub(super) fn simplify_parts(&mut self) {
        // The last names first, and so that none moves up before it was tried: what is left can do
        // with fewer validators.
        let mut edits: Vec<Edit> = Vec::new();
        for place in (0..parts::names_in(&self.best.scenario)).rev() {
            edits.push(Box::new(move |scenario| parts::drop_name(scenario, place)));
        }
        for place in parts::unnamed(&self.best.scenario) {
            for number in 0..self.best.scenario.cluster.validators {
                let name = NodeName::new(number);
                edits.push(Box::new(move |scenario| parts::name(scenario, place, name)));
            }
        }
        for (place, fault) in self.best.scenario.faults.iter().enumerate() {
            edits.push(Box::new(move |scenario| scenario.faults[place].repeat = 1));
            if let Verb::IoError { ops, .. } = &fault.verb {
                edits.extend(ops.iter().map(|op| only_op(place, *op)));
            }
            if !self.is_about_expectations() {
                // More of a fault may undo by itself what was expected.
                edits.push(at_least_as_likely(place, Ppm::ALWAYS));
                edits.push(at_least_as_likely(place, Ppm::HALF));
            }
        }
        for place in 0..self.best.scenario.byzantine.len() {
            edits.push(Box::new(move |scenario| {
                scenario.byzantine[place].when = When::Always;
                scenario.byzantine[place].after = Span::ZERO;
            }));
        }
        self.consider_each(&edits);
    }

    /// Makes faults short.
    pub(super) fn shorten(&mut self) {
        let halved = |place: usize| -> Edit {
            Box::new(move |scenario| {
                if let End::For(lasting) = &mut scenario.faults[place].end
                    && *lasting > SHORT
                {
                    *lasting = lasting.scaled(1, 2);
                }
            })
        };
        loop {
            let before = self.best.clone();
            let edits: Vec<Edit> = (0..before.scenario.faults.len()).map(halved).collect();
            self.consider_each(&edits);
            if self.best == before {
                return;
            }
        }
    }

    /// Tries with fewer validators, the smallest cluster first, then with other seeds.
    pub(super) fn cut_validators(&mut self) {
        let counts = 1..self.best.scenario.cluster.validators;
        let smaller =
            counts.map(|count| self.edited(|scenario| cut::to_validators(scenario, count)));
        let candidates = self.with_other_seeds(smaller.collect());
        self.first(candidates);
    }

    /// Candidates as they are, then each of them with some other seeds.
    fn with_other_seeds(&self, candidates: Vec<Candidate>) -> Vec<Candidate> {
        let own = candidates.clone();
        let others = self
            .seeds(0)
            .take(SEEDS)
            .flat_map(|seed| candidates.iter().map(move |one| Candidate { seed, ..one.clone() }));
        own.into_iter().chain(others).collect()
    }

    /// Everything around the faults as it is when nothing is said.
    pub(super) fn simplify_surroundings(&mut self) {
        let mut edits = DEFAULTS.to_vec();
        edits.push(|scenario| scenario.liveness = None);
        if !self.is_about_expectations() {
            edits.push(|scenario| {
                let outcome = scenario.expect.outcome;
                scenario.expect = Expect { outcome, ..Expect::default() };
            });
        }
        // Mostly everything can go, and then one run says so.
        let all = self.edited(|scenario| edits.iter().for_each(|edit| edit(scenario)));
        let most = self.edited(|scenario| DEFAULTS.iter().for_each(|edit| edit(scenario)));
        let candidates = self.with_other_seeds(vec![all, most]);
        // All of it is every other one.
        if self.first(candidates).is_some_and(|place| place.is_multiple_of(2)) {
            return;
        }
        edits.extend(MILDER);
        self.consider_each(&edits);
    }
}

/// Lets a disk fail at one operation only.
fn only_op(place: usize, op: DiskOp) -> Edit {
    Box::new(move |scenario| {
        if let Verb::IoError { ops, .. } = &mut scenario.faults[place].verb
            && ops.contains(&op)
        {
            *ops = vec![op];
        }
    })
}

/// Leaves less of whether a fault hits to chance.
fn at_least_as_likely(place: usize, likelihood: Ppm) -> Edit {
    Box::new(move |scenario| {
        if let Some(p) = scenario.faults[place].verb.likelihood_mut() {
            *p = likelihood.max(*p);
        }
    })
}

/// Sections as they are when nothing is said.
const DEFAULTS: [fn(&mut Scenario); 9] = [
    |scenario| scenario.workload = Workload::default(),
    |scenario| scenario.network = Network::default(),
    |scenario| scenario.disk = Disk::default(),
    |scenario| scenario.clock = Clock::default(),
    |scenario| scenario.jobs = Jobs::default(),
    |scenario| scenario.protocol = Default::default(),
    |scenario| scenario.cluster.stake = StakePlan::Equal,
    |scenario| scenario.cluster.codec = Cluster::default().codec,
    |scenario| {
        let (max_time, seeds) = (scenario.run.max_time, scenario.run.seeds);
        scenario.run = Run { max_time, seeds, ..Run::default() };
    },
];

/// Less of what cannot go as a whole.
const MILDER: [fn(&mut Scenario); 12] = [
    |scenario| scenario.run.reserialize = Ppm::NEVER,
    |scenario| scenario.network.links.clear(),
    |scenario| scenario.network.model.drop = Ppm::NEVER,
    |scenario| scenario.network.model.duplicate = Ppm::NEVER,
    |scenario| scenario.network.model.reorder = Ppm::NEVER,
    |scenario| scenario.network.model.corrupt = Ppm::NEVER,
    |scenario| scenario.network.model.bandwidth = None,
    |scenario| scenario.network.model.delay = LinkModel::default().delay,
    |scenario| scenario.workload.hot_accounts = 0,
    |scenario| {
        scenario.workload.invalid = Ppm::NEVER;
        scenario.workload.resubmit = Ppm::NEVER;
    },
    |scenario| {
        let rate = &mut scenario.workload.tx_per_second;
        *rate = (*rate).min(1);
    },
    |scenario| {
        if let Some(height) = &mut scenario.run.stop_at_height {
            *height = Height::new(height.get().div_ceil(2));
        }
    },
];
