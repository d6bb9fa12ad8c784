//! What took effect and is proposed again, and what is replaced by what pays no more, is noticed.

use std::sync::Arc;

use quorate_core::{
    block::{Block, Header},
    event::Event,
    execution::{Outcome, Skip},
    mempool::Refusal,
    store::Record,
    transaction::Transaction,
    types::Height,
};

use super::{
    super::stage::{
        Stage, assert_broken, block, executed, paying, payload, started, submitted, transaction,
        wrote,
    },
    MempoolSound,
};
use crate::{check::Lapse, scenario::Invariant, trace::What};

/// A block of a validator.
fn made_by(stage: &Stage, number: u32, height: u64, transactions: Vec<Transaction>) -> Arc<Block> {
    let genesis = stage.scene().context.genesis;
    let made = block(height, genesis, 0, payload(transactions));
    let header = Header { proposer: stage.index(number), ..made.header().clone() };
    Arc::new(Block::new(header, made.payload().clone()))
}

/// n0 makes a block at height 1 and n1 one at height 2, both with the same transaction.
fn repeat(stage: &mut Stage) -> What {
    let first = made_by(stage, 0, 1, vec![transaction(1)]);
    let second = made_by(stage, 1, 2, vec![transaction(1)]);
    stage.fine(0, wrote(1, vec![Record::Block(Arc::clone(&first))]));
    stage.fine(1, wrote(1, vec![Record::Block(Arc::clone(&second))]));
    stage.fine(0, executed(&first, 1, Outcome::Applied));
    executed(&second, 2, Outcome::Skipped(Skip::NonceUsed))
}

#[test]
fn what_took_effect_and_comes_again_breaks_it() {
    let mut stage = Stage::new(4, MempoolSound::default());
    let again = repeat(&mut stage);
    let seen = stage.see(2, again);
    assert_broken(seen, Invariant::Mempool, "n1 proposed");
}

#[test]
fn what_was_skipped_may_come_again() {
    let mut stage = Stage::new(4, MempoolSound::default());
    let first = made_by(&stage, 0, 1, vec![transaction(1)]);
    let second = made_by(&stage, 1, 2, vec![transaction(1)]);
    stage.fine(1, wrote(1, vec![Record::Block(Arc::clone(&second))]));
    stage.fine(0, executed(&first, 1, Outcome::Skipped(Skip::NonceGap)));
    stage.fine(0, executed(&second, 2, Outcome::Applied));
}

#[test]
fn whoever_lies_or_could_not_know_may_repeat() {
    let mut stage = Stage::new(4, MempoolSound::default()).corrupt(&[1]);
    let again = repeat(&mut stage);
    stage.fine(2, again);

    let mut stage = Stage::new(4, MempoolSound::default());
    stage.fine(1, started(1, 1, 0));
    let again = repeat(&mut stage);
    stage.fine(2, again);

    let mut stage = Stage::new(4, MempoolSound::default());
    let again = repeat(&mut stage);
    stage.fine(1, What::Diverged(Height::new(1)));
    stage.fine(2, again);
}

#[test]
fn the_same_thing_twice_in_a_block_breaks_it() {
    let mut stage = Stage::new(4, MempoolSound::default());
    let first = made_by(&stage, 0, 1, vec![transaction(1), transaction(1)]);
    stage.fine(0, wrote(1, vec![Record::Block(Arc::clone(&first))]));
    let seen = stage.see(2, executed(&first, 1, Outcome::Applied));
    assert_broken(seen, Invariant::Mempool, "twice in height 1");
}

fn replaced(stage: &mut Stage, new: &Transaction, olds: &[&Transaction]) -> Vec<What> {
    for one in olds.iter().copied().chain([new]) {
        stage.fine(0, submitted(one));
    }
    let admitted = Event::TransactionAdmitted(new.id());
    let dropped = olds.iter().map(|old| Event::TransactionRefused(old.id(), Refusal::Replaced));
    [admitted].into_iter().chain(dropped).map(|event| What::Reported(Arc::new(event))).collect()
}

#[test]
fn a_replacement_pays_more_than_all_it_replaces() {
    let mut stage = Stage::new(4, MempoolSound::default());
    let (one, two) = (paying(1, 5), paying(2, 5));
    for event in replaced(&mut stage, &paying(1, 11), &[&one, &two]) {
        stage.fine(0, event);
    }
    let events = replaced(&mut stage, &paying(1, 10), &[&one, &two]);
    let [admitted, first, second] = events.try_into().expect("three events");
    stage.fine(0, admitted);
    stage.fine(0, first);
    let seen = stage.see(0, second);
    assert_broken(seen, Invariant::Mempool, "which pays 10, for what paid 10");
}

#[test]
fn a_liar_may_do_with_its_mempool_as_it_likes() {
    let mut stage = Stage::new(4, MempoolSound::default());
    stage.checks.honesty_mut().enter(0, Lapse::Byzantine);
    for event in replaced(&mut stage, &paying(1, 4), &[&paying(1, 5)]) {
        stage.fine(0, event);
    }
}
