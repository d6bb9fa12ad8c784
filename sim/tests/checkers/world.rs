//! The checkers in the whole world: networks that lose, disks that tear, liars of every kind.

use quorate_sim::{
    report::{RunOptions, Verdict},
    run::run,
    scenario::{Scenario, parse},
};

fn scenario(text: &str) -> Scenario {
    parse("inline.toml", text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn judge(text: &str, seeds: std::ops::Range<u64>) {
    let scenario = scenario(text);
    for seed in seeds {
        let report = run(&scenario, seed, &RunOptions::default());
        assert_eq!(report.verdict, Verdict::Held, "{} with seed {seed}", scenario.name);
    }
}

/// Three of seven twinned and parted, so that both sides have a quorum: agreement breaks, and the
/// proofs of any two that disagree name all three.
#[test]
fn three_twins_of_seven_break_agreement_and_are_named() {
    judge(
        r#"
        format = 1
        name = "twins-3-of-7"
        [run]
        max_time = "40s"
        [cluster]
        validators = 7
        [[byzantine]]
        nodes = ["n4", "n5", "n6"]
        kind = "twin"
        [[fault]]
        kind = "partition"
        groups = [["n0", "n1", "n4", "n5", "n6"], ["n2", "n3", "n4'", "n5'", "n6'"]]
        at = "0s"
        [expect]
        outcome = "violation:agreement"
        culprits_min = 3
        "#,
        1..4,
    );
}

/// Crashes that tear, lose and come at every point of a vote, on a network that loses and doubles.
#[test]
fn silent_on_crashes_and_torn_writes() {
    judge(
        r#"
        format = 1
        name = "crashes-4"
        [run]
        max_time = "30s"
        [cluster]
        validators = 4
        [network]
        delay = { dist = "uniform", min = "2ms", max = "60ms" }
        drop = 0.02
        duplicate = 0.02
        [disk]
        lost_unsynced = 0.5
        torn_write = { p = 0.5, sector = 512 }
        [workload]
        tx_per_second = 20
        [[fault]]
        kind = "crash_loop"
        node = "n1"
        up = { dist = "uniform", min = "500ms", max = "2s" }
        down = { dist = "uniform", min = "100ms", max = "1s" }
        at = "1s"
        for = "15s"
        [[fault]]
        kind = "kill"
        node = "leader"
        at = { point = "proposal.after_sync_before_send", nth = 3 }
        restart_after = "1s"
        [liveness]
        gst = "20s"
        bound = "8s"
        [expect]
        sometimes = ["message_dropped", "message_duplicated", "restarted_and_finalized"]
        "#,
        1..6,
    );
}

/// One liar of four at a time, each of another kind, and progress all the same.
#[test]
fn silent_on_liars() {
    let liars = [
        "kind = \"equivocate_proposal\"",
        "kind = \"equivocate_vote\"",
        "kind = \"withhold\"\nmessages = [\"vote\", \"proposal\"]",
        "kind = \"silent_to\"\nto = [\"n0\"]",
        "kind = \"bad_signature\"",
        "kind = \"replay_stale\"",
        "kind = \"flood\"\nmessages_per_second = 50",
        "kind = \"conflicting_certificate\"",
        "kind = \"delay_proposal\"\nby = \"700ms\"",
        "kind = \"invalid_block\"",
        "kind = \"lie_in_sync\"",
        "kind = \"forge\"",
        "kind = \"skip_parent\"",
        "kind = \"steal\"",
        "kind = \"twin\"",
    ];
    for liar in liars {
        let text = format!(
            r#"
            format = 1
            name = "liar-4"
            [run]
            max_time = "20s"
            [cluster]
            validators = 4
            crypto = "mock"
            [network]
            drop = 0.01
            [workload]
            tx_per_second = 10
            [[byzantine]]
            node = "n2"
            {liar}
            [[fault]]
            kind = "isolate"
            node = "n0"
            at = "3s"
            for = "3s"
            [liveness]
            gst = "10s"
            bound = "10s"
            "#
        );
        judge(&text, 1..3);
    }
}
