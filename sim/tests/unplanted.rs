//! The simulator's own binary holds the names of planted bugs exactly if it was built with them.
//!
//! Names are compiled in wherever bugs are: the catalogue's are read from its source, so none is left out.

use std::{fs, path::Path, process::Command};

/// Every bug's name, from the source of the catalogue.
fn names() -> Vec<String> {
    let path = Path::new("../core/src/planted.rs");
    let source = fs::read_to_string(path).expect("a readable source");
    let (_, list) = source.split_once("catalogue! {").expect("the list of bugs");
    let (list, _) = list.split_once("\n}").expect("the end of the list");
    let name = |line: &str| line.split('"').nth(1).map(str::to_owned);
    list.lines().filter_map(name).collect()
}

fn holds(binary: &[u8], name: &str) -> bool {
    binary.windows(name.len()).any(|window| window == name.as_bytes())
}

#[test]
fn the_binary_holds_bugs_only_if_it_was_asked_for() {
    let binary = fs::read(env!("CARGO_BIN_EXE_quorate-sim")).expect("it was built for this test");
    let names = names();
    assert!(names.len() >= 30, "only {} names", names.len());
    // The scan can tell.
    assert!(holds(&binary, "leader-crash-7"), "the help is in there");
    for name in names {
        assert_eq!(holds(&binary, &name), cfg!(feature = "planted-bugs"), "{name} in the binary");
    }
}

#[test]
fn a_build_says_what_it_is() {
    let sim = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_quorate-sim"))
            .args(arguments)
            .output()
            .expect("the simulator can be started");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let (_, version) = sim(&["--version"]);
    assert_eq!(version.contains("PLANTED BUGS"), cfg!(feature = "planted-bugs"), "{version}");
    if !cfg!(feature = "planted-bugs") {
        let (code, said) = sim(&["grade"]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("cargo grade"), "{said}");
        let (code, said) = sim(&["run", "nowhere.toml", "--planted", "any"]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("--planted"), "{said}");
    }
}
