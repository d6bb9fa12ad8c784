//! Nothing leaves a node before its disk can prove it said so.
//!
//! In order: what the vote rests on is in the log, the pledge is in the log, the log is durable, the
//! sign-state is durable, the signature is made, the vote is sent. After a failed write a node sends
//! and signs nothing more in that life. A Notarize or Nullify rests on the proof that let the
//! validator into the view, a Notarize also on its block, a Finalize on its block and Notarization, a
//! checkpoint on the durable finality of its height.

use std::collections::{BTreeMap, BTreeSet};

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
    /// In this life's log, by place.
    appended: BTreeMap<Seq, Promise>,
    /// In the durable part of the log.
    durable: BTreeSet<Promise>,
    /// In the durable sign-state, over all lives.
    recorded: BTreeSet<Promise>,
    /// Signed, over all lives.
    signed: BTreeSet<Vote<Promise>>,
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
                promises.appended.insert(*seq, pledge.promise());
                match scene.mirror(node) {
                    Some(mirror) => rests_on(mirror, &pledge.promise()),
                    None => Err("a pledge before the node has started".to_owned()),
                }
            }
            What::Durable { upto } => {
                let rest = promises.appended.split_off(&upto.next());
                let reached = std::mem::replace(&mut promises.appended, rest);
                promises.durable.extend(reached.into_values());
                Ok(())
            }
            What::WriteFailed => {
                promises.failed = true;
                Ok(())
            }
            What::SignStateDurable(promise) => promises.on_recorded(promise),
            What::Signed(vote) => promises.on_signed(vote),
            What::Sent { parcel, .. } => {
                let own = scene.actor(node.number()).map(|actor| actor.index);
                let cast = votes::cast_in(parcel.message());
                promises.on_sent(cast.into_iter().filter(|vote| Some(vote.signer) == own))
            }
            _ => Ok(()),
        };
        judged.map_err(|detail| Violation::of(Invariant::DurableVotes, observation, detail))
    }
}

impl Promises {
    fn on_recorded(&mut self, promise: &Promise) -> Result<(), String> {
        if !self.durable.contains(promise) {
            let words = promise_words(promise);
            return Err(format!("{words} is in the sign-state before the log is durable"));
        }
        self.recorded.insert(*promise);
        Ok(())
    }

    fn on_signed(&mut self, vote: &Vote<Promise>) -> Result<(), String> {
        let words = promise_words(&vote.statement);
        if self.failed {
            return Err(format!("signed {words} after a failed write"));
        }
        if !self.recorded.contains(&vote.statement) {
            return Err(format!("signed {words} before the sign-state was durable"));
        }
        self.signed.insert(*vote);
        Ok(())
    }

    fn on_sent(&self, own: impl Iterator<Item = Vote<Promise>>) -> Result<(), String> {
        if self.failed {
            return Err("sent something after a failed write".to_owned());
        }
        for vote in own {
            if !self.signed.contains(&vote) {
                let words = promise_words(&vote.statement);
                return Err(format!("sent {words} without having signed it durably"));
            }
        }
        Ok(())
    }
}

/// Whether the log holds what a promise rests on.
fn rests_on(mirror: &Mirror, promise: &Promise) -> Result<(), String> {
    match promise {
        Promise::View(statement) => vote_rests_on(mirror.appended(), statement),
        // The state can be computed again, but only from blocks that no crash takes back.
        Promise::Checkpoint(checkpoint) => {
            let words = checkpoint_words(checkpoint);
            let block = mirror.sure().chain.get(&checkpoint.height);
            match block {
                Some(block) if *block == checkpoint.block => Ok(()),
                Some(_) => Err(format!("pledged {words} of another block than the final one")),
                None => Err(format!("pledged {words} before its block was final on disk")),
            }
        }
    }
}

/// Whether the log holds what a vote of a view rests on.
fn vote_rests_on(content: &Content, statement: &Statement) -> Result<(), String> {
    let words = statement_words(statement);
    let view = statement.view();
    if let Statement::Finalize(candidate) = statement {
        let id = Some(candidate.id());
        let held = |kind| content.certificates.get(&(view, kind)).is_some_and(|held| *held == id);
        if !held(Kind::Notarize) && !held(Kind::Finalize) {
            return Err(format!("pledged {words} without its Notarization in the log"));
        }
    } else if !is_entered(content, view) {
        return Err(format!("pledged {words} without the view's entry proof in the log"));
    }
    match statement.candidate() {
        Some(candidate) if !content.blocks.contains(&candidate.block) => {
            Err(format!("pledged {words} without its block in the log"))
        }
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
