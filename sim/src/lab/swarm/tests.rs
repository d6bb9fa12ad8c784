//! What is made is sound, varied, within what is tolerated, and always the same for a seed.

use std::collections::BTreeSet;

use super::*;
use crate::scenario::{self, Behaviour, Selector, Verb};

const SEEDS: Range<u64> = 0..300;

fn made(seed: u64) -> Scenario {
    scenario(seed, &VALIDATORS)
}

#[test]
fn every_scenario_is_sound_and_reads_back_the_same() {
    for seed in SEEDS {
        let made = made(seed);
        let text = made.to_toml();
        let read = scenario::parse("swarm", text.as_bytes())
            .unwrap_or_else(|problems| panic!("seed {seed}: {problems}\n{text}"));
        assert_eq!(read.digest(), made.digest(), "seed {seed}");
        assert_eq!(read.to_toml(), text, "seed {seed}");
        assert!(made.run.max_time >= TIME_MIN, "seed {seed} is short");
    }
}

#[test]
fn a_seed_is_a_scenario() {
    for seed in SEEDS.step_by(7) {
        assert_eq!(made(seed), made(seed));
        assert_ne!(made(seed).to_toml(), made(seed + 1).to_toml());
    }
}

/// Whoever lies, loses its disk or computes wrongly weighs less than a third, together.
#[test]
fn no_scenario_asks_for_more_than_is_tolerated() {
    let numbers = |selector: &Selector| -> Vec<u32> {
        match selector {
            Selector::Nodes(names) => names.iter().map(|name| name.validator.get()).collect(),
            other => panic!("{other} is not known before the run"),
        }
    };
    for seed in SEEDS {
        let made = made(seed);
        let mut bad: BTreeSet<u32> =
            made.byzantine.iter().flat_map(|spec| numbers(&spec.nodes)).collect();
        for fault in &made.faults {
            if let Verb::Reformat { targets, .. }
            | Verb::FsyncLie { targets, .. }
            | Verb::Bitrot { targets, .. }
            | Verb::Diverge { targets }
            | Verb::MisdirectedWrite { targets, .. } = &fault.verb
            {
                bad.extend(numbers(&targets.nodes));
            }
            assert!(!fault.must_fire, "a random fault may miss its moment");
        }
        assert!(made.cluster.tolerates(&bad), "seed {seed}: {bad:?}");
        assert!(made.disk.atlas, "disks that nobody named are spared");
    }
}

/// Every kind comes and stays away, every verb and behaviour of this build comes at some time.
#[test]
fn everything_comes_at_some_time() {
    let all: Vec<Scenario> = (0..1_500).map(made).collect();
    let verbs: BTreeSet<&str> =
        all.iter().flat_map(|one| &one.faults).map(|fault| fault.verb.name()).collect();
    // What undoes other faults and what the surroundings have is not drawn.
    let left_out = ["heal", "resume", "upgrade", "lost_unsynced", "torn_write"];
    let missing: Vec<&str> = Verb::NAMES
        .into_iter()
        .filter(|name| !verbs.contains(name) && !left_out.contains(name))
        .collect();
    assert!(missing.is_empty(), "never drawn: {missing:?}");
    let lies: BTreeSet<&str> =
        all.iter().flat_map(|one| &one.byzantine).map(|spec| spec.behaviour.name()).collect();
    let missing: Vec<&str> = Behaviour::NAMES
        .into_iter()
        .filter(|name| Behaviour::is_name_available(name) && !lies.contains(name))
        .collect();
    assert!(missing.is_empty(), "never drawn: {missing:?}");
    for feature in Feature::ALL {
        let with = (0..1_000).filter(|seed| features(*seed).contains(&feature)).count();
        assert!((400..600).contains(&with), "{} in {with} of 1000", feature.name());
    }
    let sizes: BTreeSet<u32> = all.iter().map(|one| one.cluster.validators).collect();
    assert_eq!(sizes, VALIDATORS.collect());
}

/// A kind's draws are its own: two seeds' worth of scenario differ, one kind's absence shifts nothing.
#[test]
fn kinds_do_not_shift_each_other() {
    let root = root(5);
    let mut one = Dice::new(&root, "faults: kills");
    let first: Vec<u64> = (0..4).map(|_| one.below(1 << 40)).collect();
    let mut noise = Dice::new(&root, "faults: bursts");
    noise.below(9);
    let mut again = Dice::new(&root, "faults: kills");
    assert_eq!(first, (0..4).map(|_| again.below(1 << 40)).collect::<Vec<u64>>());
}
