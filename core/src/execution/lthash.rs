//! An order-free digest of a set, changed by adding and removing elements.
//!
//! The digest of a set is the sum, lane by lane modulo 2^16, of 1024 lanes that each element is
//! stretched to; so a block costs only the cells it touches, in any order. Forging a set with the digest
//! of another is as hard as a short-vector problem over these lanes (estimated above 2^200 for these
//! sizes), provided no element is added twice; a map from paths to values sees to that. An element is a
//! hash already, so it is stretched by a stream cipher it is the key of: a fifth of the cost of hashing.
//!
//! Sources: M. Bellare, D. Micciancio, "A New Paradigm for Collision-free Hashing: Incrementality at
//! Reduced Cost" (EUROCRYPT 1997), section 5 (LtHash); K. Lewi, W. Kim, I. Maykov, S. Weis, "Securing
//! Update Propagation with Homomorphic Hashing" (2019), section 3, whose parameters these are.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};

use crate::{
    digest::{Domain, Hasher},
    types::Digest,
};

/// Lanes of 16 bits.
const LANES: usize = 1024;

/// The sum of all elements' lanes. Equal sets have equal sums, however they came about.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LtHash {
    lanes: Box<[u16; LANES]>,
}

impl LtHash {
    /// The sum of the empty set.
    #[must_use]
    pub fn new() -> Self {
        Self { lanes: Box::new([0; LANES]) }
    }

    /// Adds an element that is not in the set: a digest, so nobody can choose its bytes.
    pub fn add(&mut self, element: &Digest) {
        self.fold(element, u16::wrapping_add);
    }

    /// Removes an element that is in the set.
    pub fn remove(&mut self, element: &Digest) {
        self.fold(element, u16::wrapping_sub);
    }

    /// The 32-byte digest of the sum.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut bytes = [0; LANES * 2];
        for (pair, lane) in bytes.chunks_exact_mut(2).zip(self.lanes.iter()) {
            pair.copy_from_slice(&lane.to_le_bytes());
        }
        Hasher::new(Domain::State).bytes(&bytes).finish()
    }

    fn fold(&mut self, element: &Digest, combine: fn(u16, u16) -> u16) {
        let mut bytes = [0; LANES * 2];
        ChaCha20Rng::from_seed(*element.get()).fill_bytes(&mut bytes);
        for (lane, pair) in self.lanes.iter_mut().zip(bytes.chunks_exact(2)) {
            *lane = combine(*lane, u16::from_le_bytes([pair[0], pair[1]]));
        }
    }
}

impl Default for LtHash {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LtHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LtHash({:?})", self.digest())
    }
}
