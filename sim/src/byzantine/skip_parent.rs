//! Proposes on the parent of the parent, as if all views since had been given up.
//!
//! The block takes its parent's place: its height and its parent. It shows no certificates, since there
//! are none of views that were not given up. A proposal whose parent's proposal it has not seen leaves as
//! it is.

use std::{collections::BTreeMap, sync::Arc};

use quorate_core::{
    block::{Candidate, Header},
    message::{Justify, Message, Proposal},
    types::View,
    vote::Statement,
};

use super::{Behaviour, Context, Outgoing, with_header};

/// Proposals remembered: parents are few views back.
const SEEN_MAX: usize = 64;

/// Leaves out the parent of every block.
#[derive(Default)]
pub struct SkipParent {
    seen: BTreeMap<View, (Candidate, Header)>,
}

impl Behaviour for SkipParent {
    fn name(&self) -> &'static str {
        "skip_parent"
    }

    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let Message::Proposal(proposal) = outgoing.message.as_ref() else {
            out.push(outgoing);
            return;
        };
        self.note(proposal);
        match self.without_parent(context, proposal) {
            Some(skipping) => {
                let skipping = Message::Proposal(Arc::new(skipping));
                out.push(outgoing.instead(outgoing.to.clone(), skipping));
            }
            None => out.push(outgoing),
        }
    }

    fn overhear(&mut self, _context: &mut Context<'_>, _from: u32, message: &Arc<Message>) {
        if let Message::Proposal(proposal) = message.as_ref() {
            self.note(proposal);
        }
    }
}

impl SkipParent {
    fn note(&mut self, proposal: &Proposal) {
        let Statement::Notarize(candidate) = proposal.notarize.statement else { return };
        self.seen.insert(candidate.view, (candidate, proposal.body.header().clone()));
        if self.seen.len() > SEEN_MAX {
            self.seen.pop_first();
        }
    }

    fn without_parent(&self, context: &Context<'_>, proposal: &Proposal) -> Option<Proposal> {
        let candidate = proposal.notarize.statement.candidate()?;
        let (parent, place) = self.seen.get(&candidate.parent_view)?;
        if parent.id() != candidate.parent_id {
            return None;
        }
        let header =
            Header { height: place.height, parent: place.parent, ..proposal.body.header().clone() };
        let body = with_header(&proposal.body, header);
        let candidate = Candidate {
            parent_view: parent.parent_view,
            parent_id: parent.parent_id,
            block: body.digest(),
            ..*candidate
        };
        let notarize = context.sign(Statement::Notarize(candidate));
        Some(Proposal { notarize, body, justify: Justify::default() })
    }
}

#[cfg(test)]
mod tests;
