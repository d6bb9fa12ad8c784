//! Reading a table strictly: every key that nobody asks for is a problem.
//!
//! A [`Section`] hands out typed values and writes down what was asked. Whatever is left over is
//! unknown, and the keys that were asked for are what a misspelt key is compared with. The same list
//! is what `docs/scenarios.md` is checked against.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use quorate_core::time::Span;

use super::{
    problem::{Problem, listed, nearest},
    quantity::Ppm,
    scalar,
    tree::{Entry, Kind, Tree},
};

/// What is being read, and what is wrong with it.
pub(super) struct Reader {
    problems: RefCell<Vec<Problem>>,
    asked: RefCell<BTreeMap<String, BTreeSet<&'static str>>>,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self { problems: RefCell::default(), asked: RefCell::default() }
    }

    pub(super) fn problem(&self, place: &Range<usize>, message: impl Into<String>) {
        self.push(Some(place.clone()), message.into(), None);
    }

    pub(super) fn problem_with_help(
        &self,
        place: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Some(place.clone()), message.into(), Some(help.into()));
    }

    fn push(&self, place: Option<Range<usize>>, message: String, help: Option<String>) {
        self.problems.borrow_mut().push(Problem { place, message, help });
    }

    pub(super) fn has_problems(&self) -> bool {
        !self.problems.borrow().is_empty()
    }

    /// The problems in the order of the file, and every key asked for, by section.
    pub(super) fn finish(self) -> (Vec<Problem>, BTreeMap<String, BTreeSet<&'static str>>) {
        let mut problems = self.problems.into_inner();
        problems
            .sort_by_key(|problem| problem.place.as_ref().map(|place| (place.start, place.end)));
        problems.dedup();
        (problems, self.asked.into_inner())
    }

    /// Opens a table. A value that is none is a problem.
    pub(super) fn section<'a>(&'a self, name: &str, tree: &'a Tree) -> Option<Section<'a>> {
        match &tree.kind {
            Kind::Table(entries) => Some(Section {
                reader: self,
                name: name.to_owned(),
                place: tree.place.clone(),
                entries,
                asked: RefCell::default(),
            }),
            _ => {
                self.problem(
                    &tree.place,
                    format!("expected a table for {name}, found {}", tree.describe()),
                );
                None
            }
        }
    }

    pub(super) fn text<'a>(&self, tree: &'a Tree, expected: &str) -> Option<&'a str> {
        match &tree.kind {
            Kind::Text(text) => Some(text),
            _ => self.wrong_type(tree, expected),
        }
    }

    pub(super) fn span(&self, tree: &Tree) -> Option<Span> {
        match &tree.kind {
            Kind::Text(text) => match scalar::span(text) {
                Ok(span) => Some(span),
                Err(expected) => self.wrong_type(tree, &expected),
            },
            _ => self.wrong_type(tree, "a duration such as \"250ms\""),
        }
    }

    pub(super) fn number(&self, tree: &Tree, range: Range<u64>) -> Option<u64> {
        let expected = if range.end == u64::MAX {
            format!("a whole number from {}", range.start)
        } else {
            format!("a whole number from {} to {}", range.start, range.end - 1)
        };
        match tree.kind {
            Kind::Integer(number) => match u64::try_from(number) {
                Ok(number) if range.contains(&number) => Some(number),
                _ => self.wrong_type(tree, &expected),
            },
            _ => self.wrong_type(tree, &expected),
        }
    }

    pub(super) fn list<'a>(&self, tree: &'a Tree, expected: &str) -> Option<&'a [Tree]> {
        match &tree.kind {
            Kind::List(values) => Some(values),
            _ => self.wrong_type(tree, expected),
        }
    }

    pub(super) fn wrong_type<T>(&self, tree: &Tree, expected: &str) -> Option<T> {
        self.problem(&tree.place, format!("expected {expected}, found {}", tree.describe()));
        None
    }

    /// One of several words.
    pub(super) fn word<T: Clone>(
        &self,
        tree: &Tree,
        what: &str,
        table: &[(T, &'static str)],
    ) -> Option<T> {
        let names = || table.iter().map(|(_, name)| *name);
        let text = self.text(tree, &format!("one of {}", listed(names())))?;
        let found = table.iter().find(|(_, name)| *name == text).map(|(value, _)| value.clone());
        if found.is_none() {
            self.unknown(&tree.place, &format!("unknown {what} {text:?}"), text, names());
        }
        found
    }

    /// A word that is not among those known, with a suggestion.
    pub(super) fn unknown<'n>(
        &self,
        place: &Range<usize>,
        message: &str,
        word: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) {
        let help = match nearest(word, known.clone()) {
            Some(candidate) => format!("did you mean `{candidate}`?"),
            None => format!("known: {}", listed(known)),
        };
        self.problem_with_help(place, message, help);
    }
}

/// One table of the file.
pub(super) struct Section<'a> {
    reader: &'a Reader,
    name: String,
    place: Range<usize>,
    entries: &'a [Entry],
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Section<'a> {
    pub(super) fn reader(&self) -> &'a Reader {
        self.reader
    }

    pub(super) fn place(&self) -> &Range<usize> {
        &self.place
    }

    /// The value of a key, if it is there.
    pub(super) fn take(&self, key: &'static str) -> Option<&'a Tree> {
        self.asked.borrow_mut().insert(key);
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The value of a key that must be there.
    pub(super) fn require(&self, key: &'static str) -> Option<&'a Tree> {
        let found = self.take(key);
        if found.is_none() {
            self.reader.problem(&self.place, format!("missing key `{key}` in {}", self.name));
        }
        found
    }

    pub(super) fn span(&self, key: &'static str) -> Option<Span> {
        self.take(key).and_then(|tree| self.reader.span(tree))
    }

    pub(super) fn required_span(&self, key: &'static str) -> Option<Span> {
        self.require(key).and_then(|tree| self.reader.span(tree))
    }

    /// A duration that is longer than nothing.
    pub(super) fn positive_span(&self, key: &'static str) -> Option<Span> {
        let tree = self.take(key)?;
        let span = self.reader.span(tree)?;
        if span == Span::ZERO {
            self.reader.problem(&tree.place, format!("`{key}` must be longer than nothing"));
            return None;
        }
        Some(span)
    }

    pub(super) fn probability(&self, key: &'static str) -> Option<Ppm> {
        let tree = self.take(key)?;
        let text = match &tree.kind {
            Kind::Integer(number) => number.to_string(),
            Kind::Fraction(text) => text.clone(),
            _ => return self.reader.wrong_type(tree, "a probability from 0 to 1"),
        };
        match scalar::probability(&text) {
            Ok(p) => Some(p),
            Err(expected) => self.reader.wrong_type(tree, &expected),
        }
    }

    pub(super) fn number(&self, key: &'static str, range: Range<u64>) -> Option<u64> {
        self.take(key).and_then(|tree| self.reader.number(tree, range))
    }

    pub(super) fn small_number(&self, key: &'static str, range: Range<u32>) -> Option<u32> {
        let wide = u64::from(range.start)..u64::from(range.end);
        self.number(key, wide).and_then(|number| u32::try_from(number).ok())
    }

    pub(super) fn boolean(&self, key: &'static str) -> Option<bool> {
        let tree = self.take(key)?;
        match tree.kind {
            Kind::Boolean(truth) => Some(truth),
            _ => self.reader.wrong_type(tree, "true or false"),
        }
    }

    pub(super) fn text(&self, key: &'static str, expected: &str) -> Option<&'a str> {
        self.take(key).and_then(|tree| self.reader.text(tree, expected))
    }

    /// Closes the table: whatever nobody asked for is unknown.
    pub(super) fn finish(self) {
        let asked = self.asked.into_inner();
        for entry in self.entries {
            if !asked.contains(entry.key.as_str()) {
                self.reader.unknown(
                    &entry.key_place,
                    &format!("unknown key `{}` in {}", entry.key, self.name),
                    &entry.key,
                    asked.iter().copied(),
                );
            }
        }
        self.reader.asked.borrow_mut().entry(self.name).or_default().extend(asked);
    }

    /// Closes the table without looking for unknown keys, because what it is did not become clear.
    pub(super) fn abandon(self) {}
}
