//! Votes and certificates lose a signature, nothing else changes.

use std::sync::Arc;

use quorate_core::{codec::Bounded, message::Message};

use super::{
    super::stage::{Stage, nullify, status},
    BadSignature,
};

#[test]
fn no_signature_holds_any_more() {
    let mut stage = Stage::new(BadSignature);
    let message = stage.own(nullify(5));
    let Message::Vote(vote) = *stage.send(message)[0].message else { panic!("a vote") };
    assert!(!stage.holds(&vote));
    assert_eq!(vote.statement, nullify(5));

    let proposal = stage.proposal();
    let out = stage.send(Message::Proposal(Arc::new(proposal.clone())));
    let Message::Proposal(told) = out[0].message.as_ref() else { panic!("a proposal") };
    assert!(!stage.holds(&told.notarize));
    assert_eq!(told.body, proposal.body);

    let certificate = stage.certificate(nullify(5));
    let out = stage.send(Message::Certificates(Bounded::new(vec![certificate.clone()])));
    let Message::Certificates(told) = out[0].message.as_ref() else { panic!("certificates") };
    let good: Vec<bool> = told[0].votes().map(|vote| stage.holds(&vote)).collect();
    assert_eq!(good, [false, true, true]);
    assert_eq!(told[0].signers, certificate.signers);
}

#[test]
fn unsigned_messages_pass() {
    let out = Stage::new(BadSignature).send(status());
    assert_eq!(*out[0].message, status());
}
