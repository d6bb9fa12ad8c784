//! A state in pieces, each of which can be checked alone.
//!
//! A [`Manifest`] cuts the tree of the state into subtrees and says the root of each; they fold to the
//! root of the state, which a quorum has certified, so whoever holds a certified root believes a manifest
//! or not, without asking anyone. A chunk is the cells of one subtree, and is checked against its root in
//! the manifest: chunks may come from anywhere, in any order, and a wrong one is known at once. The cut
//! follows from the state alone, so all honest nodes offer the same one.

mod export;
mod import;

pub use import::{ChunkFault, ImportError, Importer};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::Bounded,
    execution::cell::{Cell, CellPath},
    tree::{Prefix, join},
    types::{Digest, Height},
};

/// Subtrees with more bytes of cells than this are cut in two: the halves are between 2 and 4 MiB.
pub const CHUNK_BYTES_TARGET: u64 = 4 << 20;

/// The longest encoding of a chunk: twice the target, so that a large cell finds room.
pub const CHUNK_BYTES_MAX: usize = 8 << 20;

/// Cells of one chunk. The smallest takes more than 32 bytes.
pub const CHUNK_CELLS_MAX: usize = 1 << 18;

/// Parts of a manifest: enough for 128 GiB of cells.
pub const PARTS_MAX: usize = 1 << 16;

/// The longest encoding of a manifest.
pub const MANIFEST_BYTES_MAX: usize = 4 << 20;

/// Bits of the kind of a cell: no part holds cells of two kinds.
pub const PART_DEPTH_MIN: u16 = 8;

/// Bits of the longest prefix of a part. Paths are hashes, so no part is cut nearly as often.
pub const PART_DEPTH_MAX: u16 = 64;

/// One subtree of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Part {
    /// What the paths of its cells begin with: a kind, and some bits of the hash.
    pub prefix: Prefix,
    /// Its root.
    pub root: Digest,
}

/// A whole state, by its parts.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Manifest {
    /// The last height executed.
    pub height: Height,
    /// Ascending by prefix. What is in none of them is empty.
    pub parts: Bounded<Part, PARTS_MAX>,
}

/// Why a manifest is not of a state. Whoever sent it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestFault {
    /// A prefix is shorter than a kind, or longer than any that an honest node cuts.
    #[error("a prefix of {0} bits")]
    Depth(u16),
    /// A part without cells.
    #[error("an empty part at {0:?}")]
    Empty(Prefix),
    /// Parts out of order, or within one another.
    #[error("the part at {0:?} is not beyond the one before it")]
    Order(Prefix),
    /// The parts are those of another state.
    #[error("the parts fold to {folded:?}, and {certified:?} was certified")]
    Root {
        /// What they fold to.
        folded: Digest,
        /// What was certified.
        certified: Digest,
    },
}

impl Manifest {
    /// Checks the parts against the root that was certified for the state.
    ///
    /// # Errors
    /// The first fault there is.
    pub fn check(&self, certified: &Digest) -> Result<(), ManifestFault> {
        for part in &self.parts {
            let depth = part.prefix.depth();
            if !(PART_DEPTH_MIN..=PART_DEPTH_MAX).contains(&depth) {
                return Err(ManifestFault::Depth(depth));
            }
            if part.root == Digest::ZERO {
                return Err(ManifestFault::Empty(part.prefix));
            }
        }
        for pair in self.parts.windows(2) {
            let (before, next) = (&pair[0].prefix, &pair[1].prefix);
            if before.path() >= next.path() || before.holds(next.path()) {
                return Err(ManifestFault::Order(*next));
            }
        }
        let folded = fold(&self.parts, 0);
        if folded != *certified {
            return Err(ManifestFault::Root { folded, certified: *certified });
        }
        Ok(())
    }
}

/// The root of the subtree at `depth` in which exactly these parts lie, which are ascending and disjoint.
fn fold(parts: &[Part], depth: u16) -> Digest {
    match parts {
        [] => Digest::ZERO,
        [part] if part.prefix.depth() == depth => part.root,
        _ => {
            let right = |part: &Part| crate::tree::bit(part.prefix.path(), depth) == 1;
            let middle = parts.partition_point(|part| !right(part));
            let (left, right) = parts.split_at(middle);
            join(&fold(left, depth + 1), &fold(right, depth + 1))
        }
    }
}

/// The cells of one part.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Chunk {
    /// Ascending by path.
    pub cells: Bounded<(CellPath, Cell), CHUNK_CELLS_MAX>,
}

#[cfg(test)]
mod tests;
