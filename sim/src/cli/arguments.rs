//! What can be typed, and what `--help` says about it.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use quorate_core::time::Span;

use super::arguments_lab::{
    DiffOptions, GradeOptions, ReplayOptions, ShrinkOptions, SwarmOptions, TwinsOptions,
};
use crate::{coverage::every_mark, scenario::Mark};

const AFTER_HELP: &str = "\
Exit codes:
   0  everything held                    22  two equal runs differed
   2  wrong usage                        23  the core panicked
  10  a file read is wrong               24  no verdict: the cluster cannot recover
  20  safety is broken                   25  an expectation was not met
  21  liveness is broken                 26  `grade`: a planted bug was not found
                                         30  the simulator or its surroundings failed
Of several runs the gravest decides: 20, 23, 22, 21, 30, 25, 24.

Examples:
  quorate-sim run scenarios/view-change/leader-crash-7.toml --seed 42
  quorate-sim report scenarios/view-change/leader-crash-7.toml --seed 42 -o r.html
  quorate-sim sweep scenarios --seeds 0..10000 -o results.jsonl
  quorate-sim prove scenarios/view-change/leader-crash-7.toml --seed 42

Scenario files are described in docs/scenarios.md.";

/// What `--version` says.
const VERSION: &str = if cfg!(feature = "planted-bugs") {
    concat!(env!("CARGO_PKG_VERSION"), " WITH PLANTED BUGS")
} else {
    env!("CARGO_PKG_VERSION")
};

/// The seeded simulator of Quorate: one scenario file and one seed are one run, always the same.
#[derive(Debug, Parser)]
#[command(name = "quorate-sim", version = VERSION, after_help = AFTER_HELP, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists scenarios, or what scenarios can ask for.
    #[command(
        after_help = "Examples:\n  quorate-sim list\n  quorate-sim list scenarios/view-change\n  quorate-sim list --behaviours"
    )]
    List(ListOptions),
    /// Writes a commented scenario to start from.
    #[command(
        after_help = "Example:\n  quorate-sim new my-partition && quorate-sim run my-partition.toml --seed 1"
    )]
    New(NewOptions),
    /// Says what is wrong with scenario files. Runs nothing.
    #[command(
        after_help = "Examples:\n  quorate-sim check scenarios\n  quorate-sim check my-partition.toml"
    )]
    Check(PathOptions),
    /// Runs scenarios with one seed and tells what happened.
    #[command(after_help = "\
Examples:
  quorate-sim run scenarios/view-change/leader-crash-7.toml --seed 42
  quorate-sim run scenarios/view-change/leader-crash-7.toml --seed 42 --trace t.jsonl
  quorate-sim run scenarios/view-change/leader-crash-7.toml --seed 42 --report r.html
  quorate-sim run scenarios/view-change/leader-crash-7.toml --seed 42 --perfetto t.json
  quorate-sim run scenarios --seed 42 --quiet
  quorate-sim run scenarios/byzantine/twin.toml --seed 42 --bundle failures
  quorate-sim run scenarios/view-change/leader-crash-7.toml --enumerate-crash-points")]
    Run(RunArguments),
    /// Runs scenarios with many seeds.
    #[command(after_help = "\
Examples:
  quorate-sim sweep scenarios --seeds 0..10000 -o results.jsonl
  quorate-sim sweep scenarios --seeds 0..10000 --shard 3/16 -o results-3.jsonl
  quorate-sim sweep scenarios --budget 30m --jobs 2
  quorate-sim sweep scenarios --seeds 0..200 --html index.html --junit junit.xml
  quorate-sim sweep scenarios --seeds 1..2 --require-marks all

An existing results file of the same build is continued: what is in it is not run again.
Which runs a shard makes depends on the scenarios, the seeds and the shard alone.")]
    Sweep(SweepOptions),
    /// Puts the results of sweeps together and counts them.
    #[command(
        after_help = "Examples:\n  quorate-sim merge results-*.jsonl\n  quorate-sim merge results-*.jsonl -o all.jsonl\n  quorate-sim merge results-*.jsonl --html index.html --junit junit.xml\n  quorate-sim merge results-*.jsonl --require-marks all"
    )]
    Merge(MergeOptions),
    /// Draws a run as a picture: one HTML file that needs nothing beside itself.
    #[command(after_help = "\
Examples:
  quorate-sim report scenarios/view-change/leader-crash-7.toml --seed 42 -o r.html
  quorate-sim report t.jsonl -o r.html
  quorate-sim report t.jsonl --between 12s..20s -o r.html
  quorate-sim report good.jsonl bad.jsonl -o both.html
  quorate-sim report mine.toml mine.toml --seed 1 --other-seed 2 -o both.html

What the picture shows, and what its signs mean, is in docs/reports.md.")]
    Report(ReportOptions),
    /// Says in about ten lines why a height took its views.
    #[command(after_help = "\
Examples:
  quorate-sim explain scenarios/view-change/leader-crash-7.toml --seed 42 --height 6
  quorate-sim explain t.jsonl --height 12
  quorate-sim explain t.jsonl

Without --height it lists every stretch in which the chain stood still.")]
    Explain(ExplainOptions),
    /// Runs a scenario in two processes and compares everything that happened.
    #[command(
        after_help = "Example:\n  quorate-sim prove scenarios/view-change/leader-crash-7.toml --seed 42"
    )]
    Prove(ProveOptions),
    /// Makes the run of a bundle again and checks that it is the same.
    #[command(after_help = "\
Examples:
  quorate-sim replay failures/twin-42.bundle.json
  quorate-sim replay failures/twin-42.bundle.json --break-at height=12,view=30 --validator n2
  quorate-sim replay failures/twin-42.bundle.json --trace t.jsonl

A trace that is not the one in the bundle is exit 22. Bundles are described in docs/laboratory.md.")]
    Replay(ReplayOptions),
    /// Shows the first thing that two runs do differently.
    #[command(after_help = "\
Examples:
  quorate-sim diff before.jsonl after.jsonl
  quorate-sim diff failures/twin-42.bundle.json t.jsonl

A and B are traces as written by `run --trace`, or bundles, whose runs are made again.
Exit 0 if they are equal, 22 if not.")]
    Diff(DiffOptions),
    /// Runs random mixes of faults within what the protocol tolerates.
    #[command(after_help = "\
Examples:
  quorate-sim swarm --validators 4..11 --budget 10m
  quorate-sim swarm --seeds 0..10000 --shard 3/16 -o swarm-3.jsonl
  quorate-sim swarm --seed 1234
  quorate-sim swarm --seed 1234 --print > swarm-1234.toml

A seed and the range of validators decide a scenario and its run. `merge` puts results together.")]
    Swarm(SwarmOptions),
    /// Runs every schedule of leaders and partitions with validators that run twice.
    #[command(after_help = "\
Examples:
  quorate-sim twins --validators 4 --twins 1 --views 8 --sample 1000
  quorate-sim twins --validators 4 --twins 1 --views 2 --shard 1/4 -o twins-1.jsonl
  quorate-sim twins --views 8 --schedule 123456
  quorate-sim twins --views 8 --schedule 123456 --print > twins.toml

The same command continues a results file; `merge` puts results together.")]
    Twins(TwinsOptions),
    /// Makes a failing run small: fewer faults, lies and validators, less time, less noise.
    #[command(after_help = "\
Examples:
  quorate-sim shrink failures/swarm-1234-1234.bundle.json -o minimal.toml
  quorate-sim shrink failures/swarm-1234-1234.bundle.json -o minimal.toml --budget 2m

What is left fails for the same reason: the same kind of verdict and the same invariant.")]
    Shrink(ShrinkOptions),
    /// Plants bugs in the core, one at a time, and counts the runs until they are found.
    #[command(after_help = "\
Examples:
  cargo grade
  cargo grade --bugs expected --seeds-max 100
  cargo grade --budget 3m --seeds-max 20 -o grade.jsonl

Needs a build with the feature `planted-bugs`, which `cargo grade` makes; see docs/grade.md.
Exit 0 if every bug was found, 26 if not.")]
    Grade(GradeOptions),
    /// Tools around the execution of blocks.
    #[command(subcommand)]
    Exec(ExecCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum ExecCommand {
    /// Runs the block of an execution record again under every scheduler, and compares.
    #[command(after_help = "Example:\n  quorate-sim exec replay mismatch-3f9d5b4c.bin")]
    Replay(RecordOptions),
}

#[derive(Args, Debug)]
pub(super) struct RecordOptions {
    /// A record that a validator or a run left behind when two schedulers differed.
    pub(super) file: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct ListOptions {
    /// A file, or a directory of them.
    #[arg(default_value = "scenarios")]
    pub(super) path: PathBuf,
    /// Lists the verbs of faults and the behaviours of Byzantine validators instead.
    #[arg(long)]
    pub(super) behaviours: bool,
}

#[derive(Args, Debug)]
pub(super) struct NewOptions {
    /// The scenario's name: lower-case letters, digits and hyphens.
    pub(super) name: String,
    /// The directory to write it to.
    #[arg(long, default_value = ".")]
    pub(super) directory: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct PathOptions {
    /// A scenario file, or a directory of them.
    #[arg(value_name = "FILE|DIR")]
    pub(super) path: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct RunArguments {
    /// A scenario file, or a directory of them.
    #[arg(value_name = "SCENARIO|DIR")]
    pub(super) path: PathBuf,
    /// The seed. Unless given, the first of the scenario's own.
    #[arg(long, short)]
    pub(super) seed: Option<u64>,
    /// Writes everything that happened to this file, one JSON object per line.
    #[arg(long, value_name = "FILE")]
    pub(super) trace: Option<PathBuf>,
    /// Draws the run as a picture in this file, as `report` does.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Writes the run to this file in Chrome's trace event format: open it in ui.perfetto.dev.
    #[arg(long, value_name = "FILE")]
    pub(super) perfetto: Option<PathBuf>,
    /// Prints the report as one JSON object per run.
    #[arg(long)]
    pub(super) json: bool,
    /// Prints one line per run, and what to copy if it failed.
    #[arg(long, short, conflicts_with = "json")]
    pub(super) quiet: bool,
    /// Runs once more for every crash point that any validator passes, crashing it there.
    #[arg(long, conflicts_with_all = ["json", "trace", "report", "perfetto"])]
    pub(super) enumerate_crash_points: bool,
    /// With `--json`: adds the observations with these numbers as text.
    #[arg(long, value_name = "A..B", requires = "json", hide = true, value_parser = parse_range)]
    pub(super) window: Option<std::ops::Range<u64>>,
    /// Plants this bug in the core.
    #[cfg(feature = "planted-bugs")]
    #[arg(long, value_name = "BUG", value_parser = parse_bug)]
    pub(super) planted: Option<quorate_core::planted::Bug>,
    /// Crashes one validator at one place, as printed by `--enumerate-crash-points`.
    #[arg(long, value_name = "NODE:POINT:NTH")]
    pub(super) crash_at: Option<String>,
    /// Writes a bundle of each run that fails into this directory, for `replay` and `shrink`. Of
    /// one that breaks something as expected, too.
    #[arg(long, value_name = "DIR")]
    pub(super) bundle: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct SweepOptions {
    /// A scenario file, or a directory of them.
    #[arg(value_name = "FILE|DIR")]
    pub(super) path: PathBuf,
    /// The seeds, the last one excluded. Unless given, each scenario's own.
    #[arg(long, value_name = "A..B", value_parser = parse_range)]
    pub(super) seeds: Option<std::ops::Range<u64>>,
    /// How many runs at once. Unless given, as many as there are processors.
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// Only this part of the runs: the first of sixteen is 1/16.
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    pub(super) shard: Option<Shard>,
    /// Begins no run after this long: 90s, 30m, 2h.
    #[arg(long, value_parser = parse_budget)]
    pub(super) budget: Option<Duration>,
    /// The results, one JSON object per run. Continued if it exists.
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Writes a bundle of each failure into this directory, for `replay` and `shrink`.
    #[arg(long, value_name = "DIR")]
    pub(super) bundle: Option<PathBuf>,
    /// Throws the results file away and begins anew.
    #[arg(long, requires = "output")]
    pub(super) fresh: bool,
    /// Fails (25) unless every one of these situations is reached by some run: `all`, or names as in
    /// `sometimes` of a scenario.
    #[arg(long, value_name = "all|MARK,..", value_parser = parse_marks)]
    pub(super) require_marks: Option<RequiredMarks>,
    #[command(flatten)]
    pub(super) pages: PageOptions,
}

/// Situations that some run has to reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequiredMarks(pub(super) BTreeSet<Mark>);

/// What to make of results beside the counts.
#[derive(Args, Debug)]
pub(super) struct PageOptions {
    /// Draws scenarios and seeds as a page, with what failed, each kind once.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Writes the results as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct MergeOptions {
    /// Results of sweeps.
    #[arg(required = true, value_name = "RESULTS")]
    pub(super) files: Vec<PathBuf>,
    /// Writes all of them here, sorted, none twice. May be one of the files.
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Fails (25) unless every one of these situations is reached by some run: `all`, or names as in
    /// `sometimes` of a scenario.
    #[arg(long, value_name = "all|MARK,..", value_parser = parse_marks)]
    pub(super) require_marks: Option<RequiredMarks>,
    #[command(flatten)]
    pub(super) pages: PageOptions,
}

#[derive(Args, Debug)]
pub(super) struct ReportOptions {
    /// A trace written by `run --trace`, or a scenario to run.
    #[arg(value_name = "TRACE|SCENARIO")]
    pub(super) path: PathBuf,
    /// A second one, drawn below the first on the same time axis.
    #[arg(value_name = "TRACE|SCENARIO")]
    pub(super) other: Option<PathBuf>,
    /// The seed of a scenario. Unless given, the first of its own.
    #[arg(long, short)]
    pub(super) seed: Option<u64>,
    /// The seed of the second scenario. Unless given, that of the first.
    #[arg(long, requires = "other")]
    pub(super) other_seed: Option<u64>,
    /// The page.
    #[arg(long, short, value_name = "FILE", default_value = "report.html")]
    pub(super) output: PathBuf,
    /// A stretch to keep in full where a long run has more messages than a page should hold.
    #[arg(long, value_name = "FROM..TO", value_parser = parse_stretch)]
    pub(super) between: Option<std::ops::Range<u64>>,
    /// Messages kept one by one; of the others the page has counts.
    #[arg(long, value_name = "COUNT", default_value_t = crate::report_html::pack::CROSSINGS_MAX)]
    pub(super) messages_max: usize,
}

#[derive(Args, Debug)]
pub(super) struct ExplainOptions {
    /// A trace written by `run --trace`, or a scenario to run.
    #[arg(value_name = "TRACE|SCENARIO")]
    pub(super) path: PathBuf,
    /// The seed of a scenario. Unless given, the first of its own.
    #[arg(long, short)]
    pub(super) seed: Option<u64>,
    /// The height to explain.
    #[arg(long, value_name = "HEIGHT")]
    pub(super) height: Option<u64>,
}

#[derive(Args, Debug)]
pub(super) struct ProveOptions {
    /// A scenario file, or a directory of them.
    #[arg(value_name = "SCENARIO|DIR")]
    pub(super) path: PathBuf,
    /// The seed. Unless given, the first of the scenario's own.
    #[arg(long, short)]
    pub(super) seed: Option<u64>,
}

/// One of several equal parts of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    /// Which, from 1.
    pub(super) index: u64,
    /// Of how many.
    pub(super) count: u64,
}

pub(super) fn parse_range(text: &str) -> Result<std::ops::Range<u64>, String> {
    const EXPECTED: &str = "expected two numbers such as 0..1000, the second one larger";
    let (start, end) = text.split_once("..").ok_or(EXPECTED)?;
    let start = start.parse::<u64>().map_err(|_| EXPECTED)?;
    let end = match end.strip_prefix('=') {
        Some(last) => last.parse::<u64>().ok().and_then(|last| last.checked_add(1)),
        None => end.parse().ok(),
    };
    match end {
        Some(end) if end > start => Ok(start..end),
        _ => Err(EXPECTED.to_owned()),
    }
}

#[cfg(feature = "planted-bugs")]
pub(super) fn parse_bug(text: &str) -> Result<quorate_core::planted::Bug, String> {
    let bug = quorate_core::planted::Bug::named(text);
    bug.ok_or_else(|| "no bug has this name; docs/grade.md lists them".to_owned())
}

/// Two times of a run, in nanoseconds.
fn parse_stretch(text: &str) -> Result<std::ops::Range<u64>, String> {
    const EXPECTED: &str = "expected two times such as 12s..20s, the second one later";
    let (from, to) = text.split_once("..").ok_or(EXPECTED)?;
    let time = |text: &str| crate::scenario::parse_span(text).map_err(|_| EXPECTED);
    let (from, to) = (time(from)?.nanos(), time(to)?.nanos());
    if from < to { Ok(from..to) } else { Err(EXPECTED.to_owned()) }
}

pub(super) fn parse_shard(text: &str) -> Result<Shard, String> {
    let parsed = text.split_once('/').and_then(|(index, count)| {
        Some(Shard { index: index.parse().ok()?, count: count.parse().ok()? })
    });
    match parsed {
        Some(shard) if shard.index >= 1 && shard.index <= shard.count => Ok(shard),
        _ => Err("expected a part such as 3/16; parts are counted from 1".to_owned()),
    }
}

pub(super) fn parse_marks(text: &str) -> Result<RequiredMarks, String> {
    if text == "all" {
        return Ok(RequiredMarks(every_mark()));
    }
    let mark_of = |name: &str| {
        let known = Mark::ALL.iter().find(|(_, known)| *known == name);
        known.map(|(mark, _)| *mark).ok_or_else(|| format!("there is no mark {name:?}"))
    };
    text.split(',').map(str::trim).map(mark_of).collect::<Result<_, _>>().map(RequiredMarks)
}

pub(super) fn parse_budget(text: &str) -> Result<Duration, String> {
    match crate::scenario::parse_span(text) {
        Ok(span) if span > Span::ZERO => Ok(Duration::from_nanos(span.nanos())),
        _ => Err("expected a duration such as 90s, 30m or 2h".to_owned()),
    }
}
