//! What Perfetto is given is JSON, every arrow has two ends, and every process has a name.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::history::tests::little;

fn events() -> Vec<Value> {
    let mut bytes = Vec::new();
    write(&mut bytes, &little()).expect("writing to memory");
    let whole: Value = serde_json::from_slice(&bytes).expect("it is JSON");
    assert_eq!(whole["otherData"]["seed"], 7);
    whole["traceEvents"].as_array().expect("a list").clone()
}

#[test]
fn arrows_have_two_ends() {
    let mut ends: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for event in events() {
        if let Some(id) = event["id"].as_u64() {
            ends.entry(id).or_default().insert(event["ph"].as_str().expect("a phase").to_owned());
        }
    }
    assert!(ends.len() > 20, "only {} arrows", ends.len());
    assert!(ends.values().all(|ends| ends.iter().eq(["f", "s"])), "{ends:?}");
}

#[test]
fn everything_has_a_name() {
    let events = events();
    let named: BTreeSet<u64> = events
        .iter()
        .filter(|event| event["name"] == "process_name")
        .filter_map(|event| event["pid"].as_u64())
        .collect();
    let used: BTreeSet<u64> = events.iter().filter_map(|event| event["pid"].as_u64()).collect();
    assert_eq!(named, used);
}

/// The killed leader: a fault, a view without an end of its own, a process that is down.
#[test]
fn slices_of_the_killed_leader() {
    let slices: Vec<String> = events()
        .iter()
        .filter(|event| event["ph"] == "X" && event["tid"] != 3 && event["tid"] != 4)
        .filter(|event| event["pid"] == 11 || event["pid"] == 1)
        .map(|event| format!("{} {} +{}", event["name"], event["ts"], event["dur"]))
        .collect();
    expect_test::expect![[r#"
        "fault 0, kill n1" 25000.0 +255000.0
        "view 1, leader n2" 0.0 +12000.0
        "waits for a proposal" 0.0 +6000.0
        "waits for votes" 6000.0 +6000.0
        "view 2, leader n1" 12000.0 +13000.0
        "waits for a proposal" 12000.0 +13000.0
        "view 2, leader n1" 281000.0 +19000.0
        "waits for a proposal" 281000.0 +19000.0
        "runs" 0.0 +25000.0
        "down" 25000.0 +255000.0
        "runs" 280000.0 +20000.0"#]]
    .assert_eq(&slices.join("\n"));
}
