//! Contradictions are noticed across restarts and in whatever message they leave; saying the same
//! again is none.

use quorate_core::{codec::Bounded, message::Message, vote::Statement};

use super::{
    super::stage::{Stage, assert_broken, checkpoint, nullify, started},
    NoHonestEquivocation,
};
use crate::scenario::Invariant;

#[test]
fn the_same_again_after_a_restart_is_fine() {
    let mut stage = Stage::new(4, NoHonestEquivocation::default());
    let block = stage.first_block(0);
    let candidate = stage.on_root(1, &block);
    let all = [Statement::Notarize(candidate), nullify(1), Statement::Notarize(candidate)];
    for statement in all {
        assert_eq!(stage.sign(&[0], statement), Ok(()));
        stage.fine(0, started(1, 0, 0));
    }
}

#[test]
fn two_notarizes_break_it_even_in_two_lives() {
    let mut stage = Stage::new(4, NoHonestEquivocation::default());
    let (left, right) = (stage.first_block(0), stage.first_block(1));
    let (left, right) = (stage.on_root(1, &left), stage.on_root(1, &right));
    assert_eq!(stage.sign(&[0], Statement::Notarize(left)), Ok(()));
    stage.fine(0, started(1, 0, 0));
    let seen = stage.sign(&[0], Statement::Notarize(right));
    assert_broken(seen, Invariant::NoHonestEquivocation, "n0 said notarize v1");
}

#[test]
fn nullify_and_finalize_break_it_where_they_leave() {
    let mut stage = Stage::new(4, NoHonestEquivocation::default());
    let block = stage.first_block(0);
    let finalize = stage.vote(2, Statement::Finalize(stage.on_root(1, &block)));
    let give_up = stage.vote(2, nullify(1));
    assert_eq!(stage.send(2, Message::Vote(finalize)), Ok(()));
    let seen = stage.send(2, Message::Votes(Bounded::new(vec![give_up])));
    assert_broken(seen, Invariant::NoHonestEquivocation, "n2 said finalize");
}

#[test]
fn a_liar_may_contradict_itself() {
    let mut stage = Stage::new(4, NoHonestEquivocation::default()).corrupt(&[2]);
    let block = stage.first_block(0);
    let candidate = stage.on_root(1, &block);
    assert_eq!(stage.sign(&[2], Statement::Finalize(candidate)), Ok(()));
    assert_eq!(stage.sign(&[2], nullify(1)), Ok(()));
}

#[test]
fn two_checkpoints_of_one_height_break_it() {
    let mut stage = Stage::new(4, NoHonestEquivocation::default());
    assert_eq!(stage.sign(&[0], checkpoint(8, 1)), Ok(()));
    assert_eq!(stage.sign(&[0], nullify(8)), Ok(()), "a view is no height");
    assert_eq!(stage.sign(&[0], checkpoint(16, 2)), Ok(()));
    let seen = stage.sign(&[0], checkpoint(8, 2));
    assert_broken(seen, Invariant::NoHonestEquivocation, "n0 said checkpoint h8");
}
