//! Signs false checkpoints.
//!
//! Whatever its replica computed, the state root it signs has one bit turned: always the same one, so all
//! who lie like this tell the same lie, and each tells it to everybody and again. No evidence comes of it:
//! it never contradicts itself.

use quorate_core::{
    checkpoint::Checkpoint, codec::Bounded, message::Message, types::Digest, vote::Vote,
};

use super::{Behaviour, Context, Outgoing};

/// Spoils every checkpoint.
pub struct WrongStateRoot;

impl Behaviour for WrongStateRoot {
    fn name(&self) -> &'static str {
        "wrong_state_root"
    }

    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let Message::CheckpointVotes(votes) = outgoing.message.as_ref() else {
            out.push(outgoing);
            return;
        };
        let false_vote = |vote: &Vote<Checkpoint>| context.sign(spoil(&vote.statement));
        let votes = Bounded::new(votes.iter().map(false_vote).collect());
        out.push(outgoing.instead(outgoing.to.clone(), Message::CheckpointVotes(votes)));
    }
}

pub(super) fn spoil(checkpoint: &Checkpoint) -> Checkpoint {
    let mut root = *checkpoint.state_root.get();
    root[0] ^= 1;
    Checkpoint { state_root: Digest::new(root), ..*checkpoint }
}

#[cfg(test)]
mod tests;
