//! Gaps, strangers as children, steps back and lost durable heights are noticed; losing what was never
//! durable is fine.

use std::sync::Arc;

use quorate_core::{
    event::Event,
    store::Record,
    types::{Height, View},
};

use super::{
    super::stage::{Stage, assert_broken, durable, started, wrote},
    MonotoneFinalized,
};
use crate::{scenario::Invariant, trace::What};

/// Writes block `height` of a chain as final, as log entry `height`.
fn write(
    stage: &mut Stage,
    chain: &[Arc<quorate_core::block::Block>],
    height: usize,
) -> super::super::stage::Seen {
    let block = &chain[height - 1];
    let tip = stage.on_root(u64::try_from(height).expect("small"), block);
    let records = vec![Record::Block(Arc::clone(block)), stage.advance(tip, &[0, 1, 2], &[block])];
    stage.see(0, wrote(u64::try_from(height).expect("small"), records))
}

fn chain(stage: &Stage) -> Vec<Arc<quorate_core::block::Block>> {
    let first = stage.first_block(0);
    let second = stage.child(&first, 0);
    let third = stage.child(&second, 0);
    vec![first, second, third]
}

#[test]
fn an_unsynced_tail_may_be_lost() {
    let mut stage = Stage::new(4, MonotoneFinalized::default());
    let chain = chain(&stage);
    stage.fine(0, started(0, 0, 0));
    assert_eq!(write(&mut stage, &chain, 1), Ok(()));
    stage.fine(0, durable(1));
    assert_eq!(write(&mut stage, &chain, 2), Ok(()));
    stage.fine(0, started(1, 1, 1));
    assert_eq!(write(&mut stage, &chain, 2), Ok(()));
    stage.fine(0, durable(2));
    assert_eq!(write(&mut stage, &chain, 3), Ok(()));
    // Not synced, but the disk happened to keep it.
    stage.fine(0, started(2, 3, 3));
}

#[test]
fn a_lost_durable_height_breaks_it() {
    let mut stage = Stage::new(4, MonotoneFinalized::default());
    let chain = chain(&stage);
    assert_eq!(write(&mut stage, &chain, 1), Ok(()));
    stage.fine(0, durable(1));
    let seen = stage.see(0, started(1, 0, 0));
    assert_broken(seen, Invariant::MonotoneFinalized, "although 1 was durable");
}

#[test]
fn a_gap_breaks_it() {
    let mut stage = Stage::new(4, MonotoneFinalized::default());
    let chain = chain(&stage);
    assert_eq!(write(&mut stage, &chain, 1), Ok(()));
    let seen = write(&mut stage, &chain, 3);
    assert_broken(seen, Invariant::MonotoneFinalized, "from height 1 to 3");
}

#[test]
fn a_child_of_another_block_breaks_it() {
    let mut stage = Stage::new(4, MonotoneFinalized::default());
    let mut chain = chain(&stage);
    chain[1] = stage.child(&stage.first_block(7), 0);
    assert_eq!(write(&mut stage, &chain, 1), Ok(()));
    let seen = write(&mut stage, &chain, 2);
    assert_broken(seen, Invariant::MonotoneFinalized, "no child");
}

#[test]
fn reports_follow_the_disk() {
    let mut stage = Stage::new(4, MonotoneFinalized::default());
    let chain = chain(&stage);
    let report = What::Reported(Arc::new(Event::Finalized {
        height: Height::new(1),
        view: View::new(1),
        block: chain[0].digest(),
    }));
    assert_eq!(write(&mut stage, &chain, 1), Ok(()));
    let seen = stage.see(0, report.clone());
    assert_broken(seen, Invariant::MonotoneFinalized, "before it was durable");
    stage.fine(0, durable(1));
    stage.fine(0, report.clone());
    let seen = stage.see(0, report);
    assert_broken(seen, Invariant::MonotoneFinalized, "reported height 1 final after 1");
}
