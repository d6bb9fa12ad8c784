//! A proposal takes the place of its parent, if that was seen, and is signed like a good one.

use std::sync::Arc;

use quorate_core::{
    block::{Block, Candidate, Header},
    message::{Body, Message, Proposal},
    types::{Height, View},
    vote::Statement,
};

use super::{
    super::stage::{Stage, block, status},
    SkipParent,
};

/// A proposal on this one, two views later.
fn child(stage: &Stage, parent: &Proposal) -> Proposal {
    let on = parent.notarize.statement.candidate().expect("a Notarize");
    let header = Header {
        height: parent.body.header().height.next(),
        parent: on.block,
        ..block().header().clone()
    };
    let block = Block::new(header, block().payload().clone());
    let candidate = Candidate {
        view: View::new(7),
        parent_view: on.view,
        parent_id: on.id(),
        ..stage.candidate(&block)
    };
    let notarize = stage.vote(1, Statement::Notarize(candidate));
    Proposal { notarize, body: Body::Full(Arc::new(block)), ..parent.clone() }
}

#[test]
fn the_grandparent_becomes_the_parent() {
    let mut stage = Stage::new(SkipParent::default());
    let parent = stage.proposal();
    let good = child(&stage, &parent);
    let good_one = Message::Proposal(Arc::new(good.clone()));
    assert_eq!(*stage.send(good_one.clone())[0].message, good_one, "its parent is not known");

    stage.hear(Message::Proposal(Arc::new(parent.clone())));
    let out = stage.send(good_one.clone());
    assert_eq!(stage.send(good_one), out, "again, the same");
    let Message::Proposal(told) = out[0].message.as_ref() else { panic!("a proposal") };
    assert!(stage.holds(&told.notarize));
    let candidate = told.notarize.statement.candidate().expect("a Notarize");
    let above = parent.notarize.statement.candidate().expect("a Notarize");
    assert_eq!(candidate.view, View::new(7));
    assert_eq!(candidate.parent_view, above.parent_view);
    assert_eq!(candidate.parent_id, above.parent_id);
    assert_eq!(candidate.block, told.body.digest());
    assert_eq!(told.body.header().height, Height::new(3));
    assert_eq!(told.body.header().parent, parent.body.header().parent);
    assert!(told.justify.parent.is_none() && told.justify.skips.is_empty());
    assert_eq!(*stage.send(status())[0].message, status());
}
