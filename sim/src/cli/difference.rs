//! The first difference between two runs, and how it is shown: from both sides, with what came before.

use std::{
    collections::VecDeque,
    io::{self, BufRead, Write},
};

use serde::Deserialize;

use super::console::Paint;

/// Observations shown before the first difference.
const LINES_BEFORE: usize = 4;

/// Observations shown from the first difference on, of each side.
const LINES_AFTER: usize = 3;

/// One observation.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) index: u64,
    pub(super) at_ns: u64,
    pub(super) node: Option<String>,
    pub(super) text: String,
}

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// The last observations that are the same.
    before: Vec<Line>,
    /// What comes then on one side; nothing if it is over.
    one: Vec<Line>,
    /// What comes then on the other.
    other: Vec<Line>,
}

impl Difference {
    /// Between two stretches of observations that begin at one place; none if they are equal.
    pub(super) fn within(one: &[Line], other: &[Line]) -> Option<Self> {
        let equal = one.iter().zip(other).take_while(|(a, b)| a == b).count();
        if equal == one.len() && equal == other.len() {
            return None;
        }
        let after = |side: &[Line]| side.iter().skip(equal).take(LINES_AFTER).cloned().collect();
        Some(Self {
            before: one[equal.saturating_sub(LINES_BEFORE)..equal].to_vec(),
            one: after(one),
            other: after(other),
        })
    }

    /// Between two trace files, read side by side; or how many observations both have.
    pub(super) fn between(
        one: &mut dyn BufRead,
        other: &mut dyn BufRead,
    ) -> io::Result<Result<u64, Self>> {
        let mut before: VecDeque<(u64, String)> = VecDeque::new();
        let mut index = 0;
        loop {
            let (a, b) = (next(one)?, next(other)?);
            match (a, b) {
                (None, None) => return Ok(Ok(index)),
                (Some(a), Some(b)) if a == b => {
                    before.push_back((index, a));
                    if before.len() > LINES_BEFORE {
                        before.pop_front();
                    }
                    index += 1;
                }
                (a, b) => {
                    let (one, other) = (rest(a, one)?, rest(b, other)?);
                    let lines = |side: Vec<String>| -> Vec<Line> {
                        (index..).zip(side).map(|(index, text)| line(index, &text)).collect()
                    };
                    let mut found = Self {
                        before: before.iter().map(|(index, text)| line(*index, text)).collect(),
                        one: lines(one.clone()),
                        other: lines(other.clone()),
                    };
                    // What is not in the words is in the record.
                    if found.one.first() == found.other.first() {
                        for (lines, raw) in [(&mut found.one, one), (&mut found.other, other)] {
                            if let (Some(line), Some(raw)) = (lines.first_mut(), raw.first()) {
                                line.text.clone_from(raw);
                            }
                        }
                    }
                    return Ok(Err(found));
                }
            }
        }
    }

    /// Prints it, the sides called by these names.
    pub(super) fn show(
        &self,
        names: [&str; 2],
        out: &mut dyn Write,
        paint: Paint,
    ) -> io::Result<()> {
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        writeln!(out, "the first difference:")?;
        for line in &self.before {
            writeln!(out, "  {:width$} {}", "", paint.faint(words(line)))?;
        }
        for (name, lines) in names.into_iter().zip([&self.one, &self.other]) {
            match lines.split_first() {
                None => writeln!(out, "  {name:width$} {}", paint.bad("nothing more"))?,
                Some((first, more)) => {
                    writeln!(out, "  {name:width$} {}", paint.bad(words(first)))?;
                    for line in more {
                        writeln!(out, "  {:width$} {}", "", paint.faint(words(line)))?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn next(reader: &mut dyn BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    line.truncate(line.trim_end_matches(['\n', '\r']).len());
    Ok(Some(line))
}

/// A line and the few after it.
fn rest(first: Option<String>, reader: &mut dyn BufRead) -> io::Result<Vec<String>> {
    let mut lines: Vec<String> = first.into_iter().collect();
    while !lines.is_empty() && lines.len() < LINES_AFTER {
        match next(reader)? {
            Some(line) => lines.push(line),
            None => break,
        }
    }
    Ok(lines)
}

/// A line of a trace file. One that is none is shown as it is.
fn line(index: u64, text: &str) -> Line {
    #[derive(Deserialize)]
    struct Record {
        at: u64,
        node: String,
        text: String,
    }
    match serde_json::from_str::<Record>(text) {
        Ok(record) => Line { index, at_ns: record.at, node: Some(record.node), text: record.text },
        Err(_) => Line { index, at_ns: 0, node: None, text: text.to_owned() },
    }
}

fn words(line: &Line) -> String {
    let node = line.node.as_deref().unwrap_or("world");
    format!(
        "#{} {}.{:09}s {node:<4} {}",
        line.index,
        line.at_ns / 1_000_000_000,
        line.at_ns % 1_000_000_000,
        line.text
    )
}
