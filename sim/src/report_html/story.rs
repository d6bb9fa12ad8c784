//! A run in a few lines of words: what a reader should know before looking at the picture.

use crate::{
    explain::{Trouble, clock, fault_words, lasting, troubles},
    history::{History, Note, NoteSort},
};

/// One line of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Telling {
    /// When it begins.
    pub(super) from: u64,
    /// When it is over; the same if it takes no time.
    pub(super) to: u64,
    /// `bad`, `fault`, `good` or `plain`.
    pub(super) tone: &'static str,
    /// In words.
    pub(super) words: String,
}

impl Telling {
    fn new(from: u64, to: u64, tone: &'static str, words: String) -> Self {
        Self { from, to, tone, words }
    }
}

/// Standstills that are told one by one in a short story.
const TROUBLES_APART: usize = 4;

/// The story, by time.
pub(super) fn story(history: &History) -> Vec<Telling> {
    told(history, false)
}

/// The story with many standstills of one cause told as one.
pub(super) fn short_story(history: &History) -> Vec<Telling> {
    told(history, true)
}

fn told(history: &History, is_short: bool) -> Vec<Telling> {
    let mut lines = Vec::new();
    let mut told_down = Vec::new();
    for band in &history.faults {
        // A fault that only ends a process is told by the process's own end.
        let words = fault_words(history, band);
        let lasts = band.to.saturating_sub(band.from);
        let end = if lasts == 0 {
            String::new()
        } else if band.to >= history.end {
            ", to the end".to_owned()
        } else {
            format!(", for {}", lasting(lasts))
        };
        lines.push(Telling::new(band.from, band.to, "fault", format!("{words}{end}")));
        told_down.extend(band.lanes.iter().map(|lane| (*lane, band.from)));
    }
    for note in &history.notes {
        let name = history.name(note.lane);
        let near =
            |(lane, at): &(u16, u64)| *lane == note.lane && note.at.abs_diff(*at) < 5_000_000;
        match note.sort {
            NoteSort::Down if told_down.iter().any(near) => {}
            NoteSort::Down => {
                let words = format!("{name} goes down: {}", note.words);
                lines.push(Telling::new(note.at, note.at, "fault", words));
            }
            NoteSort::Halt => {
                let words = format!("{name} {}", note.words);
                lines.push(Telling::new(note.at, note.at, "bad", words));
            }
            NoteSort::Up | NoteSort::Evidence | NoteSort::Pause | NoteSort::Fetch => {}
        }
    }
    lines.extend(restarts(history));
    lines.extend(evidence(history));
    let troubles = troubles(history);
    let mut groups: Vec<Vec<&Trouble>> = Vec::new();
    for trouble in &troubles {
        let alike = |group: &&mut Vec<&Trouble>| group[0].cause == trouble.cause;
        match groups.iter_mut().find(alike) {
            Some(group) if is_short && troubles.len() > TROUBLES_APART => group.push(trouble),
            _ => groups.push(vec![trouble]),
        }
    }
    lines.extend(groups.iter().filter_map(|group| standstills(history, group)));
    if let Some(gst) = history.head.gst.filter(|gst| *gst < history.end) {
        let words = "GST: every fault of the world is over, from here on progress is owed";
        lines.push(Telling::new(gst, gst, "plain", words.to_owned()));
    }
    if let Some(tail) = &history.tail
        && let Some(at) = tail.broken_at
    {
        let tone = if tail.code == 0 { "plain" } else { "bad" };
        lines.push(Telling::new(at, at, tone, tail.detail.clone()));
    }
    lines.sort_by_key(|line| line.from);
    lines
}

/// Standstills of one cause, in the order of time; one alone in full.
fn standstills(history: &History, group: &[&Trouble]) -> Option<Telling> {
    let (first, last) = (group.first()?, group.last()?);
    let to = last.to.unwrap_or(history.end);
    let words = if group.len() == 1 {
        format!("{} — {}", first.short, first.recovery())
    } else {
        let lengths = group
            .iter()
            .map(|trouble| trouble.to.unwrap_or(history.end).saturating_sub(trouble.from));
        format!(
            "{}, {} times, up to {} without a block — the last time {}",
            first.cause,
            group.len(),
            lasting(lengths.max().unwrap_or(0)),
            last.recovery(),
        )
    };
    Some(Telling::new(first.from, to, "bad", words))
}

/// Restarts, those within a tenth of a second as one.
fn restarts(history: &History) -> Vec<Telling> {
    const TOGETHER: u64 = 100_000_000;
    let mut groups: Vec<(u64, Vec<&Note>)> = Vec::new();
    for note in history.notes.iter().filter(|note| note.sort == NoteSort::Up) {
        match groups.last_mut() {
            Some((at, notes)) if note.at.saturating_sub(*at) < TOGETHER => notes.push(note),
            _ => groups.push((note.at, vec![note])),
        }
    }
    let words = |notes: &[&Note]| match notes {
        [one] => format!("{} {}", history.name(one.lane), one.words),
        many => {
            let names: Vec<&str> = many.iter().map(|note| history.name(note.lane)).collect();
            format!("{} start again", names.join(" "))
        }
    };
    groups.iter().map(|(at, notes)| Telling::new(*at, *at, "plain", words(notes))).collect()
}

/// The first evidence of each offence, whoever holds it.
fn evidence(history: &History) -> Vec<Telling> {
    let mut seen: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for note in history.notes.iter().filter(|note| note.sort == NoteSort::Evidence) {
        if !seen.contains(&note.words.as_str()) {
            seen.push(&note.words);
            let words = format!("{} {} (the first to)", history.name(note.lane), note.words);
            lines.push(Telling::new(note.at, note.at, "fault", words));
        }
    }
    lines
}

/// The run in one sentence.
pub(super) fn summary(history: &History) -> String {
    let nodes = history.head.weights.len();
    let honest = (0u16..)
        .take(history.head.nodes.len())
        .filter(|lane| !history.lies(history.number(*lane)))
        .map(|lane| {
            let heights = history.heights.iter().rev();
            let mut mine =
                heights.filter(|(_, story)| story.by.iter().any(|(other, _)| *other == lane));
            mine.next().map_or(0, |(height, _)| *height)
        });
    let (least, most) =
        honest.fold((u64::MAX, 0), |(least, most), height| (least.min(height), most.max(height)));
    let failed = history.views.values().filter(|story| !story.nullified.is_empty()).count();
    let lost = history
        .crossings
        .iter()
        .filter(|crossing| matches!(crossing.fate, crate::history::Fate::Lost(_)))
        .count();
    let heights =
        if least >= most { format!("height {most}") } else { format!("heights {least} to {most}") };
    format!(
        "{nodes} validators, {} simulated, {heights} final, {} of {} views given up, {} of {} messages lost",
        clock(history.end),
        failed,
        history.views.len(),
        grouped(lost),
        grouped(history.crossings.len()),
    )
}

/// A number with its thousands apart.
pub(super) fn grouped(number: usize) -> String {
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
