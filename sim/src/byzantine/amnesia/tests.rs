//! It forgets when it acts, and lets everything pass.

use quorate_core::time::Span;

use super::*;
use crate::{
    byzantine::{
        Behaviours,
        stage::{PEERS, Stage, status},
    },
    scenario::When,
};

#[test]
fn only_the_memory_is_short() {
    let mut behaviours = Behaviours::new();
    behaviours.push_when(When::Always, Span::from_nanos(10), Box::new(Amnesia));
    let mut stage = Stage::with(behaviours);
    assert_eq!(stage.send(status()), [Outgoing::new(PEERS.to_vec(), status())]);
    assert!(!stage.forgets(), "it is honest for a while");
    stage.now = 10;
    assert!(stage.forgets());
    assert!(!Stage::with(Behaviours::new()).forgets(), "an honest node forgets nothing");
}
