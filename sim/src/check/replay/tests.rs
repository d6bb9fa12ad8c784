//! Whatever part of a result is wrong, executing the block again shows it.

use std::sync::Arc;

use quorate_core::{
    block::Block,
    execution::{ExecutedBlock, ExecutionState, Outcome},
    types::Digest,
};

use super::{
    super::stage::{Seen, Stage, assert_broken, block, payload, transaction},
    Replay,
};
use crate::{scenario::Invariant, trace::What};

fn stage() -> Stage {
    let mut stage = Stage::unwatched(4);
    let replay = Replay::new(&stage.scene().genesis);
    stage.checks.push(Box::new(replay));
    stage
}

/// Two blocks with a transaction each, and what they really come to.
fn chain(stage: &Stage) -> Vec<(Arc<Block>, ExecutedBlock)> {
    let mut state = ExecutionState::new(&stage.scene().genesis);
    let mut parent = stage.scene().context.genesis;
    let mut chain = Vec::new();
    for height in 1..=2 {
        let block = block(height, parent, 0, payload(vec![transaction(height - 1)]));
        parent = block.digest();
        let result = state.execute(&block);
        chain.push((block, result));
    }
    chain
}

fn see(stage: &mut Stage, number: u32, block: &Arc<Block>, result: &ExecutedBlock) -> Seen {
    let (block, result) = (Arc::clone(block), Arc::new(result.clone()));
    stage.see(number, What::Executed { block, result, replayed: false })
}

#[test]
fn the_same_from_everybody_is_fine() {
    let mut stage = stage();
    for (block, result) in chain(&stage) {
        for number in [2, 0, 1] {
            assert_eq!(see(&mut stage, number, &block, &result), Ok(()));
        }
    }
    let end = stage.now;
    assert_eq!(stage.checks.finish(end), Ok(()));
}

#[test]
fn a_wrong_part_breaks_it() {
    type Spoil = fn(&mut ExecutedBlock);
    let cases: [(&str, Spoil); 5] = [
        ("other state", |result| result.state = Digest::ZERO),
        ("other lanes", |result| result.lanes = Digest::ZERO),
        ("other receipts", |result| result.receipts_root = Digest::ZERO),
        ("other outcomes", |result| result.outcomes[0].1 = Outcome::Applied),
        ("other payers", |result| result.payers[0].nonce += 1),
    ];
    for (words, spoil) in cases {
        let mut stage = stage();
        let chain = chain(&stage);
        assert_eq!(see(&mut stage, 0, &chain[0].0, &chain[0].1), Ok(()));
        let mut wrong = chain[1].1.clone();
        spoil(&mut wrong);
        let seen = see(&mut stage, 1, &chain[1].0, &wrong);
        assert_broken(seen, Invariant::StateRoot, words);
    }
}

#[test]
fn a_liar_may_say_anything() {
    let mut stage = stage().corrupt(&[3]);
    let chain = chain(&stage);
    let wrong = ExecutedBlock { state: Digest::ZERO, ..chain[0].1.clone() };
    assert_eq!(see(&mut stage, 3, &chain[0].0, &wrong), Ok(()));
    assert_eq!(see(&mut stage, 0, &chain[0].0, &chain[0].1), Ok(()));
}
