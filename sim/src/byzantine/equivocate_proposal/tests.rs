//! Each half hears one of two signed, well-formed proposals, and the same one when it is sent again.

use std::sync::Arc;

use quorate_core::{
    block::Block,
    message::{Body, Message},
    vote::Statement,
};

use super::{
    super::{
        Outgoing,
        stage::{PEERS, Stage, status},
    },
    EquivocateProposal,
};
use crate::scenario::{NodeName, Split};

fn whole(body: &Body) -> Arc<Block> {
    match body {
        Body::Full(block) => Arc::clone(block),
        Body::Compact(_) => panic!("the stage announces nothing"),
    }
}

fn blocks(out: &[Outgoing]) -> Vec<Arc<Block>> {
    let block = |one: &Outgoing| match one.message.as_ref() {
        Message::Proposal(proposal) => whole(&proposal.body),
        other => panic!("not a proposal: {other:?}"),
    };
    out.iter().map(block).collect()
}

#[test]
fn both_stories_are_signed_and_well_formed() {
    let mut stage = Stage::new(EquivocateProposal::new(Split::Random));
    let proposal = stage.proposal();
    let out = stage.send(Message::Proposal(Arc::new(proposal.clone())));
    let mut heard: Vec<u32> = out.iter().flat_map(|one| one.to.clone()).collect();
    heard.sort_unstable();
    assert_eq!(heard, PEERS, "everybody hears exactly one");
    let both = blocks(&out);
    assert_eq!(both.len(), 2);
    assert_ne!(both[0].digest(), both[1].digest());
    assert_eq!(both[1].digest(), proposal.body.digest());
    for (one, block) in out.iter().zip(&both) {
        let Message::Proposal(told) = one.message.as_ref() else { panic!("not a proposal") };
        let Statement::Notarize(candidate) = told.notarize.statement else { panic!("no Notarize") };
        assert_eq!(candidate.block, block.digest());
        assert!(stage.holds(&told.notarize));
        assert_eq!(block.header().payload_root, block.payload().root());
    }
    assert_eq!(stage.send(Message::Proposal(Arc::new(proposal))), out, "again, the same");
}

#[test]
fn groups_hear_one_each_and_the_rest_both() {
    let name = NodeName::new;
    let split = Split::Groups(vec![name(0)], vec![name(2)]);
    let mut stage = Stage::new(EquivocateProposal::new(split));
    let proposal = stage.proposal();
    let out = stage.send(Message::Proposal(Arc::new(proposal)));
    let audiences: Vec<Vec<u32>> = out.into_iter().map(|one| one.to).collect();
    assert_eq!(audiences, [vec![2, 3], vec![0, 3]]);
}

#[test]
fn other_messages_pass() {
    let mut stage = Stage::new(EquivocateProposal::new(Split::Random));
    assert_eq!(stage.send(status()), [Outgoing::new(PEERS.to_vec(), status())]);
}
