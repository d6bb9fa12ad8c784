//! Every vote that was ever signed, by anybody.
//!
//! Honest keys sign only where a `Signed` is observed, so for them this is exact. A Byzantine node
//! signs whatever it likes; its votes count once it has sent them, in whatever message and whatever
//! the signature is worth. That errs on the side of believing that a quorum could exist.

use std::collections::BTreeMap;

use quorate_core::{
    checkpoint::Checkpoint,
    crypto::Signature,
    types::{Epoch, Height, ValidatorIndex, View},
    vote::{Kind, Promise, Statement, Vote},
};

/// Who signed one statement, with the first signature seen of each.
pub type Signatures = BTreeMap<ValidatorIndex, Signature>;

/// Votes by view and statement, and by height and checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Ballots {
    views: BTreeMap<(Epoch, View), BTreeMap<Statement, Signatures>>,
    checkpoints: BTreeMap<Height, BTreeMap<Checkpoint, Signatures>>,
}

impl Ballots {
    /// Enters a vote.
    pub fn enter<S: Copy + Into<Promise>>(&mut self, vote: &Vote<S>) {
        let signatures = match vote.statement.into() {
            Promise::View(statement) => {
                let place = (statement.epoch(), statement.view());
                self.views.entry(place).or_default().entry(statement).or_default()
            }
            Promise::Checkpoint(checkpoint) => {
                let heights = self.checkpoints.entry(checkpoint.height).or_default();
                heights.entry(checkpoint).or_default()
            }
        };
        signatures.entry(vote.signer).or_insert(vote.signature);
    }

    /// Who signed a statement.
    #[must_use]
    pub fn of(&self, statement: &Statement) -> Option<&Signatures> {
        self.views.get(&(statement.epoch(), statement.view()))?.get(statement)
    }

    /// Who signed a checkpoint.
    #[must_use]
    pub fn of_checkpoint(&self, checkpoint: &Checkpoint) -> Option<&Signatures> {
        self.checkpoints.get(&checkpoint.height)?.get(checkpoint)
    }

    /// The signature of one signer under a promise.
    #[must_use]
    pub fn signature(&self, promise: &Promise, signer: ValidatorIndex) -> Option<&Signature> {
        let signatures = match promise {
            Promise::View(statement) => self.of(statement),
            Promise::Checkpoint(checkpoint) => self.of_checkpoint(checkpoint),
        };
        signatures?.get(&signer)
    }

    /// Every statement of a kind that somebody signed in a view, and who.
    pub fn in_view(
        &self,
        epoch: Epoch,
        view: View,
        kind: Kind,
    ) -> impl Iterator<Item = (&Statement, &Signatures)> {
        let statements = self.views.get(&(epoch, view)).into_iter().flatten();
        statements.filter(move |(statement, _)| statement.kind() == kind)
    }
}
