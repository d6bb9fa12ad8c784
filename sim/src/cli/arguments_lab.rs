//! What can be typed behind the commands of the laboratory.

use std::{ops::Range, path::PathBuf, time::Duration};

use clap::Args;

use super::arguments::{Shard, parse_budget, parse_range, parse_shard};

#[derive(Args, Debug)]
pub(super) struct ReplayOptions {
    /// A bundle, as written by `run`, `sweep`, `swarm` and `twins`; or a capture of a real node, as `quorate capture
    /// export` writes it.
    pub(super) bundle: PathBuf,
    /// Prints one line, and what to copy if it failed.
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// Writes everything that happened to this file, one JSON object per line.
    #[arg(long, value_name = "FILE")]
    pub(super) trace: Option<PathBuf>,
    /// Stops where a validator has come this far, and prints its state: height=12,view=3,time=5s,
    /// any of them.
    #[arg(long, value_name = "PLACE")]
    pub(super) break_at: Option<String>,
    /// The validator to stop at: n2, or n2' for its twin. Unless given, the first that comes so far.
    #[arg(long, value_name = "NODE", requires = "break_at")]
    pub(super) validator: Option<String>,
    /// Prints everything in the replica.
    #[arg(long, requires = "break_at")]
    pub(super) full: bool,
    /// Tries even if another build made the bundle or the capture.
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Args, Debug)]
pub(super) struct DiffOptions {
    /// A trace, or a bundle.
    #[arg(value_name = "A")]
    pub(super) one: PathBuf,
    /// Another one.
    #[arg(value_name = "B")]
    pub(super) other: PathBuf,
    /// Tries even if another build made a bundle.
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Args, Debug)]
pub(super) struct SwarmOptions {
    /// How many validators, the last number excluded; drawn for each seed.
    #[arg(long, value_name = "A..B", value_parser = parse_range)]
    pub(super) validators: Option<Range<u64>>,
    /// Begins no run after this long: 90s, 10m, 2h. With it alone the seeds never end.
    #[arg(long, value_parser = parse_budget)]
    pub(super) budget: Option<Duration>,
    /// The seeds, the last one excluded. Unless given: 0..100, or with a budget as many as fit.
    #[arg(long, value_name = "A..B", value_parser = parse_range)]
    pub(super) seeds: Option<Range<u64>>,
    /// Only this seed, told in full.
    #[arg(long, short, conflicts_with_all = ["seeds", "budget", "shard", "output", "jobs"])]
    pub(super) seed: Option<u64>,
    /// With `--seed`: prints the scenario and runs nothing.
    #[arg(long, requires = "seed")]
    pub(super) print: bool,
    /// Only this part of the seeds: the first of sixteen is 1/16.
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    pub(super) shard: Option<Shard>,
    /// How many runs at once. Unless given, as many as there are processors.
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// The results, one JSON object per run, for `merge`. Continued if it exists.
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Where the scenario and the bundle of each failure go.
    #[arg(long, value_name = "DIR", default_value = "failures")]
    pub(super) bundle: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct ShrinkOptions {
    /// A bundle of a run that went wrong.
    pub(super) bundle: PathBuf,
    /// The small scenario.
    #[arg(long, short, value_name = "FILE", default_value = "minimal.toml")]
    pub(super) output: PathBuf,
    /// Tries nothing more after this long; two minutes unless given.
    #[arg(long, value_parser = parse_budget)]
    pub(super) budget: Option<Duration>,
    /// Tries nothing more after so many runs. If no time is over before, the same bundle comes to the
    /// same scenario on every machine.
    #[arg(long, value_name = "COUNT")]
    pub(super) attempts: Option<usize>,
    /// How many runs at once. Unless given, as many as there are processors. What comes out is the same.
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// Tries even if another build made the bundle.
    #[arg(long)]
    pub(super) force: bool,
    /// Plants the bug that the bundle's run had: a bundle does not say.
    #[cfg(feature = "planted-bugs")]
    #[arg(long, value_name = "BUG", value_parser = super::arguments::parse_bug)]
    pub(super) planted: Option<quorate_core::planted::Bug>,
}

#[derive(Args, Debug)]
pub(super) struct TwinsOptions {
    /// How many validators.
    #[arg(long, default_value_t = 4)]
    pub(super) validators: u32,
    /// How many of them run twice on one key: fewer than a third.
    #[arg(long, default_value_t = 1)]
    pub(super) twins: u32,
    /// How many views have a split of their own; then everything is healed.
    #[arg(long, default_value_t = 8)]
    pub(super) views: u32,
    /// The most groups in a split.
    #[arg(long, default_value_t = 2)]
    pub(super) groups: u8,
    /// The seed of every run, and what a sample is drawn by.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Only so many schedules, drawn by the seed.
    #[arg(long, value_name = "COUNT")]
    pub(super) sample: Option<u64>,
    /// Only this schedule, told in full.
    #[arg(
        long,
        value_name = "NUMBER",
        conflicts_with_all = ["sample", "budget", "shard", "output", "jobs"]
    )]
    pub(super) schedule: Option<u64>,
    /// With `--schedule`: prints the scenario and runs nothing.
    #[arg(long, requires = "schedule")]
    pub(super) print: bool,
    /// Only this part of the schedules: the first of sixteen is 1/16.
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    pub(super) shard: Option<Shard>,
    /// How many runs at once. Unless given, as many as there are processors.
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// Begins no run after this long: 90s, 10m, 2h.
    #[arg(long, value_parser = parse_budget)]
    pub(super) budget: Option<Duration>,
    /// The results, one JSON object per run, for `merge`. Continued if it exists.
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Where the scenario and the bundle of each failure go.
    #[arg(long, value_name = "DIR", default_value = "failures")]
    pub(super) bundle: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct GradeOptions {
    /// Which bugs: names with commas between them, all, or those that are expected to be found.
    #[arg(long, value_name = "all|expected|NAME,..", default_value = "all", value_delimiter = ',')]
    pub(super) bugs: Vec<String>,
    /// Gives up on a bug that was not found by any of its scenarios with so many seeds.
    #[arg(long, value_name = "COUNT", default_value_t = 2_000)]
    pub(super) seeds_max: u64,
    /// Begins no run after this long: 90s, 10m, 2h. What was not found by then is not found.
    #[arg(long, value_parser = parse_budget)]
    pub(super) budget: Option<Duration>,
    /// How many runs at once. Unless given, as many as there are processors.
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// The results, one JSON object per bug.
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Where the scenarios are.
    #[arg(long, value_name = "DIR", default_value = "scenarios")]
    pub(super) scenarios: PathBuf,
}
