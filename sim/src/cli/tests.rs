//! The commands at their boundary: arguments in; output, exit code and files out.
//!
//! Runs are made up by small functions, so that every verdict can be had and nothing here depends on
//! the protocol.

mod lab;
mod scale;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use expect_test::{Expect, expect};
use quorate_core::{
    digest::{Domain, Hasher},
    event::TimeoutReason,
    time::Span,
    types::{Height, ValidatorId, View},
};

use super::{
    arguments::Shard,
    corpus::{self, Entry},
    difference::Line,
    prove::{Mark as Point, Testimony},
    results, sweep, *,
};
use crate::{
    report::{Broken, Checkpoint, CrashPointCount, Finding, Happening, Moment, RunReport, Unmet},
    scenario::{CrashPoint, Invariant, Mark, NodeName},
};

/// A directory that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("quorate-sim-{}-{number}", process::id()));
        fs::create_dir_all(&path).expect("a scratch directory");
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a scratch file");
        path.display().to_string()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn scenario(&self, name: &str) -> String {
        let text = format!("format = 1\nname = \"{name}\"\n[cluster]\nvalidators = 4\n");
        self.file(&format!("{name}.toml"), &text)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Leaving it behind harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Said {
    code: u8,
    out: String,
    err: String,
}

fn quorate(arguments: &[&str], runner: Runner) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut console = Console { out: &mut out, err: &mut err, paint: false, live: false };
    let arguments = ["quorate-sim"].iter().chain(arguments).map(|word| word.into());
    let code = main(arguments, runner, &mut console);
    let text = |bytes| String::from_utf8(bytes).expect("output is text");
    Said { code, out: text(out), err: text(err) }
}

fn never(_: &Scenario, _: u64, _: &RunOptions) -> RunReport {
    panic!("something was run");
}

fn held(scenario: &Scenario, seed: u64, _: &RunOptions) -> RunReport {
    let mut report = RunReport::ended(scenario, seed, Finding::Held);
    report.trace_hash = Hasher::new(Domain::Trace).value(&seed).finish();
    report
}

/// Every third seed breaks agreement, every fifth stalls.
fn sometimes_bad(scenario: &Scenario, seed: u64, options: &RunOptions) -> RunReport {
    if seed.is_multiple_of(3) {
        return RunReport::ended(scenario, seed, violation(seed));
    }
    if seed.is_multiple_of(5) {
        let detail = format!("n2 stays at height {seed}");
        return RunReport::ended(
            scenario,
            seed,
            Finding::Stall { at: Span::from_millis(9_000), detail },
        );
    }
    held(scenario, seed, options)
}

fn violation(seed: u64) -> Finding {
    Finding::Violation(Broken {
        invariant: Invariant::Agreement,
        at: Span::from_millis(1_500),
        nodes: vec![NodeName::new(1), NodeName::new(3)],
        detail: format!("two blocks at height {seed}"),
    })
}

/// Output without the directory it happened in.
fn check(scratch: &Scratch, actual: &str, expected: Expect) {
    expected.assert_eq(&actual.replace(&scratch.0.display().to_string(), "DIR"));
}

/// Each verdict has its exit code, and each failure says in one line how to have it again.
#[test]
fn exit_codes_and_replay_lines() {
    fn by_seed(scenario: &Scenario, seed: u64, _: &RunOptions) -> RunReport {
        let at = Span::from_millis(10);
        let finding = match seed {
            20 => violation(seed),
            21 => Finding::Stall { at, detail: "n1 lags".to_owned() },
            22 => Finding::Violation(Broken {
                invariant: Invariant::Determinism,
                at,
                nodes: vec![],
                detail: "written out and read back, n1 differs".to_owned(),
            }),
            23 => Finding::CorePanic { node: None, at, message: "I2: no".to_owned() },
            24 => Finding::NoVerdict { detail: "two disks are lost".to_owned() },
            30 => Finding::Infrastructure { message: "no memory".to_owned() },
            _ => Finding::Held,
        };
        let mut report = RunReport::ended(scenario, seed, finding);
        if seed == 25 {
            let unmet = Unmet::NeverSeen(Mark::ViewChangeCompleted);
            report.verdict = crate::report::Verdict::ExpectationNotMet(vec![unmet]);
        }
        report
    }
    let scratch = Scratch::new();
    let file = scratch.scenario("codes");
    for code in [0, 20, 21, 22, 23, 24, 25, 30] {
        let seed = code.to_string();
        for style in [None, Some("--quiet")] {
            let mut arguments = vec!["run", &file, "--seed", &seed];
            arguments.extend(style);
            let said = quorate(&arguments, by_seed);
            assert_eq!(said.code, code, "{}", said.out);
            let replay = format!("cargo sim run {file} --seed {seed}\n");
            let lines = said.out.matches(&replay).count();
            let wanted = usize::from(code != 0 || style.is_none());
            assert_eq!(lines, wanted, "replay lines for {code}:\n{}", said.out);
        }
        let json = quorate(&["run", &file, "--seed", &seed, "--json"], by_seed);
        let value: serde_json::Value = serde_json::from_str(&json.out).expect("one JSON object");
        assert_eq!(value["code"], code);
    }
}

/// A wrong file: said on standard error, exit 10, and nothing is run.
#[test]
fn nothing_runs_when_a_file_is_wrong() {
    let scratch = Scratch::new();
    scratch.scenario("sound");
    scratch.file("wrong.toml", "format = 1\nname = \"wrong\"\n[cluster]\nvalidatos = 4\n");
    for command in ["run", "sweep", "check", "prove", "list"] {
        let said = quorate(&[command, &scratch.path("")], never);
        assert_eq!(said.code, 10, "{command}: {}", said.err);
        assert_eq!(said.out, "", "{command} printed something");
    }
    let said = quorate(&["check", &scratch.path("wrong.toml")], never);
    check(
        &scratch,
        &said.err,
        expect![[r#"
            error: missing key `validators` in [cluster]
             --> DIR/wrong.toml:3:1
              |
            3 | [cluster]
              | ^^^^^^^^^

            error: unknown key `validatos` in [cluster]
             --> DIR/wrong.toml:4:1
              |
            4 | validatos = 4
              | ^^^^^^^^^ did you mean `validators`?

            2 errors in 1 scenario file; nothing was run
        "#]],
    );
}

/// Wrong usage is exit 2, and says what would be right.
#[test]
fn usage() {
    let scratch = Scratch::new();
    let file = scratch.scenario("usage");
    let wrong: [&[&str]; 9] = [
        &[],
        &["fly"],
        &["run"],
        &["run", "there/is/no/such.toml"],
        &["run", &file, "--seed", "x"],
        &["run", &file, "--crash-at", "n9:vote.after_send:1"],
        &["sweep", &file, "--seeds", "9..3"],
        &["sweep", &file, "--shard", "0/3"],
        &["sweep", &file, "--budget", "soon"],
    ];
    for arguments in wrong {
        let said = quorate(arguments, never);
        assert_eq!(said.code, 2, "{arguments:?}: {}{}", said.out, said.err);
        assert!(!said.err.is_empty(), "{arguments:?} was refused without a word");
    }
    let commands = [
        "list", "new", "check", "run", "sweep", "merge", "prove", "replay", "diff", "swarm",
        "shrink", "twins",
    ];
    for command in commands {
        let said = quorate(&[command, "--help"], never);
        assert_eq!(said.code, 0);
        assert!(said.out.contains("Example"), "`{command} --help` shows no example");
    }
    let said = quorate(&["--help"], never);
    for code in ["0", "2", "10", "20", "21", "22", "23", "24", "25", "30"] {
        assert!(said.out.contains(code), "--help does not say what exit code {code} is");
    }
}

/// What `new` writes is sound, is not overwritten, and is what `list` shows.
#[test]
fn a_new_scenario_is_sound() {
    let scratch = Scratch::new();
    let directory = scratch.path("");
    let said = quorate(&["new", "my-first", "--directory", &directory], never);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let said = quorate(&["new", "my-first", "--directory", &directory], never);
    assert_eq!(said.code, 2, "the file was overwritten");
    let said = quorate(&["new", "My First", "--directory", &directory], never);
    assert_eq!(said.code, 2, "the name was accepted");
    let said = quorate(&["list", &directory], never);
    check(
        &scratch,
        &said.out,
        expect![[r#"
            my-first  4 validators, 1 fault  DIR/my-first.toml
                The leader of height 3 loses its network until the others have moved on.
        "#]],
    );
}

/// A report of a run in which everything happens that can be told.
fn eventful(scenario: &Scenario, seed: u64, _: &RunOptions) -> RunReport {
    let at = Span::from_millis;
    let final_at = |height: u64, proposed: u64, txs: u32| Moment {
        at: at(proposed + 31),
        what: Happening::Finalized {
            height: Height::new(height),
            view: View::new(height + 1),
            leader: NodeName::new(u32::try_from(height % 4).expect("small")),
            transactions: txs,
            proposed: Some(at(proposed)),
            notarized: Some(Span::from_micros(proposed * 1_000 + 9_700)),
            everywhere: (height != 3).then(|| at(proposed + 44)),
        },
    };
    let mut timeline: Vec<Moment> = (1..=3).map(|h| final_at(h, h * 50, 4)).collect();
    let tell = |millis, what| Moment { at: at(millis), what };
    timeline.extend([
        tell(190, Happening::FaultBegan { fault: 0, what: "kill leader: n1".to_owned() }),
        tell(190, Happening::Down { node: NodeName::new(1), why: "killed".to_owned() }),
        tell(
            700,
            Happening::ViewChange {
                view: View::new(5),
                leader: NodeName::new(1),
                reasons: BTreeMap::from([
                    (TimeoutReason::NoProposal, 2),
                    (TimeoutReason::LeaderInactive, 1),
                ]),
            },
        ),
        tell(1_190, Happening::FaultEnded { fault: 0, what: "kill leader: n1".to_owned() }),
        tell(
            1_190,
            Happening::Up { node: NodeName::new(1), height: Height::new(3), recovered_votes: 2 },
        ),
        tell(1_500, Happening::Gst),
    ]);
    timeline.extend((4..=20).map(|h| final_at(h, 1_500 + h * 50, 0)));
    let mut report = RunReport::ended(scenario, seed, Finding::Held);
    report.timeline = timeline;
    report.facts.marks = BTreeMap::from([(Mark::ViewChangeCompleted, 1)]);
    report.facts.finalized_min = Height::new(19);
    report.facts.finalized_max = Height::new(20);
    report.counters.views = 21;
    report.counters.view_changes = 1;
    report.counters.messages_sent = 12_345;
    report.counters.observations = 1_234_567;
    report.counters.crashes = 1;
    report.counters.restarts = 1;
    report.simulated = at(10_000);
    report.wall = Duration::from_millis(77);
    report
}

/// A scenario about a violation says that it came, and a fault says what is particular about it.
#[test]
fn the_account_of_an_expected_violation() {
    fn broken(scenario: &Scenario, seed: u64, _: &RunOptions) -> RunReport {
        let mut report = RunReport::ended(scenario, seed, violation(seed));
        report.facts.culprits = BTreeSet::from([ValidatorId::new(1), ValidatorId::new(3)]);
        let what = Happening::FaultBegan { fault: 0, what: "partition".to_owned() };
        report.timeline = vec![Moment { at: Span::ZERO, what }];
        report
    }
    let scratch = Scratch::new();
    let file = scratch.file(
        "meant.toml",
        "format = 1\nname = \"meant\"\n[cluster]\nvalidators = 4\n[[fault]]\nkind = \"partition\"\n\
         groups = [[\"n0\", \"n1\"], [\"n2\", \"n3\"]]\nat = \"0s\"\n[expect]\n\
         outcome = \"violation:agreement\"\n",
    );
    let said = quorate(&["run", &file, "--seed", "7"], broken);
    assert_eq!(said.code, 0);
    check(
        &scratch,
        &said.out,
        expect![[r#"
        seed 7  meant
        4 validators, equal stake, real signatures, messages in memory, 0 transactions/s

           0.000 s  fault 0 begins: partition n0 n1 | n2 n3

        height 0 to 0 after 0.000 s simulated, 0 ms of wall time
        0 views, 0 given up; 0 messages, 0 lost, 0 twice; 0 of 0 transactions final

        evidence names n1 n3
        verdict  held: as expected, agreement is broken at 1.500 s: two blocks at height 7
        trace    0000000000000000000000000000000000000000000000000000000000000000 (0 observations)
        replay   cargo sim run DIR/meant.toml --seed 7
    "#]],
    );
}

/// What people read after a run.
#[test]
fn the_account_of_a_run() {
    let scratch = Scratch::new();
    let file = scratch.scenario("eventful");
    let said = quorate(&["run", &file, "--seed", "7"], eventful);
    check(
        &scratch,
        &said.out,
        expect![[r#"
            seed 7  eventful
            4 validators, equal stake, real signatures, messages in memory, 0 transactions/s

                  time   height   view  leader   txs   notarized      final  everywhere  after its proposal
               0.081 s       h1     v2      n1     4      9.7 ms      31 ms       44 ms
               0.131 s       h2     v3      n2     4      9.7 ms      31 ms       44 ms
               0.181 s       h3     v4      n3     4      9.7 ms      31 ms           -
               0.190 s  fault 0 begins: kill leader: n1
               0.190 s  n1 goes down: killed
               0.700 s  view 5 of n1 given up: no proposal in time (2), the leader has been silent for long (1)
               1.190 s  fault 0 ends:   kill leader: n1
               1.190 s  n1 comes up at h3, 2 own votes found in its log
               1.500 s  GST: faults are over, from here on progress is owed
               1.731 s       h4     v5      n0     0      9.7 ms      31 ms       44 ms
               1.781 s       h5     v6      n1     0      9.7 ms      31 ms       44 ms
                   ...   13 heights, final after 31 ms to 31 ms, half of them within 31 ms
               2.481 s      h19    v20      n3     0      9.7 ms      31 ms       44 ms
               2.531 s      h20    v21      n0     0      9.7 ms      31 ms       44 ms

            height 19 to 20 after 10.000 s simulated, 77 ms of wall time
            21 views, 1 given up; 12,345 messages, 0 lost, 0 twice; 0 of 0 transactions final
            1 crash, 1 restart
            seen: view_change_completed 1

            verdict  held
            trace    0000000000000000000000000000000000000000000000000000000000000000 (1,234,567 observations)
            replay   cargo sim run DIR/eventful.toml --seed 7
        "#]],
    );
}

/// A time line of thousands of lines is cut in the middle, not printed.
#[test]
fn a_long_run_is_short_to_read() {
    fn long(scenario: &Scenario, seed: u64, _: &RunOptions) -> RunReport {
        let mut report = RunReport::ended(scenario, seed, Finding::Held);
        report.timeline = (0..5_000)
            .map(|millis| Moment {
                at: Span::from_millis(millis),
                what: Happening::Down { node: NodeName::new(1), why: "killed".to_owned() },
            })
            .collect();
        report
    }
    let scratch = Scratch::new();
    let file = scratch.scenario("long");
    let said = quorate(&["run", &file], long);
    assert!(said.out.lines().count() < 130, "{} lines", said.out.lines().count());
    assert!(said.out.contains("4900 lines left out"), "{}", said.out);
}

fn entries(scratch: &Scratch) -> Vec<Entry> {
    corpus::load(&scratch.0).unwrap_or_else(|stop| panic!("{stop:?}"))
}

/// Shards cover every run exactly once, in an order that the whole sweep has too.
#[test]
fn shards_are_a_partition() {
    let scratch = Scratch::new();
    for name in ["c-third", "a-first", "b-second"] {
        scratch.scenario(name);
    }
    let entries = entries(&scratch);
    let seeds = 10..31;
    let whole: Vec<sweep::Item> =
        sweep::plan(&entries, Some(&seeds), Shard { index: 1, count: 1 }).collect();
    assert_eq!(whole.len(), 63);
    assert_eq!((whole[0].entry, whole[0].seed), (0, 10));
    assert_eq!((whole[3].entry, whole[3].seed), (0, 11), "scenarios take turns");
    for count in 1..=16 {
        let mut seen = BTreeSet::new();
        for index in 1..=count {
            for item in sweep::plan(&entries, Some(&seeds), Shard { index, count }) {
                assert!(seen.insert((item.entry, item.seed)), "{item:?} is in two shards");
            }
        }
        assert_eq!(seen.len(), whole.len(), "{count} shards miss something");
    }
}

/// A sweep reports what failed, continues where it was cut off, and merging shards gives the whole.
#[test]
fn sweeps_continue_and_merge() {
    let scratch = Scratch::new();
    let file = scratch.scenario("sweep");
    let whole = scratch.path("whole.jsonl");
    let said =
        quorate(&["sweep", &file, "--seeds", "0..20", "--jobs", "3", "-o", &whole], sometimes_bad);
    assert_eq!(said.code, 20, "{}{}", said.out, said.err);
    let summary = said.out.split("\n\n").skip(1).collect::<Vec<_>>().join("\n\n");
    check(
        &scratch,
        &summary,
        expect![[r#"
        sweep       20 runs: held 11, liveness 2, safety 7

        liveness in 2 runs of sweep
          n2 stays at height 5
          seeds 5 10
          replay: cargo sim run DIR/sweep.toml --seed 5

        safety in 7 runs of sweep
          agreement (n1 n3): two blocks at height 0
          seeds 0 3 6 9 12 15 18
          replay: cargo sim run DIR/sweep.toml --seed 0
    "#]],
    );

    // All of it is there: nothing is run again, and the exit code is the same.
    let again = quorate(&["sweep", &file, "--seeds", "0..20", "-o", &whole], never);
    assert_eq!(again.code, 20, "{}{}", again.out, again.err);

    // A crash cut the file off in the middle of a line.
    let text = fs::read_to_string(&whole).expect("results");
    let cut = text.len() - 30;
    fs::write(&whole, &text[..cut]).expect("a cut file");
    let healed = quorate(&["sweep", &file, "--seeds", "0..20", "-o", &whole], sometimes_bad);
    assert!(healed.err.contains("19 runs are done already, 1 are left"), "{}", healed.err);
    assert_eq!(results::read(whole.as_ref()).map(|rows| rows.len()).ok(), Some(20));

    let mut shards = Vec::new();
    for index in 1..=3 {
        let part = scratch.path(&format!("part-{index}.jsonl"));
        let shard = format!("{index}/3");
        let arguments = ["sweep", &file, "--seeds", "0..20", "--shard", &shard, "-o", &part];
        quorate(&arguments, sometimes_bad);
        shards.push(part);
    }
    let all = scratch.path("all.jsonl");
    let merge = |files: &[&str]| {
        let mut arguments = vec!["merge"];
        arguments.extend(files);
        arguments.extend(["-o", &all]);
        let said = quorate(&arguments, never);
        assert_eq!(said.code, 20, "{}{}", said.out, said.err);
        let text = fs::read_to_string(&all).expect("merged results");
        // How long a run took is the only thing that is not decided by its seed.
        let rows: Vec<results::Row> =
            text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
        (
            said.out,
            rows.into_iter().map(|row| results::Row { wall_ms: 0, ..row }).collect::<Vec<_>>(),
        )
    };
    let once = merge(&[&shards[2], &shards[0], &shards[1]]);
    let twice = merge(&[&all, &shards[0]]);
    let from_whole = merge(&[&whole]);
    assert_eq!(once, twice, "merging again changed something");
    assert_eq!(once, from_whole, "shards and the whole differ");
}

/// The same run with two results is non-determinism, wherever the results come from.
#[test]
fn merge_notices_contradictions() {
    let scratch = Scratch::new();
    let file = scratch.scenario("twofold");
    let (one, other) = (scratch.path("one.jsonl"), scratch.path("other.jsonl"));
    quorate(&["sweep", &file, "--seeds", "1..2", "-o", &one], held);
    quorate(&["sweep", &file, "--seeds", "1..2", "-o", &other], |scenario, seed, _| {
        RunReport::ended(scenario, seed, Finding::Held)
    });
    let said = quorate(&["merge", &one, &other], never);
    assert_eq!(said.code, 22, "{}", said.out);
    assert!(said.out.contains(&format!("cargo sim prove {file} --seed 1")), "{}", said.out);
}

/// Results of another build are not continued silently.
#[test]
fn another_build_begins_anew() {
    let scratch = Scratch::new();
    let file = scratch.scenario("build");
    let output = scratch.path("results.jsonl");
    let sweep = ["sweep", &file, "--seeds", "1..3", "-o", &output];
    quorate(&sweep, held);
    let text = fs::read_to_string(&output).expect("results");
    let build = results::build();
    fs::write(&output, text.replace(&build, "0000000000000000")).expect("altered results");
    assert_eq!(quorate(&sweep, never).code, 2);
    let mut fresh = sweep.to_vec();
    fresh.push("--fresh");
    assert_eq!(quorate(&fresh, held).code, 0);
}

/// A budget that is over at once begins nothing and says so.
#[test]
fn a_budget_is_kept() {
    let scratch = Scratch::new();
    let file = scratch.scenario("budget");
    let said = quorate(&["sweep", &file, "--budget", "1ns"], never);
    assert_eq!(said.code, 0);
    assert!(said.out.contains("100 of 100 runs were not begun"), "{}", said.out);
}

/// Every pass of every crash point gets a run; those that fail can be made again alone.
#[test]
fn crash_points_are_enumerated() {
    fn fragile(scenario: &Scenario, seed: u64, options: &RunOptions) -> RunReport {
        let bad = options.crash_at.is_some_and(|crash| {
            crash.node == NodeName::new(1)
                && crash.point == CrashPoint::AfterSyncBeforeSend
                && crash.nth == 2
        });
        let finding = if bad { violation(seed) } else { Finding::Held };
        let mut report = RunReport::ended(scenario, seed, finding);
        if let Some(crash) = options.crash_at {
            let what = Happening::Down { node: crash.node, why: "crash point".to_owned() };
            report.timeline = vec![Moment { at: Span::ZERO, what }];
        }
        report.crash_points = (0..4)
            .flat_map(|node| {
                CrashPoint::ALL.map(|point| CrashPointCount {
                    node: NodeName::new(node),
                    point,
                    passed: 3,
                })
            })
            .collect();
        report
    }
    let scratch = Scratch::new();
    let file = scratch.scenario("points");
    let arguments = ["run", &file, "--seed", "5", "--enumerate-crash-points"];
    let said = quorate(&arguments, fragile);
    assert_eq!(said.code, 20);
    check(
        &scratch,
        &said.out,
        expect![[r#"
        seed 5  points
        safety n1:vote.after_sync_before_send:2: agreement (n1 n3): two blocks at height 5
          replay: cargo sim run DIR/points.toml --seed 5 --crash-at n1:vote.after_sync_before_send:2
        72 crash points, 72 explored, 1 failed
    "#]],
    );
    let crash = "n1:vote.after_sync_before_send:2";
    let alone = quorate(&["run", &file, "--seed", "5", "--crash-at", crash], fragile);
    assert_eq!(alone.code, 20, "{}", alone.out);
    assert_eq!(quorate(&arguments, held).code, 0);
}

/// A crash that was to come and did not is no success.
#[test]
fn a_crash_point_that_is_not_reached_is_no_success() {
    fn deaf(scenario: &Scenario, seed: u64, _: &RunOptions) -> RunReport {
        let mut report = RunReport::ended(scenario, seed, Finding::Held);
        report.crash_points = vec![CrashPointCount {
            node: NodeName::new(2),
            point: CrashPoint::BeforeWrite,
            passed: 2,
        }];
        report
    }
    let scratch = Scratch::new();
    let file = scratch.scenario("deaf");
    let said = quorate(&["run", &file, "--enumerate-crash-points"], deaf);
    assert_eq!(said.code, 25);
    assert!(said.out.contains("2 crash points, 0 explored"), "{}", said.out);
}

/// A testimony of `count` observations, a checkpoint every ten, that goes astray at one of them.
fn testimony(
    count: u64,
    astray: Option<(u64, &str)>,
    window: Option<&std::ops::Range<u64>>,
) -> Testimony {
    let text = |index: u64| match astray {
        Some((at, word)) if index >= at => format!("{word} {index}"),
        _ => format!("step {index}"),
    };
    let hash = |upto: u64| {
        let all: String = (0..upto).map(text).collect();
        Hasher::new(Domain::Trace).bytes(all.as_bytes()).finish().to_string()
    };
    let line = |index: u64| Line {
        index,
        at_ns: index * 7,
        node: Some("n1".to_owned()),
        text: text(index),
    };
    Testimony {
        verdict: "held".to_owned(),
        code: 0,
        detail: String::new(),
        trace_hash: hash(count),
        checkpoints: (1..=count / 10)
            .map(|number| Point {
                at_ns: number,
                observations: number * 10,
                hash: hash(number * 10),
            })
            .collect(),
        window: window.map_or_else(Vec::new, |window| {
            window.clone().filter(|index| *index < count).map(line).collect()
        }),
    }
}

/// The first observation that differs is found and shown from both sides.
#[test]
fn prove_finds_the_first_difference() {
    let scratch = Scratch::new();
    scratch.scenario("prove");
    let entries = entries(&scratch);
    let ask = |astray: Option<(u64, &'static str)>, count: u64| {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console { out: &mut out, err: &mut err, paint: false, live: false };
        let mut pair = |window: Option<&std::ops::Range<u64>>| {
            Ok((testimony(95, None, window), testimony(count, astray, window)))
        };
        let code = prove::prove_one(&entries[0], 9, &mut pair, &mut console)
            .unwrap_or_else(|stop| panic!("{stop:?}"));
        (code, String::from_utf8(out).expect("text"))
    };
    assert_eq!(ask(None, 95).0, 0);
    let (code, said) = ask(Some((47, "leap")), 95);
    assert_eq!(code, 22);
    check(
        &scratch,
        &said,
        expect![[r#"
            seed 9  prove  two processes differ
              one   95be47385dfa4c039eea50d9f650e891f8abc6366b89a00b00c00c2fbea4c8f6 held
              other bf529a20246170ab66a252c3a91fc6c8d39195333bbe69a0690dc07b3f9ca1d3 held
            the first difference:
                    #43 0.000000301s n1   step 43
                    #44 0.000000308s n1   step 44
                    #45 0.000000315s n1   step 45
                    #46 0.000000322s n1   step 46
              one   #47 0.000000329s n1   step 47
                    #48 0.000000336s n1   step 48
                    #49 0.000000343s n1   step 49
              other #47 0.000000329s n1   leap 47
                    #48 0.000000336s n1   leap 48
                    #49 0.000000343s n1   leap 49
              replay: cargo sim prove DIR/prove.toml --seed 9
        "#]],
    );
    // After the last checkpoint, at the very start, and where one side just stops.
    for (astray, count, wanted) in [
        (Some((93, "leap")), 95, "other #93 0.000000651s n1   leap 93"),
        (Some((0, "leap")), 95, "other #0 0.000000000s n1   leap 0"),
        (None, 92, "other nothing more"),
        (None, 40, "other nothing more"),
    ] {
        let (code, said) = ask(astray, count);
        assert_eq!(code, 22);
        assert!(said.contains(wanted), "{wanted:?} is not in\n{said}");
    }
}

/// Checkpoints survive the way through JSON that `prove` relies on.
#[test]
fn prove_reads_what_run_writes() {
    fn with_points(scenario: &Scenario, seed: u64, options: &RunOptions) -> RunReport {
        let mut report = held(scenario, seed, options);
        report.checkpoints = vec![Checkpoint {
            at: Span::from_millis(100),
            observations: 12,
            hash: report.trace_hash,
        }];
        assert_eq!(options.window, Some(3..9));
        report
    }
    let scratch = Scratch::new();
    let file = scratch.scenario("json");
    let said = quorate(&["run", &file, "--seed", "4", "--json", "--window", "3..9"], with_points);
    let heard: Testimony = serde_json::from_str(&said.out).expect("a testimony");
    assert_eq!(heard.checkpoints.len(), 1);
    assert_eq!(heard.checkpoints[0].hash, heard.trace_hash);
}

/// A record is replayed under every scheduler; one of today's build agrees with what it holds, one
/// that was tampered with does not, and a file that is none says so.
#[test]
fn execution_records_are_replayed() {
    use quorate_core::{
        execution::{
            Scheduler,
            schedule::{Inline, Mismatch, Run},
            transition::Params,
        },
        types::{ChainId, Digest},
    };
    let nothing = Run { effects: vec![], changes: vec![], fees: 0, digest: Digest::ZERO };
    let mut record = Mismatch {
        params: Params { chain_id: ChainId::new(7), height: Height::new(12) },
        cells: vec![],
        transactions: vec![],
        scheduler: Scheduler::Waves,
        sequential: nothing.clone(),
        other: nothing,
    };
    record.sequential = record.run(Scheduler::Sequential, &Inline);
    record.other = record.sequential.clone();
    record.other.fees += 1;
    let scratch = Scratch::new();
    let replay = |record: &Mismatch| {
        let path = scratch.path("record.bin");
        fs::write(&path, record.encode()).expect("a scratch file");
        quorate(&["exec", "replay", &path], never)
    };
    let said = replay(&record);
    let lines: Vec<&str> = said.out.lines().collect();
    check(
        &scratch,
        &lines[..4].join("\n"),
        expect![[r#"
        height 12: 0 transactions, 0 cells
        recorded: in order against in waves: fees 0 against 1
        now: in order: equal to the result in order
        now: in waves: equal to the result in order"#]],
    );
    assert_eq!((said.code, lines.len(), said.err.as_str()), (0, 20, ""));

    record.sequential.fees = 5;
    let said = replay(&record);
    assert_eq!(said.code, 22);
    assert!(said.out.contains("now: in waves: different: fees 5 against 0"), "{}", said.out);

    let path = scratch.file("none.bin", "something else");
    let said = quorate(&["exec", "replay", &path], never);
    assert_eq!(said.code, 10);
    check(
        &scratch,
        &said.err,
        expect![[r#"
            error: DIR/none.bin: not the record of an execution mismatch
        "#]],
    );
    assert_eq!(quorate(&["exec", "replay", &scratch.path("gone.bin")], never).code, 2);
}

/// Pages and XML of a sweep: what failed, each kind once, with the line that makes it again.
#[test]
fn a_sweep_writes_its_pages() {
    let scratch = Scratch::new();
    let file = scratch.scenario("swept");
    let (html, junit) = (scratch.path("index.html"), scratch.path("junit.xml"));
    let arguments =
        ["sweep", &file, "--seeds", "0..10", "--html", &html, "--junit", &junit, "--jobs", "1"];
    let said = quorate(&arguments, sometimes_bad);
    assert_eq!(said.code, 20);
    let html = fs::read_to_string(html).expect("the page is there");
    assert!(html.contains("5 failed"), "seeds 0, 3, 6 and 9 break agreement, 5 stalls");
    assert!(html.contains(&format!("cargo sim run {file} --seed 0")));
    let junit = fs::read_to_string(junit).expect("the XML is there");
    assert!(junit.contains("tests=\"10\" failures=\"5\" errors=\"0\""), "{junit}");
}

/// A trace is read back; what is no trace, and a height nobody came to, are wrong usage.
#[test]
fn traces_are_read_back() {
    let scratch = Scratch::new();
    let trace = scratch.file("t.jsonl", crate::history::tests::LITTLE);
    let page = scratch.path("r.html");
    let said = quorate(&["report", &trace, "-o", &page], never);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(fs::read_to_string(page).expect("the page is there").contains("little &lt;run&gt;"));
    let said = quorate(&["explain", &trace, "--height", "2"], never);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.starts_with("height 2 took 2 views"), "{}", said.out);
    let wrong = [
        vec!["explain", &trace, "--height", "9"],
        vec!["explain", &trace, "--seed", "1"],
        vec!["report", "nothing.jsonl"],
    ];
    for arguments in wrong {
        assert_eq!(quorate(&arguments, never).code, 2, "{arguments:?}");
    }
    let rubbish = scratch.file("rubbish.jsonl", "rubbish\n");
    assert_eq!(quorate(&["explain", &rubbish], never).code, 2);
}

/// What runs reached is told over all of them, and what nobody reached can be demanded.
#[test]
fn a_sweep_says_what_was_reached() {
    fn reaching(scenario: &Scenario, seed: u64, options: &RunOptions) -> RunReport {
        let mut report = held(scenario, seed, options);
        if seed > 0 {
            report.facts.marks = BTreeMap::from([(Mark::ViewChangeCompleted, seed)]);
        }
        report
    }
    let scratch = Scratch::new();
    let file = scratch.scenario("reached");
    let results = scratch.path("reached.jsonl");
    let said = quorate(&["sweep", &file, "--seeds", "0..4", "-o", &results], reaching);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let table = "view_change_completed         3           6\nnever reached: bad_sync_response";
    assert!(said.out.contains(table), "{}", said.out);

    let demand = |marks: &str| quorate(&["merge", &results, "--require-marks", marks], never);
    assert_eq!(demand("view_change_completed").code, 0);
    let said = demand("view_change_completed,block_fetched");
    assert_eq!(said.code, 25, "{}", said.out);
    let line = "never reached, and required: block_fetched (in 4 runs)";
    assert!(said.out.contains(line), "{}", said.out);
    assert_eq!(demand("all").code, 25);
    assert_eq!(demand("a_mark_of_nobody").code, 2);
}

/// The configuration of one of four equal validators.
fn member_of_four() -> quorate_core::config::Config {
    use quorate_core::{
        committee::Member,
        config::{Config, Genesis, Parameters},
        crypto::SecretKey,
        time::UnixMillis,
        types::{ChainId, PeerId, Stake, ValidatorId},
    };
    let member = |number: u8| Member {
        validator: ValidatorId::new(number.into()),
        key: SecretKey::from_seed([number; 32]).public(),
        peer: PeerId::new([number; 32]),
        weight: Stake::new(1),
    };
    let genesis = Genesis {
        chain_id: ChainId::new(7),
        timestamp: UnixMillis::new(1_000),
        validators: (0..4).map(member).collect(),
        accounts: Vec::new(),
        parameters: Parameters::default(),
    };
    let validator = Some(ValidatorId::new(0));
    Config { genesis, validator, peer: PeerId::new([0; 32]) }
}

/// A capture of a node is replayed step by step; one that says something else is not the same, one of
/// another core is refused unless forced, and one that was cut off is as long as it is sound.
#[test]
fn captures_are_replayed() {
    use quorate_core::{
        capture::{Head, MAGIC, Opening, build_id, write_effects, write_head, write_input},
        effect::{Effects, Input},
        random::Seed,
        replica::Replica,
        store::Recovered,
        time::{Instant, Now, UnixMillis},
    };
    let capture = |build: &str, changed: bool| {
        let (config, seed) = (member_of_four(), Seed::from_number(1));
        let mut replica = Replica::new(config.clone(), Recovered::nothing(), seed);
        let head = Head { build: build.to_owned(), seed, inputs_before: 0, height: Height::new(0) };
        let mut bytes = MAGIC.to_vec();
        let opening = Opening::Recovered(Box::new(Recovered::nothing()));
        write_head(&mut bytes, &head, &config, &opening);
        for step in 1..=5 {
            let mono = Instant::from_nanos(step * 800_000_000);
            let now = Now { mono, wall: UnixMillis::new(2_000) };
            let mut effects = Effects::new();
            write_input(&mut bytes, &now, &Input::Tick);
            replica.step(now, Input::Tick, &mut effects);
            let kept = if changed && step == 3 { &[] } else { effects.as_slice() };
            write_effects(&mut bytes, kept, replica.finalized_height());
        }
        bytes
    };
    let scratch = Scratch::new();
    let path = scratch.path("x.qcap");
    let replay = |bytes: &[u8], more: &[&str]| {
        fs::write(&path, bytes).expect("a scratch file");
        quorate(&[&["replay", &path][..], more].concat(), never)
    };
    let good = capture(build_id(), false);
    let said = replay(&good, &["--quiet"]);
    check(
        &scratch,
        &said.out,
        expect![[r#"
        the same effects: 5 inputs of DIR/x.qcap
    "#]],
    );
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let said = replay(&good[..good.len() - 1], &["--quiet"]);
    assert!(said.out.contains("unfinished"), "{}", said.out);
    assert_eq!(said.code, 0);

    let said = replay(&capture(build_id(), true), &[]);
    assert!(said.out.contains("input 2 at t+2400ms: a deadline"), "{}", said.out);
    assert_eq!(said.code, 22);

    let said = replay(&capture("another", false), &[]);
    assert!(said.err.contains("a core of sources another"), "{}", said.err);
    assert_eq!(said.code, 2);
    assert_eq!(replay(&capture("another", false), &["--force"]).code, 0);

    let mut damaged = good.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    assert_eq!(replay(&damaged, &[]).code, 10);
    assert_eq!(replay(&good, &["--break-at", "height=1"]).code, 2);
}
