//! The parser at its boundary: a file goes in, a scenario or a readable complaint comes out.
//!
//! `testdata/bad/*.toml` are files with mistakes and beside each what is said about it; set
//! `UPDATE_EXPECT=1` to rewrite those. Nothing may make the parser panic: `PROPTEST_CASES=100000` looks
//! longer.

use std::{
    collections::BTreeSet,
    fs,
    path::{self, Path, PathBuf},
};

use expect_test::expect_file;
use proptest::prelude::*;

use super::*;
use crate::scenario::{Behaviour, Invariant, Mark, SeedRange};

fn testdata(directory: &str) -> Vec<PathBuf> {
    // What is expected lies beside the file: a relative place would be one beside this source.
    let path = path::absolute(Path::new("testdata").join(directory)).expect("a place");
    let mut files: Vec<PathBuf> = fs::read_dir(path)
        .expect("the directory is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no files in testdata/{directory}");
    files
}

/// Every bad file is refused with exactly the words beside it, and each names a place or the file.
#[test]
fn bad_files_are_explained() {
    for path in testdata("bad") {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let bytes = fs::read(&path).expect("the file can be read");
        let problems = match parse(&name, &bytes) {
            Ok(_) => panic!("{name} was accepted"),
            Err(problems) => problems,
        };
        assert!(!problems.list.is_empty(), "{name} was refused without a reason");
        expect_file![path.with_extension("expected")].assert_eq(&problems.to_string());
    }
}

fn good(file: &str) -> (Scenario, Asked) {
    let path = Path::new("testdata/good").join(file);
    let bytes = fs::read(&path).expect("the file can be read");
    let (result, asked) = parse_and_tell(file, &bytes);
    match result {
        Ok(scenario) => (scenario, asked),
        Err(problems) => panic!("{problems}"),
    }
}

/// What the example of the documentation says, as data.
#[test]
fn the_example_means_what_it_says() {
    let (scenario, _) = good("example.toml");
    assert_eq!(scenario.name, "view-change-7");
    assert_eq!(scenario.run.seeds, SeedRange { start: 1, count: 200 });
    assert_eq!(scenario.network.model.drop.get(), 10_000);
    assert_eq!(scenario.network.model.delay.ceiling(), Span::from_millis(2_000));
    assert_eq!(scenario.clock.drift_max_ppm, 100);
    let verbs: Vec<&str> = scenario.faults.iter().map(|fault| fault.verb.name()).collect();
    assert_eq!(verbs, ["isolate", "partition", "kill"]);
    assert!(scenario.faults.iter().all(|fault| fault.must_fire), "must_fire is the default");
    assert_eq!(scenario.check.invariants.len(), Invariant::ALL.len());
    assert!(scenario.expect.sometimes.contains(&Mark::VoteRecoveredFromLog));
    assert_eq!(scenario.faults[0].line, 25, "a fault knows its line");
}

/// A scenario written out and read again is the same scenario, lines aside; and its text is stable.
#[test]
fn a_scenario_survives_being_written() {
    for path in testdata("good") {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let (mut first, _) = good(&name);
        let text = first.to_toml();
        let mut second = match parse("written", text.as_bytes()) {
            Ok(scenario) => scenario,
            Err(problems) => panic!("{problems}"),
        };
        assert_eq!(second.to_toml(), text, "the text of {name} is not stable");
        assert_eq!(first.digest(), second.digest());
        first.faults.iter_mut().for_each(|fault| fault.line = 0);
        second.faults.iter_mut().for_each(|fault| fault.line = 0);
        first.byzantine.iter_mut().for_each(|spec| spec.line = 0);
        second.byzantine.iter_mut().for_each(|spec| spec.line = 0);
        assert_eq!(first, second, "{name} changed by being written");
    }
}

/// `everything.toml` lives up to its name, so that the tests that use it cover the format.
#[test]
fn everything_is_in_everything() {
    let (scenario, _) = good("everything.toml");
    let used: BTreeSet<&str> = scenario.faults.iter().map(|fault| fault.verb.name()).collect();
    let missing: Vec<&str> = Verb::NAMES.into_iter().filter(|verb| !used.contains(verb)).collect();
    assert_eq!(missing, ["upgrade"], "verbs that are available and not used");
    let used: BTreeSet<&str> =
        scenario.byzantine.iter().map(|spec| spec.behaviour.name()).collect();
    for name in Behaviour::NAMES {
        assert_eq!(used.contains(name), Behaviour::is_name_available(name), "behaviour {name}");
    }
}

/// Whatever the parser asks for is described in the reference, and so is every word it knows.
#[test]
fn every_key_is_documented() {
    let reference = Path::new("../docs/scenarios.md");
    let reference = fs::read_to_string(reference).expect("docs/scenarios.md is there");
    let documented = |word: &str| reference.contains(&format!("`{word}`"));
    let (_, mut asked) = good("everything.toml");
    // The rest of the format: what this build refuses to run is documented all the same.
    for path in testdata("bad") {
        let bytes = fs::read(&path).expect("the file can be read");
        for (section, keys) in parse_and_tell("bad", &bytes).1 {
            asked.entry(section).or_default().extend(keys);
        }
    }
    assert!(asked.len() >= 15, "only {} sections were asked for", asked.len());
    for (section, keys) in &asked {
        for key in keys {
            assert!(documented(key), "key `{key}` of {section} is not in docs/scenarios.md");
        }
    }
    let words = Verb::NAMES
        .into_iter()
        .chain(Behaviour::NAMES)
        .chain(Invariant::ALL.into_iter().map(|(_, name)| name))
        .chain(Mark::ALL.into_iter().map(|(_, name)| name));
    for word in words {
        assert!(documented(word), "`{word}` is not in docs/scenarios.md");
    }
}

/// The shipped scenarios are sound.
#[test]
fn shipped_scenarios_parse() {
    let root = PathBuf::from("../scenarios");
    let mut directories = vec![root];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("the directory can be read") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml")
                && let Err(problems) = load(&path)
            {
                panic!("{problems}");
            }
        }
    }
}

/// Bytes that are nearly a scenario: a good file with some of it cut out, doubled or overwritten.
fn nearly_a_scenario() -> impl Strategy<Value = Vec<u8>> {
    let base = include_bytes!("../../../testdata/good/everything.toml").to_vec();
    let length = base.len();
    let edit = (0..length, 0_usize..40, prop::collection::vec(any::<u8>(), 0..6));
    prop::collection::vec(edit, 1..6).prop_map(move |edits| {
        let mut bytes = base.clone();
        for (at, cut, insert) in edits {
            let at = at.min(bytes.len());
            let end = at.saturating_add(cut).min(bytes.len());
            bytes.splice(at..end, insert);
        }
        bytes
    })
}

/// A scenario put together from lines that are sound each, so that sense is what is tested.
fn shuffled_lines() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<String> =
        include_str!("../../../testdata/good/everything.toml").lines().map(str::to_owned).collect();
    let count = lines.len();
    prop::collection::vec(0..count, 0..30).prop_map(move |picks| {
        let mut text = String::from("format = 1\nname = \"shuffled\"\n");
        for pick in picks {
            text.push_str(&lines[pick]);
            text.push('\n');
        }
        text.into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any bytes at all.
    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
    }

    /// Bytes that get far into the parser.
    #[test]
    fn damaged_scenarios_never_panic(bytes in nearly_a_scenario()) {
        exercise(&bytes);
    }

    /// Sound lines in unsound combinations.
    #[test]
    fn shuffled_scenarios_never_panic(bytes in shuffled_lines()) {
        exercise(&bytes);
    }

    /// Every duration is written so that it is read back exactly.
    #[test]
    fn durations_survive_being_written(nanos in 0_u64..3_600_000_000_000_000) {
        let span = Span::from_nanos(nanos);
        prop_assert_eq!(crate::scenario::parse_span(&crate::scenario::span_text(span)), Ok(span));
    }
}
