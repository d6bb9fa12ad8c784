//! Holds its own proposals back.

use quorate_core::message::Message;

use super::{Behaviour, Context, Outgoing};
use crate::{scenario::Distribution, world::delay::sample};

/// Holds every proposal back for a drawn time.
pub struct DelayProposal {
    by: Distribution,
}

impl DelayProposal {
    /// Drawn from this distribution.
    #[must_use]
    pub fn new(by: Distribution) -> Self {
        Self { by }
    }
}

impl Behaviour for DelayProposal {
    fn name(&self) -> &'static str {
        "delay_proposal"
    }

    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let mut outgoing = outgoing;
        if matches!(outgoing.message.as_ref(), Message::Proposal(_)) {
            let more = sample(&self.by, context.rng.next());
            outgoing.delay = outgoing.delay.saturating_add(more);
        }
        out.push(outgoing);
    }
}

#[cfg(test)]
mod tests;
