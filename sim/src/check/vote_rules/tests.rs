//! Votes on foundations that do not exist are noticed, whoever has heard of what.

use quorate_core::{types::Digest, vote::Statement};

use super::{
    super::stage::{Stage, assert_broken, nullify, on},
    VoteRules,
};
use crate::scenario::Invariant;

#[test]
fn an_ordinary_run_with_a_skipped_view_is_fine() {
    let mut stage = Stage::new(4, VoteRules);
    let first = stage.first_block(0);
    let second = stage.child(&first, 0);
    let parent = stage.on_root(1, &first);
    let child = on(&parent, 3, &second);
    let script = [
        (&[0, 1, 2][..], Statement::Notarize(parent)),
        (&[0, 1, 2], Statement::Finalize(parent)),
        (&[0, 1, 2], nullify(2)),
        (&[1, 2, 3], Statement::Notarize(child)),
        (&[3], nullify(3)),
        (&[1, 2], Statement::Finalize(child)),
    ];
    for (numbers, statement) in script {
        assert_eq!(stage.sign(numbers, statement), Ok(()));
    }
}

#[test]
fn finalize_without_a_quorum_of_notarize_breaks_it() {
    let mut stage = Stage::new(4, VoteRules);
    let block = stage.first_block(0);
    let candidate = stage.on_root(1, &block);
    assert_eq!(stage.sign(&[0, 1], Statement::Notarize(candidate)), Ok(()));
    let seen = stage.sign(&[0], Statement::Finalize(candidate));
    assert_broken(seen, Invariant::VoteRules, "no quorum of Notarize");
}

#[test]
fn two_of_four_is_no_quorum_of_nullify() {
    let mut stage = Stage::new(4, VoteRules);
    let block = stage.first_block(0);
    let late = stage.on_root(2, &block);
    assert_eq!(stage.sign(&[0, 1], nullify(1)), Ok(()));
    let seen = stage.sign(&[0], Statement::Notarize(late));
    assert_broken(seen, Invariant::VoteRules, "not nullified by a quorum");
}

#[test]
fn a_parent_nobody_notarized_breaks_it() {
    let mut stage = Stage::new(4, VoteRules);
    let first = stage.first_block(0);
    let second = stage.child(&first, 0);
    let child = on(&stage.on_root(1, &first), 2, &second);
    let seen = stage.sign(&[0], Statement::Notarize(child));
    assert_broken(seen, Invariant::VoteRules, "neither the root nor notarized");

    let mut stage = Stage::new(4, VoteRules);
    let mut stray = stage.on_root(1, &first);
    stray.parent_id = Digest::ZERO;
    let seen = stage.sign(&[0], Statement::Notarize(stray));
    assert_broken(seen, Invariant::VoteRules, "neither the root nor notarized");
}

#[test]
fn own_votes_bind() {
    let block = Stage::unwatched(4).first_block(0);
    let candidate = Stage::unwatched(4).on_root(1, &block);
    let cases = [
        (vec![nullify(1), Statement::Notarize(candidate)], "a Notarize after its Nullify"),
        (vec![nullify(1), Statement::Finalize(candidate)], "a Finalize after its Nullify"),
        (vec![Statement::Finalize(candidate), nullify(1)], "a Nullify after its Finalize"),
    ];
    for (script, reason) in cases {
        let mut stage = Stage::new(4, VoteRules);
        assert_eq!(stage.sign(&[1, 2, 3], Statement::Notarize(candidate)), Ok(()));
        assert_eq!(stage.sign(&[0], script[0]), Ok(()));
        assert_broken(stage.sign(&[0], script[1]), Invariant::VoteRules, reason);
    }
}
