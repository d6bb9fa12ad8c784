//! The account of one run: short, in order of time, readable without knowing the code.
//!
//! The seed comes first and the line that replays the run comes last. Heights, view changes, faults
//! and restarts share one time line. What repeats itself is folded.

use std::{
    collections::BTreeMap,
    io::{Result as IoResult, Write},
    ops::Range,
};

use quorate_core::time::Span;

use super::{console::Paint, corpus::Entry, results::detail_of};
use crate::{
    report::{Finding, Happening, Moment, RunReport, Verdict},
    scenario::{Codec, Crypto, Fault, StakePlan},
    trace::describe::reason_words,
};

/// Heights in a row that are told one by one; more are folded.
const HEIGHTS_UNFOLDED_MAX: usize = 8;

/// Of folded heights, how many are told at either end.
const HEIGHTS_AT_ENDS: usize = 2;

/// Lines of the time line before its middle is left out.
const LINES_MAX: usize = 120;

/// Lines kept at either end then.
const LINES_AT_ENDS: usize = 50;

/// Prints all of it.
pub(super) fn show(
    entry: &Entry,
    report: &RunReport,
    replay: &str,
    out: &mut dyn Write,
    paint: Paint,
) -> IoResult<()> {
    show_head(entry, report, out, paint)?;
    writeln!(out)?;
    let lines = timeline(&in_order(&report.timeline, &entry.scenario.faults), paint);
    if lines.len() > LINES_MAX {
        let hidden = lines.len() - 2 * LINES_AT_ENDS;
        for line in &lines[..LINES_AT_ENDS] {
            writeln!(out, "{line}")?;
        }
        writeln!(
            out,
            "{}",
            paint.faint(format_args!(
                "       ...   {hidden} lines left out; --trace FILE has everything"
            ))
        )?;
        for line in &lines[lines.len() - LINES_AT_ENDS..] {
            writeln!(out, "{line}")?;
        }
    } else {
        for line in &lines {
            writeln!(out, "{line}")?;
        }
    }
    if !lines.is_empty() {
        writeln!(out)?;
    }
    show_sums(report, out, paint)?;
    show_end(report, replay, out, paint)
}

/// One line for a run, and what to copy if it failed.
pub(super) fn show_quietly(
    report: &RunReport,
    replay: &str,
    width: usize,
    out: &mut dyn Write,
    paint: Paint,
) -> IoResult<()> {
    let code = report.verdict.exit_code();
    writeln!(
        out,
        "{:width$}  seed {}  {}  height {}, {} simulated in {} ms, trace {:.16}",
        report.scenario,
        report.seed,
        paint.by_code(code, report.verdict.word()),
        report.facts.finalized_min,
        seconds(report.simulated),
        report.wall.as_millis(),
        report.trace_hash.to_string(),
    )?;
    if code != 0 {
        writeln!(out, "  {}\n  replay: {replay}", detail_of(&report.verdict))?;
    }
    Ok(())
}

fn show_head(entry: &Entry, report: &RunReport, out: &mut dyn Write, paint: Paint) -> IoResult<()> {
    let scenario = &entry.scenario;
    writeln!(out, "seed {}  {}", paint.strong(report.seed), paint.strong(&scenario.name))?;
    if !scenario.about.is_empty() {
        for line in wrapped(&scenario.about, 96) {
            writeln!(out, "{}", paint.faint(line))?;
        }
    }
    let stake = match scenario.cluster.stake {
        StakePlan::Equal => "equal stake",
        StakePlan::Skewed => "skewed stake",
        StakePlan::List(_) => "listed stake",
    };
    let crypto = match scenario.cluster.crypto {
        Crypto::Real => "real signatures",
        Crypto::Mock => "mock signatures",
    };
    let codec = match scenario.cluster.codec {
        Codec::Memory => "messages in memory",
        Codec::Wire => "messages as bytes",
    };
    writeln!(
        out,
        "{} validators, {stake}, {crypto}, {codec}, {} transactions/s",
        scenario.cluster.validators, scenario.workload.tx_per_second
    )
}

/// Breaks a text into lines of at most so many characters, between words.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is always a line");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

/// The moments as they are told: of several at one time a cause comes before its effect, and a fault
/// that ends is called what it was called when it began, its particulars included.
fn in_order(timeline: &[Moment], faults: &[Fault]) -> Vec<Moment> {
    const fn rank(what: &Happening) -> u8 {
        match what {
            Happening::Finalized { .. } => 0,
            Happening::ViewChange { .. } => 1,
            Happening::Gst => 2,
            Happening::FaultBegan { .. } | Happening::FaultEnded { .. } => 3,
            Happening::Down { .. } => 4,
            Happening::Up { .. } => 5,
            Happening::EvidenceAgainst { .. } => 6,
            Happening::Violation(_) => 7,
        }
    }
    let mut moments = timeline.to_vec();
    moments.sort_by_key(|moment| (moment.at, rank(&moment.what)));
    let mut names: BTreeMap<u32, String> = BTreeMap::new();
    for moment in &mut moments {
        match &mut moment.what {
            Happening::FaultBegan { fault, what } => {
                let particulars = usize::try_from(*fault)
                    .ok()
                    .and_then(|place| faults.get(place))
                    .map(|fault| fault.verb.particulars())
                    .filter(|particulars| !particulars.is_empty());
                if let Some(particulars) = particulars {
                    *what = format!("{what} {particulars}");
                }
                names.insert(*fault, what.clone());
            }
            Happening::FaultEnded { fault, what } => {
                if let Some(name) = names.get(fault) {
                    what.clone_from(name);
                }
            }
            _ => {}
        }
    }
    moments
}

/// The time line, folded.
fn timeline(moments: &[Moment], paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    let mut at = 0;
    let mut has_heights = false;
    while at < moments.len() {
        let run = heights_from(moments, at);
        if run.is_empty() {
            lines.push(line(&moments[at], paint));
            at += 1;
            continue;
        }
        if !has_heights {
            has_heights = true;
            lines.push(paint.faint(HEADER));
        }
        let heights = &moments[run.clone()];
        if heights.len() <= HEIGHTS_UNFOLDED_MAX {
            lines.extend(heights.iter().map(|moment| line(moment, paint)));
        } else {
            let (first, rest) = heights.split_at(HEIGHTS_AT_ENDS);
            let (middle, last) = rest.split_at(rest.len() - HEIGHTS_AT_ENDS);
            lines.extend(first.iter().map(|moment| line(moment, paint)));
            lines.push(paint.faint(folded(middle)));
            lines.extend(last.iter().map(|moment| line(moment, paint)));
        }
        at = run.end;
    }
    lines
}

/// Latencies are counted from the proposal.
const HEADER: &str = "      time   height   view  leader   txs   notarized      final  everywhere  after its proposal";

/// The heights that follow one another from here.
fn heights_from(moments: &[Moment], start: usize) -> Range<usize> {
    let count = moments[start..]
        .iter()
        .take_while(|moment| matches!(moment.what, Happening::Finalized { .. }))
        .count();
    start..start + count
}

/// One line for many heights: how many, and how long they took.
fn folded(moments: &[Moment]) -> String {
    let mut latencies: Vec<Span> = moments
        .iter()
        .filter_map(|moment| match moment.what {
            Happening::Finalized { proposed: Some(proposed), .. } => {
                Some(moment.at.minus(proposed))
            }
            _ => None,
        })
        .collect();
    latencies.sort_unstable();
    let range = match (latencies.first(), latencies.get(latencies.len() / 2), latencies.last()) {
        (Some(least), Some(middle), Some(most)) => format!(
            ", final after {} to {}, half of them within {}",
            millis(*least),
            millis(*most),
            millis(*middle)
        ),
        _ => String::new(),
    };
    format!("       ...   {} heights{range}", moments.len())
}

fn line(moment: &Moment, paint: Paint) -> String {
    let time = clock(moment.at);
    match &moment.what {
        Happening::Finalized {
            height,
            view,
            leader,
            transactions,
            proposed,
            notarized,
            everywhere,
        } => {
            let since = |at: Option<Span>| match (*proposed, at) {
                (Some(proposed), Some(at)) => millis(at.minus(proposed)),
                _ => "-".to_owned(),
            };
            format!(
                "{time}  {}  {:>5}  {:>6}  {transactions:>4}  {:>10} {:>10}  {:>10}",
                paint_padded(paint, &format!("h{height}"), 7),
                format!("v{view}"),
                leader.to_string(),
                since(*notarized),
                since(Some(moment.at)),
                since(*everywhere),
            )
        }
        Happening::ViewChange { view, leader, reasons } => {
            let why: Vec<String> = reasons
                .iter()
                .map(|(reason, count)| format!("{} ({count})", reason_words(*reason)))
                .collect();
            let why = if why.is_empty() { "nobody says why".to_owned() } else { why.join(", ") };
            paint.warning(format_args!("{time}  view {view} of {leader} given up: {why}"))
        }
        Happening::FaultBegan { fault, what } => {
            paint.note(format_args!("{time}  fault {fault} begins: {what}"))
        }
        Happening::FaultEnded { fault, what } => {
            paint.note(format_args!("{time}  fault {fault} ends:   {what}"))
        }
        Happening::Down { node, why } => {
            paint.note(format_args!("{time}  {node} goes down: {why}"))
        }
        Happening::Up { node, height, recovered_votes } => {
            let votes = match recovered_votes {
                0 => "no own votes to repeat".to_owned(),
                1 => "1 own vote found in its log".to_owned(),
                count => format!("{count} own votes found in its log"),
            };
            paint.note(format_args!("{time}  {node} comes up at h{height}, {votes}"))
        }
        Happening::Gst => {
            paint.note(format_args!("{time}  GST: faults are over, from here on progress is owed"))
        }
        Happening::EvidenceAgainst { node, culprit, offence } => paint
            .warning(format_args!("{time}  {node} holds evidence against {culprit}: {offence}")),
        Happening::Violation(broken) => paint.bad(format_args!(
            "{time}  {} is broken: {}",
            broken.invariant.name(),
            broken.detail
        )),
    }
}

/// Padded before it is painted, because colours have no width.
fn paint_padded(paint: Paint, text: &str, width: usize) -> String {
    paint.strong(format_args!("{text:>width$}"))
}

fn show_sums(report: &RunReport, out: &mut dyn Write, paint: Paint) -> IoResult<()> {
    let counters = &report.counters;
    writeln!(
        out,
        "height {} to {} after {} simulated, {} ms of wall time",
        report.facts.finalized_min,
        report.facts.finalized_max,
        seconds(report.simulated),
        report.wall.as_millis()
    )?;
    writeln!(
        out,
        "{} views, {} given up; {} messages, {} lost, {} twice; {} of {} transactions final",
        grouped(counters.views),
        grouped(counters.view_changes),
        grouped(counters.messages_sent),
        grouped(counters.messages_dropped),
        grouped(counters.messages_duplicated),
        grouped(counters.transactions_finalized),
        grouped(counters.transactions_submitted),
    )?;
    if counters.blocks_announced > 0 {
        writeln!(
            out,
            "{} announced in {} bytes instead of {}; {} given besides",
            counted(counters.blocks_announced, "block", "blocks"),
            grouped(counters.announced_bytes),
            grouped(counters.announced_body_bytes),
            counted(counters.transactions_given, "transaction", "transactions"),
        )?;
    }
    let (applied, failed, skipped) = (
        counters.transactions_applied,
        counters.transactions_failed,
        counters.transactions_skipped,
    );
    if applied + failed + skipped > 0 {
        let (applied, failed, skipped) = (grouped(applied), grouped(failed), grouped(skipped));
        writeln!(out, "executed: {applied} applied, {failed} failed, {skipped} skipped")?;
    }
    if counters.crashes > 0 || counters.restarts > 0 {
        writeln!(
            out,
            "{}, {}",
            counted(counters.crashes, "crash", "crashes"),
            counted(counters.restarts, "restart", "restarts")
        )?;
    }
    if !report.facts.marks.is_empty() {
        let marks: Vec<String> = report
            .facts
            .marks
            .iter()
            .map(|(mark, count)| format!("{} {}", mark.name(), grouped(*count)))
            .collect();
        for line in wrapped(&format!("seen: {}", marks.join(", ")), 96) {
            writeln!(out, "{}", paint.faint(line))?;
        }
    }
    Ok(())
}

fn show_end(report: &RunReport, replay: &str, out: &mut dyn Write, paint: Paint) -> IoResult<()> {
    let code = report.verdict.exit_code();
    let word = paint.by_code(code, report.verdict.word());
    writeln!(out)?;
    if !report.facts.culprits.is_empty() {
        let names: Vec<String> = report.facts.culprits.iter().map(ToString::to_string).collect();
        writeln!(out, "evidence names {}", names.join(" "))?;
    }
    match &report.verdict {
        Verdict::Held => match &report.facts.finding {
            // What would be a failure elsewhere, and is what this scenario is about.
            Finding::Violation(broken) => writeln!(
                out,
                "verdict  {word}: as expected, {} is broken at {}: {}",
                broken.invariant.name(),
                seconds(broken.at),
                broken.detail
            )?,
            Finding::Stall { at, detail } => {
                writeln!(
                    out,
                    "verdict  {word}: as expected, no progress at {}: {detail}",
                    seconds(*at)
                )?;
            }
            Finding::NoVerdict { detail } => {
                writeln!(out, "verdict  {word}: as expected, no progress: {detail}")?;
            }
            _ => writeln!(out, "verdict  {word}")?,
        },
        Verdict::ExpectationNotMet(unmet) => {
            for one in unmet {
                writeln!(out, "verdict  {word}: {one}")?;
            }
        }
        verdict => {
            let when = match verdict {
                Verdict::Stall { at, .. } | Verdict::CorePanic { at, .. } => {
                    format!(" at {}", seconds(*at))
                }
                Verdict::Violation(broken) => format!(" at {}", seconds(broken.at)),
                _ => String::new(),
            };
            writeln!(out, "verdict  {word}{when}: {}", detail_of(verdict))?;
        }
    }
    writeln!(
        out,
        "trace    {} ({} observations)",
        report.trace_hash,
        grouped(report.counters.observations)
    )?;
    writeln!(out, "replay   {replay}")
}

/// A moment of simulated time, in a column.
fn clock(at: Span) -> String {
    format!("{:>10}", seconds(at))
}

/// Seconds with three digits after the point.
pub(super) fn seconds(span: Span) -> String {
    format!("{}.{:03} s", span.millis() / 1_000, span.millis() % 1_000)
}

/// Milliseconds, with a digit after the point below ten; seconds from ten seconds on.
fn millis(span: Span) -> String {
    match span.nanos() / 100_000 {
        tenths @ ..100 => format!("{}.{} ms", tenths / 10, tenths % 10),
        tenths @ 100..100_000 => format!("{} ms", grouped(tenths / 10)),
        tenths => format!("{}.{} s", tenths / 10_000, tenths / 1_000 % 10),
    }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with the right form of what is counted.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}
