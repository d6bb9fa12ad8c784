//! `sweep`: many seeds, several at once, in an order that depends on nothing but what was asked.
//!
//! The runs are numbered: the first seed of every scenario, then the second of every scenario, and so
//! on, scenarios by name. A shard is every n-th of them, so what it does is a pure function of the
//! scenarios, the seeds and the shard. Each run has a thread of its own.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    ops::Range,
    sync::{
        Mutex,
        mpsc::{Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    Runner,
    arguments::{Shard, SweepOptions},
    console::{Console, Paint, Stop},
    corpus::{self, Entry},
    progress::Progress,
    results::{self, Key, Row, Sink, Tally},
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
    let build = results::build()?;
    let mut tally = Tally::default();
    let done = continued(options, &build, &mut tally)?;
    let shard = options.shard.unwrap_or(Shard { index: 1, count: 1 });
    let is_open =
        |item: &Item| !done.contains(&(build.clone(), digest_of(&entries, item), item.seed));
    let open: Vec<Item> = plan(&entries, options.seeds.as_ref(), shard).filter(is_open).collect();
    let total = u64::try_from(open.len()).unwrap_or(u64::MAX);
    let mut sink = match &options.output {
        None => Sink::nowhere(),
        Some(path) => Sink::append(path)
            .map_err(|error| Stop::file(format_args!("cannot write {}", path.display()), &error))?,
    };
    let jobs = options.jobs.map_or_else(processors, usize::from);
    if !done.is_empty() {
        writeln!(console.err, "{} runs are done already, {total} are left", done.len())?;
    }

    let mut progress = Progress::new(total, console.live);
    let paint = Paint(console.paint);
    let mut told: BTreeSet<(String, String, String)> = BTreeSet::new();
    let queue = Queue::new(&open, options.budget);
    let mut finished = 0_u64;
    let outcome = thread::scope(|scope| {
        let (sender, receiver) = channel();
        for _ in 0..jobs {
            let sender = sender.clone();
            let (entries, queue, build) = (&entries, &queue, build.as_str());
            scope.spawn(move || work(entries, queue, build, runner, &sender));
        }
        drop(sender);
        for row in receiver {
            finished += 1;
            let step = sink
                .push(&row)
                .map_err(|error| Stop::file("cannot write the results", &error))
                .and_then(|()| {
                    let kind = (row.scenario.clone(), row.verdict.clone(), row.signature.clone());
                    if row.code != 0 && told.insert(kind) {
                        progress.suspend(|| tell_failure(&row, console.out, paint))?;
                    }
                    Ok(())
                });
            if let Err(stop) = step {
                // The workers end with the run they are at.
                queue.close();
                return Err(stop);
            }
            progress.advance(&row.verdict, row.code == 0, console.err);
            tally.add(row);
        }
        Ok(())
    });
    progress.finish();
    outcome?;
    writeln!(console.out)?;
    tally.show(console.out, paint)?;
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
    Ok(tally.code())
}

fn digest_of(entries: &[Entry], item: &Item) -> String {
    entries[item.entry].digest.to_string()
}

/// The runs that an existing results file has. Those of another build are no answer.
fn continued(
    options: &SweepOptions,
    build: &str,
    tally: &mut Tally,
) -> Result<BTreeSet<Key>, Stop> {
    let Some(path) = options.output.as_ref().filter(|path| path.exists()) else {
        return Ok(BTreeSet::new());
    };
    if options.fresh {
        fs::remove_file(path).map_err(|error| {
            Stop::file(format_args!("cannot remove {}", path.display()), &error)
        })?;
        return Ok(BTreeSet::new());
    }
    let mut done = BTreeSet::new();
    for row in results::read(path)? {
        if row.build != build {
            return Err(Stop::Usage(format!(
                "{} has results of another build; give another file, or --fresh to begin anew",
                path.display()
            )));
        }
        done.insert(row.key());
        tally.add(row);
    }
    Ok(done)
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// What is left to run.
struct Queue<'a> {
    items: Mutex<std::slice::Iter<'a, Item>>,
    begun: Instant,
    budget: Option<Duration>,
}

impl<'a> Queue<'a> {
    fn new(items: &'a [Item], budget: Option<Duration>) -> Self {
        Self { items: Mutex::new(items.iter()), begun: Instant::now(), budget }
    }

    fn take(&self) -> Option<Item> {
        if self.budget.is_some_and(|budget| self.begun.elapsed() >= budget) {
            return None;
        }
        // A worker never panics while it holds the lock.
        self.items.lock().ok()?.next().copied()
    }

    fn close(&self) {
        if let Ok(mut items) = self.items.lock() {
            *items = [].iter();
        }
    }
}

fn work(entries: &[Entry], queue: &Queue<'_>, build: &str, runner: Runner, sender: &Sender<Row>) {
    while let Some(item) = queue.take() {
        let entry = &entries[item.entry];
        // A thread of its own: a run leaves nothing behind on the thread for the next one.
        let report = thread::scope(|scope| {
            scope.spawn(|| runner(&entry.scenario, item.seed, &RunOptions::default())).join()
        });
        let report = report.unwrap_or_else(|_| {
            crate::report::RunReport::infrastructure(
                &entry.scenario,
                item.seed,
                "the simulator panicked".to_owned(),
            )
        });
        if sender.send(Row::new(build, entry, &report)).is_err() {
            return;
        }
    }
}

/// The first failure of its kind, at once.
fn tell_failure(row: &Row, out: &mut dyn Write, paint: Paint) -> std::io::Result<()> {
    writeln!(
        out,
        "{} {} seed {}: {}\n  replay: {}",
        paint.by_code(row.code, &row.verdict),
        row.scenario,
        row.seed,
        row.detail,
        row.replay()
    )
}
