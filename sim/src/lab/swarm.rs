//! Scenarios at random: a seed in, a scenario of many faults out, always the same for the same seed.
//!
//! Whole kinds of fault are switched off in each scenario, every one with even odds, because a mix of
//! everything hides what only a few kinds together bring about (Groce et al., "Swarm Testing", 2012).
//! What is made stays within what the protocol promises: Byzantine validators and those whose disks
//! are damaged or emptied weigh less than a third together, honest clocks stay within what timestamps
//! allow, every fault is over at GST, and from then on progress is owed. So every failure is a
//! finding. Draws are keyed by what they are for: a new kind does not shift the others.

mod byzantine;
mod dice;
mod faults;

use std::{collections::BTreeSet, ops::Range};

use quorate_core::{random::Seed, time::Span};

use self::dice::Dice;
use crate::scenario::{
    Codec, Crypto, Disk, Distribution, Expect, LinkModel, Liveness, Ppm, Scenario, SeedRange,
    StakePlan, Torn, Workload,
};

/// How many validators, unless asked for otherwise.
pub const VALIDATORS: Range<u32> = 4..11;

/// Least simulated time of a run.
const TIME_MIN: Span = Span::from_millis(30_000);

/// By this long after GST, and again in every such span, everybody finalizes something. Timers grow
/// while there is no finality, and a row of faulty leaders waits for each of them.
const BOUND: Span = Span::from_millis(30_000);

/// A kind of thing that a scenario has or has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Links lose messages all the time.
    Loss,
    /// Links duplicate, reorder and break messages all the time.
    Noise,
    /// Links are slow, or of very different speed from message to message.
    SlowLinks,
    /// Faults of some links for some time: loss, copies, delay, disorder, broken frames, narrowness.
    Bursts,
    /// Partitions of every shape.
    Partitions,
    /// Single validators without network.
    Isolation,
    /// Messages held and released.
    Clogs,
    /// Processes killed and started again.
    Kills,
    /// Processes stopped and restarted in good order.
    Stops,
    /// Crashes between two steps of one vote.
    CrashPoints,
    /// Processes that crash again and again.
    CrashLoops,
    /// Processes halted for a while.
    Pauses,
    /// Machines and disks that are slow.
    Slowness,
    /// Clocks that are off from the start.
    ClockSkew,
    /// Clocks that jump, drift, stand still.
    ClockFaults,
    /// Disks that keep or tear what was not synced.
    Crumbs,
    /// Disks that fail or are full.
    DiskErrors,
    /// Disks that damage, lose or pretend: such validators count against f.
    Damage,
    /// Validators that lie: they count against f.
    Byzantine,
    /// Clients.
    Load,
    /// Weights that are not equal.
    Stake,
    /// Messages as bytes.
    Wire,
    /// Signatures that are real.
    RealCrypto,
    /// Replicas written out and read back.
    Reserialize,
    /// Logs compacted often.
    Compaction,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::Loss,
        Self::Noise,
        Self::SlowLinks,
        Self::Bursts,
        Self::Partitions,
        Self::Isolation,
        Self::Clogs,
        Self::Kills,
        Self::Stops,
        Self::CrashPoints,
        Self::CrashLoops,
        Self::Pauses,
        Self::Slowness,
        Self::ClockSkew,
        Self::ClockFaults,
        Self::Crumbs,
        Self::DiskErrors,
        Self::Damage,
        Self::Byzantine,
        Self::Load,
        Self::Stake,
        Self::Wire,
        Self::RealCrypto,
        Self::Reserialize,
        Self::Compaction,
    ];

    /// Its name, and the label of its draws.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Noise => "noise",
            Self::SlowLinks => "slow links",
            Self::Bursts => "bursts",
            Self::Partitions => "partitions",
            Self::Isolation => "isolation",
            Self::Clogs => "clogs",
            Self::Kills => "kills",
            Self::Stops => "stops",
            Self::CrashPoints => "crash points",
            Self::CrashLoops => "crash loops",
            Self::Pauses => "pauses",
            Self::Slowness => "slowness",
            Self::ClockSkew => "clock skew",
            Self::ClockFaults => "clock faults",
            Self::Crumbs => "crumbs",
            Self::DiskErrors => "disk errors",
            Self::Damage => "damage",
            Self::Byzantine => "Byzantine",
            Self::Load => "load",
            Self::Stake => "stake",
            Self::Wire => "wire",
            Self::RealCrypto => "real crypto",
            Self::Reserialize => "reserialize",
            Self::Compaction => "compaction",
        }
    }
}

/// What every part of a scenario is made with.
struct Frame {
    seed: Seed,
    features: BTreeSet<Feature>,
    validators: u32,
    /// When everything is healed.
    gst: Span,
    /// Validators that lie.
    liars: Vec<u32>,
    /// Validators whose disks may be damaged.
    damaged: Vec<u32>,
}

impl Frame {
    fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// The draws for one purpose.
    fn dice(&self, label: &str) -> Dice {
        Dice::new(&self.seed, label)
    }
}

/// The kinds that a seed's scenario has.
#[must_use]
pub fn features(seed: u64) -> BTreeSet<Feature> {
    let seed = root(seed);
    let on = |feature: &Feature| Dice::new(&seed, feature.name()).chance(50);
    Feature::ALL.into_iter().filter(on).collect()
}

/// The scenario of a seed, with so many validators. To be run with the same seed.
///
/// # Panics
/// If the range is empty or begins at zero.
#[must_use]
pub fn scenario(seed: u64, validators: &Range<u32>) -> Scenario {
    assert!(validators.start > 0 && !validators.is_empty(), "a cluster of {validators:?}");
    let features = features(seed);
    let root = root(seed);
    let mut dice = Dice::new(&root, "shape");
    let count = dice.between(validators.start, validators.end - 1);
    let gst = dice.millis(8_000, 14_000);
    let mut scenario = Scenario::quiet(&format!("swarm-{seed}"), count);
    let mut frame = Frame {
        seed: root,
        features,
        validators: count,
        gst,
        liars: Vec::new(),
        damaged: Vec::new(),
    };
    let names: Vec<&str> = frame.features.iter().map(|feature| feature.name()).collect();
    scenario.about = format!("Made by swarm from seed {seed}: {}.", names.join(", "));
    scenario.run.seeds = SeedRange { start: seed, count: 1 };
    surroundings(&frame, &mut scenario);
    choose_the_bad(&mut frame, &scenario);
    byzantine::add(&frame, &mut scenario);
    faults::add(&frame, &mut scenario);
    scenario.liveness = Some(Liveness {
        gst,
        after: Some(LinkModel {
            delay: Distribution::Uniform { min: Span::from_millis(5), max: Span::from_millis(50) },
            ..LinkModel::default()
        }),
        bound: BOUND,
    });
    scenario.run.max_time = gst.plus(BOUND).plus(Span::from_millis(1_000)).max(TIME_MIN);
    scenario.expect = Expect::default();
    scenario
}

fn root(seed: u64) -> Seed {
    Seed::from_number(seed).fork("swarm", 0)
}

/// The cluster, and everything that is the whole time as it is.
fn surroundings(frame: &Frame, scenario: &mut Scenario) {
    let mut dice = frame.dice("surroundings of the cluster");
    if frame.has(Feature::Stake) {
        scenario.cluster.stake = match dice.below(2) {
            0 => StakePlan::Skewed,
            _ => StakePlan::List((0..frame.validators).map(|_| 1 + dice.below(20)).collect()),
        };
    }
    scenario.cluster.crypto =
        if frame.has(Feature::RealCrypto) { Crypto::Real } else { Crypto::Mock };
    scenario.cluster.codec = if frame.has(Feature::Wire) { Codec::Wire } else { Codec::Memory };
    if frame.has(Feature::Reserialize) {
        scenario.run.reserialize = frame.dice("surroundings reserialize").permille(1, 10);
    }
    if frame.has(Feature::Compaction) {
        scenario.run.heights_kept = frame.dice("surroundings compaction").between(64, 200);
    }
    scenario.network.model = links(frame);
    if frame.has(Feature::ClockSkew) {
        let mut dice = frame.dice("surroundings of clocks");
        scenario.clock.skew_max = dice.millis(1, 250);
        scenario.clock.drift_max_ppm = dice.between(0, 200);
    }
    if frame.has(Feature::Crumbs) {
        let mut dice = frame.dice("surroundings of disks");
        scenario.disk = Disk {
            lost_unsynced: dice.permille(0, 1_000),
            torn_write: Torn { p: dice.permille(0, 1_000), sector: dice.pick(&[64, 512, 4_096]) },
            ..Disk::default()
        };
    }
    if frame.has(Feature::Load) {
        let mut dice = frame.dice("surroundings of clients");
        let accounts = dice.between(2, 100);
        scenario.workload = Workload {
            tx_per_second: dice.between(1, 60),
            accounts,
            hot_accounts: if dice.chance(30) { dice.between(1, 2) } else { 0 },
            invalid: dice.permille(0, 200),
            resubmit: dice.permille(0, 300),
            ..Workload::default()
        };
    }
}

fn links(frame: &Frame) -> LinkModel {
    let mut model = LinkModel::default();
    if frame.has(Feature::SlowLinks) {
        let mut dice = frame.dice("surroundings of links");
        let min = dice.millis(1, 20);
        model.delay = match dice.below(3) {
            0 => Distribution::Uniform { min, max: min.plus(dice.millis(1, 120)) },
            1 => Distribution::Exponential {
                min,
                mean: min.plus(dice.millis(1, 40)),
                cap: Span::from_millis(2_000),
            },
            _ => Distribution::Pareto {
                min,
                shape_milli: dice.between(1_200, 2_500),
                cap: Span::from_millis(2_000),
            },
        };
    }
    if frame.has(Feature::Loss) {
        model.drop = frame.dice("surroundings of loss").permille(1, 80);
    }
    if frame.has(Feature::Noise) {
        let mut dice = frame.dice("surroundings of noise");
        model.duplicate = dice.permille(0, 50);
        model.reorder = dice.permille(0, 50);
        model.corrupt = if dice.chance(30) { dice.permille(0, 3) } else { Ppm::NEVER };
    }
    model
}

/// Draws who lies and whose disk may be damaged: together they weigh less than a third.
fn choose_the_bad(frame: &mut Frame, scenario: &Scenario) {
    let mut dice = frame.dice("the bad");
    let everybody: Vec<u32> = (0..frame.validators).collect();
    let mut chosen = BTreeSet::new();
    for number in dice.shuffled(&everybody) {
        chosen.insert(number);
        if !scenario.cluster.tolerates(&chosen) {
            chosen.remove(&number);
            continue;
        }
        let lies = match (frame.has(Feature::Byzantine), frame.has(Feature::Damage)) {
            (true, true) => dice.chance(60),
            (lies, _) => lies,
        };
        if lies {
            frame.liars.push(number);
        } else if frame.has(Feature::Damage) {
            frame.damaged.push(number);
        }
    }
    frame.liars.sort_unstable();
    frame.damaged.sort_unstable();
}

#[cfg(test)]
mod tests;
