//! Proposals are held back, everything else leaves at once.

use std::sync::Arc;

use quorate_core::{message::Message, time::Span};

use super::{
    super::stage::{Stage, status},
    DelayProposal,
};
use crate::scenario::Distribution;

#[test]
fn only_proposals_wait() {
    let by = Distribution::Constant(Span::from_millis(300));
    let mut stage = Stage::new(DelayProposal::new(by));
    let proposal = Message::Proposal(Arc::new(stage.proposal()));
    assert_eq!(stage.send(proposal)[0].delay, 300_000_000);
    assert_eq!(stage.send(status())[0].delay, 0);
}
