//! `run`: scenarios with one seed, told in full, in a line, or as JSON.

use std::{fs::File, io::BufWriter};

use quorate_core::time::Span;
use serde_json::{Value, json};

use super::{
    Runner, account,
    arguments::RunArguments,
    console::{Console, Paint, Stop},
    corpus::{self, Entry},
    graver, keep, points, replay,
    results::detail_of,
};
use crate::{
    history::History,
    lab::{signature, signature::HELD},
    perfetto,
    report::{CrashAt, RunOptions, RunReport},
    report_html::{PackOptions, run_page},
};

pub(super) fn run(
    arguments: &RunArguments,
    runner: Runner,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let entries = corpus::load(&arguments.path)?;
    let files = [
        ("--trace", &arguments.trace),
        ("--report", &arguments.report),
        ("--perfetto", &arguments.perfetto),
    ];
    if let Some((name, _)) = files.iter().find(|(_, file)| file.is_some())
        && entries.len() > 1
    {
        return Err(Stop::Usage(format!(
            "{name} writes one run, and there are {} scenarios",
            entries.len()
        )));
    }
    if arguments.enumerate_crash_points {
        return points::enumerate(&entries, arguments.seed, runner, console);
    }
    let mut code = 0;
    let width = entries.iter().map(|entry| entry.scenario.name.len()).max().unwrap_or(0);
    for (place, entry) in entries.iter().enumerate() {
        let seed = seed_of(entry, arguments.seed);
        let crash_at = arguments.crash_at.as_deref();
        let crash_at = crash_at.map(|text| points::parse(text, &entry.scenario)).transpose()?;
        let replay = replay_line(entry, seed, crash_at.as_ref());
        let options = RunOptions {
            trace: arguments.trace.clone(),
            window: arguments.window.clone(),
            crash_at,
            history: arguments.report.is_some() || arguments.perfetto.is_some(),
            replay: replay.clone(),
            break_at: None,
            call_off: None,
            #[cfg(feature = "planted-bugs")]
            planted: arguments.planted,
        };
        let report = runner(&entry.scenario, seed, &options);
        draw(arguments, report.history.as_deref())?;
        let replay = match &arguments.bundle {
            Some(directory) if signature(&report) != HELD => {
                let (crash, trace) = (options.crash_at.as_ref(), options.trace.as_deref());
                let path = keep::write(directory, entry, crash, &report, trace)?;
                replay::replay_line(path.as_ref())
            }
            _ => replay,
        };
        let paint = Paint(console.paint);
        if arguments.json {
            writeln!(console.out, "{}", to_json(entry, &report, &replay))?;
        } else if arguments.quiet {
            account::show_quietly(&report, &replay, width, console.out, paint)?;
        } else {
            if place > 0 {
                writeln!(console.out)?;
            }
            account::show(entry, &report, &replay, console.out, paint)?;
        }
        console.out.flush()?;
        code = graver(code, report.verdict.exit_code());
    }
    Ok(code)
}

/// Writes the pictures that were asked for. A run that could not be made has none.
fn draw(arguments: &RunArguments, history: Option<&History>) -> Result<(), Stop> {
    let Some(history) = history else { return Ok(()) };
    if let Some(path) = &arguments.report {
        super::report::write(path, &run_page(history, &PackOptions::default()))?;
    }
    if let Some(path) = &arguments.perfetto {
        let file = File::create(path).map(BufWriter::new);
        file.and_then(|mut file| perfetto::write(&mut file, history))
            .map_err(|error| Stop::file(format_args!("cannot write {}", path.display()), &error))?;
    }
    Ok(())
}

/// The seed asked for, or the first of the scenario's own.
pub(super) fn seed_of(entry: &Entry, asked: Option<u64>) -> u64 {
    asked.unwrap_or(entry.scenario.run.seeds.start)
}

/// The one line that makes the run again, a crash put into it included.
pub(super) fn replay_line(entry: &Entry, seed: u64, crash_at: Option<&CrashAt>) -> String {
    match crash_at {
        None => entry.replay(seed),
        Some(crash) => {
            format!("{} --crash-at {}", entry.replay(seed), corpus::quote(&points::text(crash)))
        }
    }
}

fn to_json(entry: &Entry, report: &RunReport, replay: &str) -> Value {
    let marks: serde_json::Map<String, Value> = report
        .facts
        .marks
        .iter()
        .map(|(mark, count)| (mark.name().to_owned(), json!(count)))
        .collect();
    let checkpoints: Vec<Value> = report
        .checkpoints
        .iter()
        .map(|point| {
            json!({
                "at_ns": point.at.nanos(),
                "observations": point.observations,
                "hash": point.hash.to_string(),
            })
        })
        .collect();
    let window: Vec<Value> = report
        .window
        .iter()
        .map(|line| {
            json!({
                "index": line.index,
                "at_ns": line.at.nanos(),
                "node": line.node.map(|node| node.to_string()),
                "text": line.text,
            })
        })
        .collect();
    let culprits: Vec<String> = report.facts.culprits.iter().map(ToString::to_string).collect();
    let counters = &report.counters;
    json!({
        "scenario": report.scenario,
        "digest": entry.digest.to_string(),
        "seed": report.seed,
        "verdict": report.verdict.word(),
        "code": report.verdict.exit_code(),
        "detail": detail_of(&report.verdict),
        "replay": replay,
        "trace_hash": report.trace_hash.to_string(),
        "simulated_ns": Span::nanos(report.simulated),
        "wall_ms": u64::try_from(report.wall.as_millis()).unwrap_or(u64::MAX),
        "finalized_min": report.facts.finalized_min.get(),
        "finalized_max": report.facts.finalized_max.get(),
        "culprits": culprits,
        "marks": marks,
        "counters": {
            "messages_sent": counters.messages_sent,
            "messages_delivered": counters.messages_delivered,
            "messages_dropped": counters.messages_dropped,
            "messages_duplicated": counters.messages_duplicated,
            "bytes_delivered": counters.bytes_delivered,
            "steps": counters.steps,
            "observations": counters.observations,
            "views": counters.views,
            "view_changes": counters.view_changes,
            "transactions_submitted": counters.transactions_submitted,
            "transactions_finalized": counters.transactions_finalized,
            "blocks_announced": counters.blocks_announced,
            "announced_bytes": counters.announced_bytes,
            "announced_body_bytes": counters.announced_body_bytes,
            "transactions_given": counters.transactions_given,
            "transactions_applied": counters.transactions_applied,
            "transactions_failed": counters.transactions_failed,
            "transactions_skipped": counters.transactions_skipped,
            "fsyncs": counters.fsyncs,
            "crashes": counters.crashes,
            "restarts": counters.restarts,
        },
        "checkpoints": checkpoints,
        "window": window,
    })
}
