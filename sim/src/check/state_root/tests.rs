//! A different state, different outcomes or a skipped block are noticed, also after a restart.

use quorate_core::execution::{Outcome, Skip};

use super::{
    super::stage::{Stage, assert_broken, block, executed, payload, started, transaction},
    StateRoot,
};
use crate::scenario::Invariant;

#[test]
fn equal_states_are_fine_and_may_be_computed_again() {
    let mut stage = Stage::new(4, StateRoot::default());
    let first = stage.first_block(0);
    let second = stage.child(&first, 0);
    for number in 0..4 {
        stage.fine(number, executed(&first, 1, Outcome::Applied));
        stage.fine(number, executed(&second, 2, Outcome::Applied));
    }
    stage.fine(2, started(1, 2, 0));
    stage.fine(2, executed(&first, 1, Outcome::Applied));
}

#[test]
fn another_state_breaks_it() {
    let mut stage = Stage::new(4, StateRoot::default());
    let first = stage.first_block(0);
    stage.fine(0, executed(&first, 1, Outcome::Applied));
    let seen = stage.see(1, executed(&first, 2, Outcome::Applied));
    assert_broken(seen, Invariant::StateRoot, "the state at height 1");
}

#[test]
fn another_state_after_a_restart_breaks_it() {
    let mut stage = Stage::new(4, StateRoot::default());
    let first = stage.first_block(0);
    stage.fine(0, executed(&first, 1, Outcome::Applied));
    stage.fine(0, started(1, 1, 0));
    let seen = stage.see(0, executed(&first, 2, Outcome::Applied));
    assert_broken(seen, Invariant::StateRoot, "the state at height 1");
}

#[test]
fn other_outcomes_break_it() {
    let mut stage = Stage::new(4, StateRoot::default());
    let first = block(1, stage.scene().context.genesis, 0, payload(vec![transaction(1)]));
    stage.fine(0, executed(&first, 1, Outcome::Applied));
    let seen = stage.see(1, executed(&first, 1, Outcome::Skipped(Skip::Expired)));
    assert_broken(seen, Invariant::StateRoot, "disagree on outcomes");
}

#[test]
fn a_skipped_block_breaks_it() {
    let mut stage = Stage::new(4, StateRoot::default());
    let first = stage.first_block(0);
    let third = stage.child(&stage.child(&first, 0), 0);
    stage.fine(0, executed(&first, 1, Outcome::Applied));
    let seen = stage.see(0, executed(&third, 3, Outcome::Applied));
    assert_broken(seen, Invariant::StateRoot, "executed height 3 after 1");
}
