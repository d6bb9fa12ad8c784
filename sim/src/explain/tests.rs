//! What is said of a little run in which one leader is killed.

use expect_test::expect;

use super::*;
use crate::history::{FaultHead, HeightStory, ViewStory, tests::little};

/// The height that lost its leader: who, through which fault, and when it came back.
#[test]
fn a_height_without_its_leader() {
    let lines = explain(&little(), 2).expect("it is final");
    expect![[r#"
        height 2 took 2 views, 2 to 3, and 123 ms: from 0.012 s to 0.135 s (half of all heights take up to 18 ms)
        view 2, leader n1: no proposal. It is down (killed) since 0.025 s by fault 0, kill n1, back at 0.280 s.
          n0 n2 n3 gave up after 100 ms (no proposal in time). Nullified at 0.117 s, after 105 ms.
        view 3, leader n0: proposed at 0.118 s with 2 transactions, notarized 11 ms later (n0 first), final 17 ms later (n0 first)."#]].assert_eq(&lines.join("\n"));
}

#[test]
fn a_height_like_any_other() {
    let lines = explain(&little(), 1).expect("it is final");
    expect![[r#"
        height 1 took one view, 1, and 18 ms: from 0.000 s to 0.018 s (half of all heights take up to 18 ms)
        view 1, leader n2: proposed at 0.001 s with 2 transactions, notarized 11 ms later (n0 first), final 17 ms later (n0 first)."#]].assert_eq(&lines.join("\n"));
}

/// A height that nobody came to is told as far as it goes, and one beyond is not told at all.
#[test]
fn heights_that_are_not_there() {
    let lines = explain(&little(), 3).expect("it was worked on");
    expect![[r#"
        height 3 was never final: one view, 4, from 0.129 s to the end at 0.300 s
        view 4, leader n3: no proposal. It was in the view from 0.129 s and sent none."#]]
    .assert_eq(&lines.join("\n"));
    assert_eq!(explain(&little(), 4), None);
    assert_eq!(explain(&little(), 0), None);
}

/// Nobody is down, but the proposal reached too few: what was missing where, and until when.
#[test]
fn a_proposal_that_reached_too_few() {
    let mut history = little();
    let lost = crate::history::Fate::Lost(1);
    for crossing in &mut history.crossings {
        let letter = &history.letters[usize::try_from(crossing.letter).expect("small")];
        if letter.view == 3 && crossing.to == 2 {
            (crossing.fate, crossing.ended) = (lost, crossing.sent);
        }
    }
    let view = history.views.get_mut(&3).expect("it was entered");
    view.accepted.retain(|(lane, _)| *lane != 2);
    view.notarized.clear();
    view.given_up = vec![(3, 218_000_000, "no certificate in time".to_owned())];
    view.nullified = vec![(3, 219_000_000)];
    let failure = fate_of(&history, 3).expect("it was entered");
    expect![[r#"
        view 3, leader n0: it proposed height 2 at 0.118 s; it did not reach n2 (lost: partition), n1 (lost: receiver down). n3 had notarize votes of weight 3 where 3 is a quorum, without n1 (down).
          n3 gave up after 101 ms (no certificate in time). Nullified at 0.219 s, after 102 ms."#]].assert_eq(&failure.lines.join("\n"));
}

/// Nobody gives up on the view, but votes are cut off: which, where, and through which fault.
#[test]
fn a_block_whose_votes_were_cut_off() {
    let mut history = little();
    let (lost, healed) = (crate::history::Fate::Lost(1), 1_200_000_000);
    let told = history.clone();
    for crossing in &mut history.crossings {
        let letter = &told.letters[usize::try_from(crossing.letter).expect("small")];
        if letter.view == 3 && told.kind(letter) == "finalize" {
            (crossing.fate, crossing.ended) = (lost, crossing.sent);
        }
    }
    let partition = history.head.faults.len();
    let particulars = "n0 | n2 n3".to_owned();
    history.head.faults.push(FaultHead { verb: "partition".to_owned(), particulars, links: true });
    let fault = u32::try_from(partition).expect("few");
    history.faults.push(Band { fault, from: 130_000_000, to: healed, lanes: Vec::new() });
    // Others act as well, and later: they keep nobody's votes.
    let duplicate = FaultHead { verb: "duplicate".to_owned(), links: true, ..FaultHead::default() };
    history.head.faults.push(duplicate);
    history.faults.push(Band { fault: fault + 1, from: healed / 2, to: healed, lanes: Vec::new() });
    history.faults.push(Band { fault: 0, from: healed - 1, to: healed, lanes: vec![0] });
    let height = history.heights.get_mut(&2).expect("it was final");
    height.by.iter_mut().for_each(|(_, at)| *at += healed);
    history.end += 2 * healed;
    // Blocks are fast as a rule.
    for (further, at) in (2..).zip([1_345_000_000, 1_355_000_000]) {
        let entered = vec![(0, at - 10_000_000, 0)];
        history.views.insert(3 + further, ViewStory { entered, ..ViewStory::default() });
        let story = HeightStory { view: 3 + further, by: vec![(0, at)], ..HeightStory::default() };
        history.heights.insert(1 + further, story);
    }
    let lines = explain(&history, 2).expect("it is final");
    expect![[r#"
        height 2 took 2 views, 2 to 3, and 1.32 s: from 0.012 s to 1.335 s (half of all heights take up to 18 ms)
        view 2, leader n1: no proposal. It is down (killed) since 0.025 s by fault 0, kill n1, back at 0.280 s.
          n0 n2 n3 gave up after 100 ms (no proposal in time). Nullified at 0.117 s, after 105 ms.
        view 3, leader n0: proposed at 0.118 s with 2 transactions, notarized 11 ms later (n0 first), final 1.21 s later (n0 first).
          At 0.726 s n0 had finalize votes of weight 1 where 3 is a quorum, without n1 (sent none), n2 n3 (lost: partition), through fault 1, partition n0 | n2 n3 from 0.130 s to 1.200 s."#]].assert_eq(&lines.join("\n"));
    // As the picture says it, if no other view was given up.
    let given_up = history.views.get_mut(&2).expect("it was entered");
    given_up.nullified.clear();
    given_up.given_up.clear();
    let trouble = troubles(&history).remove(0);
    expect!["no quorum for n0's block (partition): recovered at 1.335 s: height 2 final, after 1.31 s without"].assert_eq(&format!("{}: {}", trouble.short, trouble.recovery()));
}

/// The one stretch without a block, with its end.
#[test]
fn where_the_chain_stood_still() {
    let lines: Vec<String> = troubles(&little())
        .iter()
        .map(|trouble| format!("{}: {}", trouble.short, trouble.recovery()))
        .collect();
    expect![[r#"
        no leader: n1 killed, view 2 nullified after 105 ms: recovered at 0.135 s: height 2 final, after 117 ms without"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn lengths_of_time() {
    let said: Vec<String> =
        [0, 1_234_567, 9_999_999, 10_000_000, 812_345_678, 1_634_000_000, 75_500_000_000]
            .map(lasting)
            .to_vec();
    assert_eq!(said, ["0.0 ms", "1.2 ms", "9.9 ms", "10 ms", "812 ms", "1.63 s", "75.5 s"]);
    assert_eq!(clock(3_012_999_999), "3.012 s");
}
