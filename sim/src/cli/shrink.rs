//! `shrink`: the run of a bundle, made as small as it can be while it fails for the same reason.

use std::{
    fs,
    io::Write,
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
    replay,
};
use crate::{
    lab::{
        shrink::{Attempt, Bench, Shrinker, Size},
        signature::HELD,
    },
    report::RunOptions,
    scenario::{Scenario, SeedRange},
};

/// Characters of the longest name a scenario can have.
const NAME_MAX: usize = 64;

/// Makes runs until the budget is over, and says how far it is.
struct Workbench<'a> {
    runner: Runner,
    seed: u64,
    options: RunOptions,
    begun: Instant,
    budget: Duration,
    attempts: u64,
    size: Size,
    spinner: Spinner,
    err: &'a mut dyn Write,
}

impl Bench for Workbench<'_> {
    fn attempt(&mut self, scenario: &Scenario) -> Option<Attempt> {
        if self.begun.elapsed() >= self.budget {
            return None;
        }
        self.attempts += 1;
        let report = crew::run_apart(self.runner, scenario, self.seed, &self.options);
        let text = format!("{} runs, {}", self.attempts, words(&self.size));
        self.spinner.show(&text, self.err);
        Some(Attempt::of(&report))
    }

    fn found(&mut self, size: Size) {
        self.size = size;
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
        seed: bundle.seed,
        options: wanted,
        begun: Instant::now(),
        budget: options.budget.unwrap_or(Duration::from_secs(600)),
        attempts: 0,
        size: before,
        spinner: Spinner::new(console.live),
        err: console.err,
    };
    let name = scenario.name.clone();
    let mut small = Shrinker::new(&mut bench, scenario, first.signature.clone(), first.at).shrink();
    let (attempts, begun, budget) = (bench.attempts, bench.begun, bench.budget);
    bench.spinner.finish();

    small.name = name.chars().take(NAME_MAX - "-minimal".len()).collect::<String>() + "-minimal";
    small.about = format!(
        "Made small by shrink from {name}, seed {}: fails with {}.",
        bundle.seed, first.signature
    );
    small.run.seeds = SeedRange { start: bundle.seed, count: 1 };
    let file = quote(&options.output.display().to_string());
    let crash = bundle.crash_at.as_ref().map_or_else(String::new, |crash| {
        quote(&format!("{}:vote.{}:{}", crash.node, crash.point, crash.nth))
    });
    let crash = if crash.is_empty() { crash } else { format!(" --crash-at {crash}") };
    let again = format!("cargo sim run {file} --seed {}{crash}", bundle.seed);
    let reason = match bundle.outcome.detail.as_str() {
        "" => bundle.outcome.signature.as_str(),
        detail => detail,
    };
    let text = format!("# {reason}\n# Replay: {again}\n{}", small.to_toml());
    fs::write(&options.output, &text).map_err(|error| {
        Stop::file(format_args!("cannot write {}", options.output.display()), &error)
    })?;
    let paint = Paint(console.paint);
    writeln!(
        console.out,
        "{}  {} after {} in {} s",
        paint.strong(&first.signature),
        paint.good("smaller"),
        counted(attempts, "run", "runs"),
        begun.elapsed().as_secs()
    )?;
    writeln!(console.out, "  from {}\n  to   {}", words(&before), words(&Size::of(&small)))?;
    if begun.elapsed() >= budget {
        writeln!(
            console.out,
            "{} the budget is over; there may be smaller ones",
            paint.warning("note:")
        )?;
    }
    writeln!(console.out, "wrote {file}\nreplay: {again}")?;
    Ok(0)
}
