//! Many numbered scenarios that no file says: what `swarm` and `twins` have in common.
//!
//! A number decides a scenario and its run, so a shard is every n-th number and its results are merged
//! as those of a sweep. Of every failure a scenario file and a bundle are kept.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Runner, account,
    arguments::Shard,
    console::{Console, Paint, Stop},
    corpus::{Entry, quote},
    crew, keep,
    progress::Progress,
    replay,
    results::{self, Row, Sink, Tally},
};
use crate::{
    lab::{signature, signature::HELD},
    report::{RunOptions, RunReport},
    scenario::Scenario,
};

/// Scenarios by number.
pub(super) struct Campaign<'a> {
    /// What all its rows are called.
    pub(super) name: &'static str,
    /// The scenario with a number and the seed to run it with.
    pub(super) make: &'a (dyn Fn(u64) -> (Scenario, u64) + Sync),
    /// Where the scenario and the bundle of each failure go.
    pub(super) bundle: &'a Path,
}

/// Which numbers, how many at once, for how long, and where the results go.
pub(super) struct Share<'a> {
    pub(super) shard: Option<Shard>,
    pub(super) jobs: Option<u16>,
    pub(super) budget: Option<Duration>,
    pub(super) output: Option<&'a Path>,
}

impl Campaign<'_> {
    /// Runs all numbers of a share. `total` is how many numbers there are, if somebody knows.
    pub(super) fn run(
        &self,
        numbers: impl Iterator<Item = u64> + Send,
        total: Option<u64>,
        share: &Share<'_>,
        runner: Runner,
        console: &mut Console<'_>,
    ) -> Result<u8, Stop> {
        let build = results::build();
        let mut tally = Tally::default();
        let done = results::continued(share.output, false, &build, &mut tally)?;
        let done: BTreeSet<u64> = done.into_iter().map(|(_, _, number)| number).collect();
        let shard = share.shard.unwrap_or(Shard { index: 1, count: 1 });
        let mine = numbers
            .zip(0_u64..)
            .filter(|(_, place)| place % shard.count == shard.index - 1)
            .map(|(number, _)| number)
            .filter(|number| !done.contains(number));
        let known = u64::try_from(done.len()).unwrap_or(u64::MAX);
        let total = total.map(|total| total.div_ceil(shard.count).saturating_sub(known));
        let mut sink = Sink::to(share.output)?;
        let mut progress = Progress::of(total, console.live);
        let paint = Paint(console.paint);
        let make = |number: u64| {
            let (entry, seed) = self.entry(number);
            let report = crew::run_apart(runner, &entry.scenario, seed, &RunOptions::default());
            let mut row = Row::new(&build, &entry, &report);
            row.scenario = self.name.to_owned();
            row.seed = number;
            if signature(&report) != HELD {
                let (_, bundle) = self.keep(&entry, &report)?;
                row.bundle = Some(bundle);
            }
            Ok(row)
        };
        let mut told = BTreeSet::new();
        let threads = crew::threads(share.jobs);
        let outcome = crew::work(mine, threads, share.budget, &make, |row| {
            sink.push(&row).map_err(|error| Stop::file("cannot write the results", &error))?;
            if row.code != 0 && told.insert((row.verdict.clone(), row.signature.clone())) {
                progress.suspend(|| results::tell_failure(&row, console.out, paint))?;
            }
            progress.advance(&row.verdict, row.code == 0, console.err);
            tally.add(row);
            Ok(())
        });
        progress.finish();
        outcome?;
        writeln!(console.out)?;
        tally.show(console.out, paint)?;
        if tally.code() != 0 {
            let folder = quote(&self.bundle.display().to_string());
            writeln!(
                console.out,
                "\nnext: cargo sim shrink BUNDLE -o minimal.toml, with a bundle in {folder}"
            )?;
        }
        Ok(tally.code())
    }

    /// Runs one number and tells it in full, or prints its scenario. `again` makes the run again if
    /// nothing is wrong with it.
    pub(super) fn one(
        &self,
        number: u64,
        print: bool,
        again: &str,
        runner: Runner,
        console: &mut Console<'_>,
    ) -> Result<u8, Stop> {
        let (entry, seed) = self.entry(number);
        if print {
            console.out.write_all(entry.scenario.to_toml().as_bytes())?;
            return Ok(0);
        }
        let report = crew::run_apart(runner, &entry.scenario, seed, &RunOptions::default());
        let again = if signature(&report) == HELD {
            again.to_owned()
        } else {
            let (file, bundle) = self.keep(&entry, &report)?;
            writeln!(console.err, "the scenario is in {}", quote(&file))?;
            replay::replay_line(bundle.as_ref())
        };
        account::show(&entry, &report, &again, console.out, Paint(console.paint))?;
        Ok(report.verdict.exit_code())
    }

    /// The scenario of a number as if it came from a file, and its seed.
    fn entry(&self, number: u64) -> (Entry, u64) {
        let (scenario, seed) = (self.make)(number);
        let path = PathBuf::from(format!("{}.toml", scenario.name));
        let digest = scenario.digest();
        (Entry { path, scenario, digest }, seed)
    }

    /// Writes the scenario as a file that can be read and run, and the bundle. Their paths.
    fn keep(&self, entry: &Entry, report: &RunReport) -> Result<(String, String), Stop> {
        let bundle = keep::write(self.bundle, entry, None, report, None)?;
        let file = self.bundle.join(&entry.path);
        let name = file.display().to_string();
        let head = format!(
            "# {}\n# Replay: cargo sim run {} --seed {}\n",
            results::detail_of(&report.verdict),
            quote(&name),
            report.seed
        );
        fs::write(&file, head + &entry.scenario.to_toml())
            .map_err(|error| Stop::file(format_args!("cannot write {name}"), &error))?;
        Ok((name, bundle))
    }
}
