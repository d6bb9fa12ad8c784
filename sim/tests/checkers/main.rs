//! The checkers against real replicas: silent on a correct run, whatever happens to it within f, and
//! loud where agreement really breaks, with the culprits named.

mod cluster;
mod world;

use std::collections::BTreeSet;

use cluster::Cluster;
use quorate_core::types::ValidatorId;
use quorate_sim::{
    byzantine::{
        Behaviour, Behaviours, bad_signature::BadSignature,
        conflicting_certificate::ConflictingCertificate, equivocate_proposal::EquivocateProposal,
        equivocate_vote::EquivocateVote, flood::Flood, invalid_block::InvalidBlock,
        lie_in_sync::LieInSync, replay_stale::ReplayStale, withhold::Withhold,
    },
    scenario::{Invariant, Mark, MessageKind, Split},
    trace::NodeIndex,
};

const SECOND: u64 = 1_000_000_000;

/// Four honest validators and a client: blocks become final and no checker objects.
#[test]
fn silent_on_an_ordinary_run() {
    let mut cluster = Cluster::new(4, &[]);
    for nonce in 0..20 {
        cluster.submit(usize::try_from(nonce % 4).expect("small"), nonce);
        assert_eq!(cluster.run(cluster.now + SECOND / 4), Ok(()));
    }
    let end = cluster.now;
    assert_eq!(cluster.checks.finish(end), Ok(()));
    assert!(cluster.heights().iter().all(|height| *height >= 10), "{:?}", cluster.heights());
}

/// Equal clusters leave equal traces.
#[test]
fn equal_runs_hash_equal() {
    let hash = || {
        let mut cluster = Cluster::new(4, &[]);
        cluster.submit(1, 0);
        assert_eq!(cluster.run(2 * SECOND), Ok(()));
        cluster.hash()
    };
    assert_eq!(hash(), hash());
}

/// Each validator in turn, then all at once in the middle of a vote, crash and come back with what their disks hold.
#[test]
fn silent_on_restarts() {
    let mut cluster = Cluster::new(4, &[]);
    for place in [0, 1, 2, 3] {
        assert_eq!(cluster.run(cluster.now + SECOND), Ok(()));
        cluster.kill(place);
        assert_eq!(cluster.run(cluster.now + 3 * SECOND), Ok(()));
        cluster.boot(place);
    }
    assert_eq!(cluster.run(cluster.now + 3 * SECOND), Ok(()));
    assert_eq!(cluster.run_to_signature(), Ok(()));
    (0..4).for_each(|place| cluster.kill(place));
    (0..4).for_each(|place| cluster.boot(place));
    let before = cluster.heights();
    assert_eq!(cluster.run(cluster.now + 5 * SECOND), Ok(()));
    let after = cluster.heights();
    assert!(before.iter().zip(&after).all(|(b, a)| b < a), "{before:?} then {after:?}");
    let marks = cluster.checks.marks();
    for mark in [
        Mark::ViewChangeCompleted,
        Mark::CaughtUpBySync,
        Mark::RestartedAndFinalized,
        Mark::VoteRecoveredFromLog,
    ] {
        assert!(marks.contains_key(&mark), "`{}` in {marks:?}", mark.name());
    }
}

/// One of four misbehaves, in every way there is: nothing breaks, and the others go on.
#[test]
fn silent_on_one_liar_in_four() {
    type Make = fn() -> Box<dyn Behaviour>;
    let ways: [(&str, Option<Mark>, Make); 9] = [
        ("equivocate_proposal", Some(Mark::EquivocationObserved), || {
            Box::new(EquivocateProposal::new(Split::Random))
        }),
        ("equivocate_vote", Some(Mark::EquivocationObserved), || {
            Box::new(EquivocateVote::new(Split::Random))
        }),
        ("withhold", None, || {
            Box::new(Withhold::new(vec![MessageKind::Vote, MessageKind::Proposal]))
        }),
        ("bad_signature", None, || Box::new(BadSignature)),
        ("replay_stale", None, || Box::new(ReplayStale::default())),
        ("flood", None, || Box::new(Flood::new(50))),
        ("conflicting_certificate", None, || Box::new(ConflictingCertificate::default())),
        ("invalid_block", None, || Box::new(InvalidBlock)),
        ("lie_in_sync", Some(Mark::BadSyncResponseRejected), || Box::new(LieInSync)),
    ];
    for (name, mark, make) in ways {
        let mut cluster = Cluster::new(4, &[]);
        let mut behaviours = Behaviours::new();
        behaviours.push(make());
        cluster.misbehave(2, behaviours);
        // One falls behind, again and again, and has to ask the others, the liar among them.
        for _ in 0..5 {
            cluster.kill(0);
            assert_eq!(cluster.run(cluster.now + SECOND), Ok(()), "{name}");
            cluster.boot(0);
            assert_eq!(cluster.run(cluster.now + 2 * SECOND), Ok(()), "{name}");
        }
        let heights = cluster.heights();
        assert!([0, 1, 3].into_iter().all(|place| heights[place] >= 5), "{name}: {heights:?}");
        if let Some(mark) = mark {
            let marks = cluster.checks.marks();
            assert!(marks.contains_key(&mark), "{name}: `{}` in {marks:?}", mark.name());
        }
        let culprits: Vec<ValidatorId> = cluster.checks.culprits().iter().copied().collect();
        if name.starts_with("equivocate") {
            assert_eq!(culprits, [ValidatorId::new(2)], "{name}");
        }
    }
}

/// Three of seven run twice, and every honest pair sees only one of each: both sides finalize their
/// own chain. Agreement is found broken, and the honest can prove who did it.
#[test]
fn loud_on_three_twins_of_seven() {
    let mut cluster = Cluster::new(7, &[4, 5, 6]);
    let node = NodeIndex::new;
    let left = [node(0), node(1), node(4), node(5), node(6)];
    let right = [node(2), node(3), node(4).twin(), node(5).twin(), node(6).twin()];
    cluster.partition(&[&left, &right]);
    let violation = cluster.run(30 * SECOND).expect_err("two chains are final");
    assert_eq!(violation.invariant, Invariant::Agreement, "{}", violation.detail);
    let twins: BTreeSet<ValidatorId> = [4, 5, 6].map(ValidatorId::new).into();
    assert_eq!(*cluster.checks.culprits(), twins, "{}", violation.detail);
}
