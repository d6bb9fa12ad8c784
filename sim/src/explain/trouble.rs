//! Stretches without a final block: where the chain stood still, why, and when it went on.

use super::{Failure, clock, fate_of, lasting, late};
use crate::history::History;

/// A stretch without progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The last final block before it, or the beginning of the run.
    pub from: u64,
    /// The next final block; `None` if there was none.
    pub to: Option<u64>,
    /// The height that was waited for.
    pub height: u64,
    /// The views that failed.
    pub failures: Vec<Failure>,
    /// All of it in a few words, for a picture.
    pub short: String,
    /// Why, without views and times: equal for standstills of one kind.
    pub cause: String,
}

/// How many times the usual pace a gap must be to count without a failed view.
const SLOW: u64 = 6;

/// All troubles of a run, by time.
///
/// A gap between final blocks counts if a view in it was given up, or if it is much longer than usual.
#[must_use]
pub fn troubles(history: &History) -> Vec<Trouble> {
    let finals: Vec<(u64, u64, u64)> = finals(history);
    let begun = history.views.values().filter_map(|story| story.entered.first());
    let begun = begun.map(|(_, at, _)| *at).min().unwrap_or(0);
    let usual = usual(history, &finals);
    let slow = usual.saturating_mul(SLOW).max(late::LATE_LEAST);
    let mut found = Vec::new();
    let (mut last_at, mut last_view, mut last_height) = (begun, 0, 0);
    for (at, view, height) in finals {
        let failures = failures(history, last_view + 1, view, last_at);
        let gap = at.saturating_sub(last_at);
        if gap > slow || (!failures.is_empty() && gap > usual.saturating_mul(2)) {
            found.push(Trouble::new(history, last_at, Some(at), height, failures));
        }
        (last_at, last_view, last_height) = (at, view, height);
    }
    if history.end.saturating_sub(last_at) > slow {
        let last = history.views.keys().next_back().map_or(0, |view| view + 1);
        let failures = failures(history, last_view + 1, last, last_at);
        found.push(Trouble::new(history, last_at, None, last_height + 1, failures));
    }
    found
}

/// First finalizations by time, each higher than those before: (time, view, height).
fn finals(history: &History) -> Vec<(u64, u64, u64)> {
    let mut finals: Vec<(u64, u64, u64)> = history
        .heights
        .iter()
        .filter_map(|(height, story)| Some((history.first_final(story)?, story.view, *height)))
        .collect();
    finals.sort_unstable();
    let mut highest = 0;
    finals.retain(|(_, _, height)| {
        let higher = *height > highest;
        highest = highest.max(*height);
        higher
    });
    finals
}

/// The median time between two final blocks with no failed view in between; if there are no such two,
/// what is usual in a network of people.
fn usual(history: &History, finals: &[(u64, u64, u64)]) -> u64 {
    const UNKNOWN: u64 = 50_000_000;
    let went_well = |first: u64, last: u64| {
        first < last
            && history.views.range(first + 1..last).all(|(_, story)| story.nullified.is_empty())
    };
    let mut gaps: Vec<u64> = finals
        .windows(2)
        .filter(|pair| went_well(pair[0].1, pair[1].1))
        .map(|pair| pair[1].0.saturating_sub(pair[0].0))
        .collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied().unwrap_or(UNKNOWN)
}

/// Views of a stretch that were given up, or that the run ended in.
fn failures(history: &History, first: u64, end: u64, since: u64) -> Vec<Failure> {
    if first >= end {
        return Vec::new();
    }
    let views = history.views.range(first..end);
    views
        .filter(|(_, story)| !story.nullified.is_empty() || !story.given_up.is_empty())
        .filter_map(|(view, _)| fate_of(history, *view))
        .filter(|failure| failure.to >= since)
        .collect()
}

impl Trouble {
    fn new(
        history: &History,
        from: u64,
        to: Option<u64>,
        height: u64,
        failures: Vec<Failure>,
    ) -> Self {
        let (short, cause) = if failures.is_empty() {
            let waited =
                late::wait_for(history, height).map_or_else(unexplained, |wait| wait.short);
            (waited.clone(), waited)
        } else {
            (words(&failures, true), words(&failures, false))
        };
        Self { from, to, height, failures, short, cause }
    }

    /// When it went on, in words.
    #[must_use]
    pub fn recovery(&self) -> String {
        match self.to {
            Some(to) => format!(
                "recovered at {}: height {} final, after {} without",
                clock(to),
                self.height,
                lasting(to.saturating_sub(self.from))
            ),
            None => format!("no final block from {} to the end", clock(self.from)),
        }
    }
}

/// Who failed and how, the failures of one kind together; `in_full` with views and times.
fn words(failures: &[Failure], in_full: bool) -> String {
    let mut culprits: Vec<(&str, Vec<&Failure>)> = Vec::new();
    for failure in failures {
        match culprits.iter_mut().find(|(short, _)| *short == failure.short) {
            Some((_, views)) => views.push(failure),
            None => culprits.push((&failure.short, vec![failure])),
        }
    }
    let parts: Vec<String> = culprits
        .iter()
        .take(3)
        .map(|(short, views)| {
            let leaderless = views.iter().all(|failure| failure.leaderless);
            let what = if leaderless { "no leader: " } else { "" };
            match views.as_slice() {
                _ if !in_full => format!("{what}{short}"),
                [one] if one.nullified => format!(
                    "{what}{short}, view {} nullified after {}",
                    one.view,
                    lasting(one.to.saturating_sub(one.from))
                ),
                [one] => format!("{what}{short}, view {} not decided", one.view),
                many => format!("{what}{short}, {} views nullified", many.len()),
            }
        })
        .collect();
    let more = culprits.len().saturating_sub(3);
    let mut text = parts.join("; ");
    if more > 0 {
        text += &format!("; and {more} more");
    }
    text
}

fn unexplained() -> String {
    "no view was given up, yet nothing became final".to_owned()
}
