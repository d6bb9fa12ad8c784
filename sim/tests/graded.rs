//! The catalogue is sound: every bug has scenarios, which exist, and names that nobody shares.

use std::{collections::BTreeSet, path::Path};

use quorate_core::planted::{self, Bug};

use quorate_sim::{
    lab::grade::{SWARM, blind_spot, is_found, scenarios},
    report::RunOptions,
    run::run,
    scenario,
};

#[test]
fn every_bug_has_scenarios_that_exist() {
    let root = Path::new("../scenarios");
    let mut files = BTreeSet::new();
    for theme in std::fs::read_dir(root).expect("the scenarios are in the repository") {
        let theme = theme.expect("a folder can be read").path();
        for file in std::fs::read_dir(theme).expect("scenarios are in folders by theme") {
            let file = file.expect("a folder can be read").path();
            files.extend(file.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
    for bug in Bug::ALL {
        assert!(scenarios(*bug).len() > 2, "{} has only the general ones", bug.name());
        for name in scenarios(*bug) {
            assert!(name == SWARM || files.contains(name), "{name}, for {}", bug.name());
        }
    }
    let blind: Vec<&str> =
        Bug::ALL.iter().filter(|bug| blind_spot(**bug).is_some()).map(|bug| bug.name()).collect();
    assert!(blind.is_empty(), "whoever plants a bug makes it found: {blind:?}");
}

#[test]
fn names_are_unique() {
    let names: BTreeSet<&str> = Bug::ALL.iter().map(|bug| bug.name()).collect();
    assert_eq!(names.len(), Bug::ALL.len());
    for bug in Bug::ALL {
        assert_eq!(Bug::named(bug.name()), Some(*bug));
    }
    assert_eq!(Bug::named("none-such"), None);
}

/// A bug is in the run that asks for it, and in no run beside or after it.
#[test]
fn a_bug_is_planted_in_one_run() {
    let path = Path::new("../scenarios/view-change/good-case.toml");
    let scenario = scenario::load(&path).expect("a sound scenario");
    let with = |planted| run(&scenario, 1, &RunOptions { planted, ..RunOptions::default() });
    let sound = with(None);
    assert!(!is_found(&sound), "{:?}", sound.verdict);
    assert!(is_found(&with(Some(Bug::CertificateUnwritten))));
    assert_eq!(with(None).trace_hash, sound.trace_hash);
    assert!(Bug::ALL.iter().all(|bug| !planted::is_chosen(*bug)), "this thread has chosen none");
}
