//! Who votes in an epoch, with what weight, and how much weight is enough (P1-P3).
//!
//! All thresholds are exact integer comparisons; nothing here rounds. `Q = floor(2W/3) + 1`.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    crypto::PublicKey,
    digest::{Domain, digest_of},
    planted::planted,
    types::{Digest, PeerId, Stake, ValidatorId, ValidatorIndex},
};

/// The largest committee the encodings allow.
pub const MEMBERS_MAX: usize = 1024;

/// One member of a committee.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Member {
    /// The lasting name.
    pub validator: ValidatorId,
    /// The consensus key that signs its votes.
    pub key: PublicKey,
    /// Its name on the network.
    pub peer: PeerId,
    /// Its voting weight, at least 1.
    pub weight: Stake,
}

/// Why a list of members is not a committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitteeError {
    /// Nobody to vote.
    #[error("a committee needs at least one member")]
    Empty,
    /// More members than the encodings allow.
    #[error("{0} members exceed the limit of 1024")]
    TooMany(usize),
    /// A member without weight.
    #[error("validator {0} has weight 0; give it at least 1 or leave it out")]
    NoWeight(ValidatorId),
    /// The same name, key or peer twice.
    #[error("validator {0} shares its name, consensus key or node key with another member")]
    Duplicate(ValidatorId),
    /// The weights do not add up to a `u64`.
    #[error("the total weight exceeds 2^64 - 1")]
    TotalTooLarge,
}

/// A committee: members in the order of their key bytes, and the arithmetic of their weight.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Committee {
    members: Vec<Member>,
    total: Stake,
    digest: Digest,
}

impl Committee {
    /// Sorts the members and checks them.
    ///
    /// # Errors
    /// If the list is empty, too long, has duplicates or members without weight, or overflows.
    pub fn new(mut members: Vec<Member>) -> Result<Self, CommitteeError> {
        if members.is_empty() {
            return Err(CommitteeError::Empty);
        }
        if members.len() > MEMBERS_MAX {
            return Err(CommitteeError::TooMany(members.len()));
        }
        members.sort_by_key(|member| member.key);
        let mut total: u64 = 0;
        for (place, member) in members.iter().enumerate() {
            if member.weight == Stake::ZERO {
                return Err(CommitteeError::NoWeight(member.validator));
            }
            let clashes = |other: &Member| {
                other.validator == member.validator
                    || other.key == member.key
                    || other.peer == member.peer
            };
            if members[..place].iter().any(clashes) {
                return Err(CommitteeError::Duplicate(member.validator));
            }
            total = total.checked_add(member.weight.get()).ok_or(CommitteeError::TotalTooLarge)?;
        }
        let digest = digest_of(Domain::Committee, &members);
        Ok(Self { members, total: Stake::new(total), digest })
    }

    /// How many members.
    #[must_use]
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// Every member with its index, in order.
    pub fn members(&self) -> impl Iterator<Item = (ValidatorIndex, &Member)> {
        self.members.iter().enumerate().map(|(place, member)| {
            (ValidatorIndex::new(u16::try_from(place).expect("at most 1024 members")), member)
        })
    }

    /// The member at an index, which may be a peer's invention.
    #[must_use]
    pub fn member(&self, index: ValidatorIndex) -> Option<&Member> {
        self.members.get(usize::from(index.get()))
    }

    /// The weight of a member; none for an index outside the committee.
    #[must_use]
    pub fn weight(&self, index: ValidatorIndex) -> Stake {
        self.member(index).map_or(Stake::ZERO, |member| member.weight)
    }

    /// The index of the member with this consensus key.
    #[must_use]
    pub fn index_of_key(&self, key: &PublicKey) -> Option<ValidatorIndex> {
        let place = self.members.binary_search_by_key(key, |member| member.key).ok()?;
        u16::try_from(place).ok().map(ValidatorIndex::new)
    }

    /// The index of the member behind this peer.
    #[must_use]
    pub fn index_of_peer(&self, peer: &PeerId) -> Option<ValidatorIndex> {
        self.members().find(|(_, member)| member.peer == *peer).map(|(index, _)| index)
    }

    /// Commits to every member, in order.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The weight of all members together, `W`.
    #[must_use]
    pub fn total(&self) -> Stake {
        self.total
    }

    /// The least weight that is a quorum: `floor(2W/3) + 1` (P2).
    #[must_use]
    pub fn quorum(&self) -> Stake {
        let third = u128::from(self.total.get()) * 2 / 3 + 1;
        Stake::new(u64::try_from(third).expect("at most the total, since W >= 1"))
    }

    /// Whether this weight is a quorum: more than two thirds of the total (P2).
    #[must_use]
    pub fn is_quorum(&self, weight: Stake) -> bool {
        (u128::from(weight.get()) + u128::from(planted!(QuorumOffByOne))) * 3
            > u128::from(self.total.get()) * 2
    }

    /// Whether this weight could be all Byzantine: less than a third of the total (P3).
    #[must_use]
    pub fn is_tolerable(&self, weight: Stake) -> bool {
        u128::from(weight.get()) * 3 < u128::from(self.total.get())
    }

    /// How many members can fail at once at the most: the longest run of the lightest members that
    /// weighs less than a third. With equal weights, `floor((n - 1) / 3)`.
    #[must_use]
    pub fn faults_max(&self) -> u64 {
        let mut weights: Vec<Stake> = self.members.iter().map(|member| member.weight).collect();
        weights.sort_unstable();
        let mut sum = Stake::ZERO;
        let mut count = 0;
        for weight in weights {
            sum = sum.plus(weight);
            if !self.is_tolerable(sum) {
                break;
            }
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests;
