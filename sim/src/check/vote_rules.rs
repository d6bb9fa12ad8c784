//! When an honest key may sign: the rules of voting, restated over all votes ever signed.
//!
//! Per validator and view: one Notarize, none after its Nullify, never both Nullify and Finalize.
//! Notarize only if the parent is the epoch's root or has a quorum of Notarize votes, and every view
//! between has a quorum of Nullify votes. Finalize only if its candidate has a quorum of Notarize
//! votes. A quorum is judged by the votes that exist, whoever has heard of them, so a validator that
//! acts without one is caught and one that merely knows less than the checker is not.

use quorate_core::{
    block::{Candidate, root_id},
    types::{Epoch, View},
    vote::{Kind, Statement, Vote},
};

use super::{Checker, Scene, Violation};
use crate::{
    scenario::Invariant,
    trace::{Observation, What, describe::vote_words},
};

/// Judges each vote by the ones before it, which the scene remembers.
#[derive(Default)]
pub struct VoteRules;

impl Checker for VoteRules {
    fn invariant(&self) -> Invariant {
        Invariant::VoteRules
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        let What::Signed(vote) = &observation.what else { return Ok(()) };
        let Some(vote) = vote.about_view() else { return Ok(()) };
        if scene.is_repeated() || !scene.honesty.is_honest_node(observation.node) {
            return Ok(());
        }
        own_rules(scene, &vote).and_then(|()| foundations(scene, &vote.statement)).map_err(
            |reason| {
                let detail = format!("{}: {reason}", vote_words(&vote));
                Violation::of(Invariant::VoteRules, observation, detail)
            },
        )
    }
}

/// What the validator's own earlier votes of the view forbid.
fn own_rules(scene: &Scene, vote: &Vote) -> Result<(), &'static str> {
    let (epoch, view) = (vote.statement.epoch(), vote.statement.view());
    let has = |kind: Kind| {
        let mut said = scene.ballots.by(vote.signer, epoch, view);
        said.any(|statement| statement.kind() == kind && *statement != vote.statement)
    };
    match vote.statement.kind() {
        Kind::Notarize if has(Kind::Notarize) => Err("a second Notarize in the view"),
        Kind::Notarize if has(Kind::Nullify) => Err("a Notarize after its Nullify"),
        Kind::Nullify if has(Kind::Finalize) => Err("a Nullify after its Finalize"),
        Kind::Finalize if has(Kind::Nullify) => Err("a Finalize after its Nullify"),
        Kind::Finalize if has(Kind::Finalize) => Err("a second Finalize in the view"),
        Kind::Notarize | Kind::Nullify | Kind::Finalize => Ok(()),
    }
}

/// What must exist before anybody may sign this.
fn foundations(scene: &Scene, statement: &Statement) -> Result<(), &'static str> {
    match statement {
        Statement::Nullify { .. } => Ok(()),
        Statement::Finalize(candidate) => {
            if scene.has_quorum(&Statement::Notarize(*candidate)) {
                Ok(())
            } else {
                Err("no quorum of Notarize votes for the candidate exists")
            }
        }
        Statement::Notarize(candidate) => builds_on(scene, candidate),
    }
}

fn builds_on(scene: &Scene, candidate: &Candidate) -> Result<(), &'static str> {
    let Candidate { epoch, view, parent_view, parent_id, .. } = *candidate;
    if parent_view >= view {
        return Err("the parent's view is not below its own");
    }
    let parent_stands = if parent_view == View::ZERO {
        // The first epoch's root: later epochs begin with another block than the genesis.
        epoch != Epoch::ZERO
            || parent_id == root_id(epoch, scene.context.genesis, scene.context.committee)
    } else {
        let mut notarized = scene.ballots.of_kind(epoch, parent_view, Kind::Notarize);
        notarized.any(|ballot| ballot.id == Some(parent_id) && scene.is_quorum(&ballot.signatures))
    };
    if !parent_stands {
        return Err("its parent is neither the root nor notarized by a quorum");
    }
    let skipped = (parent_view.next().get()..view.get()).map(View::new);
    let nullified = |view| scene.has_quorum(&Statement::Nullify { epoch, view });
    if skipped.into_iter().all(nullified) {
        Ok(())
    } else {
        Err("a view between the parent's and its own is not nullified by a quorum")
    }
}

#[cfg(test)]
mod tests;
