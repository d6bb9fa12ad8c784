//! A block without evidence that its maker holds is noticed, also after a crash; not once it is final.

use std::sync::Arc;

use quorate_core::{
    block::{Block, Header, Payload},
    codec::Bounded,
    evidence::Evidence,
    store::Record,
    vote::Statement,
};

use super::{
    super::stage::{Stage, assert_broken, durable, started, wrote},
    EvidenceKept,
};
use crate::scenario::Invariant;

fn evidence(stage: &Stage) -> Evidence {
    let (left, right) = (stage.first_block(0), stage.first_block(1));
    let first = stage.vote(3, Statement::Notarize(stage.on_root(1, &left)));
    let second = stage.vote(3, Statement::Notarize(stage.on_root(1, &right)));
    Evidence::of(&first, &second).expect("they conflict")
}

/// A block of n0 with this evidence.
fn block(stage: &Stage, salt: u64, evidence: Vec<Evidence>) -> Arc<Block> {
    let payload = Payload { transactions: Bounded::default(), evidence: Bounded::new(evidence) };
    let header = Header {
        proposer: stage.index(0),
        payload_root: payload.root(),
        payload_len: payload.encoded_len(),
        evidence_root: payload.evidence_root(),
        ..stage.first_block(salt).header().clone()
    };
    Arc::new(Block::new(header, payload))
}

fn stage() -> (Stage, Evidence) {
    let mut stage = Stage::new(4, EvidenceKept::default()).corrupt(&[3]);
    let evidence = evidence(&stage);
    stage.fine(0, started(0, 0, 0));
    stage.fine(0, wrote(1, vec![Record::Evidence(evidence)]));
    stage.fine(0, durable(1));
    (stage, evidence)
}

#[test]
fn a_block_without_it_breaks_it() {
    let (mut stage, evidence) = stage();
    let with = block(&stage, 2, vec![evidence]);
    stage.fine(0, wrote(2, vec![Record::Block(with)]));
    // Others may not have it.
    let without = block(&stage, 3, vec![]);
    stage.fine(1, wrote(1, vec![Record::Block(Arc::clone(&without))]));
    let seen = stage.see(0, wrote(3, vec![Record::Block(without)]));
    assert_broken(seen, Invariant::EvidenceKept, "n0 holds evidence against n3");
}

#[test]
fn a_restart_is_no_pardon() {
    let (mut stage, _) = stage();
    stage.fine(0, started(1, 0, 1));
    let without = block(&stage, 2, vec![]);
    let seen = stage.see(0, wrote(2, vec![Record::Block(without)]));
    assert_broken(seen, Invariant::EvidenceKept, "proposes height 1 without it");
}

#[test]
fn what_a_crash_took_is_not_owed() {
    let mut stage = Stage::new(4, EvidenceKept::default()).corrupt(&[3]);
    let evidence = evidence(&stage);
    stage.fine(0, started(0, 0, 0));
    stage.fine(0, wrote(1, vec![Record::Evidence(evidence)]));
    stage.fine(0, started(1, 0, 0));
    let without = block(&stage, 2, vec![]);
    stage.fine(0, wrote(1, vec![Record::Block(without)]));
}

#[test]
fn what_is_final_is_done_with() {
    let (mut stage, evidence) = stage();
    let with = block(&stage, 2, vec![evidence]);
    let tip = stage.on_root(1, &with);
    let advance = stage.advance(tip, &[0, 1, 2], &[&with]);
    stage.fine(0, wrote(2, vec![Record::Block(with), advance]));
    let header = Header {
        height: quorate_core::types::Height::new(2),
        ..block(&stage, 3, vec![]).header().clone()
    };
    let second = Arc::new(Block::new(header, Payload::default()));
    stage.fine(0, wrote(3, vec![Record::Block(second)]));
}
