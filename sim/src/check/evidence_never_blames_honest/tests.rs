//! Evidence against the honest is noticed if an honest validator believes it, and from a liar only if
//! it is real.

use std::sync::Arc;

use quorate_core::{event::Event, evidence::Evidence, message::Message, vote::Statement};

use super::{
    super::stage::{Stage, assert_broken},
    EvidenceNeverBlamesHonest,
};
use crate::{scenario::Invariant, trace::What};

fn against(stage: &Stage, number: u32) -> Evidence {
    let (left, right) = (stage.first_block(0), stage.first_block(1));
    let first = stage.vote(number, Statement::Notarize(stage.on_root(1, &left)));
    let second = stage.vote(number, Statement::Notarize(stage.on_root(1, &right)));
    Evidence::of(&first, &second).expect("they conflict")
}

#[test]
fn liars_may_be_blamed_and_forgers_ignored() {
    let mut stage = Stage::new(4, EvidenceNeverBlamesHonest).corrupt(&[3]);
    let evidence = against(&stage, 3);
    stage.fine(0, What::Reported(Arc::new(Event::Evidence(Box::new(evidence)))));
    // The votes in it were never signed: nobody honest may believe it, but a liar may send it.
    let forged = against(&stage, 1);
    assert_eq!(stage.send(3, Message::Evidence(Box::new(forged))), Ok(()));
}

#[test]
fn an_honest_validator_that_believes_it_breaks_it() {
    let mut stage = Stage::new(4, EvidenceNeverBlamesHonest).corrupt(&[3]);
    let forged = against(&stage, 1);
    let seen = stage.see(0, What::Reported(Arc::new(Event::Evidence(Box::new(forged)))));
    assert_broken(seen, Invariant::EvidenceNeverBlamesHonest, "against n1, which is honest");
}

#[test]
fn real_evidence_breaks_it_even_from_a_liar() {
    let mut stage = Stage::new(4, EvidenceNeverBlamesHonest).corrupt(&[3]);
    let real = against(&stage, 1);
    for vote in real.votes() {
        assert_eq!(
            stage.sign(&[1], vote.about_view().expect("two votes of a view").statement),
            Ok(())
        );
    }
    let seen = stage.send(3, Message::Evidence(Box::new(real)));
    assert_broken(seen, Invariant::EvidenceNeverBlamesHonest, "against n1, which is honest");
}
