//! Nothing leaves a node before its disk can prove it said so.
//!
//! In order: what the vote rests on is in the log, the pledge is in the log, the log is durable, the
//! sign-state is durable, the signature is made, the vote is sent. After a failed write a node sends
//! and signs nothing more in that life. A Notarize or Nullify rests on the proof that let the
//! validator into the view, a Notarize also on its block, a Finalize on its block and Notarization, a
//! checkpoint on the durable finality of its height.

use std::collections::{BTreeMap, VecDeque};

use quorate_core::{
    types::{Seq, View},
    vote::{Kind, Promise, Statement, Vote},
};

use super::{
    Checker, Scene, Violation,
    mirror::{Content, Mirror},
    votes,
};
use crate::{
    scenario::Invariant,
    trace::{
        NodeIndex, Observation, What,
        describe::{checkpoint_words, promise_words, statement_words},
    },
};

/// What one node has promised, and how far the promise has come.
#[derive(Clone, Debug, Default)]
struct Promises {
    /// In this life's log, ascending by place, and not durable yet.
    appended: VecDeque<(Seq, Promise)>,
    /// In the durable part of the log, and not in the sign-state yet.
    durable: Vec<Promise>,
    /// In the durable sign-state, in this life or before, and not signed since. The scene knows what
    /// was signed.
    recorded: Vec<Promise>,
    /// Whether a write has failed in this life.
    failed: bool,
}

/// What every node has promised.
#[derive(Default)]
pub struct DurableVotes {
    nodes: BTreeMap<NodeIndex, Promises>,
}

impl Checker for DurableVotes {
    fn invariant(&self) -> Invariant {
        Invariant::DurableVotes
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        let node = observation.node;
        if !scene.honesty.is_honest_node(node) {
            return Ok(());
        }
        let promises = self.nodes.entry(node).or_default();
        let judged = match &observation.what {
            What::Started { .. } => {
                promises.appended.clear();
                promises.durable.clear();
                promises.failed = false;
                Ok(())
            }
            What::PledgeAppended { seq, pledge } => {
                promises.appended.push_back((*seq, pledge.promise()));
                match scene.mirror(node) {
                    Some(mirror) => rests_on(mirror, &pledge.promise()),
                    None => Err("a pledge before the node has started".to_owned()),
                }
            }
            What::Durable { upto } => {
                while let Some((_, promise)) =
                    promises.appended.pop_front_if(|(seq, _)| *seq <= *upto)
                {
                    promises.durable.push(promise);
                }
                Ok(())
            }
            What::WriteFailed => {
                promises.failed = true;
                Ok(())
            }
            What::SignStateDurable(promise) => promises.on_recorded(promise),
            What::Signed(vote) => promises.on_signed(scene, vote),
            What::Sent { parcel, .. } => {
                let own = scene.actor(node.number()).map(|actor| actor.index);
                let cast = votes::cast_in(parcel.message());
                promises.on_sent(scene, cast.filter(|vote| Some(vote.signer) == own))
            }
            _ => Ok(()),
        };
        judged.map_err(|detail| Violation::of(Invariant::DurableVotes, observation, detail))
    }
}

impl Promises {
    fn on_recorded(&mut self, promise: &Promise) -> Result<(), String> {
        if !take(&mut self.durable, promise) {
            let words = promise_words(promise);
            return Err(format!("{words} is in the sign-state before the log is durable"));
        }
        self.recorded.push(*promise);
        Ok(())
    }

    fn on_signed(&mut self, scene: &Scene, vote: &Vote<Promise>) -> Result<(), String> {
        if self.failed {
            return Err(format!("signed {} after a failed write", promise_words(&vote.statement)));
        }
        // What was signed once was in the sign-state then, and is for ever.
        if !take(&mut self.recorded, &vote.statement) && !scene.is_repeated() {
            let words = promise_words(&vote.statement);
            return Err(format!("signed {words} before the sign-state was durable"));
        }
        Ok(())
    }

    fn on_sent(
        &self,
        scene: &Scene,
        mut own: impl Iterator<Item = Vote<Promise>>,
    ) -> Result<(), String> {
        if self.failed {
            return Err("sent something after a failed write".to_owned());
        }
        match own.find(|vote| !scene.was_signed(vote)) {
            None => Ok(()),
            Some(vote) => {
                let words = promise_words(&vote.statement);
                Err(format!("sent {words} without having signed it durably"))
            }
        }
    }
}

/// Takes a promise out; whether it was there.
fn take(promises: &mut Vec<Promise>, wanted: &Promise) -> bool {
    let place = promises.iter().position(|promise| promise == wanted);
    place.map(|place| promises.remove(place)).is_some()
}

/// Whether the log holds what a promise rests on.
fn rests_on(mirror: &Mirror, promise: &Promise) -> Result<(), String> {
    match promise {
        Promise::View(statement) => vote_rests_on(mirror.appended(), statement),
        // The state can be computed again, but only from blocks that no crash takes back.
        Promise::Checkpoint(checkpoint) => {
            let wrong =
                |what: &str| Err(format!("pledged {} {what}", checkpoint_words(checkpoint)));
            match mirror.surely_final(checkpoint.height) {
                Some(block) if block == checkpoint.block => Ok(()),
                Some(_) => wrong("of another block than the final one"),
                None => wrong("before its block was final on disk"),
            }
        }
    }
}

/// Whether the log holds what a vote of a view rests on.
fn vote_rests_on(content: &Content, statement: &Statement) -> Result<(), String> {
    let view = statement.view();
    let lacks = |what: &str| {
        Err(format!("pledged {} without {what} in the log", statement_words(statement)))
    };
    if let Statement::Finalize(candidate) = statement {
        let held = |kind| content.certificates.get(&(view, kind)) == Some(&Some(*candidate));
        if !held(Kind::Notarize) && !held(Kind::Finalize) {
            return lacks("its Notarization");
        }
    } else if !is_entered(content, view) {
        return lacks("the view's entry proof");
    }
    match statement.candidate() {
        Some(candidate) if !content.blocks.contains(&candidate.block) => lacks("its block"),
        _ => Ok(()),
    }
}

/// Whether the log proves that `view` may be entered.
fn is_entered(content: &Content, view: View) -> bool {
    let Some(before) = view.previous() else { return false };
    if before <= content.finalized_view {
        return true;
    }
    let decided = |kind| content.certificates.contains_key(&(before, kind));
    let ahead = content.certificates.range((before, Kind::Notarize)..);
    decided(Kind::Notarize)
        || decided(Kind::Nullify)
        || ahead.into_iter().any(|((_, kind), _)| *kind == Kind::Finalize)
}

#[cfg(test)]
mod tests;
