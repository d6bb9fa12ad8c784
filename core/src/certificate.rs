//! A quorum of one statement, and what must hold before anyone acts on it.
//!
//! A certificate from a peer is only bytes until its signatures have been checked: `Verified` is the
//! proof that they were, and nothing in `consensus` acts on anything less.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::Bounded,
    committee::{Committee, MEMBERS_MAX},
    crypto::{Signature, SignatureCheck},
    planted::planted,
    types::{Stake, ValidatorIndex, View},
    vote::{Kind, Signable, SigningContext, Statement, Vote},
};

/// Bytes of the largest signer set.
const SIGNER_BYTES_MAX: usize = MEMBERS_MAX / 8;

/// A set of committee members, one bit each, lowest index in the lowest bit of the first byte.
///
/// Canonical: the last byte is never zero.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize,
)]
pub struct Signers(Bounded<u8, SIGNER_BYTES_MAX>);

impl Signers {
    /// The set of these members.
    ///
    /// # Panics
    /// If an index is 1024 or more; committees are smaller.
    #[must_use]
    pub fn new(members: impl IntoIterator<Item = ValidatorIndex>) -> Self {
        let mut bytes = Vec::new();
        for member in members {
            let place = usize::from(member.get()) / 8;
            if bytes.len() <= place {
                bytes.resize(place + 1, 0u8);
            }
            bytes[place] |= 1 << (member.get() % 8);
        }
        Self(Bounded::new(bytes))
    }

    /// Whether the bits are written the one way they should be.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        self.0.last() != Some(&0)
    }

    /// Members in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = ValidatorIndex> + '_ {
        self.0.iter().enumerate().flat_map(|(place, byte)| {
            let base = u16::try_from(place * 8).expect("at most 1024 bits");
            (0..8)
                .filter(move |bit| byte & (1 << bit) != 0)
                .map(move |bit| ValidatorIndex::new(base + bit))
        })
    }

    /// Whether a member is in the set.
    #[must_use]
    pub fn contains(&self, member: ValidatorIndex) -> bool {
        self.0
            .get(usize::from(member.get()) / 8)
            .is_some_and(|byte| byte & (1 << (member.get() % 8)) != 0)
    }

    /// How many members.
    #[must_use]
    pub fn count(&self) -> usize {
        self.iter().count()
    }
}

/// One statement and the signatures of many, as it travels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Certificate<S = Statement> {
    /// What all of them signed.
    pub statement: S,
    /// Who signed.
    pub signers: Signers,
    /// Their signatures, in the order of `signers`.
    pub signatures: Bounded<Signature, MEMBERS_MAX>,
}

/// Why a certificate is refused without checking a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Signer bits and signatures do not match, or the bits are not canonical.
    #[error("signers and signatures do not match")]
    Shape,
    /// A signer outside the committee.
    #[error("signer {0} is not in the committee")]
    UnknownSigner(ValidatorIndex),
    /// Less than a quorum.
    #[error("weight {0:?} is not a quorum")]
    NoQuorum(Stake),
}

impl<S: Copy + Eq + fmt::Debug + Signable> Certificate<S> {
    /// Gathers votes of one statement.
    ///
    /// # Panics
    /// If a vote is for another statement, or two are by one signer.
    #[must_use]
    pub fn from_votes(statement: S, mut votes: Vec<Vote<S>>) -> Self {
        votes.sort_unstable_by_key(|vote| vote.signer);
        for pair in votes.windows(2) {
            assert!(pair[0].signer != pair[1].signer, "two votes by {}", pair[0].signer);
        }
        for vote in &votes {
            assert!(vote.statement == statement, "a vote for {:?}", vote.statement);
        }
        Self {
            statement,
            signers: Signers::new(votes.iter().map(|vote| vote.signer)),
            signatures: Bounded::new(votes.iter().map(|vote| vote.signature).collect()),
        }
    }

    /// The votes in it, one per signer.
    pub fn votes(&self) -> impl Iterator<Item = Vote<S>> + '_ {
        self.signers.iter().zip(&self.signatures).map(|(signer, signature)| Vote {
            statement: self.statement,
            signer,
            signature: *signature,
        })
    }

    /// The vote of one member, if it is in here.
    #[must_use]
    pub fn vote_of(&self, signer: ValidatorIndex) -> Option<Vote<S>> {
        self.votes().find(|vote| vote.signer == signer)
    }

    /// Checks everything but the signatures, and says which signatures to check.
    ///
    /// # Errors
    /// If its shape is wrong, a signer unknown, or the weight less than a quorum.
    pub fn checks(
        &self,
        context: &SigningContext,
        committee: &Committee,
    ) -> Result<Vec<SignatureCheck>, CertificateError> {
        if !self.signers.is_canonical() || self.signers.count() != self.signatures.len() {
            return Err(CertificateError::Shape);
        }
        let message = context.message(&self.statement);
        let mut weight = Stake::ZERO;
        let mut checks = Vec::with_capacity(self.signatures.len());
        for (signer, signature) in self.signers.iter().zip(&self.signatures) {
            let member = committee.member(signer).ok_or(CertificateError::UnknownSigner(signer))?;
            weight = weight.plus(member.weight);
            checks.push(SignatureCheck { key: member.key, message, signature: *signature });
        }
        if committee.is_quorum(weight) || planted!(CertificateUnweighed) {
            Ok(checks)
        } else {
            Err(CertificateError::NoQuorum(weight))
        }
    }
}

impl Certificate {
    /// The kind of vote it gathers.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.statement.kind()
    }

    /// The view it decides.
    #[must_use]
    pub fn view(&self) -> View {
        self.statement.view()
    }
}

/// Something whose signatures have been checked, or that came from this validator's own store.
///
/// Only this crate can make one, at the few places where a check has just succeeded.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Vouches for a value. Each call says where the check was made.
    pub(crate) fn vouch(value: T) -> Self {
        Self(value)
    }

    /// The value, given up.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> std::ops::Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests;
