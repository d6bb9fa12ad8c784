//! The kinds named are not sent, all others are.

use std::sync::Arc;

use quorate_core::message::Message;

use super::{
    super::stage::{Stage, nullify, status},
    Withhold,
};
use crate::scenario::MessageKind;

#[test]
fn only_the_kinds_named_are_withheld() {
    let mut stage = Stage::new(Withhold::new(vec![MessageKind::Vote, MessageKind::Proposal]));
    let (vote, proposal) = (stage.own(nullify(5)), Message::Proposal(Arc::new(stage.proposal())));
    assert_eq!(stage.send(vote), []);
    assert_eq!(stage.send(proposal), []);
    assert_eq!(stage.send(status()).len(), 1);
}
