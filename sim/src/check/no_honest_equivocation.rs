//! No honest key ever contradicts itself, over its whole life.
//!
//! Two statements of one view contradict each other if both are Notarize or both Finalize and they
//! differ, or if one is Nullify and the other Finalize; two checkpoints of one height, if they differ. What counts is the content, not the bytes: a
//! restart may sign the same statement again. Every signature is looked at where it is made and again
//! where it leaves a node.

use std::collections::BTreeMap;

use quorate_core::{
    types::{Epoch, Height, View},
    vote::{Kind, Promise, Vote},
};

use super::{Checker, Scene, Violation, votes};
use crate::{
    scenario::Invariant,
    trace::{Observation, What, describe::promise_words},
};

/// What promises that could contradict each other have in common.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    View(Epoch, View),
    Height(Height),
}

/// Every promise of every honest validator, by validator and place. Restarts forget nothing.
#[derive(Default)]
pub struct NoHonestEquivocation {
    said: BTreeMap<(u32, Place), Vec<Promise>>,
}

impl Checker for NoHonestEquivocation {
    fn invariant(&self) -> Invariant {
        Invariant::NoHonestEquivocation
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        let number = observation.node.number();
        let Some(own) = scene.actor(number).map(|actor| actor.index) else { return Ok(()) };
        if !scene.honesty.is_honest(number) {
            return Ok(());
        }
        let uttered: Vec<Vote<Promise>> = match &observation.what {
            What::Signed(vote) => vec![**vote],
            What::Sent { parcel, .. } => votes::cast_in(parcel.message()),
            _ => return Ok(()),
        };
        for vote in uttered.iter().filter(|vote| vote.signer == own) {
            let place = (number, place(&vote.statement));
            let said = self.said.entry(place).or_default();
            if said.contains(&vote.statement) {
                continue;
            }
            if let Some(before) = said.iter().find(|before| contradict(before, &vote.statement)) {
                let (first, second) = (promise_words(before), promise_words(&vote.statement));
                let detail = format!("n{number} said {first} and {second}");
                return Err(Violation::of(self.invariant(), observation, detail));
            }
            said.push(vote.statement);
        }
        Ok(())
    }
}

fn place(promise: &Promise) -> Place {
    match promise {
        Promise::View(statement) => Place::View(statement.epoch(), statement.view()),
        Promise::Checkpoint(checkpoint) => Place::Height(checkpoint.height),
    }
}

fn contradict(a: &Promise, b: &Promise) -> bool {
    let (Promise::View(a), Promise::View(b)) = (a, b) else { return a != b };
    match (a.kind(), b.kind()) {
        (Kind::Notarize, Kind::Notarize) | (Kind::Finalize, Kind::Finalize) => a != b,
        (Kind::Nullify, Kind::Finalize) | (Kind::Finalize, Kind::Nullify) => true,
        (Kind::Notarize, Kind::Nullify | Kind::Finalize)
        | (Kind::Nullify, Kind::Notarize | Kind::Nullify)
        | (Kind::Finalize, Kind::Notarize) => false,
    }
}

#[cfg(test)]
mod tests;
