//! Every vote comes with its contradiction, signed, to the other half.

use std::sync::Arc;

use quorate_core::{
    evidence::{Evidence, Offence},
    message::Message,
    vote::{Statement, Vote},
};

use super::{
    super::{
        Outgoing,
        stage::{Stage, block, nullify},
    },
    EquivocateVote,
};
use crate::scenario::Split;

fn votes(out: &[Outgoing]) -> Vec<Vote> {
    let vote = |one: &Outgoing| match one.message.as_ref() {
        Message::Vote(vote) => *vote,
        other => panic!("not a vote: {other:?}"),
    };
    out.iter().map(vote).collect()
}

fn offence(stage: &mut Stage, statement: Statement) -> Option<Offence> {
    let message = stage.own(statement);
    let out = stage.send(message);
    let told = votes(&out);
    assert!(told.iter().all(|vote| stage.holds(vote)), "all are signed");
    assert!(out.iter().all(|one| !one.to.is_empty()));
    match told[..] {
        [first, second] => Evidence::of(&first, &second).and_then(|evidence| evidence.offence()),
        [_] => None,
        _ => panic!("{} votes", told.len()),
    }
}

#[test]
fn each_kind_is_contradicted() {
    let mut stage = Stage::new(EquivocateVote::new(Split::Random));
    assert_eq!(offence(&mut stage, nullify(5)), None, "it has heard of no candidate");
    let candidate = stage.candidate(&block());
    let notarize = Statement::Notarize(candidate);
    assert_eq!(offence(&mut stage, notarize), Some(Offence::ConflictingNotarize));
    let finalize = Statement::Finalize(candidate);
    assert_eq!(offence(&mut stage, finalize), Some(Offence::NullifyFinalize));
    assert_eq!(offence(&mut stage, nullify(5)), Some(Offence::NullifyFinalize));
}

#[test]
fn a_candidate_it_has_heard_of_is_preferred() {
    let mut stage = Stage::new(EquivocateVote::new(Split::Random));
    let proposal = stage.proposal();
    let heard = proposal.notarize.statement;
    stage.hear(Message::Proposal(Arc::new(proposal)));
    let mut other = stage.candidate(&block());
    other.block = quorate_core::types::Digest::ZERO;
    let message = stage.own(Statement::Notarize(other));
    let out = stage.send(message);
    assert_eq!(votes(&out)[0].statement, heard);
}
