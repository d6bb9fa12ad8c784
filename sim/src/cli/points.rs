//! `run --enumerate-crash-points`: every place at which a vote can be cut off, one run each.
//!
//! A first run counts how often each validator passes each point. Then every pass gets a run in which
//! that validator crashes exactly there. Nothing is sampled: the report says N points, N explored.
//!
//! A crash put in may keep the scenario's own faults from happening, so expectations that are not met
//! (exit 25) are counted there, and are no failure.

use std::{io::Write, thread};

use quorate_core::{time::Span, types::ValidatorId};

use super::{
    Runner,
    account::{counted, grouped},
    console::{Console, Paint, Stop},
    corpus::{self, Entry},
    graver,
    progress::Progress,
    results::detail_of,
    run::{replay_line, seed_of},
};
use crate::{
    report::{CrashAt, Happening, RunOptions, RunReport},
    scenario::{CrashPoint, NodeName, Scenario},
};

/// How long a validator stays down after a crash that was put in.
const DOWN: Span = Span::from_millis(1_000);

/// The exit code of an expectation that was not met.
const EXPECTATION: u8 = 25;

/// Failures told one by one.
const FAILURES_TOLD_MAX: u64 = 20;

/// A crash as it is written on the command line.
pub(super) fn text(crash: &CrashAt) -> String {
    format!("{}:vote.{}:{}", crash.node, crash.point.name(), crash.nth)
}

/// Reads what [`text`] wrote.
pub(super) fn parse(text: &str, scenario: &Scenario) -> Result<CrashAt, Stop> {
    let wrong = || {
        Stop::Usage(format!(
            "{text:?} is no crash: expected NODE:POINT:NTH such as n2:vote.after_sync_before_send:3"
        ))
    };
    let mut parts = text.splitn(3, ':');
    let (node, point, nth) =
        (parts.next().ok_or_else(wrong)?, parts.next().ok_or_else(wrong)?, parts.next());
    let plain = node.trim_end_matches('\'');
    let number: u32 =
        plain.strip_prefix('n').and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
    if number >= scenario.cluster.validators {
        return Err(Stop::Usage(format!(
            "there is no validator {node:?}: {} has {}",
            scenario.name, scenario.cluster.validators
        )));
    }
    let point = point
        .strip_prefix("vote.")
        .and_then(|name| CrashPoint::ALL.into_iter().find(|point| point.name() == name))
        .ok_or_else(wrong)?;
    let nth = nth.and_then(|nth| nth.parse().ok()).filter(|nth| *nth > 0).ok_or_else(wrong)?;
    let node = NodeName { validator: ValidatorId::new(number), twin: plain.len() < node.len() };
    Ok(CrashAt { node, point, nth, restart_after: DOWN })
}

pub(super) fn enumerate(
    entries: &[Entry],
    seed: Option<u64>,
    runner: Runner,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let mut code = 0;
    for entry in entries {
        code = graver(code, enumerate_one(entry, seed_of(entry, seed), runner, console)?);
    }
    Ok(code)
}

fn enumerate_one(
    entry: &Entry,
    seed: u64,
    runner: Runner,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let paint = Paint(console.paint);
    let first = runner(&entry.scenario, seed, &RunOptions::default());
    writeln!(console.out, "seed {}  {}", paint.strong(seed), paint.strong(&entry.scenario.name))?;
    let crashes = first.crashes(DOWN);
    let total = u64::try_from(crashes.len()).unwrap_or(u64::MAX);
    let mut progress = Progress::new(total, console.live);
    let mut code = first.verdict.exit_code();
    if code != 0 {
        tell(entry, &first, None, console.out, paint)?;
    }
    let (mut explored, mut failed, mut aside) = (0_u64, 0_u64, 0_u64);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    for group in crashes.chunks(workers) {
        let reports: Vec<(CrashAt, RunReport)> = thread::scope(|scope| {
            let threads: Vec<_> = group
                .iter()
                .map(|crash| {
                    let options = RunOptions { crash_at: Some(*crash), ..RunOptions::default() };
                    let run = move || runner(&entry.scenario, seed, &options);
                    (*crash, scope.spawn(run))
                })
                .collect();
            let panicked = || {
                let why = "the simulator panicked".to_owned();
                RunReport::infrastructure(&entry.scenario, seed, why)
            };
            threads
                .into_iter()
                .map(|(crash, thread)| (crash, thread.join().unwrap_or_else(|_| panicked())))
                .collect()
        });
        for (crash, report) in reports {
            let outcome = report.verdict.exit_code();
            explored += u64::from(was_hit(&report, &crash));
            let held = matches!(outcome, 0 | EXPECTATION);
            if outcome == EXPECTATION {
                aside += 1;
            }
            if !held {
                failed += 1;
                code = graver(code, outcome);
                if failed <= FAILURES_TOLD_MAX {
                    progress.suspend(|| tell(entry, &report, Some(&crash), console.out, paint))?;
                }
            }
            progress.advance(report.verdict.word(), held, console.err);
        }
    }
    progress.finish();
    if failed > FAILURES_TOLD_MAX {
        writeln!(console.out, "... and {} more failures", failed - FAILURES_TOLD_MAX)?;
    }
    let outcome = match failed {
        0 => paint.good("all held"),
        failed => paint.bad(format_args!("{failed} failed")),
    };
    writeln!(
        console.out,
        "{}, {} explored, {outcome}",
        counted(total, "crash point", "crash points"),
        grouped(explored),
    )?;
    if explored < total {
        // The run is the same up to the crash, so it must come.
        writeln!(
            console.out,
            "{} not reached",
            counted(total - explored, "crash was", "crashes were")
        )?;
        code = graver(code, EXPECTATION);
    }
    if aside > 0 {
        writeln!(
            console.out,
            "in {} the crash kept an expectation of the scenario from being met",
            counted(aside, "run", "runs")
        )?;
    }
    Ok(code)
}

/// Whether the crash that was put in happened.
fn was_hit(report: &RunReport, crash: &CrashAt) -> bool {
    report
        .timeline
        .iter()
        .any(|moment| matches!(moment.what, Happening::Down { node, .. } if node == crash.node))
}

fn tell(
    entry: &Entry,
    report: &RunReport,
    crash: Option<&CrashAt>,
    out: &mut dyn Write,
    paint: Paint,
) -> std::io::Result<()> {
    let place = crash.map_or_else(|| "without a crash".to_owned(), text);
    writeln!(
        out,
        "{} {}: {}\n  replay: {}",
        paint.by_code(report.verdict.exit_code(), report.verdict.word()),
        corpus::quote(&place),
        detail_of(&report.verdict),
        replay_line(entry, report.seed, crash)
    )
}
