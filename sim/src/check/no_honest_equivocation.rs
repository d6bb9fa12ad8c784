//! No honest key ever contradicts itself, over its whole life.
//!
//! Two statements of one view contradict each other if both are Notarize or both Finalize and they
//! differ, or if one is Nullify and the other Finalize; two checkpoints of one height, if they differ.
//! What counts is the content, not the bytes: a restart may sign the same statement again. Every
//! signature is looked at where it is made and again where it leaves a node.

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

/// Compares with every vote the signer ever signed, which the scene remembers, and with what it sent
/// without ever signing it.
#[derive(Default)]
pub struct NoHonestEquivocation {
    unsigned: BTreeMap<(u32, Place), Vec<Promise>>,
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
        let judged = match &observation.what {
            What::Signed(_) if scene.is_repeated() => Ok(()),
            What::Signed(vote) if vote.signer == own => self.compare(scene, number, vote),
            What::Sent { parcel, .. } => {
                let mut cast = votes::cast_in(parcel.message()).filter(|vote| vote.signer == own);
                cast.try_for_each(|vote| self.on_sent(scene, number, &vote))
            }
            _ => Ok(()),
        };
        judged.map_err(|detail| Violation::of(self.invariant(), observation, detail))
    }
}

impl NoHonestEquivocation {
    /// What was signed was compared when it was signed.
    fn on_sent(&mut self, scene: &Scene, number: u32, vote: &Vote<Promise>) -> Result<(), String> {
        if scene.ballots.signature(&vote.statement, vote.signer).is_some() {
            return Ok(());
        }
        self.compare(scene, number, vote)?;
        let unsigned = self.unsigned.entry((number, place(&vote.statement))).or_default();
        if !unsigned.contains(&vote.statement) {
            unsigned.push(vote.statement);
        }
        Ok(())
    }

    fn compare(&self, scene: &Scene, number: u32, vote: &Vote<Promise>) -> Result<(), String> {
        let signed = scene.ballots.beside(&vote.statement, vote.signer);
        let unsigned = self.unsigned.get(&(number, place(&vote.statement)));
        let mut said = signed.iter().chain(unsigned.into_iter().flatten());
        match said.find(|before| contradict(before, &vote.statement)) {
            None => Ok(()),
            Some(before) => {
                let (first, second) = (promise_words(before), promise_words(&vote.statement));
                Err(format!("n{number} said {first} and {second}"))
            }
        }
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
