//! Behaviours act when they should, one after the other, and otherwise let everything pass.

use quorate_core::{
    time::Span,
    types::{Height, View},
};

use super::{
    Behaviour, Behaviours, Context, Outgoing,
    silent_to::SilentTo,
    stage::{PEERS, Stage, status},
    withhold::Withhold,
};
use crate::scenario::{MessageKind, Ppm, When};

/// Lets nothing out.
struct Mute;

impl Behaviour for Mute {
    fn name(&self) -> &'static str {
        "mute"
    }

    fn edit(&mut self, _context: &mut Context<'_>, _outgoing: Outgoing, _out: &mut Vec<Outgoing>) {}
}

fn mute(when: When, after: Span) -> Stage {
    let mut behaviours = Behaviours::new();
    behaviours.push_when(when, after, Box::new(Mute));
    Stage::with(behaviours)
}

#[test]
fn an_honest_node_is_not_edited() {
    let out = Stage::with(Behaviours::new()).send(status());
    assert_eq!(out, [Outgoing::new(PEERS.to_vec(), status())]);
}

#[test]
fn each_edits_what_the_one_before_let_out() {
    let mut behaviours = Behaviours::new();
    behaviours.push(Box::new(SilentTo::new(vec![0])));
    behaviours.push(Box::new(SilentTo::new(vec![3])));
    behaviours.push(Box::new(Withhold::new(vec![MessageKind::Vote])));
    let out = Stage::with(behaviours).send(status());
    assert_eq!(out, [Outgoing::new(vec![2], status())]);
}

#[test]
fn views_and_heights_and_time() {
    let mut in_view = mute(When::AtViews(vec![View::new(5)]), Span::ZERO);
    assert_eq!(in_view.send(status()).len(), 0);
    in_view.view = 6;
    assert_eq!(in_view.send(status()).len(), 1);

    // Height 2 is final: it works on height 3.
    let mut at_height = mute(When::AtHeights(vec![Height::new(3)]), Span::ZERO);
    assert_eq!(at_height.send(status()).len(), 0);
    at_height.height = 3;
    assert_eq!(at_height.send(status()).len(), 1);

    let mut later = mute(When::Always, Span::from_nanos(10));
    assert_eq!(later.send(status()).len(), 1);
    later.now = 10;
    assert_eq!(later.send(status()).len(), 0);
}

#[test]
fn a_chance_is_taken_about_as_often_as_it_says() {
    let mut sometimes = mute(When::Random(Ppm::new(250_000).expect("a quarter")), Span::ZERO);
    let passed: usize = (0..1_000).map(|_| sometimes.send(status()).len()).sum();
    assert!((700..800).contains(&passed), "{passed} of 1000 passed a chance of a quarter");
}
