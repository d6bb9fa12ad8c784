//! A proposal with transactions gets one more, well signed by a key that has no say.

use std::sync::Arc;

use quorate_core::{
    block::{Block, Payload},
    codec::Bounded,
    crypto::{Ed25519, SecretKey, Verifier},
    message::{Body, Message, Proposal},
    transaction::{Address, Transaction, TransactionBody, TransactionKind},
    types::{ChainId, Height},
};

use super::{
    super::stage::{Stage, block},
    Steal,
};

fn victim() -> SecretKey {
    SecretKey::from_seed([9; 32])
}

fn transaction(nonce: u64) -> Transaction {
    let body = TransactionBody::new(
        ChainId::new(1),
        Address::of_key(&victim().public()),
        nonce,
        1,
        Height::new(1_000),
        TransactionKind::transfer(Vec::new()),
    );
    Transaction::signed(body, &victim())
}

#[test]
fn whoever_paid_last_pays_once_more() {
    let mut stage = Stage::new(Steal);
    let empty = Message::Proposal(Arc::new(stage.proposal()));
    assert_eq!(*stage.send(empty.clone())[0].message, empty, "nobody to steal from");

    let payload = Payload {
        transactions: Bounded::new(vec![transaction(4), transaction(5)]),
        evidence: Bounded::default(),
    };
    let body = Body::Full(Arc::new(Block::new(block().header().clone(), payload)));
    let full = Message::Proposal(Arc::new(Proposal { body, ..stage.proposal() }));
    let out = stage.send(full.clone());
    assert_eq!(stage.send(full), out, "again, the same");
    let Message::Proposal(told) = out[0].message.as_ref() else { panic!("a proposal") };
    let Body::Full(block) = &told.body else { panic!("proposed whole") };
    assert!(stage.holds(&told.notarize));
    assert_eq!(block.header().payload_root, block.payload().root());
    let theft = block.payload().transactions.last().expect("it was added");
    assert_eq!(block.payload().transactions.len(), 3);
    assert_eq!(theft.body.payer.address(), Address::of_key(&victim().public()));
    assert_eq!(theft.body.payer.nonce(), Some(6));
    assert_ne!(theft.signatures[0].key, victim().public());
    assert_eq!(Ed25519.verify(&theft.checks()), [true]);
}
