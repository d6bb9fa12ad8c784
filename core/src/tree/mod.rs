//! A Merkle tree over a map from 32-byte paths to 32-byte digests, whose root depends on the map alone.
//!
//! The tree is binary, and sparse: a bit of the path chooses the child, from the first byte's highest
//! bit on. A subtree is
//! - 32 zero bytes if nothing lies in it,
//! - the hash of `path || value` with the highest bit set if one leaf lies in it, at whatever depth,
//! - the hash of `left || right` with the highest bit clear otherwise, even if one of them is empty.
//!
//! The hash is blake2b-256 of exactly these 64 bytes. These are the public rules of NOMT over this hash,
//! so the verifiers made for those can check our proofs. The kinds of nodes cannot be mistaken for
//! each other, and neither for any other digest of this crate, which all begin with a domain.
//!
//! Nothing here knows what a path or a value means, and no value is kept: a proof that needs a leaf's
//! value asks for it. All of the tree is in memory. It is one owner's: no threads, no locks.

mod arena;
mod multi;
mod past;
mod path_proof;
mod rules;
mod update;

pub use multi::{MultiProof, PATHS_MAX, STEPS_MAX, Step};
pub use path_proof::{PathProof, Terminal};
pub use rules::{DEPTH_MAX, Path, Prefix, bit, join, leaf_hash, node_hash, subtree_root};

use std::fmt;

use crate::{
    tree::arena::{Arena, Child, Link},
    types::Digest,
};

/// What becomes of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub path: Path,
    /// The digest of the value from now on; `None` if there is none any more.
    pub value: Option<Digest>,
}

/// The tree.
///
/// Equal if the roots are, that is, if the maps are.
#[derive(Clone)]
pub struct Tree {
    arena: Arena,
    root: Slot,
    leaves: u64,
    scratch: update::Scratch,
}

/// A subtree, as its parent knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    link: Link,
    hash: [u8; 32],
}

impl Slot {
    const EMPTY: Self = Self { link: Link::EMPTY, hash: [0; 32] };
}

impl Tree {
    /// The tree of the empty map.
    #[must_use]
    pub fn new() -> Self {
        Self {
            arena: Arena::default(),
            root: Slot::EMPTY,
            leaves: 0,
            scratch: update::Scratch::default(),
        }
    }

    /// The root: 32 zero bytes if the map is empty.
    #[must_use]
    pub fn root(&self) -> Digest {
        Digest::new(self.root.hash)
    }

    /// How many paths have a value.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.leaves
    }

    /// Whether no path has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaves == 0
    }

    /// Bytes of memory that the nodes take, with the room kept for more.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.arena.bytes()
    }

    /// The root of the subtree in which all paths with this prefix lie, and no other.
    ///
    /// Zero bytes if there are none; if there is one, its leaf, however high it has risen.
    #[must_use]
    pub fn subtree(&self, prefix: &Prefix) -> Digest {
        let mut slot = self.root;
        for depth in 0..prefix.depth() {
            let Child::Node(node) = slot.link.child() else { break };
            slot = self.arena.slot(node, bit(prefix.path(), depth));
        }
        match slot.link.child() {
            Child::Leaf(leaf) if !prefix.holds(self.arena.path(leaf)) => Digest::ZERO,
            Child::Empty | Child::Leaf(_) | Child::Node(_) => Digest::new(slot.hash),
        }
    }

    /// Proves what `path` has, or that it has nothing. `value_of` is asked for the value of one other
    /// path of the tree, if that is what the proof has to show.
    #[must_use]
    pub fn prove(&self, path: &Path, value_of: impl FnOnce(&Path) -> Digest) -> PathProof {
        path_proof::prove(self, path, value_of)
    }

    /// As [`Self::prove`], in the tree that would come of changes in strictly ascending order of paths. They
    /// are not made. `value_of` is asked for a value as it would be then.
    ///
    /// # Panics
    /// If the order is another.
    #[must_use]
    pub fn prove_with(
        &self,
        changes: &[Change],
        path: &Path,
        value_of: impl FnOnce(&Path) -> Digest,
    ) -> PathProof {
        let ascending = changes.windows(2).all(|pair| pair[0].path < pair[1].path);
        assert!(ascending, "changes are sorted and no path appears twice");
        past::prove(self, changes, path, value_of)
    }

    /// Proves of many paths at once what each has, or that it has nothing. The order and repetitions do
    /// not matter. `value_of` is asked for values of other paths of the tree.
    ///
    /// # Panics
    /// If there are more than [`PATHS_MAX`] paths.
    #[must_use]
    pub fn prove_many(&self, paths: &[Path], value_of: impl FnMut(&Path) -> Digest) -> MultiProof {
        multi::prove(self, paths, value_of)
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.root.hash == other.root.hash
    }
}

impl Eq for Tree {}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tree({} leaves, root {:?})", self.leaves, self.root())
    }
}

#[cfg(test)]
mod tests;
