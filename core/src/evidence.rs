//! Proof of an offence: two signed statements of one key that no honest validator signs together.
//!
//! Checkable with the committee alone, and compared by content: the same statement signed twice, even
//! with other signature bytes, is no offence (a restart may re-sign). Implements P60-P63, P65.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    certificate::Certificate,
    committee::Committee,
    crypto::SignatureCheck,
    planted::planted,
    proof::CommitProof,
    types::{Epoch, ValidatorIndex, View},
    vote::{Kind, Promise, SigningContext, Statement, Vote},
};

/// Which rule was broken.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum Offence {
    /// E1: two Notarizes in one view. A leader that proposes twice commits it.
    ConflictingNotarize,
    /// E2: two Finalizes in one view.
    ConflictingFinalize,
    /// E3: Nullify and Finalize in one view.
    NullifyFinalize,
    /// E4: two checkpoints of one height.
    ConflictingCheckpoint,
}

/// Two conflicting votes of one validator. `first` is the lesser in encoding order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Evidence {
    first: Vote<Promise>,
    second: Vote<Promise>,
}

impl Evidence {
    /// Puts two votes together if they contradict each other.
    ///
    /// Not offences: equal statements; Notarize then Nullify; Finalize of the notarized candidate
    /// after a Notarize of another.
    #[must_use]
    pub fn of<S: Copy + Into<Promise>>(a: &Vote<S>, b: &Vote<S>) -> Option<Self> {
        let (a, b) = (a.widened(), b.widened());
        if a.signer != b.signer || offence(&a.statement, &b.statement).is_none() {
            return None;
        }
        let (first, second) = if a.statement <= b.statement { (a, b) } else { (b, a) };
        Some(Self { first, second })
    }

    /// The offender, as an index into the epoch's committee.
    #[must_use]
    pub fn signer(&self) -> ValidatorIndex {
        self.first.signer
    }

    /// The epoch of the offence.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.first.statement.epoch()
    }

    /// The rule that was broken; `None` if decoded bytes hold two votes that do not conflict.
    #[must_use]
    pub fn offence(&self) -> Option<Offence> {
        Self::of(&self.first, &self.second)
            .filter(|ordered| ordered == self)
            .and_then(|_| offence(&self.first.statement, &self.second.statement))
    }

    /// Both votes.
    #[must_use]
    pub fn votes(&self) -> [&Vote<Promise>; 2] {
        [&self.first, &self.second]
    }

    /// The signatures to check; `None` if it is no offence or its signer unknown.
    #[must_use]
    pub fn checks(
        &self,
        context: &SigningContext,
        committee: &Committee,
    ) -> Option<[SignatureCheck; 2]> {
        self.offence()?;
        Some([context.check(committee, &self.first)?, context.check(committee, &self.second)?])
    }
}

/// The rule that two promises of one key break together.
fn offence(a: &Promise, b: &Promise) -> Option<Offence> {
    match (a, b) {
        (Promise::View(a), Promise::View(b)) => offence_in_view(a, b),
        (Promise::Checkpoint(a), Promise::Checkpoint(b)) => {
            let same_place = a.epoch == b.epoch && a.height == b.height;
            (same_place && a != b).then_some(Offence::ConflictingCheckpoint)
        }
        (Promise::View(_), Promise::Checkpoint(_)) | (Promise::Checkpoint(_), Promise::View(_)) => {
            None
        }
    }
}

fn offence_in_view(a: &Statement, b: &Statement) -> Option<Offence> {
    let equal = a == b && !planted!(EvidenceOfEqualVotes);
    if equal || a.epoch() != b.epoch() || a.view() != b.view() {
        return None;
    }
    match (a.kind(), b.kind()) {
        (Kind::Notarize, Kind::Notarize) => Some(Offence::ConflictingNotarize),
        (Kind::Finalize, Kind::Finalize) => Some(Offence::ConflictingFinalize),
        (Kind::Nullify, Kind::Finalize) | (Kind::Finalize, Kind::Nullify) => {
            Some(Offence::NullifyFinalize)
        }
        (Kind::Notarize, Kind::Nullify) | (Kind::Nullify, Kind::Notarize)
            if planted!(EvidenceOfNullify) =>
        {
            Some(Offence::NullifyFinalize)
        }
        _ => None,
    }
}

/// Every offence that two validators' commit proofs show when put side by side (P63).
///
/// If the two finalized different blocks and less than two thirds of the weight is Byzantine, the
/// offenders found weigh at least a third. One piece of evidence per offender and kind.
#[must_use]
pub fn between(ours: &[CommitProof], theirs: &[CommitProof]) -> Vec<Evidence> {
    // By place, so that long histories cost no more than they have in common.
    let mut places: BTreeMap<(Epoch, View), Vec<&Certificate>> = BTreeMap::new();
    for certificate in theirs.iter().flat_map(CommitProof::certificates) {
        let place = (certificate.statement.epoch(), certificate.view());
        places.entry(place).or_default().push(certificate);
    }
    let mut found: Vec<Evidence> = Vec::new();
    for a in ours.iter().flat_map(CommitProof::certificates) {
        let place = (a.statement.epoch(), a.view());
        for b in places.get(&place).into_iter().flatten() {
            if offence_in_view(&a.statement, &b.statement).is_none() {
                continue;
            }
            let others: BTreeMap<ValidatorIndex, Vote> =
                b.votes().map(|vote| (vote.signer, vote)).collect();
            let pairs = a.votes().filter_map(|vote| Some((vote, *others.get(&vote.signer)?)));
            found.extend(pairs.filter_map(|(vote, other)| Evidence::of(&vote, &other)));
        }
    }
    found.sort_unstable_by_key(|evidence| (evidence.signer(), evidence.offence(), *evidence));
    found.dedup_by_key(|evidence| (evidence.signer(), evidence.offence()));
    found
}

#[cfg(test)]
mod tests;
