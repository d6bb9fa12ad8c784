//! No honest key ever contradicts itself, over its whole life.
//!
//! Two statements of one view contradict each other if both are Notarize or both Finalize and they
//! differ, or if one is Nullify and the other Finalize. What counts is the content, not the bytes: a
//! restart may sign the same statement again. Every signature is looked at where it is made and again
//! where it leaves a node.

use std::collections::BTreeMap;

use quorate_core::{
    types::{Epoch, View},
    vote::{Kind, Statement, Vote},
};

use super::{Checker, Scene, Violation, votes};
use crate::{
    scenario::Invariant,
    trace::{Observation, What, describe::statement_words},
};

/// Every statement of every honest validator, by validator and view. Restarts forget nothing.
#[derive(Default)]
pub struct NoHonestEquivocation {
    said: BTreeMap<(u32, Epoch, View), Vec<Statement>>,
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
        let uttered: Vec<Vote> = match &observation.what {
            What::Signed(vote) => vec![*vote],
            What::Sent { parcel, .. } => votes::cast_in(parcel.message()),
            _ => return Ok(()),
        };
        for vote in uttered.iter().filter(|vote| vote.signer == own) {
            let place = (number, vote.statement.epoch(), vote.statement.view());
            let said = self.said.entry(place).or_default();
            if said.contains(&vote.statement) {
                continue;
            }
            if let Some(before) = said.iter().find(|before| contradict(before, &vote.statement)) {
                let (first, second) = (statement_words(before), statement_words(&vote.statement));
                let detail = format!("n{number} said {first} and {second}");
                return Err(Violation::of(self.invariant(), observation, detail));
            }
            said.push(vote.statement);
        }
        Ok(())
    }
}

fn contradict(a: &Statement, b: &Statement) -> bool {
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
