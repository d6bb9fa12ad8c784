//! Transactions out of nowhere, effects that come twice, payloads that are not the header's and blocks
//! older than their parents are noticed.

use std::sync::Arc;

use quorate_core::{
    block::{Block, Payload},
    execution::{Outcome, Skip},
    message::{Body, Justify, Message, Proposal},
    vote::Statement,
};

use super::{
    super::stage::{
        Stage, assert_broken, block, executed, payload, stolen, submitted, transaction,
    },
    Validity,
};
use crate::scenario::Invariant;

#[test]
fn submitted_transactions_may_take_effect_once() {
    let mut stage = Stage::new(4, Validity::default());
    let one = transaction(1);
    stage.fine(0, submitted(&one));
    let genesis = stage.scene().context.genesis;
    let first = block(1, genesis, 0, payload(vec![one.clone()]));
    stage.fine(0, executed(&first, 1, Outcome::Applied));
    stage.fine(1, executed(&first, 1, Outcome::Applied));
    // A second inclusion is harmless as long as it is skipped.
    let second = block(2, first.digest(), 0, payload(vec![one]));
    stage.fine(0, executed(&second, 2, Outcome::Skipped(Skip::NonceUsed)));
}

#[test]
fn a_transaction_nobody_submitted_breaks_it() {
    let mut stage = Stage::new(4, Validity::default());
    let first = block(1, stage.scene().context.genesis, 0, payload(vec![transaction(1)]));
    let seen = stage.see(0, executed(&first, 1, Outcome::Applied));
    assert_broken(seen, Invariant::Validity, "never submitted");
}

#[test]
fn an_effect_that_comes_twice_breaks_it() {
    let mut stage = Stage::new(4, Validity::default());
    let one = transaction(1);
    stage.fine(0, submitted(&one));
    let first = block(1, stage.scene().context.genesis, 0, payload(vec![one.clone()]));
    let second = block(2, first.digest(), 0, payload(vec![one]));
    stage.fine(0, executed(&first, 1, Outcome::Applied));
    let seen = stage.see(0, executed(&second, 2, Outcome::Applied));
    assert_broken(seen, Invariant::Validity, "took effect at height 1 and 2");
}

#[test]
fn another_payload_breaks_it() {
    let mut stage = Stage::new(4, Validity::default());
    let one = transaction(1);
    stage.fine(0, submitted(&one));
    let honest = block(1, stage.scene().context.genesis, 0, payload(vec![one]));
    let swapped = Arc::new(Block::new(honest.header().clone(), Payload::default()));
    let seen = stage.see(0, executed(&swapped, 1, Outcome::Applied));
    assert_broken(seen, Invariant::Validity, "another payload");
}

#[test]
fn a_block_older_than_its_parent_breaks_it() {
    let mut stage = Stage::new(4, Validity::default());
    let first = block(1, stage.scene().context.genesis, 2_000, Payload::default());
    let second = block(2, first.digest(), 0, Payload::default());
    stage.fine(0, executed(&first, 1, Outcome::Applied));
    let seen = stage.see(0, executed(&second, 2, Outcome::Applied));
    assert_broken(seen, Invariant::Validity, "height 2 says 2000 ms, its parent 3000 ms");
}

/// A leader that lies may put anything well signed into a block, as long as nothing comes of it.
#[test]
fn what_a_liar_made_up_may_do_nothing() {
    let mut stage = Stage::new(4, Validity::default()).corrupt(&[3]);
    let first = block(1, stage.scene().context.genesis, 0, payload(vec![stolen(1)]));
    let notarize = stage.vote(3, Statement::Notarize(stage.on_root(1, &first)));
    let body = Body::Full(Arc::clone(&first));
    let proposal = Proposal { notarize, body, justify: Justify::default() };
    assert_eq!(stage.send(3, Message::Proposal(Arc::new(proposal))), Ok(()));
    stage.fine(0, executed(&first, 1, Outcome::Skipped(Skip::WrongKeys)));

    let second = block(2, first.digest(), 0, payload(vec![stolen(2)]));
    let notarize = stage.vote(3, Statement::Notarize(stage.on_root(1, &second)));
    let body = Body::Full(Arc::clone(&second));
    let proposal = Proposal { notarize, body, justify: Justify::default() };
    assert_eq!(stage.send(3, Message::Proposal(Arc::new(proposal))), Ok(()));
    let seen = stage.see(0, executed(&second, 2, Outcome::Applied));
    assert_broken(seen, Invariant::Validity, "took effect and no client submitted it");
}

#[test]
fn an_effect_without_the_payers_signature_breaks_it() {
    let mut stage = Stage::new(4, Validity::default());
    stage.fine(0, submitted(&stolen(1)));
    let first = block(1, stage.scene().context.genesis, 0, payload(vec![stolen(1)]));
    let seen = stage.see(0, executed(&first, 1, Outcome::Applied));
    assert_broken(seen, Invariant::Validity, "is not the signer");
}
