//! Every vote that was ever signed, by anybody.
//!
//! Honest keys sign only where a `Signed` is observed, so for them this is exact. A Byzantine node
//! signs whatever it likes; its votes count once it has sent them, in whatever message and whatever
//! the signature is worth. That errs on the side of believing that a quorum could exist.

use std::collections::BTreeMap;

use quorate_core::{
    crypto::Signature,
    types::{Epoch, ValidatorIndex, View},
    vote::{Kind, Statement, Vote},
};

/// Who signed one statement, with the first signature seen of each.
pub type Signatures = BTreeMap<ValidatorIndex, Signature>;

/// Votes by view and statement.
#[derive(Clone, Debug, Default)]
pub struct Ballots {
    views: BTreeMap<(Epoch, View), BTreeMap<Statement, Signatures>>,
}

impl Ballots {
    /// Enters a vote.
    pub fn enter(&mut self, vote: &Vote) {
        let place = (vote.statement.epoch(), vote.statement.view());
        let signatures = self.views.entry(place).or_default().entry(vote.statement).or_default();
        signatures.entry(vote.signer).or_insert(vote.signature);
    }

    /// Who signed a statement.
    #[must_use]
    pub fn of(&self, statement: &Statement) -> Option<&Signatures> {
        self.views.get(&(statement.epoch(), statement.view()))?.get(statement)
    }

    /// The signature of one signer under a statement.
    #[must_use]
    pub fn signature(&self, statement: &Statement, signer: ValidatorIndex) -> Option<&Signature> {
        self.of(statement)?.get(&signer)
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
