//! What is wrong with a scenario file, shown where it is wrong.
//!
//! A problem is the operator's to mend, so it says where, what and how: file, line, column, the line
//! itself with the place underlined, and a suggestion. All problems of a file are collected.

use std::{fmt, ops::Range};

/// Problems shown of one file; the rest is counted.
const SHOWN_MAX: usize = 40;

/// Characters of a source line shown; a longer one is cut around the place.
const LINE_SHOWN_MAX: usize = 120;

/// One thing wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of the file it is about; `None` for the file as a whole.
    pub place: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Everything wrong with a file. Its `Display` is what people read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// The file's name, as it was given.
    pub file: String,
    /// Its text, or nothing if it is not text.
    pub contents: String,
    /// The problems, in the order of their places; never empty.
    pub list: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.list.iter().take(SHOWN_MAX).enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            self.show(problem, f)?;
        }
        if let Some(more) = self.list.len().checked_sub(SHOWN_MAX).filter(|more| *more > 0) {
            write!(f, "\n... and {more} more")?;
        }
        Ok(())
    }
}

impl Problems {
    fn show(&self, problem: &Problem, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", problem.message)?;
        let Some(place) = &problem.place else {
            write!(f, "  --> {}", self.file)?;
            if let Some(help) = &problem.help {
                write!(f, "\n   = help: {help}")?;
            }
            return writeln!(f);
        };
        let excerpt = Excerpt::of(&self.contents, place);
        let number = excerpt.line.to_string();
        let gutter = " ".repeat(number.len());
        writeln!(f, "{gutter}--> {}:{}:{}", self.file, excerpt.line, excerpt.column)?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{number} | {}", excerpt.text)?;
        write!(f, "{gutter} | {}{}", " ".repeat(excerpt.indent), "^".repeat(excerpt.width))?;
        if let Some(help) = &problem.help {
            write!(f, " {help}")?;
        }
        writeln!(f)
    }
}

/// The line a place is on, ready to print.
struct Excerpt {
    line: usize,
    column: usize,
    text: String,
    indent: usize,
    width: usize,
}

impl Excerpt {
    fn of(source: &str, place: &Range<usize>) -> Self {
        let start = floor_boundary(source, place.start);
        let end = floor_boundary(source, place.end.max(start));
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let line = source[..start].matches('\n').count() + 1;
        let before = source[line_start..start].chars().count();
        let width = source[start..end.clamp(start, line_end)].trim_end().chars().count().max(1);
        let characters: Vec<char> = source[line_start..line_end]
            .trim_end_matches('\r')
            .chars()
            .map(|c| {
                if c == '\t' {
                    ' '
                } else if c.is_control() {
                    '\u{fffd}'
                } else {
                    c
                }
            })
            .collect();
        // A very long line is cut so that the place stays in sight.
        let cut = if characters.len() > LINE_SHOWN_MAX { before.saturating_sub(40) } else { 0 };
        let mut text: String = characters.iter().skip(cut).take(LINE_SHOWN_MAX).collect();
        if cut > 0 {
            text.insert_str(0, "... ");
        }
        if characters.len() > cut + LINE_SHOWN_MAX {
            text.push_str(" ...");
        }
        let indent = before - cut + if cut > 0 { 4 } else { 0 };
        Self { line, column: before + 1, text, indent, width: width.min(LINE_SHOWN_MAX) }
    }
}

/// The 1-based line on which a byte of `source` lies.
pub(super) fn line_of(source: &str, at: usize) -> u32 {
    let lines = source[..floor_boundary(source, at)].matches('\n').count();
    u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1)
}

fn floor_boundary(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The candidate that was most likely meant, or nothing if none is close.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= allowed || (word.len() >= 4 && candidate.starts_with(word))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits that turn one word into the other; two neighbours changing places count as one edit.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().take(64).collect();
    let to: Vec<char> = to.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let substituted = above[j] + usize::from(a != b);
            let mut least = substituted.min(above[j + 1] + 1).min(row[j] + 1);
            let swapped = i > 0 && j > 0 && *a == to[j - 1] && *b == from[i - 1];
            if swapped {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[to.len()]
}

/// Words for a sentence: `a`, `b` or `c`.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
