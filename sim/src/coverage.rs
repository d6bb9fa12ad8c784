//! Which situations many runs have reached: the coverage of a sweep in what happened, not in lines.
//!
//! Counts the marks of runs and says which were never seen. Never judges a run.

use std::collections::{BTreeMap, BTreeSet};

use crate::scenario::Mark;

/// How often a situation was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// In how many runs.
    pub runs: u64,
    /// How often in all of them.
    pub all: u64,
}

/// What many runs have reached, by the names of the marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    runs: u64,
    times: BTreeMap<String, Times>,
}

impl Coverage {
    /// Adds up the marks of runs. Names that this build does not know are kept.
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a BTreeMap<String, u64>>) -> Self {
        let mut coverage = Self::default();
        for marks in runs {
            coverage.runs += 1;
            for (mark, count) in marks.iter().filter(|(_, count)| **count > 0) {
                let times = coverage.times.entry(mark.clone()).or_default();
                times.runs += 1;
                times.all = times.all.saturating_add(*count);
            }
        }
        coverage
    }

    /// How many runs there are.
    #[must_use]
    pub const fn runs(&self) -> u64 {
        self.runs
    }

    /// Whether no run has reached anything, or none has said so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Every situation that was reached, by name.
    pub fn reached(&self) -> impl Iterator<Item = (&str, Times)> {
        self.times.iter().map(|(mark, times)| (mark.as_str(), *times))
    }

    /// The situations of a set that no run has reached, by name.
    #[must_use]
    pub fn missing(&self, wanted: &BTreeSet<Mark>) -> BTreeSet<&'static str> {
        wanted
            .iter()
            .map(|mark| mark.name())
            .filter(|name| !self.times.contains_key(*name))
            .collect()
    }

    /// All situations that no run has reached, by name.
    #[must_use]
    pub fn never(&self) -> BTreeSet<&'static str> {
        self.missing(&every_mark())
    }
}

/// Every situation that there is a mark for.
#[must_use]
pub fn every_mark() -> BTreeSet<Mark> {
    Mark::ALL.iter().map(|(mark, _)| *mark).collect()
}

#[cfg(test)]
mod tests;
