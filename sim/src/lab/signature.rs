//! Why a run failed, as a few words that stay the same while the run is made smaller.
//!
//! Two runs fail for the same reason if their signatures are equal: the kind of finding and the
//! invariant, never heights, names or times.

use crate::report::{Finding, RunReport, Unmet, Verdict};

/// Words of a panic's message that count.
const WORDS_MAX: usize = 12;

/// The signature of a run that found nothing.
pub const HELD: &str = "held";

/// Why a run ended as it did: `violation:agreement`, `stall`, `panic:I2 finalized # above vote #`.
///
/// What the scenario expected is a finding all the same; an expectation that was not met counts only
/// where nothing else went wrong.
#[must_use]
pub fn signature(report: &RunReport) -> String {
    if let Verdict::ExpectationNotMet(unmet) = &report.verdict {
        let kinds: Vec<String> = unmet.iter().map(unmet_kind).collect();
        return format!("unmet:{}", kinds.join(","));
    }
    match &report.facts.finding {
        Finding::Held => HELD.to_owned(),
        Finding::Violation(broken) => format!("violation:{}", broken.invariant.name()),
        Finding::Stall { .. } => "stall".to_owned(),
        Finding::NoVerdict { .. } => "no-verdict".to_owned(),
        Finding::CorePanic { message, .. } => format!("panic:{}", without_numbers(message)),
        Finding::Infrastructure { .. } => "infrastructure".to_owned(),
    }
}

fn unmet_kind(unmet: &Unmet) -> String {
    match unmet {
        Unmet::NeverFired { what, .. } => format!("never-fired:{what}"),
        Unmet::NeverSeen(mark) => format!("never-seen:{}", mark.name()),
        Unmet::FinalizedTooLittle { .. } => "finalized-too-little".to_owned(),
        Unmet::TooFewCulprits { .. } => "too-few-culprits".to_owned(),
        Unmet::NotThatOutcome { .. } => "not-that-outcome".to_owned(),
    }
}

/// The first words, with everything that begins like a value left open. The invariant's number in
/// front (`I2:`) is a name and stays.
fn without_numbers(message: &str) -> String {
    let is_value = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let words: Vec<&str> = message
        .split_whitespace()
        .take(WORDS_MAX)
        .map(|word| if is_value(word) { "#" } else { word })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests;
