//! Why a block became final late although nobody gave up on its view.

use super::{clock, fault_words, faults_on, letters::Mail, view::verb};
use crate::history::History;

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
    let until = history.first_final(block)?;
    if until.saturating_sub(proposed) < LATE_LEAST {
        return None;
    }
    // Halfway nearly all votes have come that were not kept up.
    let halfway = proposed + (until - proposed) / 2;
    let (lane, _) = *block.by.iter().find(|(_, at)| *at == until)?;
    let is_notarized = view.notarized.iter().any(|(other, at)| *other == lane && *at <= halfway);
    let kind = if is_notarized { "finalize" } else { "notarize" };
    let (weight, missing) = Mail::of(history, block.view, until).votes(kind, lane, halfway);
    if weight >= history.quorum() {
        return None;
    }
    let band = faults_on(history, lane, proposed, until)
        .max_by_key(|band| (band.lanes.contains(&lane), band.from));
    let (short, through) = match band {
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
        missing.join(", "),
    );
    Some(Wait { short: format!("no quorum for n{leader}'s block{short}"), line })
}
