//! Answers hold other blocks than the true ones, or a Finalization that does not hold; the rest of the
//! answer is true.

use std::sync::Arc;

use quorate_core::{
    block::{Block, Payload},
    codec::Bounded,
    crypto::SecretKey,
    message::{BlockResponse, Message},
    transaction::{Address, Transaction, TransactionBody, TransactionKind},
    types::{ChainId, Height},
    vote::Statement,
};

use super::{
    super::stage::{Stage, block, status},
    LieInSync,
};

#[test]
fn blocks_are_swapped() {
    let mut stage = Stage::new(LieInSync);
    let finalize = Statement::Finalize(stage.candidate(&block()));
    let answer = BlockResponse {
        id: 4,
        blocks: Bounded::new(vec![block()]),
        finalization: Some(stage.certificate(finalize)),
        ..BlockResponse::default()
    };
    let out = stage.send(Message::BlockResponse(answer.clone()));
    let Message::BlockResponse(told) = out[0].message.as_ref() else { panic!("an answer") };
    assert_ne!(told.blocks[0].digest(), block().digest());
    assert_eq!((told.id, &told.finalization), (answer.id, &answer.finalization));
    assert_eq!(*stage.send(status())[0].message, status());

    // Another question, another lie: the blocks are true, and what should prove them does not.
    let out = stage.send(Message::BlockResponse(BlockResponse { id: 6, ..answer.clone() }));
    let Message::BlockResponse(told) = out[0].message.as_ref() else { panic!("an answer") };
    assert_eq!(told.blocks, answer.blocks);
    assert_ne!(told.finalization, answer.finalization);

    // And a chain that nobody finalized.
    let out = stage.send(Message::BlockResponse(BlockResponse { id: 7, ..answer.clone() }));
    let Message::BlockResponse(told) = out[0].message.as_ref() else { panic!("an answer") };
    let finalization = told.finalization.as_ref().expect("it seems to be final");
    let candidate = finalization.statement.candidate().expect("a Finalization");
    assert_ne!(told.blocks[0].digest(), block().digest());
    assert_eq!(candidate.block, told.blocks[0].digest());
    assert!(candidate.view > answer.finalization.as_ref().expect("it was").view());
    assert_eq!(finalization.votes().filter(|vote| stage.holds(vote)).count(), 1);
}

#[test]
fn payloads_are_taken_out() {
    let mut stage = Stage::new(LieInSync);
    let payload =
        Payload { transactions: Bounded::new(vec![transaction()]), evidence: Bounded::default() };
    let full = Arc::new(Block::new(block().header().clone(), payload));
    let blocks = Bounded::new(vec![Arc::clone(&full)]);
    let answer = BlockResponse { id: 5, blocks, ..BlockResponse::default() };
    let out = stage.send(Message::BlockResponse(answer));
    let Message::BlockResponse(told) = out[0].message.as_ref() else { panic!("an answer") };
    assert_eq!(told.blocks[0].digest(), full.digest(), "the header is true");
    assert!(told.blocks[0].payload().is_empty());
}

fn transaction() -> Transaction {
    let key = SecretKey::from_seed([9; 32]);
    let body = TransactionBody::new(
        ChainId::new(1),
        Address::of_key(&key.public()),
        0,
        1,
        Height::new(1_000),
        TransactionKind::transfer(Vec::new()),
    );
    Transaction::signed(body, &key)
}
