//! What validators sign, and the context that ties it to one chain, epoch and committee.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::Candidate,
    committee::Committee,
    crypto::Signature,
    crypto::{PublicKey, SignatureCheck},
    digest::{Domain, Hasher},
    types::{ChainId, Digest, Epoch, ValidatorIndex, View},
};

/// A promise never to be contradicted, made with a consensus key.
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

/// A signed statement, as it travels. Nothing says the signature holds.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Vote {
    /// What is promised.
    pub statement: Statement,
    /// Who promises, as an index into the epoch's committee.
    pub signer: ValidatorIndex,
    /// The signature over the statement in its context.
    pub signature: Signature,
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
    pub fn message(&self, statement: &Statement) -> Digest {
        Hasher::new(Domain::Statement)
            .value(&self.chain_id)
            .value(&self.genesis)
            .value(&self.committee)
            .value(statement)
            .finish()
    }

    /// The question whether a vote's signature holds; `None` if its signer is not in the committee.
    #[must_use]
    pub fn check(&self, committee: &Committee, vote: &Vote) -> Option<SignatureCheck> {
        let key: PublicKey = committee.member(vote.signer)?.key;
        Some(SignatureCheck {
            key,
            message: self.message(&vote.statement),
            signature: vote.signature,
        })
    }
}
