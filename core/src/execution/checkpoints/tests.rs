//! Where checkpoints are made, that they say everything since the last, and that a snapshot loses none
//! of it.

use std::sync::Arc;

use crate::{
    block::Block,
    checkpoint::Checkpoint,
    codec,
    execution::{
        ExecutionState,
        fixtures::{block, genesis, transfer},
    },
    types::Height,
};

/// Sixteen blocks; the transfer is in the one at `height`.
fn chain(height: u64) -> Vec<Arc<Block>> {
    let content = |at: u64| match at == height {
        true => vec![transfer(0, 0, 1, &[(1, 1)])],
        false => vec![],
    };
    (1..=16).map(|at| block(at, content(at), vec![])).collect()
}

fn made(blocks: &[Arc<Block>]) -> Vec<Checkpoint> {
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    let made = blocks.iter().filter_map(|one| state.execute(one).checkpoint).collect();
    assert_eq!(state.checkpoints(), made, "remembered for a restart");
    made
}

#[test]
fn every_eight_heights() {
    let blocks = chain(3);
    let made = made(&blocks);
    let heights: Vec<Height> = made.iter().map(|one| one.height).collect();
    assert_eq!(heights, [Height::new(8), Height::new(16)]);
    assert_eq!(made[0].block, blocks[7].digest());
    assert_eq!(made[0].state_root, made[1].state_root, "empty blocks change nothing");
    assert_ne!(made[0].receipts_root, made[1].receipts_root, "only the first has a receipt");
    assert_eq!(made[0].outbox_root, made[1].outbox_root);
}

/// The same state by way of other blocks: the receipts tell the difference.
#[test]
fn receipts_count_where_they_are() {
    let (early, late) = (made(&chain(3)), made(&chain(4)));
    assert_eq!(early[0].state_root, late[0].state_root);
    assert_ne!(early[0].receipts_root, late[0].receipts_root);
    assert_eq!(early[1].receipts_root, late[1].receipts_root, "counted from the last checkpoint");
}

#[test]
fn a_snapshot_between_two_checkpoints_loses_nothing() {
    let blocks = chain(3);
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    for one in &blocks[..11] {
        let _ = state.execute(one);
    }
    let mut copy: ExecutionState = codec::decode(&codec::encode(&state), 1 << 20).unwrap();
    for one in &blocks[11..] {
        let _ = copy.execute(one);
    }
    assert_eq!(copy.checkpoints(), made(&blocks));
}

/// Taking blocks back and executing them again comes to the same, across a checkpoint.
#[test]
fn blocks_taken_back_are_forgotten() {
    let blocks = chain(3);
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    for one in &blocks[..10] {
        let _ = state.execute(one);
    }
    state.rollback(Height::new(5)).expect("within reach");
    assert_eq!(state.checkpoints(), []);
    for one in &blocks[5..] {
        let _ = state.execute(one);
    }
    assert_eq!(state.checkpoints(), made(&blocks));
}
