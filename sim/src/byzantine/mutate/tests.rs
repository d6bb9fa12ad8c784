//! What comes out decodes, is something else, and its votes hold.

use std::collections::BTreeSet;

use super::*;
use crate::byzantine::stage::{Stage, nullify, status};

/// Enough for every byte of a message to be moved both ways.
const RUNS: u32 = 3_000;

fn mutated(
    scope: Mutation,
    message: impl Fn(&Stage) -> Message,
) -> (u32, BTreeSet<Vec<u8>>, Stage) {
    let mut stage = Stage::new(Mutate::new(scope));
    let (mut changed, mut seen) = (0, BTreeSet::new());
    for _ in 0..RUNS {
        let message = message(&stage);
        let out = stage.send(message.clone());
        assert_eq!(out.len(), 1, "one goes in and one comes out");
        changed += u32::from(*out[0].message != message);
        let bytes = out[0].message.encode();
        assert!(Message::decode(&bytes).is_ok(), "it decodes");
        if let Message::Vote(vote) = &*out[0].message
            && vote.signer == stage.vote(1, nullify(1)).signer
        {
            assert!(stage.holds(vote), "an own vote holds: {vote:?}");
        }
        seen.insert(bytes);
    }
    (changed, seen, stage)
}

#[test]
fn votes_become_other_votes_that_hold() {
    for scope in [Mutation::Small, Mutation::Any] {
        let (changed, seen, _) = mutated(scope, |stage| stage.own(nullify(5)));
        assert!(changed > RUNS / 6 * 5, "{changed} of {RUNS} were changed by {scope:?}");
        assert!(seen.len() > 10, "only {} different votes by {scope:?}", seen.len());
    }
}

#[test]
fn numbers_are_off_by_a_little_or_by_anything() {
    let far = |scope: Mutation| {
        let (_, seen, _) = mutated(scope, |_| status());
        let views = seen.iter().filter_map(|bytes| match Message::decode(bytes) {
            Ok(Message::Status(status)) => Some(status.view.get()),
            _ => None,
        });
        views.collect::<BTreeSet<u64>>()
    };
    let small = far(Mutation::Small);
    assert!(small.contains(&4) && small.contains(&6), "{small:?}");
    assert!(far(Mutation::Any).len() > small.len());
}
