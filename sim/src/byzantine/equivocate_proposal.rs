//! Two proposals in one view, one to each audience.
//!
//! The second block differs from the first only in its timestamp, by a millisecond, so both are
//! acceptable. Both are signed. Sending again tells everybody the same story again.

use std::sync::Arc;

use quorate_core::{
    block::{Candidate, Header},
    message::{Message, Proposal},
    vote::Statement,
};

use super::{
    Behaviour, Context, Outgoing,
    split::{Audiences, within},
    with_header,
};
use crate::scenario::Split;

/// Equivocates in every view it leads.
pub struct EquivocateProposal {
    audiences: Audiences,
}

impl EquivocateProposal {
    /// Splits the audience as a scenario says.
    #[must_use]
    pub fn new(split: Split) -> Self {
        Self { audiences: Audiences::new(split) }
    }
}

impl Behaviour for EquivocateProposal {
    fn name(&self) -> &'static str {
        "equivocate_proposal"
    }

    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let Message::Proposal(proposal) = outgoing.message.as_ref() else {
            out.push(outgoing);
            return;
        };
        let view = proposal.notarize.statement.view();
        let halves = self.audiences.of(view, context.peers, context.rng);
        let second = within(&outgoing.to, &halves.second);
        if let Some(other) = other_proposal(context, proposal) {
            out.push(outgoing.instead(second, Message::Proposal(Arc::new(other))));
        }
        let first = within(&outgoing.to, &halves.first);
        out.push(Outgoing { to: first, ..outgoing });
    }
}

/// The same proposal with a block that is a millisecond younger; none if it was no Notarize.
#[must_use]
pub fn other_proposal(context: &Context<'_>, proposal: &Proposal) -> Option<Proposal> {
    let Statement::Notarize(candidate) = proposal.notarize.statement else { return None };
    let header = proposal.body.header();
    let header = Header { timestamp: header.timestamp.plus_millis(1), ..header.clone() };
    let body = with_header(&proposal.body, header);
    let candidate = Candidate { block: body.digest(), ..candidate };
    let notarize = context.sign(Statement::Notarize(candidate));
    Some(Proposal { notarize, body, justify: proposal.justify.clone() })
}

#[cfg(test)]
mod tests;
