//! `grade`: plants one bug after the other and counts the runs until each is found.
//!
//! A bug counts as found by a scenario and a seed only if the same scenario and seed hold on the core as
//! it is: what fails anyway finds nothing. Only in a build that has bugs to plant; `ungraded.rs` stands
//! for it in all others.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write as _,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use quorate_core::planted::Bug;
use serde_json::json;

use super::{
    Runner,
    arguments_lab::GradeOptions,
    console::{Console, Paint, Stop},
    corpus::{self, Entry, quote},
    crew,
    progress::Spinner,
};
use crate::{
    lab::{grade as catalogue, signature},
    report::{RunOptions, RunReport, Verdict},
    scenario::Scenario,
};

/// The exit code if a bug was not found.
const NOT_FOUND: u8 = 26;

/// What came of one bug.
struct Grade {
    bug: Bug,
    /// Runs made with it.
    runs: u64,
    wall: Duration,
    outcome: Outcome,
}

enum Outcome {
    Found {
        scenario: String,
        seed: u64,
        signature: String,
        replay: String,
    },
    /// Every seed was tried.
    NotFound,
    /// There was no time to try them all.
    OutOfTime,
}

impl Grade {
    fn is_found(&self) -> bool {
        matches!(self.outcome, Outcome::Found { .. })
    }
}

/// What every search needs.
struct Search<'a> {
    entries: BTreeMap<String, Entry>,
    seeds_max: u64,
    deadline: Option<Instant>,
    runner: Runner,
    runs: &'a AtomicU64,
}

pub(super) fn grade(
    options: &GradeOptions,
    runner: Runner,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let bugs = chosen(&options.bugs)?;
    let entries = corpus::load(&options.scenarios)?;
    let entries = entries.into_iter().map(|entry| (entry.scenario.name.clone(), entry)).collect();
    let begun = Instant::now();
    let runs = AtomicU64::new(0);
    let deadline = options.budget.map(|budget| begun + budget);
    let search = Search { entries, seeds_max: options.seeds_max, deadline, runner, runs: &runs };
    for bug in &bugs {
        search.check_scenarios(*bug)?;
    }
    let mut sink = match &options.output {
        None => None,
        Some(path) => {
            let failed =
                |error| Stop::file(format_args!("cannot write {}", path.display()), &error);
            Some(File::create(path).map_err(failed)?)
        }
    };
    let mut spinner = Spinner::new(console.live);
    let mut grades: Vec<Grade> = Vec::new();
    let count = bugs.len();
    let make = |bug: Bug| Ok(search.grade(bug));
    crew::work(bugs.iter().copied(), crew::threads(options.jobs), None, &make, |grade| {
        if let Some(sink) = &mut sink {
            let failed = |error| Stop::file("cannot write the results", &error);
            writeln!(sink, "{}", line(&grade)).map_err(failed)?;
        }
        grades.push(grade);
        let found = grades.iter().filter(|grade| grade.is_found()).count();
        let (done, runs) = (grades.len(), runs.load(Ordering::Relaxed));
        let seconds = begun.elapsed().as_secs();
        let text = format!("{done}/{count} bugs, {found} found, {runs} runs, {seconds} s");
        spinner.show(&text, console.err);
        Ok(())
    })?;
    spinner.finish();
    grades.sort_by_key(|grade| grade.bug);
    show(&grades, begun.elapsed(), console)?;
    Ok(if grades.iter().all(Grade::is_found) { 0 } else { NOT_FOUND })
}

fn chosen(names: &[String]) -> Result<Vec<Bug>, Stop> {
    if names.iter().any(|name| name == "all") {
        return Ok(Bug::ALL.to_vec());
    }
    if names.iter().any(|name| name == "expected") {
        let seen = |bug: &Bug| catalogue::blind_spot(*bug).is_none();
        return Ok(Bug::ALL.iter().copied().filter(seen).collect());
    }
    let named = |name: &String| {
        let bug = Bug::named(name);
        bug.ok_or_else(|| Stop::Usage(format!("no bug is called `{name}`; see docs/grade.md")))
    };
    names.iter().map(named).collect()
}

impl Search<'_> {
    fn check_scenarios(&self, bug: Bug) -> Result<(), Stop> {
        let missing = |name: &&str| *name != catalogue::SWARM && !self.entries.contains_key(*name);
        match catalogue::scenarios(bug).into_iter().find(missing) {
            None => Ok(()),
            Some(name) => Err(Stop::Usage(format!(
                "there is no scenario `{name}` for {}; name the folder with --scenarios",
                bug.name()
            ))),
        }
    }

    /// Looks for a bug: each seed with each scenario, until a run shows it.
    fn grade(&self, bug: Bug) -> Grade {
        let begun = Instant::now();
        let mut runs = 0;
        let outcome = self.look_for(bug, &mut runs);
        Grade { bug, runs, wall: begun.elapsed(), outcome }
    }

    fn look_for(&self, bug: Bug, runs: &mut u64) -> Outcome {
        let names = catalogue::scenarios(bug);
        for seed in 1..=self.seeds_max {
            for name in &names {
                if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    return Outcome::OutOfTime;
                }
                let random;
                let scenario = match self.entries.get(*name) {
                    Some(entry) => &entry.scenario,
                    None => {
                        random = catalogue::random(seed);
                        &random
                    }
                };
                *runs += 1;
                let report = self.run(scenario, seed, Some(bug));
                if catalogue::is_found(&report) && self.holds(scenario, seed) {
                    return Outcome::Found {
                        scenario: (*name).to_owned(),
                        seed,
                        signature: signature(&report),
                        replay: self.replay(name, seed, bug),
                    };
                }
            }
        }
        Outcome::NotFound
    }

    /// Whether the core as it is passes this run.
    fn holds(&self, scenario: &Scenario, seed: u64) -> bool {
        self.run(scenario, seed, None).verdict == Verdict::Held
    }

    fn run(&self, scenario: &Scenario, seed: u64, planted: Option<Bug>) -> RunReport {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let options = RunOptions { planted, ..RunOptions::default() };
        crew::run_apart(self.runner, scenario, seed, &options)
    }

    /// The line that makes the run again.
    fn replay(&self, name: &str, seed: u64, bug: Bug) -> String {
        let sim = "cargo run --release -q -p quorate-sim --features planted-bugs -- run";
        let bug = bug.name();
        match self.entries.get(name) {
            Some(entry) => {
                let file = quote(&entry.path.display().to_string());
                format!("{sim} {file} --seed {seed} --planted {bug}")
            }
            None => format!(
                "cargo sim swarm --seed {seed} --print > swarm-{seed}.toml && \
                 {sim} swarm-{seed}.toml --seed {seed} --planted {bug}"
            ),
        }
    }
}

fn line(grade: &Grade) -> serde_json::Value {
    let Grade { bug, runs, wall, outcome } = grade;
    let wall_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
    let mut line = json!({
        "bug": bug.name(), "area": bug.area().name(), "about": bug.about(),
        "found": grade.is_found(), "runs": runs, "wall_ms": wall_ms,
    });
    if let Outcome::Found { scenario, seed, signature, replay } = outcome {
        line["scenario"] = json!(scenario);
        line["seed"] = json!(seed);
        line["signature"] = json!(signature);
        line["replay"] = json!(replay);
    }
    line
}

fn show(grades: &[Grade], wall: Duration, console: &mut Console<'_>) -> Result<(), Stop> {
    let paint = Paint(console.paint);
    let out = &mut *console.out;
    writeln!(
        out,
        "{:<11} {:<26} {:>5} {:>8}  {:<32} by",
        "area", "bug", "runs", "seconds", "found in"
    )?;
    for grade in grades {
        let Grade { bug, runs, wall, outcome } = grade;
        let (area, name) = (bug.area().name(), bug.name());
        let tenths = wall.as_millis() / 100;
        let seconds = format!("{}.{}", tenths / 10, tenths % 10);
        let (place, by) = match outcome {
            Outcome::Found { scenario, seed, signature, .. } => {
                (format!("{scenario} seed {seed}"), signature.clone())
            }
            Outcome::NotFound => {
                let why = catalogue::blind_spot(*bug).map(|why| format!(": {why}"));
                ("-".to_owned(), paint.bad("NOT FOUND") + &why.unwrap_or_default())
            }
            Outcome::OutOfTime => ("-".to_owned(), paint.bad("NOT FOUND in the time given")),
        };
        writeln!(out, "{area:<11} {name:<26} {runs:>5} {seconds:>8}  {place:<32} {by}")?;
    }
    let found = grades.iter().filter(|grade| grade.is_found()).count();
    let mut runs: Vec<u64> =
        grades.iter().filter(|grade| grade.is_found()).map(|grade| grade.runs).collect();
    runs.sort_unstable();
    let median = runs.get(runs.len() / 2).copied().unwrap_or(0);
    let first = runs.iter().filter(|runs| **runs == 1).count();
    writeln!(
        out,
        "\n{found} of {} bugs found, {first} by the first run, median {median} runs, {} s in all",
        grades.len(),
        wall.as_secs()
    )?;
    Ok(())
}
