//! Every vote that was ever signed, by anybody.
//!
//! Honest keys sign only where a `Signed` is observed, so for them this is exact. A Byzantine node
//! signs whatever it likes; its votes count once it has sent them, in whatever message and whatever
//! the signature is worth. That errs on the side of believing that a quorum could exist. Nothing is
//! ever forgotten: a certificate of any view may be shown at any time.

use std::collections::BTreeMap;

use quorate_core::{
    checkpoint::Checkpoint,
    crypto::Signature,
    types::{Digest, Epoch, Height, ValidatorIndex, View},
    vote::{Kind, Promise, Statement, Vote},
};

/// Who signed something, with the first signature seen of each.
#[derive(Clone, Debug, Default)]
pub struct Signatures(Vec<(ValidatorIndex, Signature)>);

impl Signatures {
    /// Enters a signature; whether it is the signer's first.
    fn enter(&mut self, signer: ValidatorIndex, signature: Signature) -> bool {
        match self.0.binary_search_by_key(&signer, |(signer, _)| *signer) {
            Ok(_) => false,
            Err(place) => {
                self.0.insert(place, (signer, signature));
                true
            }
        }
    }

    /// Everybody who signed, ascending.
    pub fn signers(&self) -> impl Iterator<Item = ValidatorIndex> + '_ {
        self.0.iter().map(|(signer, _)| *signer)
    }

    /// The signature of one signer.
    #[must_use]
    pub fn of(&self, signer: ValidatorIndex) -> Option<&Signature> {
        let place = self.0.binary_search_by_key(&signer, |(signer, _)| *signer).ok()?;
        Some(&self.0[place].1)
    }
}

/// One statement, and who signed it.
#[derive(Clone, Debug)]
pub struct Ballot {
    /// What was signed.
    pub statement: Statement,
    /// The id of the candidate it is about; none for a Nullify.
    pub id: Option<Digest>,
    /// By whom.
    pub signatures: Signatures,
}

/// Votes by view and statement, and by height and checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Ballots {
    views: BTreeMap<(Epoch, View), Vec<Ballot>>,
    checkpoints: BTreeMap<Height, Vec<(Checkpoint, Signatures)>>,
}

impl Ballots {
    /// Enters a vote; whether it is the signer's first of this promise.
    pub fn enter<S: Copy + Into<Promise>>(&mut self, vote: &Vote<S>) -> bool {
        let signatures = match vote.statement.into() {
            Promise::View(statement) => self.statement_mut(&statement),
            Promise::Checkpoint(checkpoint) => self.checkpoint_mut(&checkpoint),
        };
        signatures.enter(vote.signer, vote.signature)
    }

    fn statement_mut(&mut self, statement: &Statement) -> &mut Signatures {
        let ballots = self.views.entry((statement.epoch(), statement.view())).or_default();
        let known = ballots.iter().position(|ballot| ballot.statement == *statement);
        let place = known.unwrap_or_else(|| {
            let id = statement.candidate().map(|candidate| candidate.id());
            ballots.push(Ballot { statement: *statement, id, signatures: Signatures::default() });
            ballots.len() - 1
        });
        &mut ballots[place].signatures
    }

    fn checkpoint_mut(&mut self, checkpoint: &Checkpoint) -> &mut Signatures {
        let ballots = self.checkpoints.entry(checkpoint.height).or_default();
        let known = ballots.iter().position(|(known, _)| known == checkpoint);
        let place = known.unwrap_or_else(|| {
            ballots.push((*checkpoint, Signatures::default()));
            ballots.len() - 1
        });
        &mut ballots[place].1
    }

    /// Who signed a statement.
    #[must_use]
    pub fn of(&self, statement: &Statement) -> Option<&Signatures> {
        let mut ballots = self.in_view(statement.epoch(), statement.view());
        let found = ballots.find(|ballot| ballot.statement == *statement);
        found.map(|ballot| &ballot.signatures)
    }

    /// Who signed a checkpoint.
    #[must_use]
    pub fn of_checkpoint(&self, checkpoint: &Checkpoint) -> Option<&Signatures> {
        let mut ballots = self.checkpoints.get(&checkpoint.height)?.iter();
        ballots.find(|(known, _)| known == checkpoint).map(|(_, signatures)| signatures)
    }

    /// Who signed a promise.
    #[must_use]
    pub fn of_promise(&self, promise: &Promise) -> Option<&Signatures> {
        match promise {
            Promise::View(statement) => self.of(statement),
            Promise::Checkpoint(checkpoint) => self.of_checkpoint(checkpoint),
        }
    }

    /// The signature of one signer under a promise.
    #[must_use]
    pub fn signature(&self, promise: &Promise, signer: ValidatorIndex) -> Option<&Signature> {
        self.of_promise(promise)?.of(signer)
    }

    /// Every statement that somebody signed in a view, in the order of their first signatures.
    pub fn in_view(&self, epoch: Epoch, view: View) -> impl Iterator<Item = &Ballot> {
        self.views.get(&(epoch, view)).into_iter().flatten()
    }

    /// Every statement of a kind that somebody signed in a view.
    pub fn of_kind(&self, epoch: Epoch, view: View, kind: Kind) -> impl Iterator<Item = &Ballot> {
        self.in_view(epoch, view).filter(move |ballot| ballot.statement.kind() == kind)
    }

    /// Every statement one signer signed in a view.
    pub fn by(
        &self,
        signer: ValidatorIndex,
        epoch: Epoch,
        view: View,
    ) -> impl Iterator<Item = &Statement> {
        let ballots = self.in_view(epoch, view);
        let signed = move |ballot: &&Ballot| ballot.signatures.of(signer).is_some();
        ballots.filter(signed).map(|ballot| &ballot.statement)
    }

    /// Everything one signer promised about the same view or height.
    #[must_use]
    pub fn beside(&self, promise: &Promise, signer: ValidatorIndex) -> Vec<Promise> {
        match promise {
            Promise::View(statement) => {
                let said = self.by(signer, statement.epoch(), statement.view());
                said.copied().map(Promise::View).collect()
            }
            Promise::Checkpoint(checkpoint) => {
                let said = self.checkpoints.get(&checkpoint.height).into_iter().flatten();
                let said = said.filter(|(_, signatures)| signatures.of(signer).is_some());
                said.map(|(checkpoint, _)| Promise::Checkpoint(*checkpoint)).collect()
            }
        }
    }
}
