//! The laboratory's commands: bundles written, replayed, compared and made small.

use std::io::Write as _;

use super::*;

/// As `sometimes_bad`, with checkpoints, and a trace file if one is asked for.
fn traced(scenario: &Scenario, seed: u64, options: &RunOptions) -> RunReport {
    traced_with(scenario, seed, options, "step")
}

/// The same, but it goes astray after half of it.
fn astray(scenario: &Scenario, seed: u64, options: &RunOptions) -> RunReport {
    traced_with(scenario, seed, options, "leap")
}

fn traced_with(scenario: &Scenario, seed: u64, options: &RunOptions, word: &str) -> RunReport {
    let mut report = RunReport::ended(scenario, seed, violation(seed));
    let word_at = |place: u64| if place < 10 { "step" } else { word };
    let text = |place: u64| {
        let word = word_at(place);
        format!(
            "{{\"at\":{},\"node\":\"n1\",\"seq\":{place},\"text\":\"{word} {place}\"}}\n",
            place * 7
        )
    };
    let hash = |count: u64| {
        let all: String = (0..count).map(text).collect();
        Hasher::new(Domain::Trace).bytes(all.as_bytes()).finish()
    };
    let at = |place: u64| Span::from_nanos(place * 7);
    report.checkpoints = (1..=4)
        .map(|n| Checkpoint { at: at(5 * n), observations: 5 * n, hash: hash(5 * n) })
        .collect();
    report.trace_hash = hash(20);
    report.counters.observations = 20;
    if let Some(path) = &options.trace {
        let mut file = fs::File::create(path).expect("a trace file");
        (0..20).for_each(|place| file.write_all(text(place).as_bytes()).expect("it is written"));
    }
    report
}

fn bundle_of(scratch: &Scratch, extra: &[&str]) -> String {
    let file = scratch.scenario("kept");
    let failures = scratch.path("failures");
    let mut arguments = vec!["run", &file, "--seed", "9", "--bundle", &failures, "--quiet"];
    arguments.extend(extra);
    let said = quorate(&arguments, traced);
    assert_eq!(said.code, 20, "{}{}", said.out, said.err);
    let path = scratch.path("failures/kept-9.bundle.json");
    assert!(said.out.contains(&format!("replay: cargo sim replay {path}\n")), "{}", said.out);
    path
}

/// A failure's replay line names its bundle, and the bundle's run is the same run.
#[test]
fn a_bundle_is_written_and_replayed() {
    let scratch = Scratch::new();
    let path = bundle_of(&scratch, &[]);
    let said = quorate(&["replay", &path], traced);
    assert_eq!(said.code, 20, "{}{}", said.out, said.err);
    assert!(said.out.contains("the same trace"), "{}", said.out);
    let held_runs =
        quorate(&["run", &scratch.path("kept.toml"), "--bundle", &scratch.path("none")], held);
    assert_eq!(held_runs.code, 0);
    assert!(!scratch.0.join("none").exists(), "a bundle of a run in which nothing is wrong");
}

/// A run that went otherwise is exit 22, and the first observation that differs is shown if it can be.
#[test]
fn a_replay_that_differs_says_where() {
    let scratch = Scratch::new();
    let path = bundle_of(&scratch, &[]);
    let said = quorate(&["replay", &path, "--quiet"], astray);
    assert_eq!(said.code, 22, "{}{}", said.out, said.err);
    assert!(said.out.contains("they part within observations 10 to 15"), "{}", said.out);

    let trace = scratch.path("t.jsonl");
    let path = bundle_of(&scratch, &["--trace", &trace]);
    let said = quorate(&["replay", &path, "--quiet"], astray);
    assert_eq!(said.code, 22);
    assert!(said.out.contains("bundle #10 0.000000070s n1   step 10"), "{}", said.out);
    assert!(said.out.contains("now    #10 0.000000070s n1   leap 10"), "{}", said.out);
}

/// What is no bundle is exit 10; one of another build is refused unless forced.
#[test]
fn bundles_that_cannot_be_replayed() {
    let scratch = Scratch::new();
    let path = bundle_of(&scratch, &[]);
    let text = fs::read_to_string(&path).expect("the bundle");
    for command in ["replay", "shrink"] {
        for (name, wrong) in [
            ("empty", String::new()),
            ("half", text[..text.len() / 2].to_owned()),
            ("toml", "format = 1\n".to_owned()),
            ("future", text.replace("\"bundle\": 1", "\"bundle\": 7")),
            ("edited", text.replace("validators = 4", "validators = 5")),
        ] {
            let file = scratch.file(name, &wrong);
            let said = quorate(&[command, &file], never);
            assert_eq!(said.code, 10, "{name}: {}", said.err);
            assert!(said.err.starts_with(&format!("error: {file}: ")), "{}", said.err);
        }
        let said = quorate(&[command, &scratch.path("nowhere")], never);
        assert_eq!(said.code, 10);
        let sources = crate::lab::Build::this().sources;
        let other = scratch.file("other", &text.replace(&sources, "0123456789abcdef"));
        let said = quorate(&[command, &other], never);
        assert_eq!(said.code, 2, "{}", said.err);
        assert!(said.err.contains("--force"), "{}", said.err);
        let output = scratch.path("forced.toml");
        let mut arguments = vec![command, &other, "--force"];
        if command == "shrink" {
            arguments.extend(["-o", output.as_str()]);
        }
        assert_ne!(quorate(&arguments, traced).code, 2, "{command} was not forced");
    }
}

/// The state of a validator is shown where the run was broken off.
#[test]
fn a_replay_can_be_broken_off() {
    fn portrayed(scenario: &Scenario, seed: u64, options: &RunOptions) -> RunReport {
        let mut report = traced(scenario, seed, options);
        let Some(place) = options.break_at else { return report };
        assert_eq!(place.height, Some(Height::new(12)));
        assert_eq!(place.view, Some(View::new(30)));
        report.checkpoints.truncate(2);
        report.portrait = place.node.map(|node| crate::report::Portrait {
            node,
            at: Span::from_millis(1_500),
            lines: vec![("view", "30".to_owned())],
            replica: "Replica { .. }".to_owned(),
        });
        report
    }
    let scratch = Scratch::new();
    let path = bundle_of(&scratch, &[]);
    let place = "height=12,view=30";
    let stop = |more: &[&str]| {
        let mut arguments = vec!["replay", path.as_str(), "--break-at", place];
        arguments.extend(more);
        quorate(&arguments, portrayed)
    };
    let said = stop(&["--validator", "n2'", "--full"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.starts_with("n2' at 1.500000000 s\n  view             30\n"), "{}", said.out);
    assert!(said.out.contains("Replica { .. }"));
    assert_eq!(stop(&[]).code, 25, "nobody comes that far");
    assert_eq!(stop(&["--validator", "n4"]).code, 2);
    assert_eq!(quorate(&["replay", &path, "--break-at", "depth=3"], never).code, 2);
}

/// Traces and bundles are compared with each other, and the first difference is shown.
#[test]
fn diff_shows_the_first_difference() {
    let scratch = Scratch::new();
    let (one, other) = (scratch.path("one.jsonl"), scratch.path("other.jsonl"));
    let path = bundle_of(&scratch, &["--trace", &one]);
    quorate(&["replay", &path, "--trace", &other], astray);
    let said = quorate(&["diff", &one, &one], never);
    assert_eq!((said.code, said.out.as_str()), (0, "equal: 20 observations\n"));
    let said = quorate(&["diff", &one, &path], traced);
    assert_eq!((said.code, said.out.as_str()), (0, "equal: 20 observations\n"), "{}", said.err);
    let said = quorate(&["diff", &one, &other], never);
    assert_eq!(said.code, 22);
    check(
        &scratch,
        &said.out,
        expect![[r#"
            the first difference:
                #6 0.000000042s n1   step 6
                #7 0.000000049s n1   step 7
                #8 0.000000056s n1   step 8
                #9 0.000000063s n1   step 9
              A #10 0.000000070s n1   step 10
                #11 0.000000077s n1   step 11
                #12 0.000000084s n1   step 12
              B #10 0.000000070s n1   leap 10
                #11 0.000000077s n1   leap 11
                #12 0.000000084s n1   leap 12
        "#]],
    );
    let short = scratch.file("short.jsonl", &fs::read_to_string(&one).expect("it")[..200]);
    assert!(quorate(&["diff", &short, &one], never).code == 22);
    // What differs outside the words is shown as it is in the file.
    let text = fs::read_to_string(&one).expect("the trace");
    let salted = scratch.file("salted.jsonl", &text.replace("\"seq\":3,", "\"seq\":99,"));
    let said = quorate(&["diff", &one, &salted], never);
    assert!(said.out.contains("\"seq\":99"), "{}", said.out);
    assert_eq!(quorate(&["diff", &one, &scratch.path("no")], never).code, 2);
}

/// A sweep's failures have bundles, and say so in the results.
#[test]
fn a_sweep_keeps_its_failures() {
    let scratch = Scratch::new();
    let file = scratch.scenario("sweep");
    let (results, failures) = (scratch.path("r.jsonl"), scratch.path("failures"));
    let arguments = ["sweep", &file, "--seeds", "0..6", "-o", &results, "--bundle", &failures];
    let said = quorate(&arguments, sometimes_bad);
    assert_eq!(said.code, 20);
    let bundle = scratch.path("failures/sweep-3.bundle.json");
    assert!(
        said.out.contains(&format!("cargo sim replay {bundle}")) || said.out.contains("sweep-0")
    );
    assert!(PathBuf::from(bundle).exists());
    assert!(!scratch.0.join("failures/sweep-1.bundle.json").exists());
    let text = fs::read_to_string(&results).expect("the results");
    assert_eq!(text.matches("\"bundle\":").count(), 3, "{text}");
    assert_eq!(quorate(&["merge", &results], never).code, 20);
}

/// Swarms run every seed once, keep failures as scenario and bundle, are sharded, continued and merged.
#[test]
fn a_swarm_keeps_its_failures() {
    let scratch = Scratch::new();
    let failures = scratch.path("failures");
    let swarm = |results: &str, shard: &str, runner: Runner| {
        let arguments =
            ["swarm", "--seeds", "0..12", "--shard", shard, "-o", results, "--bundle", &failures];
        quorate(&arguments, runner)
    };
    let whole = scratch.path("whole.jsonl");
    let said = swarm(&whole, "1/1", sometimes_bad);
    assert_eq!(said.code, 20, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("swarm       12 runs: held 7, liveness 2, safety 3")
            || said.out.contains("12 runs"),
        "{}",
        said.out
    );
    let continued = swarm(&whole, "1/1", never);
    assert_eq!(continued.code, 20, "{}", continued.err);
    let parts: Vec<String> = (1..=3).map(|n| scratch.path(&format!("part-{n}.jsonl"))).collect();
    for (part, shard) in parts.iter().zip(["1/3", "2/3", "3/3"]) {
        swarm(part, shard, sometimes_bad);
    }
    let merged = |files: &[String]| {
        let mut arguments = vec!["merge"];
        arguments.extend(files.iter().map(String::as_str));
        quorate(&arguments, never).out
    };
    assert_eq!(merged(&parts), merged(&[whole]));

    // The scenario file and the bundle are the same run.
    let file = scratch.path("failures/swarm-9.toml");
    let said = quorate(&["check", &file], never);
    assert_eq!(said.code, 0, "{}", said.err);
    let (bundle, scenario) =
        keep::read(scratch.path("failures/swarm-9-9.bundle.json").as_ref()).expect("sound");
    let own = corpus::load(file.as_ref()).expect("sound");
    assert_eq!(own[0].digest, scenario.digest());
    assert_eq!(bundle.seed, 9);
    let printed = quorate(&["swarm", "--seed", "9", "--print"], never);
    assert!(fs::read_to_string(&file).expect("it").ends_with(&printed.out));
    let told = quorate(&["swarm", "--seed", "7", "--bundle", &failures], held);
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(told.out.contains("cargo sim swarm --seed 7 --validators 4..11"), "{}", told.out);
    let told = quorate(&["swarm", "--seed", "9", "--bundle", &failures], sometimes_bad);
    assert!(told.out.contains("cargo sim replay "), "{}", told.out);
    assert_eq!(quorate(&["swarm", "--validators", "0..3"], never).code, 2);
}

/// A bundle becomes a small scenario that says where it comes from and how it is run.
#[test]
fn shrink_writes_a_small_scenario() {
    fn kill_is_bad(scenario: &Scenario, seed: u64, options: &RunOptions) -> RunReport {
        if scenario.faults.iter().any(|fault| fault.verb.name() == "kill") {
            return RunReport::ended(scenario, seed, violation(seed));
        }
        held(scenario, seed, options)
    }
    let scratch = Scratch::new();
    let faults: String = ["drop", "kill", "duplicate", "corrupt"]
        .iter()
        .map(|verb| match *verb {
            "kill" => "[[fault]]\nkind = \"kill\"\nnode = \"n1\"\nat = \"1s\"\n".to_owned(),
            verb => format!("[[fault]]\nkind = \"{verb}\"\np = 0.5\nat = \"2ms\"\n"),
        })
        .collect();
    let text = format!(
        "format = 1\nname = \"large\"\n[cluster]\nvalidators = 7\n[workload]\ntx_per_second = 5\n{faults}"
    );
    let (file, failures) = (scratch.file("large.toml", &text), scratch.path("failures"));
    quorate(&["run", &file, "--seed", "5", "--bundle", &failures], kill_is_bad);
    let bundle = scratch.path("failures/large-5.bundle.json");
    let small = scratch.path("minimal.toml");
    let said = quorate(&["shrink", &bundle, "-o", &small], kill_is_bad);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("from 4 faults, 0 behaviours, 7 validators, 10.000 s"),
        "{}",
        said.out
    );
    assert!(
        said.out.ends_with(&format!("replay: cargo sim run {small} --seed 5\n")),
        "{}",
        said.out
    );
    let entries = corpus::load(small.as_ref()).expect("it is sound");
    let scenario = &entries[0].scenario;
    assert_eq!(scenario.name, "large-minimal");
    assert!(scenario.about.contains("large, seed 5: fails with violation:agreement"));
    assert_eq!((scenario.faults.len(), scenario.cluster.validators), (1, 2));
    assert_eq!(scenario.faults[0].draw, Some(1), "it keeps its draws");
    let first = fs::read_to_string(&small).expect("it");
    assert!(first.contains(&format!("\n# Replay: cargo sim run {small} --seed 5\n")), "{first}");
    let said = quorate(&["run", &small, "--seed", "5", "--quiet"], kill_is_bad);
    assert_eq!(said.code, 20);

    let said = quorate(&["shrink", &bundle, "-o", &small], held);
    assert_eq!(said.code, 2, "another reason is not shrunk");
    assert!(said.err.contains("ends with held, not with violation:agreement"), "{}", said.err);
}

/// What comes out depends on how many runs may be tried, not on how many are made at once.
#[test]
fn shrink_finds_the_same_with_any_number_of_jobs() {
    fn two_kinds_are_bad(scenario: &Scenario, seed: u64, options: &RunOptions) -> RunReport {
        let has = |name| scenario.faults.iter().any(|fault| fault.verb.name() == name);
        if has("kill") && has("corrupt") {
            return RunReport::ended(scenario, seed, violation(seed));
        }
        held(scenario, seed, options)
    }
    let scratch = Scratch::new();
    let kinds = ["drop", "kill", "duplicate", "corrupt", "drop", "duplicate", "kill", "corrupt"];
    let faults: String = kinds
        .iter()
        .map(|kind| match *kind {
            "kill" => "[[fault]]\nkind = \"kill\"\nnode = \"n1\"\nat = \"1s\"\n".to_owned(),
            kind => format!("[[fault]]\nkind = \"{kind}\"\np = 0.5\nat = \"2ms\"\n"),
        })
        .collect();
    let text = format!("format = 1\nname = \"many\"\n[cluster]\nvalidators = 7\n{faults}");
    let (file, failures) = (scratch.file("many.toml", &text), scratch.path("failures"));
    quorate(&["run", &file, "--seed", "5", "--bundle", &failures], two_kinds_are_bad);
    let bundle = scratch.path("failures/many-5.bundle.json");
    let small = scratch.path("minimal.toml");
    let outcome = |jobs: &str, attempts: &str| {
        let arguments = ["shrink", &bundle, "-o", &small, "--jobs", jobs, "--attempts", attempts];
        let said = quorate(&arguments, two_kinds_are_bad);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        let first = said.out.lines().next().unwrap_or_default();
        let runs = first.split(" in ").next().unwrap_or_default().to_owned();
        (runs, said.out.contains("the budget is over"), fs::read_to_string(&small).expect("it"))
    };
    for attempts in ["1", "5", "17", "1000"] {
        let one = outcome("1", attempts);
        assert_eq!(one.1, attempts != "1000", "{one:?}");
        for jobs in ["2", "4", "7"] {
            assert_eq!(outcome(jobs, attempts), one, "{jobs} jobs, {attempts} attempts");
        }
    }
}

/// Schedules are run by number, sampled, continued and told one by one.
#[test]
fn twins_walk_through_schedules() {
    let scratch = Scratch::new();
    let (results, failures) = (scratch.path("twins.jsonl"), scratch.path("failures"));
    let arguments = ["twins", "--views", "1", "-o", &results, "--bundle", &failures, "--jobs", "2"];
    let said = quorate(&arguments, held);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("48 runs: held 48"), "{}", said.out);
    assert_eq!(quorate(&arguments, never).code, 0, "a finished campaign ran something");
    let sample = ["twins", "--views", "8", "--sample", "7", "--bundle", &failures];
    let said = quorate(&sample, sometimes_bad);
    assert!(said.out.contains("7 runs: "), "{}", said.out);
    let one = ["twins", "--views", "2", "--schedule", "77", "--print"];
    let file = scratch.file("twins-77.toml", &quorate(&one, never).out);
    assert_eq!(quorate(&["check", &file], never).code, 0);
    assert_eq!(quorate(&["twins", "--views", "1", "--schedule", "64"], never).code, 2);
    assert_eq!(quorate(&["twins", "--twins", "2"], never).code, 2);
}

/// Real runs: of a fork among a dozen faults the twins and the partition are left, and still fork.
#[test]
fn a_fork_among_many_faults_becomes_small() {
    let scratch = Scratch::new();
    let file = "testdata/good/fork-with-noise.toml";
    let (failures, small) = (scratch.path("failures"), scratch.path("minimal.toml"));
    let run = crate::run::run;
    let said = quorate(&["run", file, "--seed", "3", "--quiet", "--bundle", &failures], run);
    assert_eq!(said.code, 0, "it is expected: {}{}", said.out, said.err);
    let bundle = scratch.path("failures/fork-with-noise-3.bundle.json");
    let said = quorate(&["replay", &bundle], run);
    assert!(said.out.contains("the same trace"), "{}{}", said.out, said.err);
    let said = quorate(&["replay", &bundle, "--break-at", "view=5", "--validator", "n0'"], run);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.starts_with("n0' at ") && said.out.contains("last promises"), "{}", said.out);

    let said = quorate(&["shrink", &bundle, "-o", &small], run);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let entries = corpus::load(small.as_ref()).unwrap_or_else(|stop| panic!("{stop:?}"));
    let left = &entries[0].scenario;
    let parts = left.faults.len() + left.byzantine.len();
    assert!(parts <= 3, "{parts} parts are left:\n{}", left.to_toml());
    let seed = left.run.seeds.start.to_string();
    let said = quorate(&["run", &small, "--seed", &seed], run);
    assert_eq!(said.code, 0, "it forks as expected: {}", said.out);
    assert!(said.out.contains("as expected, agreement is broken"), "{}", said.out);
}
