//! Twins: every way in which leaders and partitions can follow each other, as numbered scenarios.
//!
//! Some validators run twice on one key, each copy honest by itself, and in every view the replicas are
//! split into groups that do not hear each other (Bano et al., "Twins: BFT Systems Made Robust",
//! OPODIS 2021). The number of a schedule says where in the order of leaders the twins are and which
//! split each view has, so all of them can be walked through, drawn from, divided and continued.
//!
//! Validators are told apart by their turn to lead, whatever they are called in a run, so that renaming
//! gives no second schedule. Nor does exchanging a validator and its twin: of such schedules one is
//! canonical and the others are passed over.

use std::ops::Range;

use quorate_core::{
    random::Seed,
    time::Span,
    types::{ValidatorId, View},
};

use crate::{
    scenario::{
        Behaviour, ByzantineSpec, Crypto, End, Fault, InFlight, Liveness, NodeName, Partition,
        Scenario, SeedRange, Selector, Trigger, Verb, When,
    },
    world::{common::Common, node::run_seed},
};

/// The most replicas, twins included: the splits are listed in memory.
pub const REPLICAS_MAX: u32 = 12;

/// How long a view's split lasts if the view does not end before.
const SPLIT: Span = Span::from_millis(1_500);

/// Progress is owed within this, once everything is healed.
const BOUND: Span = Span::from_millis(20_000);

/// Why there is no such plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There are too many replicas to list their splits.
    #[error("{0} replicas are too many: with their twins there can be {REPLICAS_MAX}")]
    TooManyReplicas(u32),
    /// There are more twins than the protocol tolerates, or more than validators.
    #[error("{twins} of {validators} validators with twins are not tolerated: have fewer")]
    TooManyTwins {
        /// Validators with a twin.
        twins: u32,
        /// All validators.
        validators: u32,
    },
    /// Some number is zero.
    #[error("there must be at least one validator, one view and one group")]
    Nothing,
    /// There are more schedules than can be numbered.
    #[error("there are more than 2^64 schedules: have fewer views or groups")]
    TooManySchedules,
}

/// What the schedules of a campaign have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    validators: u32,
    views: u32,
    /// The seed of every run.
    seed: u64,
    /// Where in the order of leaders the validators with twins can be.
    places: Vec<Vec<u32>>,
    /// Every split: for each replica the number of its group. Twins come after all validators.
    splits: Vec<Vec<u8>>,
    count: u64,
}

/// One schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The turns at which a validator with a twin leads, ascending from 0.
    pub twins: Vec<u32>,
    /// The split of every view, from view 1: places in the plan's list.
    pub splits: Vec<u64>,
}

impl Plan {
    /// All schedules of so many views in which so many validators have twins and replicas are in at
    /// most so many groups. Every run has the same seed.
    ///
    /// # Errors
    /// If there are none, or too many.
    pub fn new(
        validators: u32,
        twins: u32,
        views: u32,
        groups: u8,
        seed: u64,
    ) -> Result<Self, PlanError> {
        if validators == 0 || views == 0 || groups == 0 {
            return Err(PlanError::Nothing);
        }
        if twins.saturating_mul(3) >= validators {
            return Err(PlanError::TooManyTwins { twins, validators });
        }
        let replicas = validators.saturating_add(twins);
        if replicas > REPLICAS_MAX {
            return Err(PlanError::TooManyReplicas(replicas));
        }
        let places = subsets(validators, twins);
        let splits = splits(replicas, groups);
        let base = u64::try_from(splits.len()).expect("they are in memory");
        let first = u64::try_from(places.len()).expect("they are in memory");
        let count = base.checked_pow(views).and_then(|all| all.checked_mul(first));
        let count = count.ok_or(PlanError::TooManySchedules)?;
        Ok(Self { validators, views, seed, places, splits, count })
    }

    /// The numbers of all schedules, canonical or not.
    #[must_use]
    pub fn numbers(&self) -> Range<u64> {
        0..self.count
    }

    /// How many splits each view can have.
    #[must_use]
    pub fn splits(&self) -> u64 {
        u64::try_from(self.splits.len()).expect("they are in memory")
    }

    /// The seed of every run.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The schedule with a number.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn schedule(&self, number: u64) -> Schedule {
        assert!(number < self.count, "there is no schedule {number} of {}", self.count);
        let base = u64::try_from(self.splits.len()).expect("they are in memory");
        let mut rest = number;
        let splits = (0..self.views)
            .map(|_| {
                let split = rest % base;
                rest /= base;
                split
            })
            .collect();
        let place = usize::try_from(rest).expect("below the number of places");
        Schedule { twins: self.places[place].clone(), splits }
    }

    /// Whether a schedule is the first of those that differ only by exchanging validators and their
    /// twins.
    #[must_use]
    pub fn is_canonical(&self, schedule: &Schedule) -> bool {
        let own: Vec<&Vec<u8>> = schedule.splits.iter().map(|split| self.split(*split)).collect();
        // Every non-empty set of pairs to exchange.
        (1_u32..1 << schedule.twins.len()).all(|exchanged| {
            let images = own.iter().map(|split| self.exchange(split, &schedule.twins, exchanged));
            own.iter().copied().le(images.collect::<Vec<_>>().iter())
        })
    }

    /// So many different canonical schedules, drawn by the seed, in the order of their numbers; all of
    /// them if there are not more.
    #[must_use]
    pub fn sample(&self, wanted: u64) -> Vec<u64> {
        let is_wanted = |number: &u64| self.is_canonical(&self.schedule(*number));
        // Drawing from few would go on for long before the last is found.
        if self.count / 8 <= wanted {
            let all: Vec<u64> = self.numbers().filter(is_wanted).collect();
            let every = u64::try_from(all.len()).expect("in memory").div_ceil(wanted.max(1)).max(1);
            let every = usize::try_from(every).expect("at most a length");
            return all.into_iter().step_by(every).collect();
        }
        let mut rng = Seed::from_number(self.seed).fork("twins-sample", 0).rng();
        let mut chosen = std::collections::BTreeSet::new();
        while u64::try_from(chosen.len()).expect("in memory") < wanted {
            let number = rng.below(self.count);
            if is_wanted(&number) {
                chosen.insert(number);
            }
        }
        chosen.into_iter().collect()
    }

    /// The scenario of a schedule, to be run with [`Self::seed`].
    ///
    /// # Panics
    /// If there is no such schedule.
    #[must_use]
    pub fn scenario(&self, number: u64) -> Scenario {
        let schedule = self.schedule(number);
        let mut scenario = Scenario::quiet(&format!("twins-{number}"), self.validators);
        scenario.cluster.crypto = Crypto::Mock;
        scenario.run.seeds = SeedRange { start: self.seed, count: 1 };
        let order = self.order(&scenario);
        let twins: Vec<u32> = schedule.twins.iter().map(|turn| at(&order, *turn)).collect();
        let turns: Vec<String> = schedule.twins.iter().map(u32::to_string).collect();
        scenario.about = format!(
            "Schedule {number} of {}: twins lead at turns {} of each round, and each of {} views has \
             its split.",
            self.count,
            turns.join(" "),
            self.views
        );
        if !twins.is_empty() {
            let mut names: Vec<NodeName> = twins.iter().copied().map(NodeName::new).collect();
            names.sort_unstable();
            scenario.byzantine.push(ByzantineSpec {
                nodes: Selector::Nodes(names),
                behaviour: Behaviour::Twin,
                when: When::Always,
                after: Span::ZERO,
                draw: None,
                line: 0,
            });
        }
        for (view, split) in (1..).zip(&schedule.splits) {
            // The split of the view before is over, however early this one begins.
            scenario.faults.push(fault(view, Verb::Heal, End::Gst));
            let mut groups = self.groups(*split, &order, &twins);
            if groups.len() < 2 {
                continue;
            }
            groups.sort();
            let shape = Partition::Groups(groups);
            let verb = Verb::Partition { shape, in_flight: InFlight::Keep };
            scenario.faults.push(fault(view, verb, End::For(SPLIT)));
        }
        let gst = SPLIT.times(u64::from(self.views)).plus(Span::from_millis(2_000));
        scenario.liveness = Some(Liveness { gst, after: None, bound: BOUND });
        scenario.run.max_time = gst.plus(BOUND).plus(Span::from_millis(1));
        scenario
    }

    /// Who leads view 1, view 2 and so on, of one round, when the scenario is run with the seed.
    fn order(&self, scenario: &Scenario) -> Vec<u32> {
        let common = Common::new(scenario, run_seed(self.seed), &[]);
        (1..=u64::from(self.validators)).map(|view| common.leader(View::new(view))).collect()
    }

    fn split(&self, number: u64) -> &Vec<u8> {
        &self.splits[usize::try_from(number).expect("a place in memory")]
    }

    /// The names in each group of a split.
    fn groups(&self, split: u64, order: &[u32], twins: &[u32]) -> Vec<Vec<NodeName>> {
        let split = self.split(split);
        let firsts = order.iter().copied().map(NodeName::new);
        let seconds = twins
            .iter()
            .map(|number| NodeName { validator: ValidatorId::new(*number), twin: true });
        let mut groups: Vec<Vec<NodeName>> = Vec::new();
        for (name, group) in firsts.chain(seconds).zip(split) {
            let group = usize::from(*group);
            if groups.len() <= group {
                groups.resize(group + 1, Vec::new());
            }
            groups[group].push(name);
        }
        groups.iter_mut().for_each(|group| group.sort_unstable());
        groups
    }

    /// A split with some validators and their twins exchanged, groups numbered as in a list of splits.
    fn exchange(&self, split: &[u8], twins: &[u32], exchanged: u32) -> Vec<u8> {
        let mut image = split.to_vec();
        let validators = usize::try_from(self.validators).expect("few");
        for (place, turn) in twins.iter().enumerate() {
            if exchanged >> place & 1 == 1 {
                image.swap(usize::try_from(*turn).expect("few"), validators + place);
            }
        }
        let mut names: Vec<u8> = Vec::new();
        for group in &mut image {
            let known = names.iter().position(|name| name == group);
            let place = known.unwrap_or_else(|| {
                names.push(*group);
                names.len() - 1
            });
            *group = u8::try_from(place).expect("groups are few");
        }
        image
    }
}

fn at(order: &[u32], turn: u32) -> u32 {
    order[usize::try_from(turn).expect("few")]
}

fn fault(view: u64, verb: Verb, end: End) -> Fault {
    let start = Trigger::View { view: View::new(view), node: None };
    Fault { verb, start, end, repeat: 1, must_fire: false, draw: None, line: 0 }
}

/// Every set of so many of the first numbers, ascending.
fn subsets(of: u32, count: u32) -> Vec<Vec<u32>> {
    let full = |chosen: &u32| chosen.count_ones() == count;
    let members = |chosen: u32| (0..of).filter(|place| chosen >> place & 1 == 1).collect();
    (0..1_u32 << of).filter(full).map(members).collect()
}

/// Every way to put so many into at most so many groups: each next one into a group that is there or
/// into the first that is not (restricted growth strings).
fn splits(count: u32, groups: u8) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    for _ in 0..count {
        all = all
            .into_iter()
            .flat_map(|split: Vec<u8>| {
                let next = split.iter().max().map_or(0, |last| last + 1).min(groups - 1);
                (0..=next).map(move |group| {
                    let mut longer = split.clone();
                    longer.push(group);
                    longer
                })
            })
            .collect();
    }
    all
}

#[cfg(test)]
mod tests;
