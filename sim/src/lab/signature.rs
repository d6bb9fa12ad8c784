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
        Finding::CorePanic { message, .. } => format!("panic:{}", without_values(message)),
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

/// The first words, with every value in them left open: `7`, `v15`, `n3`, `487f33b2`. The number of an
/// invariant or a rule (`I2:`, `P20:`) is a name and stays; it has a capital in front.
fn without_values(message: &str) -> String {
    let words: Vec<String> =
        message.split_whitespace().take(WORDS_MAX).map(without_values_in).collect();
    words.join(" ")
}

fn without_values_in(word: &str) -> String {
    let mut text = String::new();
    // A separator ends each piece but the last.
    for piece in word.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let run = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        text.push_str(if is_value(run) { "#" } else { run });
        text.push_str(&piece[run.len()..]);
    }
    text
}

fn is_value(run: &str) -> bool {
    let has_digit = run.contains(|c: char| c.is_ascii_digit());
    // Digests are shown by their first eight digits, which may happen to be letters.
    let is_digest = run.len() == 8 && run.chars().all(|c| c.is_ascii_hexdigit());
    is_digest || has_digit && !run.starts_with(|c: char| c.is_ascii_uppercase())
}

#[cfg(test)]
mod tests;
