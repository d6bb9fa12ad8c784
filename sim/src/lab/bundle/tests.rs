//! What is written is read back, and nothing else is taken for a bundle.

use proptest::prelude::*;
use quorate_core::{
    digest::{Domain, Hasher},
    types::{Height, View},
};

use super::*;
use crate::report::{Broken, Checkpoint, Finding, Moment};

fn report(scenario: &Scenario, odd: Option<u64>) -> RunReport {
    let at = Span::from_millis;
    let detail = "two blocks at height 7".to_owned();
    let finding = Finding::Violation(Broken {
        invariant: crate::scenario::Invariant::Agreement,
        at: at(1_500),
        nodes: vec![],
        detail,
    });
    let mut report = RunReport::ended(scenario, 42, finding);
    let hash = |place: u64| {
        let salt = u64::from(odd.is_some_and(|odd| place >= odd));
        Hasher::new(Domain::Trace).value(&(place, salt)).finish()
    };
    report.checkpoints = (1..=20)
        .map(|place| Checkpoint {
            at: at(100 * place),
            observations: 50 * place,
            hash: hash(place),
        })
        .collect();
    report.trace_hash = hash(21);
    report.counters.observations = 1_010;
    let began = Happening::FaultBegan { fault: 0, what: "kill n2".to_owned() };
    report.timeline = vec![Moment { at: at(5), what: began }];
    report
}

fn bundle() -> (Bundle, Scenario) {
    let scenario = Scenario::quiet("kept", 4);
    let crash = CrashAt {
        node: NodeName::new(2),
        point: CrashPoint::AfterSend,
        nth: 3,
        restart_after: Span::from_millis(1_000),
    };
    let report = report(&scenario, None);
    (Bundle::of(&scenario, Some(&crash), &report, "why".to_owned(), None), scenario)
}

#[test]
fn a_bundle_survives_being_written() {
    let (bundle, scenario) = bundle();
    let (again, read) = Bundle::parse(bundle.text().as_bytes()).expect("it is sound");
    assert_eq!(again, bundle);
    assert_eq!(read, scenario);
    let crash = again.crash(&read).expect("there is a crash");
    assert_eq!((crash.node, crash.point, crash.nth), (NodeName::new(2), CrashPoint::AfterSend, 3));
    assert_eq!(bundle.outcome.signature, "violation:agreement");
    assert_eq!(bundle.decisions[0].what, "fault 0 begins: kill n2");
    assert_eq!(bundle.build, Build::this());
}

#[test]
fn what_is_no_bundle_is_refused_with_the_reason() {
    let (bundle, _) = bundle();
    let refusal = |text: &str| match Bundle::parse(text.as_bytes()) {
        Ok(_) => panic!("it was accepted: {text}"),
        Err(error) => error.to_string(),
    };
    assert!(refusal("").contains("no bundle"));
    assert!(refusal("{\"at\":0}").contains("missing field `bundle`"));
    assert!(refusal("{\"bundle\":9,\"new\":1}").contains("format 9"));
    let text = bundle.text();
    let changed = text.replace("validators = 4", "validators = 5");
    assert!(refusal(&changed).contains("was changed"), "{}", refusal(&changed));
    let wrong = text.replace("validators = 4", "validatos = 4");
    assert!(refusal(&wrong).contains("did you mean `validators`?"));
    let nobody = text.replace("\"node\": \"n2\"", "\"node\": \"n7\"");
    assert!(refusal(&nobody).contains("crash"));
    let more = text.replacen('{', "{\"extra\": 1,", 1);
    assert!(refusal(&more).contains("unknown field `extra`"));
}

#[test]
fn checkpoints_say_where_two_runs_part() {
    let (bundle, scenario) = bundle();
    assert_eq!(bundle.parts_within(&report(&scenario, None)), None);
    assert_eq!(bundle.parts_within(&report(&scenario, Some(7))), Some(300..351));
    assert_eq!(bundle.parts_within(&report(&scenario, Some(21))), Some(1_000..1_011));
    assert!(bundle.agrees_so_far(&report(&scenario, Some(21))));
    assert!(!bundle.agrees_so_far(&report(&scenario, Some(20))));
}

/// A bundle of a run of hours does not keep a checkpoint for every tenth of a second.
#[test]
fn many_checkpoints_are_thinned() {
    let scenario = Scenario::quiet("long", 4);
    let mut long = report(&scenario, None);
    let last = *long.checkpoints.last().expect("there are some");
    long.checkpoints = (0..100_000)
        .map(|place| Checkpoint { at: Span::from_millis(place), observations: place, ..last })
        .collect();
    long.timeline = (0..100_000)
        .map(|place| {
            let (node, height) = (NodeName::new(1), Height::new(place));
            let what = Happening::Up { node, height, recovered_votes: 0 };
            Moment { at: Span::from_millis(place), what }
        })
        .collect();
    let bundle = Bundle::of(&scenario, None, &long, String::new(), None);
    assert!(bundle.trace.checkpoints.len() <= CHECKPOINTS_MAX);
    assert!(bundle.decisions.len() <= DECISIONS_MAX);
    assert_eq!(bundle.parts_within(&long), None);
}

#[test]
fn a_break_is_reached_when_all_it_names_is() {
    let wanted = crate::report::BreakAt {
        height: Some(Height::new(12)),
        view: Some(View::new(30)),
        ..crate::report::BreakAt::default()
    };
    let reached =
        |height, view| wanted.is_reached(Height::new(height), View::new(view), Span::ZERO);
    assert!(!reached(12, 29));
    assert!(!reached(11, 30));
    assert!(reached(12, 30));
    assert!(reached(13, 31));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A damaged bundle is refused or means what it says, and nothing panics.
    #[test]
    fn damaged_bundles_never_panic(at in 0_usize..4_000, cut in 0_usize..20, put in "[ -~]{0,4}") {
        let mut bytes = bundle().0.text().into_bytes();
        let at = at.min(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, put.into_bytes());
        if let Ok((bundle, scenario)) = Bundle::parse(&bytes) {
            prop_assert_eq!(bundle.digest, scenario.digest().to_string());
        }
    }
}
