//! What is left is small, fails for the same reason, and is what a file can say. Runs are made up: a
//! scenario fails if it still has what the reason needs.

use quorate_core::time::Span;

use super::*;
use crate::{
    lab::{signature::HELD, swarm},
    scenario::{Behaviour, ByzantineSpec, Fault, NodeName, Selector, Trigger, Verb},
};

/// A bench on which a scenario fails if a question about it is answered with yes.
struct Made<F> {
    fails: F,
    attempts: usize,
    limit: usize,
    sizes: Vec<Size>,
}

impl<F: FnMut(&Scenario) -> bool> Made<F> {
    fn new(fails: F) -> Self {
        Self { fails, attempts: 0, limit: usize::MAX, sizes: Vec::new() }
    }
}

impl<F: FnMut(&Scenario) -> bool> Bench for Made<F> {
    fn attempt(&mut self, scenario: &Scenario) -> Option<Attempt> {
        if self.attempts == self.limit {
            return None;
        }
        self.attempts += 1;
        let signature = if (self.fails)(scenario) { "violation:agreement" } else { HELD };
        let at = scenario.run.max_time.min(Span::from_millis(9_000));
        Some(Attempt { signature: signature.to_owned(), at })
    }

    fn found(&mut self, size: Size) {
        self.sizes.push(size);
    }
}

fn shrunk<F: FnMut(&Scenario) -> bool>(scenario: &Scenario, bench: &mut Made<F>) -> Scenario {
    let wanted = "violation:agreement".to_owned();
    Shrinker::new(bench, scenario.clone(), wanted, Span::from_millis(9_000)).shrink()
}

/// A random scenario of many faults, found by looking.
fn large() -> Scenario {
    (0..)
        .map(|seed| swarm::scenario(seed, &(7..8)))
        .find(|scenario| {
            let early = |fault: &&Fault| {
                matches!(fault.start, Trigger::Time(at) if at < Span::from_millis(5_000))
            };
            scenario.faults.len() >= 20 && scenario.faults.iter().filter(early).count() >= 5
        })
        .expect("there is one")
}

fn early(scenario: &Scenario) -> Vec<Fault> {
    let early =
        |fault: &&Fault| matches!(fault.start, Trigger::Time(at) if at < Span::from_millis(5_000));
    scenario.faults.iter().filter(early).cloned().collect()
}

/// Two faults out of many are to blame, and they are what is left, with the draws they had.
#[test]
fn only_what_is_to_blame_is_left() {
    let large = large();
    let early = early(&large);
    let guilty = [early[1].verb.clone(), early[4].verb.clone()];
    let places = guilty.clone().map(|verb| {
        large.faults.iter().position(|fault| fault.verb == verb).expect("it is one of them")
    });
    // A fault is told by its verb and its draws; its length and its names may have shrunk.
    let mut bench = Made::new(|scenario: &Scenario| {
        let has = |place: &usize| {
            let draw = u32::try_from(*place).expect("few");
            (0..).zip(&scenario.faults).any(|(at, fault)| fault.draw_at(at) == draw)
        };
        places.iter().all(has)
    });
    let small = shrunk(&large, &mut bench);
    assert_eq!(small.faults.len(), 2, "{}", small.to_toml());
    assert!(small.byzantine.is_empty());
    assert_eq!(small.liveness, None);
    assert_eq!(small.workload, Workload::default());
    assert_eq!(small.network, Network::default());
    assert_eq!(small.run.max_time, Span::from_millis(9_001));
    assert!(small.faults.iter().all(|fault| !fault.must_fire));
    let again = scenario::parse("small", small.to_toml().as_bytes());
    assert_eq!(again.map(|one| one.digest()).ok(), Some(small.digest()), "it is no file");
    assert!(bench.attempts < 150, "{} attempts", bench.attempts);
}

/// Names go from lists, and validators from the cluster, as far as the failure lets them.
#[test]
fn names_and_validators_go() {
    let mut scenario = Scenario::quiet("names", 9);
    scenario.run.max_time = Span::from_millis(9_000);
    scenario.expect.outcome = scenario::Outcome::Violation(scenario::Invariant::Agreement);
    let nodes = Selector::Nodes((0..8).map(NodeName::new).collect());
    scenario.byzantine.push(ByzantineSpec {
        nodes,
        behaviour: Behaviour::Twin,
        when: scenario::When::Always,
        after: Span::ZERO,
        draw: None,
        line: 0,
    });
    let mut bench = Made::new(|scenario: &Scenario| {
        let named = |spec: &ByzantineSpec| match &spec.nodes {
            Selector::Nodes(names) => names.len(),
            _ => 0,
        };
        let twins: usize = scenario.byzantine.iter().map(named).sum();
        twins * 3 >= usize::try_from(scenario.cluster.validators).expect("few")
    });
    let small = shrunk(&scenario, &mut bench);
    assert!(small.cluster.validators <= 3, "{}", small.to_toml());
    let Selector::Nodes(names) = &small.byzantine[0].nodes else { panic!("names stay names") };
    assert_eq!(names.len(), 1);
    assert!(bench.sizes.len() > 2, "nobody was told of progress");
}

/// A scenario in which everything is to blame stays, and nothing is tried for ever.
#[test]
fn what_cannot_shrink_stays() {
    let large = large();
    let digest = large.digest();
    let mut bench = Made::new(|scenario: &Scenario| {
        scenario.faults.len() == large.faults.len() && scenario.digest() == digest
    });
    let same = shrunk(&large, &mut bench);
    assert_eq!(same.digest(), digest);
    assert!(bench.attempts < 2_000, "{} attempts", bench.attempts);
}

/// When time is over, the best so far is the answer.
#[test]
fn the_budget_ends_it() {
    let large = large();
    let mut bench = Made::new(|scenario: &Scenario| {
        scenario.faults.iter().any(|fault| fault.verb == large.faults[0].verb)
    });
    bench.limit = 3;
    let small = shrunk(&large, &mut bench);
    assert_eq!(bench.attempts, 3);
    assert!(small.faults.len() <= large.faults.len());
    assert!(
        small
            .faults
            .iter()
            .any(|fault| matches!(&fault.verb, verb if *verb == large.faults[0].verb))
    );
    assert!(!matches!(small.faults[0].verb, Verb::Heal));
}

/// Real runs: whom a fault hits does not change when the one before it is taken out, because its draws
/// are pinned.
#[test]
fn a_fault_keeps_its_draws() {
    use crate::{
        report::{Happening, RunOptions},
        run::run,
        scenario::{End, Targets},
    };
    let mut scenario = Scenario::quiet("pinned", 10);
    scenario.cluster.crypto = scenario::Crypto::Mock;
    scenario.run.max_time = Span::from_millis(2_500);
    let fault = |verb, millis| Fault {
        verb,
        start: Trigger::Time(Span::from_millis(millis)),
        end: End::Gst,
        repeat: 1,
        must_fire: false,
        draw: None,
        line: 0,
    };
    let targets = Targets { nodes: Selector::Random(3), from: None };
    let kill = Verb::Kill { targets, restart_after: None };
    scenario.faults = vec![fault(Verb::Heal, 1_000), fault(kill, 2_000)];
    let hit = |scenario: &Scenario, seed: u64| -> Vec<String> {
        let report = run(scenario, seed, &RunOptions::default());
        let down = report.timeline.iter().filter_map(|moment| match &moment.what {
            Happening::Down { node, .. } => Some(node.to_string()),
            _ => None,
        });
        down.collect()
    };
    let pinned = parts::only(&scenario, &[parts::Part::Fault(1)]);
    let mut unpinned = pinned.clone();
    unpinned.faults[0].draw = None;
    let mut shifted = 0;
    for seed in 1..6 {
        let before = hit(&scenario, seed);
        assert_eq!(before.len(), 3);
        assert_eq!(before, hit(&pinned, seed), "seed {seed}");
        shifted += u32::from(before != hit(&unpinned, seed));
    }
    assert!(shifted > 2, "draws would have stayed anyway: the test shows nothing");
}
