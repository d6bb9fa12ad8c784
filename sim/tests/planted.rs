//! `prove` finds a planted mistake, an iterated unordered map, and shows the first event it changes.
//!
//! Needs the feature `planted-unordered-map`: `prove.rs` is the same without it.

use std::{path::Path, process::Command};

#[test]
fn an_iterated_unordered_map_is_found_and_bisected_to_its_first_event() {
    let scenario = Path::new("tests/prove.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_quorate-sim"))
        .arg("prove")
        .arg(scenario)
        .args(["--seed", "1"])
        .output()
        .expect("the simulator can be started");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(22), "{said}");
    assert!(said.contains("two processes differ"), "{said}");
    let (_, difference) = said.split_once("the first difference:\n").expect("it is shown");
    let side = |name: &str| {
        let line = difference.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name:?} in {said}")).trim()
    };
    let (one, other) = (side("  one "), side("  other "));
    // Who pays changes the transaction, and its being handed in is the first that is seen of it.
    for line in [one, other] {
        assert!(line.starts_with('#') && line.contains(" was handed transaction "), "{said}");
        assert!(line.contains(" 0.5"), "the first transfer, after five equal checkpoints: {said}");
    }
    assert_ne!(one, other);
    let place = |line: &str| line.split_once(" was handed").map(|(place, _)| place.to_owned());
    assert_eq!(place(one), place(other), "the same place, time and validator: {said}");
}
