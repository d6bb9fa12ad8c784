//! Two honest validators that finalize different blocks are noticed, by their logs and by what they
//! report; a dishonest one may claim what it likes.

use std::sync::Arc;

use quorate_core::{
    event::Event,
    types::{Height, View},
};

use super::{
    super::stage::{Stage, assert_broken, wrote},
    Agreement,
};
use crate::{scenario::Invariant, trace::What};

fn finalized(height: u64, block: &quorate_core::block::Block) -> What {
    What::Reported(Arc::new(Event::Finalized {
        height: Height::new(height),
        view: View::new(height),
        block: block.digest(),
    }))
}

#[test]
fn equal_blocks_agree() {
    let mut stage = Stage::new(4, Agreement::default());
    let block = stage.first_block(0);
    let candidate = stage.on_root(1, &block);
    for number in 0..4 {
        let record = stage.advance(candidate, &[0, 1, 2], &[&block]);
        stage.fine(number, wrote(1, vec![record]));
        stage.fine(number, finalized(1, &block));
    }
}

#[test]
fn different_blocks_at_one_height_break_it() {
    let mut stage = Stage::new(4, Agreement::default());
    let (left, right) = (stage.first_block(0), stage.first_block(1));
    stage.fine(0, finalized(1, &left));
    let seen = stage.see(1, finalized(1, &right));
    assert_broken(seen, Invariant::Agreement, "at height h1 n0 finalized");
}

#[test]
fn different_candidates_of_one_block_in_one_view_break_it() {
    let mut stage = Stage::new(4, Agreement::default());
    let block = stage.first_block(0);
    let left = stage.on_root(3, &block);
    let right = quorate_core::block::Candidate { parent_view: View::new(2), ..left };
    let record = stage.advance(left, &[0, 1, 2], &[&block]);
    stage.fine(0, wrote(1, vec![record]));
    let record = stage.advance(right, &[0, 1, 2], &[&block]);
    assert_broken(stage.see(1, wrote(1, vec![record])), Invariant::Agreement, "view");
}

#[test]
fn a_liar_does_not_break_it() {
    let mut stage = Stage::new(4, Agreement::default()).corrupt(&[3]);
    let (left, right) = (stage.first_block(0), stage.first_block(1));
    stage.fine(0, finalized(1, &left));
    stage.fine(3, finalized(1, &right));
    stage.fine(1, finalized(1, &left));
}

#[test]
fn a_halt_breaks_it_unless_a_third_is_dishonest() {
    for (liars, holds) in [(&[3][..], false), (&[2, 3], true)] {
        let mut stage = Stage::new(4, Agreement::default()).corrupt(liars);
        let seen =
            stage.see(0, What::Reported(Arc::new(Event::SafetyHalt { height: Height::new(2) })));
        if holds {
            assert_eq!(seen, Ok(()));
        } else {
            assert_broken(seen, Invariant::Agreement, "two final chains");
        }
    }
}
