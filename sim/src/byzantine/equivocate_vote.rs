//! Two contradicting votes in one view, one to each audience.
//!
//! Instead of a Notarize the second audience gets one for the other candidate it has heard of, or for
//! a block nobody has; instead of a Finalize it gets a Nullify; instead of a Nullify a Finalize, if a
//! candidate of the view is known.

use std::{collections::BTreeMap, sync::Arc};

use quorate_core::{
    block::Candidate,
    message::Message,
    types::{Digest, View},
    vote::{Statement, Vote},
};

use super::{
    Behaviour, Context, Outgoing,
    split::{Audiences, within},
};
use crate::scenario::Split;

/// Views whose candidates are remembered.
const VIEWS_MAX: usize = 64;

/// Equivocates with every vote it sends.
pub struct EquivocateVote {
    audiences: Audiences,
    candidates: BTreeMap<View, Vec<Candidate>>,
}

impl EquivocateVote {
    /// Splits the audience as a scenario says.
    #[must_use]
    pub fn new(split: Split) -> Self {
        Self { audiences: Audiences::new(split), candidates: BTreeMap::new() }
    }

    fn note(&mut self, vote: &Vote) {
        let Some(candidate) = vote.statement.candidate() else { return };
        let known = self.candidates.entry(candidate.view).or_default();
        if !known.contains(candidate) {
            known.push(*candidate);
        }
        if self.candidates.len() > VIEWS_MAX {
            self.candidates.pop_first();
        }
    }

    /// What contradicts a statement; none if nothing is known that would.
    fn other(&self, context: &mut Context<'_>, statement: &Statement) -> Option<Statement> {
        let view = statement.view();
        let known = self.candidates.get(&view).map_or(&[][..], Vec::as_slice);
        match statement {
            Statement::Notarize(candidate) => {
                let other = known.iter().find(|known| *known != candidate).copied();
                Some(Statement::Notarize(
                    other.unwrap_or_else(|| Candidate { block: invented(context), ..*candidate }),
                ))
            }
            Statement::Finalize(candidate) => {
                Some(Statement::Nullify { epoch: candidate.epoch, view })
            }
            Statement::Nullify { .. } => known.first().copied().map(Statement::Finalize),
        }
    }
}

/// The digest of no block.
fn invented(context: &mut Context<'_>) -> Digest {
    let mut raw = [0; 32];
    raw[..8].copy_from_slice(&context.rng.next().to_le_bytes());
    Digest::new(raw)
}

impl Behaviour for EquivocateVote {
    fn name(&self) -> &'static str {
        "equivocate_vote"
    }

    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let Message::Vote(vote) = outgoing.message.as_ref() else {
            out.push(outgoing);
            return;
        };
        self.note(vote);
        let Some(other) = self.other(context, &vote.statement) else {
            out.push(outgoing);
            return;
        };
        let halves = self.audiences.of(vote.statement.view(), context.peers, context.rng);
        let second = within(&outgoing.to, &halves.second);
        out.push(outgoing.instead(second, Message::Vote(context.sign(other))));
        let first = within(&outgoing.to, &halves.first);
        out.push(Outgoing { to: first, ..outgoing });
    }

    fn overhear(&mut self, _context: &mut Context<'_>, _from: u32, message: &Arc<Message>) {
        match message.as_ref() {
            Message::Proposal(proposal) => self.note(&proposal.notarize),
            Message::Vote(vote) => self.note(vote),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
