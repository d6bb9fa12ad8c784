//! A run is a function of the scenario and the seed, survives every crash that the protocol promises to
//! survive, and says so when it does not.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use quorate_core::{
    time::Span,
    types::{Height, View},
};

use super::{CallOff, run};
use crate::{
    report::{CrashAt, Finding, Happening, RunOptions, RunReport, Unmet, Verdict},
    scenario::{
        Codec, CrashPoint, Crypto, Distribution, End, Fault, InFlight, LinkModel, Links, Liveness,
        NodeName, Partition, Ppm, Scenario, Selector, Targets, Trigger, Verb, Workload,
    },
};

fn millis(millis: u64) -> Span {
    Span::from_millis(millis)
}

fn quiet(validators: u32, time: u64) -> Scenario {
    let mut scenario = Scenario::quiet("quiet", validators);
    scenario.run.max_time = millis(time);
    scenario.cluster.crypto = Crypto::Mock;
    let delay = Distribution::Constant(millis(10));
    scenario.network.model = LinkModel { delay, ..LinkModel::default() };
    scenario.workload = Workload { tx_per_second: 20, accounts: 10, ..Workload::default() };
    scenario
}

fn fault(verb: Verb, start: Trigger, end: End) -> Fault {
    Fault { verb, start, end, repeat: 1, must_fire: true, draw: None, line: 0 }
}

fn named(number: u32) -> Targets {
    Targets { nodes: Selector::Nodes(vec![NodeName::new(number)]), from: None }
}

fn play(scenario: &Scenario, seed: u64) -> RunReport {
    run(scenario, seed, &RunOptions::default())
}

fn held(scenario: &Scenario, seed: u64) -> RunReport {
    let report = play(scenario, seed);
    assert_eq!(report.verdict, Verdict::Held, "seed {seed} of {}", scenario.name);
    report
}

/// A run that nobody waits for ends at once; one that may still count is the same as ever.
#[test]
fn a_run_can_be_called_off() {
    let scenario = quiet(4, 2_000);
    let counts = Arc::new(AtomicUsize::new(3));
    let with = |place: usize| {
        let call_off = Some(CallOff::new(&counts, place));
        run(&scenario, 1, &RunOptions { call_off, ..RunOptions::default() })
    };
    assert_eq!(with(3).trace_hash, held(&scenario, 1).trace_hash);
    assert!(with(4).simulated < millis(100), "{:?}", with(4).simulated);
    counts.store(2, Ordering::Relaxed);
    assert!(with(3).simulated < millis(100), "{:?}", with(3).simulated);
}

#[test]
fn the_same_scenario_and_seed_give_the_same_hash_on_two_threads() {
    let mut scenario = quiet(4, 2_000);
    scenario.cluster.crypto = Crypto::Real;
    let (first, second) = (held(&scenario, 1), held(&scenario, 1));
    assert!(first.facts.finalized_min >= Height::new(3), "{:?}", first.facts);
    assert!(first.counters.transactions_finalized > 0);
    assert_eq!(first.trace_hash, second.trace_hash);
    assert_eq!(first.counters, second.counters);
    assert_eq!(first.checkpoints, second.checkpoints);
    assert_ne!(first.trace_hash, held(&scenario, 2).trace_hash);
}

#[test]
fn neither_the_codec_nor_writing_replicas_out_and_back_changes_anything() {
    let plain = quiet(4, 1_000);
    let mut wire = plain.clone();
    wire.cluster.codec = Codec::Wire;
    let mut rewritten = plain.clone();
    rewritten.run.reserialize = Ppm::ALWAYS;
    let expected = held(&plain, 3).trace_hash;
    let through_codec = held(&wire, 3);
    assert_eq!(through_codec.trace_hash, expected);
    assert!(through_codec.counters.bytes_delivered > 0);
    assert_eq!(held(&rewritten, 3).trace_hash, expected);
}

#[test]
fn every_crash_point_of_a_validator_is_explored_and_survived() {
    let mut scenario = quiet(4, 2_500);
    scenario.workload.tx_per_second = 0;
    let crashes = held(&scenario, 1).crashes(millis(300));
    let wanted = |crash: &CrashAt| crash.node == NodeName::new(1) && crash.nth == 1;
    let crashes: Vec<CrashAt> = crashes.into_iter().filter(wanted).collect();
    assert_eq!(crashes.len(), 6, "one for every point: {crashes:?}");
    for crash in crashes {
        let options = RunOptions { crash_at: Some(crash), ..RunOptions::default() };
        let report = run(&scenario, 1, &options);
        assert_eq!(report.verdict, Verdict::Held, "{crash:?}");
        assert_eq!((report.counters.crashes, report.counters.restarts), (1, 1), "{crash:?}");
    }
}

#[test]
fn a_trap_hits_the_validator_it_is_set_for_and_a_fault_that_never_fires_fails_the_run() {
    let verb = Verb::Kill { targets: named(2), restart_after: Some(millis(200)) };
    let (point, node) = (CrashPoint::AfterSyncBeforeSend, None);
    let trigger = |nth| Trigger::Point { point, proposal_only: false, node, nth };
    let mut scenario = quiet(4, 2_000);
    scenario.faults = vec![fault(verb.clone(), trigger(2), End::Gst)];
    assert_eq!(held(&scenario, 1).counters.restarts, 1);
    scenario.faults = vec![fault(verb, trigger(1_000_000), End::Gst)];
    let report = play(&scenario, 1);
    assert!(matches!(report.verdict, Verdict::ExpectationNotMet(_)), "{:?}", report.verdict);
}

fn choice(nodes: Selector, from: Selector) -> Targets {
    Targets { nodes, from: Some(from) }
}

fn first_hit(report: &RunReport) -> &str {
    let began = report.timeline.iter().find_map(|moment| match &moment.what {
        Happening::FaultBegan { what, .. } => Some(what.as_str()),
        _ => None,
    });
    began.expect("the fault began")
}

#[test]
fn whom_a_fault_hits_is_drawn_from_among_whom_it_may_hit() {
    let pair = || Selector::Nodes(vec![NodeName::new(1), NodeName::new(2)]);
    let mut scenario = quiet(7, 300);
    let mut drawn = BTreeSet::new();
    for seed in 1..=12 {
        let targets = choice(Selector::One, pair());
        let pause = fault(Verb::Pause { targets }, Trigger::Time(millis(100)), End::Gst);
        scenario.faults = vec![pause];
        drawn.insert(first_hit(&held(&scenario, seed)).to_owned());
        let targets = choice(Selector::Random(2), pair());
        let pause = fault(Verb::Pause { targets }, Trigger::Time(millis(100)), End::Gst);
        scenario.faults = vec![pause];
        assert_eq!(first_hit(&held(&scenario, seed)), "pause n1 n2", "seed {seed}");
    }
    let both = ["pause n1", "pause n2"].map(str::to_owned);
    assert_eq!(drawn, BTreeSet::from(both));
}

#[test]
fn a_fault_that_hits_nobody_has_not_fired() {
    let nobody = || choice(named(1).nodes, named(2).nodes);
    let pause = Verb::Pause { targets: nobody() };
    let drop = Verb::Drop { links: Links::Touching(nobody()), p: Ppm::ALWAYS };
    let shape = Partition::Split(nobody());
    let split = Verb::Partition { shape, in_flight: InFlight::Drop };
    for verb in [pause, drop, split] {
        let mut scenario = quiet(4, 300);
        scenario.faults = vec![fault(verb, Trigger::Time(millis(100)), End::Gst)];
        let report = play(&scenario, 1);
        let Verdict::ExpectationNotMet(unmet) = &report.verdict else {
            panic!("{:?}", report.verdict)
        };
        assert!(matches!(unmet[..], [Unmet::NeverFired { fault: 0, .. }]), "{unmet:?}");
        scenario.faults[0].must_fire = false;
        held(&scenario, 1);
    }
}

#[test]
fn a_split_cluster_stands_still_and_goes_on_when_healed() {
    let half =
        Targets { nodes: Selector::Nodes(vec![NodeName::new(0), NodeName::new(1)]), from: None };
    let shape = Partition::Split(half);
    let verb = Verb::Partition { shape, in_flight: InFlight::Drop };
    let mut scenario = quiet(4, 8_000);
    scenario.faults = vec![fault(verb, Trigger::Time(millis(500)), End::Gst)];
    scenario.liveness = Some(Liveness { gst: millis(3_000), after: None, bound: millis(4_000) });
    let report = held(&scenario, 1);
    assert!(report.facts.finalized_min > Height::new(2));
}

#[test]
fn a_cluster_that_has_lost_its_quorum_for_good_gets_no_verdict() {
    let reformat = |number| {
        let verb = Verb::Reformat { targets: named(number), restart_after: Some(millis(100)) };
        fault(verb, Trigger::Time(millis(1_000)), End::Gst)
    };
    let mut scenario = quiet(4, 9_000);
    scenario.faults = vec![reformat(0), reformat(1)];
    scenario.liveness = Some(Liveness { gst: millis(2_000), after: None, bound: millis(3_000) });
    let report = play(&scenario, 1);
    assert!(matches!(report.facts.finding, Finding::NoVerdict { .. }), "{:?}", report.facts);
}

#[test]
fn a_view_whose_leader_is_cut_off_is_given_up() {
    let isolate = Verb::Isolate {
        targets: Targets { nodes: Selector::Leader, from: None },
        in_flight: InFlight::Keep,
    };
    let trigger = Trigger::View { view: View::new(3), node: None };
    let end = End::Until(crate::scenario::Until::ViewChanges(1));
    let mut scenario = quiet(4, 6_000);
    scenario.faults = vec![fault(isolate, trigger, end)];
    let report = held(&scenario, 1);
    assert!(report.counters.view_changes >= 1);
}

#[test]
fn faults_of_every_group_together_break_nothing() {
    let half = Ppm::new(500_000).expect("a probability");
    let at = |time: u64| Trigger::Time(millis(time));
    let lasting = |time: u64| End::For(millis(time));
    let clog = Verb::SwizzleClog { targets: Targets { nodes: Selector::All, from: None } };
    let torn = Verb::TornWrite { targets: named(1), p: Ppm::ALWAYS, sector: 512 };
    let kill =
        |number, after| Verb::Kill { targets: named(number), restart_after: Some(millis(after)) };
    let drop = Verb::Drop { links: crate::scenario::Links::All, p: half };
    let (up, down) = (Distribution::Constant(millis(300)), Distribution::Constant(millis(200)));
    let mut scenario = quiet(4, 12_000);
    scenario.faults = vec![
        fault(clog, at(200), lasting(1_000)),
        fault(drop, at(1_000), lasting(500)),
        fault(torn, at(0), End::Gst),
        fault(kill(1, 500), at(1_500), End::Gst),
        fault(Verb::Pause { targets: named(2) }, at(2_000), lasting(700)),
        fault(Verb::Freeze { targets: named(3) }, at(2_500), lasting(500)),
        fault(Verb::CrashLoop { targets: named(0), up, down }, at(3_200), lasting(1_500)),
        fault(Verb::Slow { targets: named(2), factor_milli: 20_000 }, at(3_000), lasting(1_000)),
        fault(Verb::Stop { targets: named(3), restart_after: None }, at(4_900), lasting(300)),
    ];
    scenario.liveness = Some(Liveness { gst: millis(6_000), after: None, bound: millis(5_000) });
    for seed in 1..=3 {
        let report = held(&scenario, seed);
        assert!(report.counters.restarts >= 3, "{:?}", report.counters);
    }
}

#[test]
fn a_compacted_log_is_recovered_from() {
    let verb = |number| Verb::Kill { targets: named(number), restart_after: Some(millis(300)) };
    let lie = Verb::FsyncLie { targets: named(3), p: Ppm::ALWAYS };
    let at = |time| Trigger::Time(millis(time));
    let mut scenario = quiet(4, 8_000);
    scenario.protocol.idle_block_interval = Span::ZERO;
    scenario.run.heights_kept = 64;
    scenario.faults = vec![fault(lie, at(0), End::Gst), fault(verb(1), at(5_000), End::Gst)];
    let report = held(&scenario, 1);
    assert_eq!(report.counters.restarts, 1);
    let tip = report.facts.finalized_max.get();
    assert!(tip > 128, "height {tip}: the log was compacted");
}

#[test]
fn a_rotten_log_keeps_its_validator_down() {
    let rot = Verb::Bitrot { targets: named(2), p: Ppm::new(100_000).expect("a tenth") };
    let kill = Verb::Kill { targets: named(2), restart_after: Some(millis(100)) };
    let mut scenario = quiet(4, 4_000);
    scenario.faults = vec![
        fault(rot, Trigger::Time(millis(200)), End::For(millis(1_000))),
        fault(kill, Trigger::Time(millis(2_000)), End::Gst),
    ];
    let report = held(&scenario, 1);
    assert_eq!(report.facts.marks.get(&crate::scenario::Mark::CorruptionDetected), Some(&1));
}
