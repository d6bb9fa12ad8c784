//! The lane asks for one block at a time, in order, and shrugs at answers it does not wait for.

use super::*;
use crate::{
    codec,
    execution::{
        ExecutionState,
        fixtures::{block, genesis, transfer},
    },
};

fn heights_run(fx: &mut Effects) -> Vec<u64> {
    let height = |effect| match effect {
        Effect::Run(Job::Execute { block }) => Some(block.header().height.get()),
        _ => None,
    };
    fx.drain().filter_map(height).collect()
}

#[test]
fn one_block_at_a_time_in_order() {
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    let mut lane = Execution::new(Height::ZERO);
    let mut fx = Effects::new();
    let blocks: Vec<_> = (1..4)
        .map(|height| block(height, vec![transfer(0, height - 1, 1, &[(1, 1)])], vec![]))
        .collect();
    for one in &blocks {
        lane.on_delivered(Arc::clone(one), &mut fx);
    }
    assert_eq!(heights_run(&mut fx), [1], "only the first is under way");
    assert_eq!(lane.queued().count(), 3);
    let first = state.execute(&blocks[0]);
    let second = state.execute(&blocks[1]);

    assert_eq!(lane.on_executed(second.clone(), &mut fx), None, "nobody asked for height 2 yet");
    assert_eq!(lane.on_executed(first.clone(), &mut fx), Some(first.clone()));
    let reported = Event::Executed {
        height: Height::new(1),
        state: first.state,
        applied: 1,
        failed: 0,
        skipped: 0,
    };
    assert_eq!(fx.as_slice()[0], Effect::Report(reported));
    assert_eq!(heights_run(&mut fx), [2]);
    assert_eq!(lane.on_executed(first, &mut fx), None, "a repeated answer");
    assert_eq!(lane.on_executed(second, &mut fx).map(|done| done.height.get()), Some(2));
    assert_eq!(heights_run(&mut fx), [3]);

    assert_eq!(lane.executed_height(), Height::new(2));
    assert_eq!(lane.delivered_height(), Height::new(3));
    assert_eq!(lane.queued_bytes(), u64::from(blocks[2].header().payload_len));
    let copy: Execution = codec::decode(&codec::encode(&lane), 1 << 20).unwrap();
    assert_eq!(copy, lane);
}

#[test]
fn delivered_again_changes_nothing() {
    let mut lane = Execution::new(Height::new(4));
    let mut fx = Effects::new();
    lane.on_delivered(block(4, vec![], vec![]), &mut fx);
    assert_eq!(lane.queued().count(), 0, "executed before the start");
    lane.on_delivered(block(5, vec![], vec![]), &mut fx);
    lane.on_delivered(block(5, vec![], vec![]), &mut fx);
    assert_eq!(heights_run(&mut fx), [5]);
    assert_eq!(lane.queued().count(), 1);
}

#[test]
#[should_panic(expected = "delivered 6 after 4")]
fn height_left_out_stops_the_program() {
    let mut lane = Execution::new(Height::new(4));
    lane.on_delivered(block(6, vec![], vec![]), &mut Effects::new());
}

/// Blocks are on disk and executed after a restart; here only their number is kept.
#[test]
fn a_halted_lane_executes_nothing_more() {
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    let mut lane = Execution::new(Height::ZERO);
    let mut fx = Effects::new();
    let blocks: Vec<_> = (1..5).map(|height| block(height, vec![], vec![])).collect();
    lane.on_delivered(Arc::clone(&blocks[0]), &mut fx);
    lane.on_delivered(Arc::clone(&blocks[1]), &mut fx);
    assert_eq!(heights_run(&mut fx), [1]);
    lane.halt();
    assert_eq!(lane.delivered_height(), Height::new(2));
    assert_eq!(lane.on_executed(state.execute(&blocks[0]), &mut fx), None, "nobody waits for it");
    lane.on_delivered(Arc::clone(&blocks[2]), &mut fx);
    lane.halt();
    lane.on_delivered(Arc::clone(&blocks[3]), &mut fx);
    assert_eq!(heights_run(&mut fx), [0u64; 0]);
    assert_eq!((lane.queued().count(), lane.queued_bytes()), (0, 0));
    assert_eq!(lane.delivered_height(), Height::new(4));
    assert_eq!(lane.executed_height(), Height::ZERO);
}
