//! Merkle trees over lists that never change: a block's receipts, its outbox, the roots of many blocks.
//!
//! The shape is that of RFC 6962, section 2.1: leaves and inner nodes are hashed with different first
//! bytes, and the last node of an odd level moves up as it is, so that no list ends in a node that
//! counts twice. Unlike there, the number of leaves is part of the root, so a proof of one place among
//! `n` is none for any other number. The leaves are digests of their own domain; nothing here knows
//! what they are of. For the state, whose cells come and go, see [`crate::tree`].

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::Bounded,
    digest::{Domain, Hasher},
    types::Digest,
};

/// Levels above the leaves that a proof may speak of: a list is shorter than 2^48.
pub const LEVELS_MAX: usize = 48;

/// The root of a list of digests.
///
/// The root of an empty list is not zero, and differs from that of every other list.
///
/// # Panics
/// If there are 2^48 leaves or more.
#[must_use]
pub fn root(leaves: &[Digest]) -> Digest {
    let mut level: Vec<Digest> = leaves.iter().map(leaf_of).collect();
    while level.len() > 1 {
        level = parents(&level);
    }
    bind(count_of(leaves), level.first())
}

/// A proof that `leaves[index]` is where it is; `None` if there is no such place.
///
/// # Panics
/// If there are 2^48 leaves or more.
#[must_use]
pub fn prove(leaves: &[Digest], index: u64) -> Option<Proof> {
    let count = count_of(leaves);
    if index >= count {
        return None;
    }
    let mut place = usize::try_from(index).expect("it is within a slice");
    let mut level: Vec<Digest> = leaves.iter().map(leaf_of).collect();
    let mut siblings = Vec::new();
    while level.len() > 1 {
        // The last of an odd level has none.
        siblings.extend(level.get(place ^ 1));
        level = parents(&level);
        place /= 2;
    }
    Some(Proof { index, count, siblings: Bounded::new(siblings) })
}

/// Shows that a leaf has a place in a list, to whoever knows the list's root.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proof {
    /// The leaf's place, from 0.
    pub index: u64,
    /// How many leaves the list has.
    pub count: u64,
    /// The other child at every level at which there is one, from the leaf upwards.
    pub siblings: Bounded<Digest, LEVELS_MAX>,
}

impl Proof {
    /// Whether `leaf` is at this proof's place in the list with this root.
    #[must_use]
    pub fn verify(&self, root: &Digest, leaf: &Digest) -> bool {
        self.root(leaf).is_some_and(|own| own == *root)
    }

    /// The root of the list in which `leaf` has this place; `None` if no list is like that.
    #[must_use]
    pub fn root(&self, leaf: &Digest) -> Option<Digest> {
        let (mut place, mut last) = (self.index, self.count.checked_sub(1)?);
        if place > last {
            return None;
        }
        let mut siblings = self.siblings.iter();
        let mut node = leaf_of(leaf);
        while last > 0 {
            // The only node without a sibling is the last of an odd level: it moves up as it is.
            if place % 2 == 1 {
                node = node_of(siblings.next()?, &node);
            } else if place < last {
                node = node_of(&node, siblings.next()?);
            }
            place /= 2;
            last /= 2;
        }
        // A sibling left over would be bytes that anyone may change.
        siblings.next().is_none().then(|| bind(self.count, Some(&node)))
    }
}

fn count_of(leaves: &[Digest]) -> u64 {
    let count = u64::try_from(leaves.len()).expect("a length fits");
    assert!(count < 1 << LEVELS_MAX, "a list of {count} digests");
    count
}

fn parents(level: &[Digest]) -> Vec<Digest> {
    let parent = |pair: &[Digest]| match pair {
        [left, right] => node_of(left, right),
        [alone] => *alone,
        _ => unreachable!("chunks of two hold one or two"),
    };
    level.chunks(2).map(parent).collect()
}

fn leaf_of(leaf: &Digest) -> Digest {
    Hasher::new(Domain::Merkle).bytes(&[0]).value(leaf).finish()
}

fn node_of(left: &Digest, right: &Digest) -> Digest {
    Hasher::new(Domain::Merkle).bytes(&[1]).value(left).value(right).finish()
}

/// The number of leaves and the top node; an empty list has none.
fn bind(count: u64, top: Option<&Digest>) -> Digest {
    Hasher::new(Domain::Merkle).bytes(&[2]).value(&count).value(&top.copied()).finish()
}

#[cfg(test)]
mod tests;
