//! Blocks that are no ancestors, payloads that are not the header's and forged finality are noticed on
//! their way into the store.

use std::sync::Arc;

use quorate_core::{block::Block, evidence::Evidence, store::Record, vote::Statement};

use super::{
    super::stage::{Stage, assert_broken, on, payload, transaction, wrote},
    SyncOnlyVerified,
};
use crate::scenario::Invariant;

#[test]
fn a_chain_under_a_real_finalization_is_fine() {
    let mut stage = Stage::new(4, SyncOnlyVerified::default());
    let first = stage.first_block(0);
    let second = stage.child(&first, 0);
    let tip = on(&stage.on_root(1, &first), 2, &second);
    assert_eq!(stage.sign(&[0, 1, 2], Statement::Finalize(tip)), Ok(()));
    let records = vec![
        Record::Block(Arc::clone(&first)),
        Record::Block(Arc::clone(&second)),
        stage.advance(tip, &[0, 1, 2], &[&first, &second]),
    ];
    stage.fine(3, wrote(1, records));
}

#[test]
fn a_finalization_nobody_signed_breaks_it() {
    let mut stage = Stage::new(4, SyncOnlyVerified::default());
    let first = stage.first_block(0);
    let tip = stage.on_root(1, &first);
    let record = stage.advance(tip, &[0, 1, 2], &[&first]);
    let seen = stage.see(3, wrote(1, vec![Record::Block(first), record]));
    assert_broken(seen, Invariant::SyncOnlyVerified, "never signed it");
}

#[test]
fn a_block_beside_the_chain_breaks_it() {
    let mut stage = Stage::new(4, SyncOnlyVerified::default());
    let (first, stray) = (stage.first_block(0), stage.first_block(1));
    let second = stage.child(&first, 0);
    let tip = on(&stage.on_root(1, &first), 2, &second);
    assert_eq!(stage.sign(&[0, 1, 2], Statement::Finalize(tip)), Ok(()));
    let blocks = [&first, &stray, &second].map(|block| Record::Block(Arc::clone(block)));
    stage.fine(3, wrote(1, blocks.to_vec()));
    let record = stage.advance(tip, &[0, 1, 2], &[&stray, &second]);
    let seen = stage.see(3, wrote(2, vec![record]));
    assert_broken(seen, Invariant::SyncOnlyVerified, "no ancestor");
}

#[test]
fn a_swapped_payload_breaks_it() {
    let mut stage = Stage::new(4, SyncOnlyVerified::default());
    let first = stage.first_block(0);
    let swapped = Block::new(first.header().clone(), payload(vec![transaction(1)]));
    let seen = stage.see(3, wrote(1, vec![Record::Block(Arc::new(swapped))]));
    assert_broken(seen, Invariant::SyncOnlyVerified, "another payload");
}

#[test]
fn evidence_of_votes_never_signed_breaks_it() {
    let mut stage = Stage::new(4, SyncOnlyVerified::default()).corrupt(&[2]);
    let (left, right) = (stage.first_block(0), stage.first_block(1));
    let first = stage.vote(2, Statement::Notarize(stage.on_root(1, &left)));
    let second = stage.vote(2, Statement::Notarize(stage.on_root(1, &right)));
    let evidence = Evidence::of(&first, &second).expect("they conflict");
    let seen = stage.see(0, wrote(1, vec![Record::Evidence(evidence)]));
    assert_broken(seen, Invariant::SyncOnlyVerified, "never signed");
    assert_eq!(stage.sign(&[2], first.statement), Ok(()));
    assert_eq!(stage.sign(&[2], second.statement), Ok(()));
    stage.fine(0, wrote(2, vec![Record::Evidence(evidence)]));
}
