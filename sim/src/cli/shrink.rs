//! `shrink`: the run of a bundle, made as small as it can be while it fails for the same reason.

use std::{
    fs,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    Runner,
    account::{counted, seconds},
    arguments_lab::ShrinkOptions,
    console::{Console, Paint, Stop},
    corpus::quote,
    crew, keep,
    progress::Spinner,
    replay, results,
};
use crate::{
    lab::{
        shrink::{Attempt, Bench, Candidate, Search, Shrinker, Size},
        signature::HELD,
    },
    report::RunOptions,
    run::CallOff,
    scenario::SeedRange,
};

/// Characters of the longest name a scenario can have.
const NAME_MAX: usize = 64;

/// How long it looks unless told otherwise: with the run it is at then, it is done in two minutes.
const BUDGET: Duration = Duration::from_secs(110);

/// Makes runs until the budget is over, and says how far it is.
struct Workbench<'a> {
    runner: Runner,
    options: RunOptions,
    threads: usize,
    begun: Instant,
    budget: Duration,
    attempts: usize,
    attempts_max: usize,
    size: Size,
    spinner: Spinner,
    err: &'a mut dyn Write,
}

impl Workbench<'_> {
    fn is_over(&self) -> bool {
        self.begun.elapsed() >= self.budget || self.attempts >= self.attempts_max
    }
}

impl Bench for Workbench<'_> {
    /// Runs are begun in their order, and those behind one that is known to fail as wanted are called
    /// off, so the first is the same however many are made at once. Only those up to it are counted.
    fn first(&mut self, candidates: &[Candidate], wanted: &str) -> Search {
        let left = self.attempts_max.saturating_sub(self.attempts);
        let within = &candidates[..candidates.len().min(left)];
        let first = Arc::new(AtomicUsize::new(usize::MAX));
        let jobs = (0..).zip(within).take_while(|(place, _)| *place < first.load(Ordering::SeqCst));
        let (runner, options) = (self.runner, &self.options);
        let make = |(place, one): (usize, &Candidate)| {
            let call_off = Some(CallOff::new(&first, place));
            let options = RunOptions { call_off, ..options.clone() };
            let report = crew::run_apart(runner, &one.scenario, one.seed, &options);
            let attempt = Attempt::of(&report);
            if attempt.signature == wanted {
                first.fetch_min(place, Ordering::SeqCst);
            }
            Ok((place, attempt))
        };
        let time = self.budget.saturating_sub(self.begun.elapsed());
        let mut done = 0;
        let mut found: Option<(usize, Attempt)> = None;
        let (spinner, err, before, size) =
            (&mut self.spinner, &mut *self.err, self.attempts, words(&self.size));
        let outcome = crew::work(jobs, self.threads, Some(time), &make, |(place, attempt)| {
            done += 1;
            spinner.show(&format!("{} runs, {size}", before + done), err);
            if attempt.signature == wanted
                && found.as_ref().is_none_or(|(earlier, _)| place < *earlier)
            {
                found = Some((place, attempt));
            }
            Ok(())
        });
        match (outcome, found) {
            (Ok(()), Some((place, attempt))) => {
                self.attempts += place + 1;
                Search::Found(place, attempt)
            }
            (Ok(()), None) if done == candidates.len() => {
                self.attempts += done;
                Search::Nothing
            }
            _ => {
                self.attempts += done;
                Search::Exhausted
            }
        }
    }

    fn found(&mut self, best: &Candidate) {
        self.size = Size::of(&best.scenario);
    }
}

fn words(size: &Size) -> String {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    format!(
        "{}, {}, {}, {}",
        counted(count(size.faults), "fault", "faults"),
        counted(count(size.behaviours), "behaviour", "behaviours"),
        counted(u64::from(size.validators), "validator", "validators"),
        seconds(size.max_time),
    )
}

pub(super) fn shrink(
    options: &ShrinkOptions,
    runner: Runner,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let (bundle, scenario) = keep::read(&options.bundle)?;
    replay::check_build(&bundle, options.force)?;
    let wanted = RunOptions {
        crash_at: bundle.crash(&scenario),
        #[cfg(feature = "planted-bugs")]
        planted: options.planted,
        ..RunOptions::default()
    };
    let begun = Instant::now();
    let first = Attempt::of(&crew::run_apart(runner, &scenario, bundle.seed, &wanted));
    if first.signature != bundle.outcome.signature {
        return Err(Stop::Usage(format!(
            "the run of the bundle ends with {}, not with {} as recorded: `replay` says more",
            first.signature, bundle.outcome.signature
        )));
    }
    if first.signature == HELD {
        return Err(Stop::Usage("nothing is wrong in the run of the bundle".to_owned()));
    }
    let before = Size::of(&scenario);
    let mut bench = Workbench {
        runner,
        options: wanted.clone(),
        threads: crew::threads(options.jobs),
        begun,
        budget: options.budget.unwrap_or(BUDGET),
        attempts: 0,
        attempts_max: options.attempts.unwrap_or(usize::MAX),
        size: before,
        spinner: Spinner::new(console.live),
        err: console.err,
    };
    let name = scenario.name.clone();
    let reason = first.signature.clone();
    let whole = Candidate { scenario, seed: bundle.seed };
    let Candidate { scenario: mut small, seed } = Shrinker::new(&mut bench, whole, first).shrink();
    let (attempts, is_over) = (bench.attempts, bench.is_over());
    bench.spinner.finish();

    small.name = name.chars().take(NAME_MAX - "-minimal".len()).collect::<String>() + "-minimal";
    small.about =
        format!("Made small by shrink from {name}, seed {}: fails with {reason}.", bundle.seed);
    small.run.seeds = SeedRange { start: seed, count: 1 };
    let last = crew::run_apart(runner, &small, seed, &wanted);
    let file = quote(&options.output.display().to_string());
    let crash = bundle.crash_at.as_ref().map_or_else(String::new, |crash| {
        quote(&format!("{}:vote.{}:{}", crash.node, crash.point, crash.nth))
    });
    let crash = if crash.is_empty() { crash } else { format!(" --crash-at {crash}") };
    let again = format!("cargo sim run {file} --seed {seed}{crash}");
    // What was expected is no news to the verdict.
    let detail = match results::detail_of(&last.verdict) {
        detail if detail.is_empty() => reason.clone(),
        detail => detail,
    };
    let text = format!("# {detail}\n# Replay: {again}\n{}", small.to_toml());
    fs::write(&options.output, &text).map_err(|error| {
        Stop::file(format_args!("cannot write {}", options.output.display()), &error)
    })?;
    let paint = Paint(console.paint);
    writeln!(
        console.out,
        "{}  {} after {} in {} s",
        paint.strong(&reason),
        paint.good("smaller"),
        counted(u64::try_from(attempts).unwrap_or(u64::MAX), "run", "runs"),
        begun.elapsed().as_secs()
    )?;
    writeln!(console.out, "  from {}\n  to   {}", words(&before), words(&Size::of(&small)))?;
    if seed != bundle.seed {
        writeln!(console.out, "  with seed {seed} in place of {}", bundle.seed)?;
    }
    if is_over {
        writeln!(
            console.out,
            "{} the budget is over; there may be smaller ones",
            paint.warning("note:")
        )?;
    }
    writeln!(console.out, "wrote {file}\nreplay: {again}")?;
    Ok(0)
}
