//! What is left is small, fails for the same reason, and is what a file can say. Runs are made up: a
//! scenario fails if it still has what the reason needs.

use std::collections::BTreeMap;

use quorate_core::time::Span;

use super::*;
use crate::{
    lab::{signature::HELD, swarm},
    scenario::{
        Behaviour, ByzantineSpec, DiskOp, End, Fault, Liveness, Network, NodeName, Ppm, Selector,
        Targets, Trigger, Verb, Workload,
    },
};

const WANTED: &str = "violation:agreement";

/// When runs that are made up fail.
const AT: Span = Span::from_millis(9_000);

/// A bench on which a candidate fails if a question about it is answered with yes. All faults begin.
struct Made<F> {
    fails: F,
    attempts: usize,
    limit: usize,
    sizes: Vec<Size>,
}

impl<F: FnMut(&Candidate) -> bool> Made<F> {
    fn new(fails: F) -> Self {
        Self { fails, attempts: 0, limit: usize::MAX, sizes: Vec::new() }
    }
}

impl<F: FnMut(&Candidate) -> bool> Bench for Made<F> {
    fn first(&mut self, candidates: &[Candidate], wanted: &str) -> Search {
        for (place, candidate) in candidates.iter().enumerate() {
            if self.attempts == self.limit {
                return Search::Exhausted;
            }
            self.attempts += 1;
            let is_wanted = (self.fails)(candidate);
            let attempt = made(&candidate.scenario, if is_wanted { WANTED } else { HELD });
            if attempt.signature == wanted {
                return Search::Found(place, attempt);
            }
        }
        Search::Nothing
    }

    fn found(&mut self, best: &Candidate) {
        self.sizes.push(Size::of(&best.scenario));
    }
}

fn made(scenario: &Scenario, signature: &str) -> Attempt {
    Attempt {
        signature: signature.to_owned(),
        at: scenario.run.max_time.min(AT),
        began: (0..scenario.faults.len()).map(|place| (place, Span::ZERO)).collect(),
    }
}

/// A fault from a time on.
fn fault(verb: Verb, millis: u64) -> Fault {
    Fault {
        verb,
        start: Trigger::Time(Span::from_millis(millis)),
        end: End::Gst,
        repeat: 1,
        must_fire: false,
        draw: None,
        line: 0,
    }
}

/// What is left of a scenario with seed 1.
fn shrunk<F: FnMut(&Candidate) -> bool>(scenario: &Scenario, bench: &mut Made<F>) -> Candidate {
    let whole = Candidate { scenario: scenario.clone(), seed: 1 };
    Shrinker::new(bench, whole, made(scenario, WANTED)).shrink()
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

/// Whether the fault that was at this place is left.
fn has_draw(scenario: &Scenario, place: usize) -> bool {
    let draw = u32::try_from(place).expect("few");
    (0..).zip(&scenario.faults).any(|(at, fault)| fault.draw_at(at) == draw)
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
    let mut bench =
        Made::new(|one: &Candidate| places.iter().all(|place| has_draw(&one.scenario, *place)));
    let Candidate { scenario: small, seed } = shrunk(&large, &mut bench);
    assert_eq!(seed, 1);
    assert_eq!(small.faults.len(), 2, "{}", small.to_toml());
    assert!(small.byzantine.is_empty());
    assert_eq!(small.liveness, None);
    assert_eq!(small.workload, Workload::default());
    assert_eq!(small.network, Network::default());
    assert!(small.run.max_time <= AT.plus(Span::from_millis(1)), "{:?}", small.run.max_time);
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
    let mut bench = Made::new(|one: &Candidate| {
        let scenario = &one.scenario;
        let named = |spec: &ByzantineSpec| match &spec.nodes {
            Selector::Nodes(names) => names.len(),
            _ => 0,
        };
        let twins: usize = scenario.byzantine.iter().map(named).sum();
        twins * 3 >= usize::try_from(scenario.cluster.validators).expect("few")
    });
    let small = shrunk(&scenario, &mut bench).scenario;
    assert!(small.cluster.validators <= 3, "{}", small.to_toml());
    let Selector::Nodes(names) = &small.byzantine[0].nodes else { panic!("names stay names") };
    assert_eq!(names.len(), 1);
    assert!(bench.sizes.len() > 2, "nobody was told of progress");
}

/// A scenario in which everything is to blame stays, and nothing is tried for ever.
#[test]
fn what_cannot_shrink_stays() {
    let mut large = large();
    large.faults.truncate(6);
    let digest = large.digest();
    let mut bench = Made::new(|one: &Candidate| one.scenario.digest() == digest);
    let same = shrunk(&large, &mut bench).scenario;
    assert_eq!(same.digest(), digest);
    assert!(bench.attempts < 15_000, "{} attempts", bench.attempts);
}

/// When time is over, the best so far is the answer.
#[test]
fn the_budget_ends_it() {
    let large = large();
    let mut bench = Made::new(|one: &Candidate| {
        one.scenario.faults.iter().any(|fault| fault.verb == large.faults[0].verb)
    });
    bench.limit = 3;
    let small = shrunk(&large, &mut bench).scenario;
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

/// With its own seed the failure goes with any fault, as a coincidence does; with one seed in three it
/// takes two of them. Then two are left, and the seed is one of those.
#[test]
fn where_a_seed_gets_stuck_another_is_tried() {
    let large = large();
    let places = [1, large.faults.len() - 2];
    let all = large.faults.len();
    let mut bench = Made::new(|one: &Candidate| {
        if one.seed == 1 {
            return one.scenario.faults.len() == all;
        }
        one.seed.is_multiple_of(3) && places.iter().all(|place| has_draw(&one.scenario, *place))
    });
    let small = shrunk(&large, &mut bench);
    assert_eq!(small.scenario.faults.len(), 2, "{}", small.scenario.to_toml());
    assert!(small.seed.is_multiple_of(3), "seed {}", small.seed);
    assert!(bench.attempts < 400, "{} attempts", bench.attempts);
}

/// Where one seed in a hundred is needed to do with less, as many are tried.
#[test]
fn seeds_are_tried_until_one_does() {
    let large = large();
    let all = large.faults.len();
    let mut bench = Made::new(|one: &Candidate| match one.seed {
        1 => one.scenario.faults.len() == all,
        seed => seed.is_multiple_of(100) && has_draw(&one.scenario, 0),
    });
    let small = shrunk(&large, &mut bench);
    assert_eq!((small.scenario.faults.len(), small.seed), (1, 100));
}

/// What a fault leaves to chance goes: whom it hits, how likely, and which operation.
#[test]
fn less_is_left_to_chance() {
    let mut scenario = Scenario::quiet("chance", 4);
    scenario.run.max_time = AT;
    let io_error = Verb::IoError {
        targets: Targets { nodes: Selector::F, from: None },
        p: Ppm::new(33_000).expect("a likelihood"),
        ops: vec![DiskOp::Write, DiskOp::Sync, DiskOp::Read],
    };
    let end = End::For(Span::from_millis(4_000));
    scenario.faults = vec![Fault { end, ..fault(io_error, 1_000) }];
    let needed = |verb: &Verb| match verb {
        Verb::IoError { targets, p, ops } => {
            // Either the seed draws the third, or it is named.
            let names = [NodeName::new(2)];
            let hit = matches!(&targets.nodes, Selector::Nodes(nodes) if *nodes == names)
                || targets.nodes == Selector::F;
            hit && *p < Ppm::ALWAYS && ops.contains(&DiskOp::Read)
        }
        _ => false,
    };
    let mut bench =
        Made::new(|one: &Candidate| one.scenario.faults.iter().any(|fault| needed(&fault.verb)));
    let small = shrunk(&scenario, &mut bench).scenario;
    let [Fault { verb: Verb::IoError { targets, p, ops }, end, .. }] = &small.faults[..] else {
        panic!("{}", small.to_toml());
    };
    assert_eq!(targets.nodes, Selector::Nodes(vec![NodeName::new(2)]));
    assert_eq!((*p, &ops[..]), (Ppm::HALF, &[DiskOp::Read][..]));
    assert!(matches!(end, End::For(lasting) if *lasting <= Span::from_millis(20)), "{end:?}");
}

/// Faults that had not begun go all at once, first of all.
#[test]
fn what_never_began_goes_at_once() {
    let large = large();
    let mut attempts: Vec<usize> = Vec::new();
    let mut bench = Made::new(|one: &Candidate| {
        attempts.push(one.scenario.faults.len());
        has_draw(&one.scenario, 0) && has_draw(&one.scenario, 3)
    });
    let whole = Candidate { scenario: large.clone(), seed: 1 };
    let began = BTreeMap::from([(0, AT), (3, Span::ZERO)]);
    let attempt = Attempt { began, ..made(&large, WANTED) };
    let mut shrinker = Shrinker::new(&mut bench, whole, attempt);
    shrinker.cut_parts();
    assert_eq!(shrinker.best.scenario.faults.len(), 2);
    assert_eq!(attempts[0], 2, "{attempts:?}");
}

/// Two liars of seven are tolerated and two of six are not: the failure of six would be no finding.
#[test]
fn no_more_lie_than_is_tolerated() {
    let mut scenario = Scenario::quiet("within", 9);
    scenario.run.max_time = AT;
    let nodes = Selector::Nodes(vec![NodeName::new(0), NodeName::new(1)]);
    scenario.byzantine.push(ByzantineSpec {
        nodes,
        behaviour: Behaviour::Garbage,
        when: scenario::When::Always,
        after: Span::ZERO,
        draw: None,
        line: 0,
    });
    let liars = |scenario: &Scenario| match scenario.byzantine.first().map(|spec| &spec.nodes) {
        Some(Selector::Nodes(names)) => names.len(),
        _ => 0,
    };
    let mut bench = Made::new(|one: &Candidate| liars(&one.scenario) == 2);
    let small = shrunk(&scenario, &mut bench).scenario;
    assert_eq!(small.cluster.validators, 7, "{}", small.to_toml());
}

/// A run that fails after GST ends soon after, with its GST: what is demanded later goes.
#[test]
fn a_run_cut_short_keeps_its_good_time() {
    let mut scenario = Scenario::quiet("short", 4);
    let gst = Span::from_millis(5_000);
    scenario.liveness = Some(Liveness { gst, after: None, bound: Span::from_millis(30_000) });
    scenario.run.max_time = Span::from_millis(40_000);
    let mut cut = scenario.clone();
    cut::end_at(&mut cut, AT);
    let bound = cut.liveness.as_ref().map(|liveness| liveness.bound);
    assert_eq!(bound, Some(Span::from_millis(4_000)));
    assert!(scenario::parse("short", cut.to_toml().as_bytes()).is_ok(), "{}", cut.to_toml());
    cut::end_at(&mut scenario, gst);
    assert_eq!(scenario.liveness, None);
}

/// Real runs: whom a fault hits does not change when the one before it is taken out, because its draws
/// are pinned.
#[test]
fn a_fault_keeps_its_draws() {
    use crate::{
        report::{Happening, RunOptions},
        run::run,
    };
    let mut scenario = Scenario::quiet("pinned", 10);
    scenario.cluster.crypto = scenario::Crypto::Mock;
    scenario.run.max_time = Span::from_millis(2_500);
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
