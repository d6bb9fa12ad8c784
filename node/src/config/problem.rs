//! What is wrong with a text that a person wrote, shown where it is wrong.
//!
//! Says where, what and how to mend it: name, line, column, the line itself with the place underlined,
//! and a suggestion. A text is a file, or a word of the command line or of the environment.

use std::{fmt, ops::Range, sync::Arc};

use crate::exit::{Exit, Failure};

/// Problems shown at once; the rest is counted.
const SHOWN_MAX: usize = 20;

/// Characters of a line shown; a longer one is cut around the place.
const LINE_SHOWN_MAX: usize = 110;

/// Characters shown before the place when a line is cut.
const LEAD: usize = 30;

/// A text and what people call it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// A path, or `--set`, or `the environment`.
    pub(crate) name: String,
    /// The text.
    pub(crate) text: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where it was written.
    pub(crate) source: Arc<Source>,
    /// Bytes of the text it is about; `None` for all of it.
    pub(crate) place: Option<Range<usize>>,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
}

/// Everything wrong that was found; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl Problems {
    /// What to end with.
    pub(crate) fn failure(&self, exit: Exit) -> Failure {
        Failure::new(exit, self.to_string())
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().take(SHOWN_MAX).enumerate() {
            let between = if position == 0 { "" } else { "\n\nerror: " };
            write!(f, "{between}{problem}")?;
        }
        match self.0.len().checked_sub(SHOWN_MAX) {
            Some(more @ 1..) => write!(f, "\n\n... and {more} more"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.message)?;
        let Some(place) = &self.place else {
            write!(f, "  --> {}", self.source.name)?;
            return match &self.help {
                Some(help) => write!(f, "\n   = {help}"),
                None => Ok(()),
            };
        };
        let Excerpt { line, column, text, indent, width } = Excerpt::of(&self.source.text, place);
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        writeln!(f, "{gutter}--> {}:{line}:{column}", self.source.name)?;
        writeln!(f, "{gutter} |\n{number} | {text}")?;
        write!(f, "{gutter} | {}{}", " ".repeat(indent), "^".repeat(width))?;
        match &self.help {
            Some(help) => write!(f, " {help}"),
            None => Ok(()),
        }
    }
}

/// The line that a place is on, ready to print.
struct Excerpt {
    line: usize,
    column: usize,
    text: String,
    indent: usize,
    width: usize,
}

impl Excerpt {
    fn of(text: &str, place: &Range<usize>) -> Self {
        let start = boundary(text, place.start);
        let end = boundary(text, place.end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = text[..start].matches('\n').count() + 1;
        let before = text[line_start..start].chars().count();
        let width = text[start..end.clamp(start, line_end)].trim_end().chars().count();
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        let shown: Vec<char> = text[line_start..line_end].chars().map(printable).collect();
        let skip = match shown.len() > LINE_SHOWN_MAX {
            true => before.saturating_sub(LEAD),
            false => 0,
        };
        let mut text: String = shown.iter().skip(skip).take(LINE_SHOWN_MAX).collect();
        text.truncate(text.trim_end().len());
        let (lead, indent) = if skip == 0 { ("", before) } else { ("...", before - skip + 3) };
        let width = width.clamp(1, LINE_SHOWN_MAX);
        Self { line, column: before + 1, text: format!("{lead}{text}"), indent, width }
    }
}

/// The byte at which a line (from 1) and a column in bytes (from 1) begin.
pub(crate) fn offset(text: &str, line: usize, column: usize) -> usize {
    let mut start = 0;
    for part in text.split_inclusive('\n').take(line.saturating_sub(1)) {
        start += part.len();
    }
    boundary(text, start.saturating_add(column.saturating_sub(1)))
}

/// The nearest place at or before a byte at which a character begins.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The known word that was most likely meant, if one is close.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (edits(word, candidate), candidate))
        .filter(|(edits, candidate)| {
            *edits <= allowed || (word.len() >= 3 && candidate.starts_with(word))
        })
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other.
fn edits(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().take(64).collect();
    let to: Vec<char> = to.chars().take(64).collect();
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let substitute = rows[i][j] + usize::from(a != b);
            let mut least = substitute.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && *b == from[i - 1] {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}
