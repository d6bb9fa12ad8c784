//! `prove`: is a run really decided by its scenario and seed?
//!
//! Two processes make the same run, because what differs between processes (addresses, hash seeds,
//! leftovers of earlier runs) is what breaks determinism. If their traces differ, the checkpoints say
//! in which interval they part, both make that stretch again with its observations as text, and the
//! first difference is shown from both sides.

use std::{
    env,
    ops::Range,
    process::{Child, Command, Stdio},
};

use serde::Deserialize;

use super::{
    account::grouped,
    arguments::ProveOptions,
    console::{Console, Paint, Stop},
    corpus::{self, Entry},
    difference::{Difference, Line},
    graver,
    run::seed_of,
};

/// How often a stretch is made again until the difference shows itself in it.
const ATTEMPTS: usize = 4;

/// Observations looked at, at most, in one stretch.
const WINDOW_MAX: u64 = 200_000;

/// What one process says about its run.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Testimony {
    pub(super) verdict: String,
    pub(super) code: u8,
    pub(super) detail: String,
    pub(super) trace_hash: String,
    pub(super) checkpoints: Vec<Mark>,
    pub(super) window: Vec<Line>,
}

/// The hash as of some moment.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) at_ns: u64,
    pub(super) observations: u64,
    pub(super) hash: String,
}

/// How two testimonies compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// In every respect.
    Equal,
    /// They part within these observations.
    PartWithin(Range<u64>),
}

pub(super) fn prove(options: &ProveOptions, console: &mut Console<'_>) -> Result<u8, Stop> {
    let entries = corpus::load(&options.path)?;
    let mut code = 0;
    for entry in &entries {
        let seed = seed_of(entry, options.seed);
        let mut pair = |window: Option<&Range<u64>>| two_processes(entry, seed, window);
        code = graver(code, prove_one(entry, seed, &mut pair, console)?);
    }
    Ok(code)
}

/// Two runs of the same thing, their observations in the window as text.
pub(super) type Pair<'a> =
    &'a mut dyn FnMut(Option<&Range<u64>>) -> Result<(Testimony, Testimony), Stop>;

/// Compares two runs, and finds the first difference if there is one.
pub(super) fn prove_one(
    entry: &Entry,
    seed: u64,
    pair: Pair<'_>,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let paint = Paint(console.paint);
    let head = format!("seed {}  {}", paint.strong(seed), paint.strong(&entry.scenario.name));
    let (one, other) = pair(None)?;
    let mut window = match compare(&one, &other) {
        Comparison::Equal => {
            writeln!(
                console.out,
                "{head}  {}: two processes, trace {}, {} checkpoints",
                paint.good("equal"),
                one.trace_hash,
                grouped(u64::try_from(one.checkpoints.len()).unwrap_or(u64::MAX)),
            )?;
            if one.code != 0 {
                writeln!(console.out, "  both end with {}: {}", one.verdict, one.detail)?;
            }
            // What the run itself came to is the business of `run`.
            return Ok(0);
        }
        Comparison::PartWithin(window) => window,
    };
    writeln!(
        console.out,
        "{head}  {}\n  one   {} {}\n  other {} {}",
        paint.bad("two processes differ"),
        one.trace_hash,
        one.verdict,
        other.trace_hash,
        other.verdict
    )?;
    let mut shown = false;
    for _ in 0..ATTEMPTS {
        let (one, other) = pair(Some(&window))?;
        if let Some(difference) = Difference::within(&one.window, &other.window) {
            difference.show(["one", "other"], console.out, paint)?;
            shown = true;
            break;
        }
        // It went another way this time: look where these two part.
        if let Comparison::PartWithin(next) = compare(&one, &other) {
            window = next;
        }
    }
    if !shown {
        writeln!(
            console.out,
            "  they part within observations {} to {}, but not again when looked at",
            window.start, window.end
        )?;
    }
    let file = corpus::quote(&entry.path.display().to_string());
    writeln!(console.out, "  replay: cargo sim prove {file} --seed {seed}")?;
    Ok(22)
}

/// Where two runs part, as far as their checkpoints tell.
pub(super) fn compare(one: &Testimony, other: &Testimony) -> Comparison {
    let equal = one.checkpoints.iter().zip(&other.checkpoints).take_while(|(a, b)| a == b).count();
    let is_all = equal == one.checkpoints.len() && equal == other.checkpoints.len();
    if is_all && one.trace_hash == other.trace_hash && one.verdict == other.verdict {
        return Comparison::Equal;
    }
    let last_equal = equal.checked_sub(1).and_then(|at| one.checkpoints.get(at));
    let start = last_equal.map_or(0, |mark| mark.observations);
    let after = |side: &Testimony| side.checkpoints.get(equal).map(|mark| mark.observations);
    // One more on either side: a run may have stopped where the other went on.
    let end = match (after(one), after(other)) {
        (Some(a), Some(b)) => a.max(b).saturating_add(1),
        (Some(a), None) | (None, Some(a)) => a.saturating_add(1),
        (None, None) => start.saturating_add(WINDOW_MAX),
    };
    Comparison::PartWithin(start..end.clamp(start + 1, start.saturating_add(WINDOW_MAX)))
}

fn two_processes(
    entry: &Entry,
    seed: u64,
    window: Option<&Range<u64>>,
) -> Result<(Testimony, Testimony), Stop> {
    let one = spawn(entry, seed, window)?;
    let other = spawn(entry, seed, window)?;
    Ok((testimony(one)?, testimony(other)?))
}

fn spawn(entry: &Entry, seed: u64, window: Option<&Range<u64>>) -> Result<Child, Stop> {
    let executable =
        env::current_exe().map_err(|error| Stop::file("cannot find the own executable", &error))?;
    let mut command = Command::new(executable);
    command.arg("run").arg(&entry.path).arg("--seed").arg(seed.to_string()).arg("--json");
    if let Some(window) = window {
        command.arg("--window").arg(format!("{}..{}", window.start, window.end));
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Stop::file("cannot start a second process", &error))
}

fn testimony(child: Child) -> Result<Testimony, Stop> {
    let output = child
        .wait_with_output()
        .map_err(|error| Stop::file("cannot hear the other process", &error))?;
    serde_json::from_slice(&output.stdout).map_err(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: String = said.chars().take(400).collect();
        Stop::Infrastructure(format!(
            "a process ended ({}) without a report: {error}; it said: {}",
            output.status,
            said.trim()
        ))
    })
}
