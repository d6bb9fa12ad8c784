//! Proposes blocks that no validator may accept.
//!
//! By view, in turn: a timestamp not after the parent's, a height that skips one, a payload root of another
//! payload, and a parent that is not the candidate's. The proposal is signed like a good one.

use std::sync::Arc;

use quorate_core::{
    block::{Candidate, Header},
    message::{Message, Proposal},
    time::UnixMillis,
    types::Digest,
    vote::Statement,
};

use super::{Behaviour, Context, Outgoing, with_header};

/// Spoils every proposal. The same proposal is spoilt the same way when it is sent again.
pub struct InvalidBlock;

impl Behaviour for InvalidBlock {
    fn name(&self) -> &'static str {
        "invalid_block"
    }

    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let Message::Proposal(proposal) = outgoing.message.as_ref() else {
            out.push(outgoing);
            return;
        };
        let Statement::Notarize(candidate) = proposal.notarize.statement else { return };
        let good = proposal.body.header().clone();
        let bad = match candidate.view.get() % 4 {
            0 => Header { timestamp: UnixMillis::new(0), ..good },
            1 => Header { height: good.height.next(), ..good },
            2 => Header { payload_root: Digest::ZERO, ..good },
            _ => Header { parent: Digest::ZERO, ..good },
        };
        let body = with_header(&proposal.body, bad);
        let candidate = Candidate { block: body.digest(), ..candidate };
        let notarize = context.sign(Statement::Notarize(candidate));
        let spoilt = Proposal { notarize, body, justify: proposal.justify.clone() };
        out.push(outgoing.instead(outgoing.to.clone(), Message::Proposal(Arc::new(spoilt))));
    }
}

#[cfg(test)]
mod tests;
