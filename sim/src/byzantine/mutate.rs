//! Changes what it sends so that it still decodes, and signs what it changed.
//!
//! A few bytes of the encoding are changed and decoded again, until something else comes out: `small`
//! moves one byte by one, so that numbers are off by a little; `any` puts anything into up to eight
//! bytes. Own votes in what comes out, a proposal's included, are signed as they are now, so that a
//! receiver cannot throw them away by their signatures (Winter et al., "Randomized Testing of Byzantine
//! Fault Tolerant Algorithms", 2023).

use std::sync::Arc;

use quorate_core::{
    codec::Bounded,
    message::{Message, Proposal},
    vote::{Signable, Vote},
};

use super::{Behaviour, Context, Outgoing};
use crate::scenario::Mutation;

/// Attempts at a change that decodes; then the message goes as it is.
const ATTEMPTS: u32 = 32;

/// Bytes changed at once by `any`, at the most.
const BYTES_MAX: u64 = 8;

/// Mutates every message.
pub struct Mutate {
    scope: Mutation,
}

impl Mutate {
    /// Goes so far.
    #[must_use]
    pub const fn new(scope: Mutation) -> Self {
        Self { scope }
    }

    fn change(&self, context: &mut Context<'_>, bytes: &mut [u8]) {
        let length = u64::try_from(bytes.len()).expect("a message fits into memory");
        let mut place = || usize::try_from(context.rng.below(length)).expect("below a length");
        match self.scope {
            Mutation::Small => {
                let place = place();
                let up = context.rng.below(2) == 0;
                let byte = &mut bytes[place];
                *byte = if up { byte.wrapping_add(1) } else { byte.wrapping_sub(1) };
            }
            Mutation::Any => {
                for _ in 0..=context.rng.below(BYTES_MAX) {
                    let place = usize::try_from(context.rng.below(length)).expect("below a length");
                    let [byte, ..] = context.rng.next().to_le_bytes();
                    bytes[place] = byte;
                }
            }
        }
    }
}

impl Behaviour for Mutate {
    fn name(&self) -> &'static str {
        "mutate"
    }

    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let encoded = outgoing.message.encode();
        for _ in 0..ATTEMPTS {
            let mut bytes = encoded.clone();
            self.change(context, &mut bytes);
            let Ok(changed) = Message::decode(&bytes) else { continue };
            let changed = signed_again(context, changed);
            // Of a changed signature alone nothing is left.
            if changed != *outgoing.message {
                out.push(outgoing.instead(outgoing.to.clone(), changed));
                return;
            }
        }
        out.push(outgoing);
    }
}

/// The message with signatures that hold on whatever it now has the node say.
fn signed_again(context: &Context<'_>, message: Message) -> Message {
    match message {
        Message::Vote(vote) => Message::Vote(again(context, &vote)),
        Message::Votes(votes) => {
            let votes = votes.iter().map(|vote| again(context, vote));
            Message::Votes(Bounded::new(votes.collect()))
        }
        Message::CheckpointVotes(votes) => {
            let votes = votes.iter().map(|vote| again(context, vote));
            Message::CheckpointVotes(Bounded::new(votes.collect()))
        }
        Message::Proposal(proposal) => {
            let notarize = again(context, &proposal.notarize);
            Message::Proposal(Arc::new(Proposal { notarize, ..(*proposal).clone() }))
        }
        other => other,
    }
}

/// An own vote with a signature that holds.
fn again<S: Signable + Clone>(context: &Context<'_>, vote: &Vote<S>) -> Vote<S> {
    if vote.signer == context.index { context.sign(vote.statement.clone()) } else { vote.clone() }
}

#[cfg(test)]
mod tests;
