//! Why a block became final late although nobody gave up on its view.

use super::{clock, fault_words, faults_on, hinders, letters::Mail, view::verb};
use crate::history::{Band, History, Lane};

/// Blocks that are final sooner after they were proposed are not late, however fast a run is otherwise.
pub(super) const LATE_LEAST: u64 = 250_000_000;

/// What a block waited for.
pub(super) struct Wait {
    /// In a few words.
    pub short: String,
    /// In a whole sentence.
    pub line: String,
}

/// Which votes were missing where while a height was not yet final, and through which fault.
///
/// `None` if it was final soon, or votes were not what it waited for.
pub(super) fn wait_for(history: &History, height: u64) -> Option<Wait> {
    let block = history.heights.get(&height)?;
    let view = history.views.get(&block.view)?;
    let leader = view.leader?;
    let proposed = view.proposed.first()?.1;
    let honest = block.by.iter().find(|(lane, _)| !history.lies(history.number(*lane)));
    let (lane, until) = *honest.or(block.by.first())?;
    if until.saturating_sub(proposed) < LATE_LEAST {
        return None;
    }
    // By then nearly all votes have come that nothing held up.
    let halfway = proposed + (until - proposed) / 2;
    let is_notarized = view.notarized.iter().any(|(other, at)| *other == lane && *at <= halfway);
    let kind = if is_notarized { "finalize" } else { "notarize" };
    let (weight, missing) = Mail::of(history, block.view, until).votes(kind, lane, halfway);
    if weight >= history.quorum() {
        return None;
    }
    let (short, through) = match to_blame(history, lane, &missing.lanes, proposed, halfway) {
        Some(band) => (
            format!(" ({})", verb(history, band)),
            format!(
                ", through {} from {} to {}",
                fault_words(history, band),
                clock(band.from),
                clock(band.to)
            ),
        ),
        None => (String::new(), String::new()),
    };
    let line = format!(
        "  At {} {} had {kind} votes of weight {weight} where {} is a quorum, without {}{through}.",
        clock(halfway),
        history.name(lane),
        history.quorum(),
        missing.words.join(", "),
    );
    Some(Wait { short: format!("no quorum for n{leader}'s block{short}"), line })
}

/// The fault that acted in a stretch on those whose votes are missing, on who waits, or on the links
/// between.
fn to_blame<'a>(
    history: &'a History,
    waiting: Lane,
    missing: &[Lane],
    from: u64,
    to: u64,
) -> Option<&'a Band> {
    let lanes = missing.iter().chain([&waiting]);
    let bands = lanes.flat_map(|lane| faults_on(history, *lane, from, to));
    bands.filter(|band| hinders(history, band)).max_by_key(|band| {
        let hit = |lane: &Lane| band.lanes.contains(lane);
        // One of links may hit everybody; one that names the same ones says more.
        let is_named = !band.lanes.is_empty();
        let explained = missing.iter().filter(|lane| !is_named || hit(lane)).count();
        (explained, is_named, hit(&waiting), band.from)
    })
}
