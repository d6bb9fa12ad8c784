//! One height in about ten lines.

use super::{clock, fate_of, lasting, late, names};
use crate::history::{History, Lane, State};

/// Failed views that are told one by one; of more, the first and the last few.
const VIEWS_TOLD_MAX: usize = 5;

/// How many times the usual time a block must take for it to be said what it waited for.
const LATE: u64 = 3;

/// Why a height took its views, in about ten lines, or what is known of one that was never final.
///
/// `None` if the run never came near that height.
#[must_use]
pub fn explain(history: &History, height: u64) -> Option<Vec<String>> {
    let story = history.heights.get(&height);
    let before = height.checked_sub(1).and_then(|below| history.heights.get(&below));
    if story.is_none() && (height == 0 || (before.is_none() && height > 1)) {
        return None;
    }
    let first_view = before.map_or(0, |before| before.view) + 1;
    let last_view = story
        .map_or_else(|| history.views.keys().next_back().copied().unwrap_or(0), |story| story.view);
    let began = history.views.get(&first_view).and_then(|view| view.entered.first());
    let began = began.map_or(0, |(_, at, _)| *at);
    let mut lines = vec![headline(history, height, first_view, last_view, began)];
    let end = if story.is_some() { last_view } else { last_view + 1 };
    let failed: Vec<u64> =
        history.views.range(first_view..end.max(first_view)).map(|(view, _)| *view).collect();
    let told =
        |view: &u64| fate_of(history, *view).map(|failure| failure.lines).unwrap_or_default();
    if failed.len() > VIEWS_TOLD_MAX {
        lines.extend(failed[..3].iter().flat_map(told));
        let hidden = failed.len() - 4;
        lines.push(format!("... {hidden} more views went the same or another way ..."));
        lines.extend(failed[failed.len() - 1..].iter().flat_map(told));
    } else {
        lines.extend(failed.iter().flat_map(told));
    }
    if story.is_some() {
        lines.extend(success(history, height));
    }
    Some(lines)
}

fn headline(history: &History, height: u64, first: u64, last: u64, began: u64) -> String {
    let count = last.saturating_sub(first) + 1;
    let views = match count {
        1 => format!("one view, {last}"),
        count => format!("{count} views, {first} to {last}"),
    };
    match history.heights.get(&height).and_then(|story| history.first_final(story)) {
        Some(at) => format!(
            "height {height} took {views}, and {}: from {} to {}{}",
            lasting(at.saturating_sub(began)),
            clock(began),
            clock(at),
            usual(history).map_or(String::new(), |usual| format!(
                " (half of all heights take up to {})",
                lasting(usual)
            )),
        ),
        None => format!(
            "height {height} was never final: {views}, from {} to the end at {}",
            clock(began),
            clock(history.end)
        ),
    }
}

/// The median time from a view's first entry to its block's being final.
fn usual(history: &History) -> Option<u64> {
    let mut taken: Vec<u64> = history
        .heights
        .values()
        .filter_map(|story| {
            let entered = history.views.get(&story.view)?.entered.first()?.1;
            Some(history.first_final(story)?.saturating_sub(entered))
        })
        .collect();
    taken.sort_unstable();
    taken.get(taken.len() / 2).copied()
}

/// How the block became final, and who was late to hear of it.
fn success(history: &History, height: u64) -> Vec<String> {
    let Some(story) = history.heights.get(&height) else { return Vec::new() };
    let Some(view) = history.views.get(&story.view) else { return Vec::new() };
    let leader = view.leader.map_or_else(|| "?".to_owned(), |leader| format!("n{leader}"));
    let mut text = format!("view {}, leader {leader}: ", story.view);
    let proposed = view.proposed.first().map(|(_, at, ..)| *at);
    match view.proposed.first() {
        Some((_, at, _, transactions)) => {
            let transactions = match transactions {
                1 => "1 transaction".to_owned(),
                count => format!("{count} transactions"),
            };
            text += &format!("proposed at {} with {transactions}", clock(*at));
        }
        None => text += "its proposal was not seen leaving",
    }
    let since = |at: u64| match proposed {
        Some(proposed) => format!("{} later", lasting(at.saturating_sub(proposed))),
        None => format!("at {}", clock(at)),
    };
    if let Some((lane, at)) = view.notarized.first() {
        text += &format!(", notarized {} ({} first)", since(*at), history.name(*lane));
    }
    if let Some((lane, at)) = story.by.first() {
        text += &format!(", final {} ({} first).", since(*at), history.name(*lane));
    }
    let mut lines = vec![text];
    let entered = view.entered.first().map_or(0, |(_, at, _)| *at);
    let taken = history.first_final(story).unwrap_or(0).saturating_sub(entered);
    if usual(history).is_none_or(|usual| taken > usual.saturating_mul(LATE)) {
        lines.extend(late::wait_for(history, height).map(|wait| wait.line));
    }
    if view.finalized.is_empty() {
        lines.push(
            "  It has no finalization of its own: a block above it made it final.".to_owned(),
        );
    }
    let first = story.by.first().map_or(0, |(_, at)| *at);
    let late: Vec<(Lane, Option<u64>)> = (0u16..)
        .take(history.head.nodes.len())
        .map(|lane| (lane, story.by.iter().find(|(other, _)| *other == lane).map(|(_, at)| *at)))
        .filter(|(_, at)| at.is_none_or(|at| at.saturating_sub(first) > 1_000_000_000))
        .collect();
    for (lane, at) in late.iter().take(4) {
        let was = match history.state(*lane, first) {
            State::Up => "",
            State::Down => " was down and",
            State::Paused => " stood still and",
        };
        let end = match at {
            Some(at) => format!("has it since {}, {} later", clock(*at), lasting(at - first)),
            None => "never has it".to_owned(),
        };
        lines.push(format!("  {}{was} {end}.", history.name(*lane)));
    }
    if late.len() > 4 {
        let others: Vec<Lane> = late[4..].iter().map(|(lane, _)| *lane).collect();
        lines.push(format!("  So are {}.", names(history, &others)));
    }
    lines
}
