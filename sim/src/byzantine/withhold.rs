//! Does not send messages of some kinds.

use quorate_core::message::Message;

use super::{Behaviour, Context, Outgoing};
use crate::scenario::MessageKind;

/// Withholds these kinds.
pub struct Withhold {
    kinds: Vec<MessageKind>,
}

impl Withhold {
    /// Withholds these kinds.
    #[must_use]
    pub fn new(kinds: Vec<MessageKind>) -> Self {
        Self { kinds }
    }
}

impl Behaviour for Withhold {
    fn name(&self) -> &'static str {
        "withhold"
    }

    fn edit(&mut self, _context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        if !self.kinds.contains(&kind_of(&outgoing.message)) {
            out.push(outgoing);
        }
    }
}

/// The kind of a message, as scenarios tell them apart.
#[must_use]
pub fn kind_of(message: &Message) -> MessageKind {
    match message {
        Message::Proposal(_) => MessageKind::Proposal,
        Message::Vote(_) | Message::Votes(_) => MessageKind::Vote,
        Message::Certificates(_) | Message::CertificateRequest(_) => MessageKind::Certificate,
        Message::Status(_) => MessageKind::Status,
        Message::BlockRequest(_)
        | Message::BlockResponse(_)
        | Message::TransactionsRequest(_)
        | Message::TransactionsResponse(_) => MessageKind::Sync,
        Message::Transactions(_) => MessageKind::Transaction,
        Message::Evidence(_) => MessageKind::Evidence,
        Message::CheckpointVotes(_) => MessageKind::Vote,
        Message::CheckpointCertificate(_) => MessageKind::Certificate,
    }
}

#[cfg(test)]
mod tests;
