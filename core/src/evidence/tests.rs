//! Offences and non-offences, and that a fork convicts a third.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Evidence, Offence, between};
use crate::{
    block::Candidate,
    checkpoint::Checkpoint,
    codec::Bounded,
    crypto::{Ed25519, Signature, Verifier},
    proof::CommitProof,
    testing::{
        cast::{Cast, candidate, checkpoint, finalize, notarize, nullify},
        strategies,
    },
    types::{Digest, Epoch, Height, Stake, ValidatorIndex, View},
    vote::{Statement, Vote},
};

fn judged(a: Statement, b: Statement) -> Option<Offence> {
    let cast = Cast::equal(4);
    Evidence::of(&cast.vote(1, a), &cast.vote(1, b)).and_then(|evidence| evidence.offence())
}

#[test]
fn the_three_offences() {
    assert_eq!(judged(notarize(5, 1), notarize(5, 2)), Some(Offence::ConflictingNotarize), "E1");
    assert_eq!(judged(finalize(5, 1), finalize(5, 2)), Some(Offence::ConflictingFinalize), "E2");
    assert_eq!(judged(nullify(5), finalize(5, 1)), Some(Offence::NullifyFinalize), "E3");
}

/// An honest validator does each of these.
#[test]
fn what_is_no_offence() {
    let innocent = [
        (notarize(5, 1), notarize(5, 1)),
        (nullify(5), nullify(5)),
        (finalize(5, 1), finalize(5, 1)),
        (notarize(5, 1), nullify(5)),
        (notarize(5, 1), finalize(5, 1)),
        (notarize(5, 1), finalize(5, 2)),
        (notarize(5, 1), notarize(6, 2)),
        (finalize(5, 1), finalize(6, 2)),
        (nullify(5), finalize(6, 1)),
    ];
    for (a, b) in innocent {
        assert_eq!(judged(a, b), None, "{a:?} {b:?}");
        assert_eq!(judged(b, a), None, "{b:?} {a:?}");
    }
}

#[test]
fn another_signer_or_epoch_is_another_matter() {
    let cast = Cast::equal(4);
    let (a, b) = (cast.vote(1, notarize(5, 1)), cast.vote(2, notarize(5, 2)));
    assert_eq!(Evidence::of(&a, &b), None);
    let later = Candidate { epoch: Epoch::new(1), ..candidate(5, 2) };
    let c = cast.vote(1, Statement::Notarize(later));
    assert_eq!(Evidence::of(&a, &c), None);
}

/// Compared by content: other signature bytes on the same statement convict nobody.
#[test]
fn signature_bytes_do_not_matter() {
    let cast = Cast::equal(4);
    let vote = cast.vote(1, notarize(5, 1));
    let forged = Vote { signature: Signature::new([7; 64]), ..vote };
    assert_eq!(Evidence::of(&vote, &forged), None);
}

/// E4: everything in a checkpoint counts, not only the state.
#[test]
fn two_checkpoints_of_one_height() {
    let cast = Cast::equal(4);
    let whole = checkpoint(8, 1);
    let judged = |other: Checkpoint| {
        let evidence = Evidence::of(&cast.vote(1, whole), &cast.vote(1, other));
        evidence.and_then(|evidence| evidence.offence())
    };
    let other = Some(Digest::new([9; 32]));
    let offences = [
        Checkpoint { block: Digest::ZERO, ..whole },
        Checkpoint { state_root: Digest::ZERO, ..whole },
        Checkpoint { receipts_root: Digest::ZERO, ..whole },
        Checkpoint { outbox_root: Digest::ZERO, ..whole },
        Checkpoint { committee: Digest::ZERO, ..whole },
        Checkpoint { next_committee: other, ..whole },
    ];
    for offence in offences {
        assert_eq!(judged(offence), Some(Offence::ConflictingCheckpoint), "{offence:?}");
    }
    for innocent in [whole, checkpoint(16, 2), Checkpoint { epoch: Epoch::new(1), ..whole }] {
        assert_eq!(judged(innocent), None, "{innocent:?}");
    }
    let (a, b) = (cast.vote(1, whole), cast.vote(1, checkpoint(8, 2)));
    let evidence = Evidence::of(&a, &b).expect("E4");
    let checks = evidence.checks(cast.context(), cast.committee()).expect("an offence");
    assert_eq!(Ed25519.verify(&checks), vec![true; 2]);
    assert_eq!(Evidence::of(&a, &cast.vote(2, checkpoint(8, 2))), None, "another signer");
}

/// Candidates that differ in their ancestry only are different candidates.
#[test]
fn another_parent_is_another_candidate() {
    let other = Candidate { parent_view: View::new(1), ..candidate(5, 1) };
    let offence = judged(notarize(5, 1), Statement::Notarize(other));
    assert_eq!(offence, Some(Offence::ConflictingNotarize));
}

#[test]
fn its_signatures_are_checked_in_context() {
    let cast = Cast::equal(4);
    let (a, b) = (cast.vote(1, notarize(5, 1)), cast.vote(1, notarize(5, 2)));
    let evidence = Evidence::of(&a, &b).expect("E1");
    let checks = evidence.checks(cast.context(), cast.committee()).expect("an offence");
    assert_eq!(Ed25519.verify(&checks), vec![true; 2]);

    let framed = Vote { signature: a.signature, ..b };
    let evidence = Evidence::of(&a, &framed).expect("the content conflicts");
    let checks = evidence.checks(cast.context(), cast.committee()).expect("an offence");
    assert!(Ed25519.verify(&checks).contains(&false), "a framed validator is not convicted");

    let stranger = |vote: Vote| Vote { signer: ValidatorIndex::new(9), ..vote };
    let evidence = Evidence::of(&stranger(a), &stranger(b)).expect("the content conflicts");
    assert_eq!(evidence.checks(cast.context(), cast.committee()), None);
}

/// Bytes may hold two votes in the wrong order, or two that do not conflict: neither is evidence.
#[test]
fn decoded_evidence_is_judged_again() {
    let cast = Cast::equal(4);
    let (a, b) = (cast.vote(1, notarize(5, 1)), cast.vote(1, notarize(5, 2)));
    let good = Evidence::of(&b, &a).expect("E1");
    let [a, b, c, d] =
        [a, b, cast.vote(2, notarize(5, 2)), cast.vote(1, nullify(5))].map(|vote| vote.widened());
    assert_eq!(good, Evidence { first: a, second: b }, "the lesser first");
    for bad in [
        Evidence { first: b, second: a },
        Evidence { first: a, second: a },
        Evidence { first: a, second: c },
        Evidence { first: a, second: d },
        Evidence { first: a, second: cast.vote(1, checkpoint(5, 1)).widened() },
    ] {
        assert_eq!(bad.offence(), None, "{bad:?}");
        assert_eq!(bad.checks(cast.context(), cast.committee()), None);
    }
}

fn proof(
    cast: &Cast,
    view: u64,
    name: u8,
    by: &[u16],
    skipped: &[u64],
    skips_by: &[u16],
) -> CommitProof {
    let skips = skipped.iter().map(|view| cast.certificate(nullify(*view), skips_by.to_vec()));
    CommitProof {
        height: Height::new(1),
        candidate: candidate(view, name),
        notarization: Some(cast.certificate(notarize(view, name), by.to_vec())),
        finalization: Some(cast.certificate(finalize(view, name), by.to_vec())),
        nullifications: Bounded::new(skips.collect()),
    }
}

fn culprits(found: &[Evidence]) -> BTreeSet<u16> {
    found.iter().map(|evidence| evidence.signer().get()).collect()
}

/// Two blocks in one view: every signer of both is convicted, by E1 and E2.
#[test]
fn a_fork_in_one_view_convicts_the_overlap() {
    let cast = Cast::equal(4);
    let ours = [proof(&cast, 5, 1, &[0, 1, 2], &[], &[])];
    let theirs = [proof(&cast, 5, 2, &[1, 2, 3], &[], &[])];
    let found = between(&ours, &theirs);
    assert_eq!(culprits(&found), BTreeSet::from([1, 2]));
    let offences: Vec<_> = found.iter().map(Evidence::offence).collect();
    let both = [Some(Offence::ConflictingNotarize), Some(Offence::ConflictingFinalize)];
    assert_eq!(offences, [both, both].concat());
}

/// One finalized view 5, the other skipped it and finalized view 7: E3.
#[test]
fn a_fork_over_a_skipped_view_convicts_the_overlap() {
    let cast = Cast::equal(4);
    let ours = [proof(&cast, 5, 1, &[0, 1, 2], &[], &[])];
    let theirs = [proof(&cast, 7, 2, &[1, 2, 3], &[4, 5, 6], &[1, 2, 3])];
    let found = between(&ours, &theirs);
    assert_eq!(culprits(&found), BTreeSet::from([1, 2]));
    assert!(found.iter().all(|one| one.offence() == Some(Offence::NullifyFinalize)));
}

#[test]
fn the_same_chain_convicts_nobody() {
    let cast = Cast::equal(4);
    let same = [proof(&cast, 5, 1, &[0, 1, 2], &[3, 4], &[0, 1, 2])];
    let other = [proof(&cast, 5, 1, &[1, 2, 3], &[3, 4], &[1, 2, 3])];
    assert_eq!(between(&same, &other), Vec::new());
    assert_eq!(between(&same, &[]), Vec::new());
}

/// One piece per offender and kind, however long the fork.
#[test]
fn a_long_fork_is_not_told_again_and_again() {
    let cast = Cast::equal(4);
    let branch = |name| -> Vec<CommitProof> {
        (1..200).map(|view| proof(&cast, view, name, &[1, 2, 3], &[], &[])).collect()
    };
    let found = between(&branch(1), &branch(2));
    assert_eq!(found.len(), 6, "three offenders, two kinds");
}

fn conflicting_pair() -> impl Strategy<Value = (Statement, Statement)> {
    (strategies::contested_statement(), strategies::contested_statement())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// The order in which two votes are met changes nothing, and only one place is ever compared.
    #[test]
    fn order_does_not_matter((a, b) in conflicting_pair(), signer in 0..4u16) {
        let cast = Cast::equal(4);
        let (a, b) = (cast.vote(signer, a), cast.vote(signer, b));
        prop_assert_eq!(Evidence::of(&a, &b), Evidence::of(&b, &a));
        if let Some(evidence) = Evidence::of(&a, &b) {
            prop_assert!(evidence.offence().is_some());
            prop_assert_eq!(a.statement.view(), b.statement.view());
            prop_assert_ne!(a.statement, b.statement);
        }
    }

    /// Any two quorums of any weights that finalize different blocks convict at least a third, with
    /// signatures that hold, and nobody who signed for one side only.
    #[test]
    fn a_fork_convicts_a_third(
        weights in proptest::collection::vec(1..6u64, 1..8),
        a in any::<u8>(),
        b in any::<u8>(),
        skipped in any::<bool>(),
    ) {
        let cast = Cast::new(&weights);
        let committee = cast.committee();
        let size = u16::try_from(committee.size()).expect("small");
        let weigh = |side: &[u16]| {
            let weights = side.iter().map(|one| committee.weight(ValidatorIndex::new(*one)));
            weights.fold(Stake::ZERO, Stake::plus)
        };
        // The members drawn, and then as many others as a quorum still needs.
        let side = |set: u8| -> Vec<u16> {
            let (mut side, others): (Vec<u16>, Vec<u16>) =
                (0..size).partition(|one| set & (1 << one) != 0);
            let mut others = others.into_iter();
            while !committee.is_quorum(weigh(&side)) {
                side.push(others.next().expect("all together are a quorum"));
            }
            side
        };
        let (left, right) = (side(a), side(b));
        let ours = [proof(&cast, 5, 1, &left, &[], &[])];
        let theirs = match skipped {
            true => [proof(&cast, 7, 2, &right, &[5, 6], &right)],
            false => [proof(&cast, 5, 2, &right, &[], &[])],
        };
        let found = between(&ours, &theirs);
        let convicted: Vec<u16> = culprits(&found).into_iter().collect();
        prop_assert!(!committee.is_tolerable(weigh(&convicted)), "only {convicted:?}");
        prop_assert!(convicted.iter().all(|one| left.contains(one) && right.contains(one)));
        for evidence in &found {
            let checks = evidence.checks(cast.context(), committee).expect("an offence");
            prop_assert_eq!(Ed25519.verify(&checks), vec![true; 2]);
        }
        prop_assert_eq!(culprits(&between(&theirs, &ours)), culprits(&found));
    }
}
