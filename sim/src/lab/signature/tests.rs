//! Equal for one reason, different for two.

use quorate_core::time::Span;

use super::*;
use crate::{
    report::Broken,
    scenario::{Invariant, NodeName, Scenario},
};

fn of(finding: Finding) -> String {
    signature(&RunReport::ended(&Scenario::quiet("signed", 4), 1, finding))
}

fn broken(invariant: Invariant, detail: &str) -> Finding {
    Finding::Violation(Broken {
        invariant,
        at: Span::from_millis(7),
        nodes: vec![NodeName::new(1)],
        detail: detail.to_owned(),
    })
}

#[test]
fn a_reason_has_one_signature() {
    let one = of(broken(Invariant::Agreement, "two blocks at height 7"));
    assert_eq!(one, "violation:agreement");
    assert_eq!(one, of(broken(Invariant::Agreement, "two blocks at height 12")));
    assert_ne!(one, of(broken(Invariant::VoteRules, "two blocks at height 7")));
    assert_eq!(of(Finding::Held), HELD);

    let panic = |message: &str| {
        of(Finding::CorePanic { node: None, at: Span::ZERO, message: message.to_owned() })
    };
    assert_eq!(panic("I2: finalized 7 above vote 9"), panic("I2: finalized 8 above vote 1"));
    assert_ne!(panic("I2: finalized 7 above vote 9"), panic("I3: finalized 7 above vote 9"));
}

/// Values have letters in front, hang together with brackets, or are digests.
#[test]
fn values_in_a_message_do_not_count() {
    let panic = |message: &str| {
        of(Finding::CorePanic { node: None, at: Span::ZERO, message: message.to_owned() })
    };
    let refused = |view, digest| {
        panic(&format!(
            "the signer refused: already promised Nullify {{ view: v{view} }} ({digest})"
        ))
    };
    let wanted = "panic:the signer refused: already promised Nullify { view: # } (#)";
    assert_eq!(refused(15, "487f33b2"), wanted);
    assert_eq!(refused(7, "deadbeef"), refused(15, "487f33b2"));
    assert_ne!(panic("P20: entering v5 from v9"), panic("P21: entering v5 from v9"));
    assert_eq!(panic("P20: entering v5 from v9"), "panic:P20: entering # from #");
}

#[test]
fn an_unmet_expectation_is_a_reason_of_its_own() {
    let mut report =
        RunReport::ended(&Scenario::quiet("signed", 4), 1, broken(Invariant::Agreement, "x"));
    report.verdict = Verdict::ExpectationNotMet(vec![Unmet::NotThatOutcome {
        wanted: crate::scenario::Outcome::Stall,
    }]);
    assert_eq!(signature(&report), "unmet:not-that-outcome");
}
