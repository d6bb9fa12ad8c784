//! What validators sign, and the context that ties it to one chain, epoch and committee.
//!
//! There are two families of promises: statements about a view, which consensus is made of, and
//! checkpoints, about the state after a height. Votes and certificates are generic over which, so that
//! neither can stand where the other is meant; a [`Promise`] is either, for the one key that signs both.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::Candidate,
    checkpoint::Checkpoint,
    committee::Committee,
    crypto::Signature,
    crypto::{PublicKey, SignatureCheck},
    digest::{Domain, Hasher},
    types::{ChainId, Digest, Epoch, ValidatorIndex, View},
};

/// A promise about a view, never to be contradicted, made with a consensus key.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum Statement {
    /// "I accept this candidate." PBFT's Prepare.
    Notarize(Candidate),
    /// "I give up on this view." PBFT's ViewChange.
    Nullify {
        /// The epoch.
        epoch: Epoch,
        /// The view given up.
        view: View,
    },
    /// "This candidate is notarized and I shall never nullify its view." PBFT's Commit.
    Finalize(Candidate),
}

/// Which of the three a statement is. Also names certificates: a quorum of one kind.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum Kind {
    /// Notarize votes make a Notarization.
    Notarize,
    /// Nullify votes make a Nullification.
    Nullify,
    /// Finalize votes make a Finalization.
    Finalize,
}

impl Kind {
    /// All kinds, in the order they are cast.
    pub const ALL: [Self; 3] = [Self::Notarize, Self::Nullify, Self::Finalize];
}

impl Statement {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Notarize(_) => Kind::Notarize,
            Self::Nullify { .. } => Kind::Nullify,
            Self::Finalize(_) => Kind::Finalize,
        }
    }

    /// The epoch it counts in.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        match self {
            Self::Notarize(candidate) | Self::Finalize(candidate) => candidate.epoch,
            Self::Nullify { epoch, .. } => *epoch,
        }
    }

    /// The view it is about.
    #[must_use]
    pub fn view(&self) -> View {
        match self {
            Self::Notarize(candidate) | Self::Finalize(candidate) => candidate.view,
            Self::Nullify { view, .. } => *view,
        }
    }

    /// The candidate it is about, unless it gives up a view.
    #[must_use]
    pub fn candidate(&self) -> Option<&Candidate> {
        match self {
            Self::Notarize(candidate) | Self::Finalize(candidate) => Some(candidate),
            Self::Nullify { .. } => None,
        }
    }
}

/// Anything a consensus key may be asked to sign.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum Promise {
    /// About a view.
    View(Statement),
    /// About the state after a height.
    Checkpoint(Checkpoint),
}

impl Promise {
    /// The epoch it counts in.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        match self {
            Self::View(statement) => statement.epoch(),
            Self::Checkpoint(checkpoint) => checkpoint.epoch,
        }
    }
}

impl From<Statement> for Promise {
    fn from(statement: Statement) -> Self {
        Self::View(statement)
    }
}

impl From<Checkpoint> for Promise {
    fn from(checkpoint: Checkpoint) -> Self {
        Self::Checkpoint(checkpoint)
    }
}

/// What a consensus key can sign. The domain tells kinds of promises apart, so a signature under one
/// is never one under another.
pub trait Signable {
    /// The digest the key signs.
    fn message_in(&self, context: &SigningContext) -> Digest;
}

impl Signable for Statement {
    fn message_in(&self, context: &SigningContext) -> Digest {
        context.digest(Domain::Statement, self)
    }
}

impl Signable for Checkpoint {
    fn message_in(&self, context: &SigningContext) -> Digest {
        context.digest(Domain::Checkpoint, self)
    }
}

impl Signable for Promise {
    fn message_in(&self, context: &SigningContext) -> Digest {
        match self {
            Self::View(statement) => statement.message_in(context),
            Self::Checkpoint(checkpoint) => checkpoint.message_in(context),
        }
    }
}

/// A signed statement, as it travels. Nothing says the signature holds.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Vote<S = Statement> {
    /// What is promised.
    pub statement: S,
    /// Who promises, as an index into the epoch's committee.
    pub signer: ValidatorIndex,
    /// The signature over the statement in its context.
    pub signature: Signature,
}

impl<S> Vote<S> {
    /// The same vote about `statement`, which must be the same promise in another type.
    fn retyped<T>(&self, statement: T) -> Vote<T> {
        Vote { statement, signer: self.signer, signature: self.signature }
    }
}

impl<S: Copy + Into<Promise>> Vote<S> {
    /// The same vote as one for any promise.
    #[must_use]
    pub fn widened(&self) -> Vote<Promise> {
        self.retyped(self.statement.into())
    }
}

impl Vote<Promise> {
    /// The same vote, if it is about a view.
    #[must_use]
    pub fn about_view(&self) -> Option<Vote> {
        match self.statement {
            Promise::View(statement) => Some(self.retyped(statement)),
            Promise::Checkpoint(_) => None,
        }
    }

    /// The same vote, if it is about a checkpoint.
    #[must_use]
    pub fn about_checkpoint(&self) -> Option<Vote<Checkpoint>> {
        match self.statement {
            Promise::View(_) => None,
            Promise::Checkpoint(checkpoint) => Some(self.retyped(checkpoint)),
        }
    }
}

/// What every signed statement is bound to besides itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SigningContext {
    /// The chain.
    pub chain_id: ChainId,
    /// The genesis document.
    pub genesis: Digest,
    /// The committee of the epoch.
    pub committee: Digest,
}

impl SigningContext {
    /// The digest a consensus key signs for a statement.
    ///
    /// The epoch and the kind are inside the statement's encoding; the protocol version is in the
    /// domain.
    #[must_use]
    pub fn message(&self, statement: &impl Signable) -> Digest {
        statement.message_in(self)
    }

    fn digest(&self, domain: Domain, value: &impl BorshSerialize) -> Digest {
        Hasher::new(domain)
            .value(&self.chain_id)
            .value(&self.genesis)
            .value(&self.committee)
            .value(value)
            .finish()
    }

    /// The question whether a vote's signature holds; `None` if its signer is not in the committee.
    #[must_use]
    pub fn check<S: Signable>(
        &self,
        committee: &Committee,
        vote: &Vote<S>,
    ) -> Option<SignatureCheck> {
        let key: PublicKey = committee.member(vote.signer)?.key;
        Some(SignatureCheck {
            key,
            message: self.message(&vote.statement),
            signature: vote.signature,
        })
    }
}
