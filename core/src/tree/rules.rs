//! What a root is, and nothing about how it is kept.
//!
//! [`subtree_root`] is the definition as it reads, without any tree: the slow way, for single subtrees
//! and as a cross-check of [`super::Tree`].

use std::fmt;

use blake2b_simd::Params;
use borsh::{BorshDeserialize, BorshSerialize, io};

use crate::types::{Digest, hex};

/// Where a value lies. Whoever makes paths sees to it that nobody can choose many that begin alike.
pub type Path = [u8; 32];

/// Bits of a path: no node lies deeper.
pub const DEPTH_MAX: u16 = 256;

/// The highest bit of a leaf's hash; clear in all other nodes.
const LEAF: u8 = 0x80;

/// The bit that chooses the child of a node at `depth`: 0 for the left one.
///
/// # Panics
/// If no node can be so deep.
#[must_use]
pub fn bit(path: &Path, depth: u16) -> usize {
    assert!(depth < DEPTH_MAX, "a path has no bit {depth}");
    usize::from(path[usize::from(depth / 8)] >> (7 - depth % 8) & 1)
}

/// The hash of a leaf.
#[must_use]
pub fn leaf_hash(path: &Path, value: &Digest) -> Digest {
    Digest::new(as_leaf(hash(&concat(path, value.get()))))
}

/// The hash of a node with two children, of which one may be empty.
#[must_use]
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    Digest::new(as_node(hash(&concat(left.get(), right.get()))))
}

/// The node above two subtrees: a single leaf rises, and nothing above nothing is nothing.
#[must_use]
pub fn join(left: &Digest, right: &Digest) -> Digest {
    match (*left == Digest::ZERO, *right == Digest::ZERO) {
        (true, true) => Digest::ZERO,
        (true, false) if is_leaf(right) => *right,
        (false, true) if is_leaf(left) => *left,
        _ => node_hash(left, right),
    }
}

/// The root of the subtree at `depth` in which exactly these leaves lie.
///
/// # Panics
/// If the leaves are not in strictly ascending order, or do not share their first `depth` bits.
#[must_use]
pub fn subtree_root(depth: u16, leaves: &[(Path, Digest)]) -> Digest {
    match leaves {
        [] => Digest::ZERO,
        [(path, value)] => leaf_hash(path, value),
        [(first, _), .., (last, _)] => {
            assert!(first < last, "leaves are sorted and none appears twice");
            let middle = leaves.partition_point(|(path, _)| bit(path, depth) == 0);
            let (left, right) = leaves.split_at(middle);
            join(&subtree_root(depth + 1, left), &subtree_root(depth + 1, right))
        }
    }
}

pub(super) fn hash(preimage: &[u8; 64]) -> [u8; 32] {
    *params().hash(preimage).as_bytes().first_chunk().expect("a hash of 32 bytes")
}

pub(super) fn params() -> Params {
    let mut params = Params::new();
    params.hash_length(32);
    params
}

pub(super) fn as_leaf(mut hash: [u8; 32]) -> [u8; 32] {
    hash[0] |= LEAF;
    hash
}

pub(super) fn as_node(mut hash: [u8; 32]) -> [u8; 32] {
    hash[0] &= !LEAF;
    hash
}

pub(super) fn concat(first: &[u8; 32], second: &[u8; 32]) -> [u8; 64] {
    let mut both = [0; 64];
    both[..32].copy_from_slice(first);
    both[32..].copy_from_slice(second);
    both
}

/// Whether a hash is that of a leaf.
#[must_use]
fn is_leaf(hash: &Digest) -> bool {
    hash.get()[0] & LEAF != 0
}

/// The first bits of a path: what all paths of one subtree share.
///
/// Shapes: on the wire the number of bits, and as many whole bytes as hold them; the bits to spare are
/// zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix {
    /// Zero after `depth`.
    path: Path,
    depth: u16,
}

impl Prefix {
    /// What all paths share.
    pub const ROOT: Self = Self { path: [0; 32], depth: 0 };

    /// The first `depth` bits of `path`.
    ///
    /// # Panics
    /// If there are not as many.
    #[must_use]
    pub fn new(path: &Path, depth: u16) -> Self {
        assert!(depth <= DEPTH_MAX, "a path has no {depth} bits");
        let (whole, rest) = (usize::from(depth / 8), depth % 8);
        let mut own = [0; 32];
        own[..whole].copy_from_slice(&path[..whole]);
        if rest > 0 {
            own[whole] = path[whole] & !(0xff >> rest);
        }
        Self { path: own, depth }
    }

    /// How many bits.
    #[must_use]
    pub const fn depth(&self) -> u16 {
        self.depth
    }

    /// The first path that has this prefix.
    #[must_use]
    pub const fn path(&self) -> &Path {
        &self.path
    }

    /// Whether `path` begins with it.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        Self::new(path, self.depth) == *self
    }

    /// One bit more.
    ///
    /// # Panics
    /// If it is a whole path already.
    #[must_use]
    pub fn child(&self, side: usize) -> Self {
        assert!(self.depth < DEPTH_MAX, "a whole path has no children");
        let mut path = self.path;
        if side > 0 {
            path[usize::from(self.depth / 8)] |= 0x80 >> (self.depth % 8);
        }
        Self { path, depth: self.depth + 1 }
    }

    fn bytes(depth: u16) -> usize {
        usize::from(depth.div_ceil(8))
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.path[..Self::bytes(self.depth)], f)?;
        write!(f, "/{}", self.depth)
    }
}

impl BorshSerialize for Prefix {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.depth.serialize(writer)?;
        writer.write_all(&self.path[..Self::bytes(self.depth)])
    }
}

impl BorshDeserialize for Prefix {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let depth = u16::deserialize_reader(reader)?;
        if depth > DEPTH_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut path = [0; 32];
        reader.read_exact(&mut path[..Self::bytes(depth)])?;
        let prefix = Self::new(&path, depth);
        if prefix.path != path {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(prefix)
    }
}
