//! Every finding against every expectation: nothing bad is excused, nothing expected is missed.

use super::*;

fn facts(finding: Finding) -> Facts {
    Facts {
        finding,
        marks: BTreeMap::new(),
        never_fired: Vec::new(),
        finalized_min: Height::new(5),
        finalized_max: Height::new(6),
        culprits: BTreeSet::from([ValidatorId::new(3)]),
    }
}

fn broken(invariant: Invariant) -> Finding {
    Finding::Violation(Broken {
        invariant,
        at: Span::ZERO,
        nodes: Vec::new(),
        detail: String::new(),
    })
}

fn code(finding: Finding, outcome: Outcome) -> u8 {
    judge(&Expect { outcome, ..Expect::default() }, &facts(finding)).exit_code()
}

#[test]
fn findings_against_outcomes() {
    let stall = || Finding::Stall { at: Span::ZERO, detail: String::new() };
    let lost = || Finding::NoVerdict { detail: String::new() };
    let panic = || Finding::CorePanic { node: None, at: Span::ZERO, message: String::new() };
    let machine = || Finding::Infrastructure { message: String::new() };
    let agreement = Outcome::Violation(Invariant::Agreement);

    assert_eq!(code(Finding::Held, Outcome::Pass), 0);
    assert_eq!(code(Finding::Held, Outcome::Stall), 25);
    assert_eq!(code(Finding::Held, agreement), 25);
    assert_eq!(code(stall(), Outcome::Pass), 21);
    assert_eq!(code(stall(), Outcome::Stall), 0);
    assert_eq!(code(stall(), agreement), 21);
    assert_eq!(code(lost(), Outcome::Pass), 24);
    assert_eq!(code(lost(), Outcome::Stall), 0);
    assert_eq!(code(broken(Invariant::Agreement), Outcome::Pass), 20);
    assert_eq!(code(broken(Invariant::Agreement), agreement), 0);
    assert_eq!(code(broken(Invariant::StateRoot), agreement), 20);
    assert_eq!(code(broken(Invariant::Agreement), Outcome::Stall), 20);
    assert_eq!(code(broken(Invariant::Liveness), Outcome::Pass), 21);
    assert_eq!(code(broken(Invariant::Determinism), Outcome::Pass), 22);
    for outcome in [Outcome::Pass, Outcome::Stall, agreement] {
        assert_eq!(code(panic(), outcome), 23, "a panic is never what was expected");
        assert_eq!(code(machine(), outcome), 30);
    }
}

#[test]
fn expectations_besides_the_outcome() {
    let expect = Expect {
        outcome: Outcome::Pass,
        sometimes: BTreeSet::from([Mark::ViewChangeCompleted, Mark::BlockFetched]),
        finalized_min: Some(Height::new(6)),
        culprits_min: Some(2),
    };
    let mut facts = facts(Finding::Held);
    facts.marks.insert(Mark::BlockFetched, 3);
    let fault = Unmet::NeverFired { fault: 1, what: "kill n2".to_owned(), line: 30 };
    facts.never_fired.push(fault);
    let Verdict::ExpectationNotMet(unmet) = judge(&expect, &facts) else {
        panic!("the expectations were met");
    };
    let said: Vec<String> = unmet.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "fault 1 (kill n2, line 30) never fired, or hit nobody",
            "`view_change_completed` was never seen",
            "height 6 was to be finalized everywhere, 5 is",
            "evidence was to name 2 culprits, it names 1",
        ]
    );
}
