//! `sweep`: many seeds, several at once, in an order that depends on nothing but what was asked.
//!
//! The runs are numbered: the first seed of every scenario, then the second of every scenario, and so
//! on, scenarios by name. A shard is every n-th of them, so what it does is a pure function of the
//! scenarios, the seeds and the shard.

use std::{collections::BTreeSet, ops::Range};

use super::{
    Runner,
    arguments::{Shard, SweepOptions},
    console::{Console, Paint, Stop},
    corpus::{self, Entry},
    crew, graver, keep,
    progress::Progress,
    results::{self, Row, Sink, Tally},
};
use crate::report::RunOptions;

/// One run of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// The place of its scenario among the entries.
    pub(super) entry: usize,
    /// Its seed.
    pub(super) seed: u64,
}

/// Every run of a shard, in order.
pub(super) fn plan(
    entries: &[Entry],
    seeds: Option<&Range<u64>>,
    shard: Shard,
) -> impl Iterator<Item = Item> {
    let ranges: Vec<Range<u64>> = entries
        .iter()
        .map(|entry| match seeds {
            Some(seeds) => seeds.clone(),
            None => {
                let own = entry.scenario.run.seeds;
                own.start..own.start.saturating_add(own.count)
            }
        })
        .collect();
    let rounds = ranges.iter().map(|range| range.end - range.start).max().unwrap_or(0);
    (0..rounds)
        .flat_map(move |round| {
            let seed_of = |range: &Range<u64>| {
                Some(range.start.checked_add(round)?).filter(|seed| *seed < range.end)
            };
            let items: Vec<Item> = ranges
                .iter()
                .enumerate()
                .filter_map(|(entry, range)| Some(Item { entry, seed: seed_of(range)? }))
                .collect();
            items
        })
        .zip(0_u64..)
        .filter(move |(_, number)| number % shard.count == shard.index - 1)
        .map(|(item, _)| item)
}

pub(super) fn sweep(
    options: &SweepOptions,
    runner: Runner,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let entries = corpus::load(&options.path)?;
    let build = results::build();
    let mut tally = Tally::default();
    let output = options.output.as_deref();
    let done = results::continued(output, options.fresh, &build, &mut tally)?;
    let shard = options.shard.unwrap_or(Shard { index: 1, count: 1 });
    let is_open =
        |item: &Item| !done.contains(&(build.clone(), digest_of(&entries, item), item.seed));
    let open: Vec<Item> = plan(&entries, options.seeds.as_ref(), shard).filter(is_open).collect();
    let total = u64::try_from(open.len()).unwrap_or(u64::MAX);
    let mut sink = Sink::to(options.output.as_deref())?;
    if !done.is_empty() {
        writeln!(console.err, "{} runs are done already, {total} are left", done.len())?;
    }

    let mut progress = Progress::of(Some(total), console.live);
    let paint = Paint(console.paint);
    let mut told: BTreeSet<(String, String, String)> = BTreeSet::new();
    let mut finished = 0_u64;
    let make = |item: Item| {
        let entry = &entries[item.entry];
        let report = crew::run_apart(runner, &entry.scenario, item.seed, &RunOptions::default());
        let mut row = Row::new(&build, entry, &report);
        if let Some(directory) = options.bundle.as_ref().filter(|_| row.code != 0) {
            row.bundle = Some(keep::write(directory, entry, None, &report, None)?);
        }
        Ok(row)
    };
    let threads = crew::threads(options.jobs);
    let outcome = crew::work(open.into_iter(), threads, options.budget, &make, |row| {
        finished += 1;
        sink.push(&row).map_err(|error| Stop::file("cannot write the results", &error))?;
        let kind = (row.scenario.clone(), row.verdict.clone(), row.signature.clone());
        if row.code != 0 && told.insert(kind) {
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
    let wanted = options.require_marks.as_ref().map(|required| &required.0);
    let missing = tally.demand(wanted, console.out, paint)?;
    tally.write_pages(&options.pages)?;
    if finished < total {
        writeln!(
            console.out,
            "\n{} the budget is over: {} of {total} runs were not begun{}",
            paint.warning("incomplete:"),
            total - finished,
            if options.output.is_some() { "; the same command continues" } else { "" },
        )?;
    }
    Ok(graver(tally.code(), missing))
}

fn digest_of(entries: &[Entry], item: &Item) -> String {
    entries[item.entry].digest.to_string()
}
