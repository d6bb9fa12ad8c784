//! Two processes make the same run.
//!
//! The other side, that `prove` finds it when they do not, is `planted.rs`.
#![cfg(not(feature = "planted-unordered-map"))]

use std::{path::Path, process::Command};

#[test]
fn two_processes_make_the_same_run() {
    let scenario = Path::new("tests/prove.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_quorate-sim"))
        .arg("prove")
        .arg(scenario)
        .args(["--seed", "1"])
        .output()
        .expect("the simulator can be started");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("equal: two processes, trace "), "{said}");
    assert!(!said.contains("both end with"), "{said}");
}
