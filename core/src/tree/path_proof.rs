//! Proof of one path: what it has, or that it has nothing.
//!
//! Verifying needs the root, the path and the claim, and no tree.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::Bounded,
    tree::{
        Tree,
        arena::Child,
        rules::{DEPTH_MAX, Path, Prefix, bit, leaf_hash, node_hash},
    },
    types::Digest,
};

/// [`DEPTH_MAX`], as a length.
const SIBLINGS_MAX: usize = 256;

/// Where the way down ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Terminal {
    /// At an empty subtree.
    Empty = 0,
    /// At the leaf of the path that was asked about.
    Own = 1,
    /// At the only leaf of a subtree in which the path would have to be.
    Other {
        /// The leaf's path.
        path: Path,
        /// The digest of its value.
        value: Digest,
    } = 2,
}

/// Shows what one path has.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PathProof {
    /// The other child of every node on the way from the root; `None` if it is empty.
    pub siblings: Bounded<Option<Digest>, SIBLINGS_MAX>,
    /// Where the way ends.
    pub terminal: Terminal,
}

impl PathProof {
    /// Whether, under `root`, the digest of what `path` has is `value`, or `path` has nothing if that is
    /// `None`.
    #[must_use]
    pub fn verify(&self, root: &Digest, path: &Path, value: Option<&Digest>) -> bool {
        self.root(path, value).is_some_and(|own| own == *root)
    }

    /// The root under which this shows it; `None` if it shows it under none.
    #[must_use]
    pub fn root(&self, path: &Path, value: Option<&Digest>) -> Option<Digest> {
        // An empty sibling has one encoding, and this is not it.
        if self.siblings.contains(&Some(Digest::ZERO)) {
            return None;
        }
        let depth = u16::try_from(self.siblings.len()).expect("at most 256 siblings");
        let mut hash = self.terminal.hash(&[(*path, value.copied())], depth)?;
        for (depth, sibling) in (0..depth).zip(&self.siblings).rev() {
            let sibling = sibling.unwrap_or(Digest::ZERO);
            hash = match bit(path, depth) {
                0 => node_hash(&hash, &sibling),
                _ => node_hash(&sibling, &hash),
            };
        }
        Some(hash)
    }
}

/// A path, and the digest of what it is said to have.
pub(super) type Claim = (Path, Option<Digest>);

impl Terminal {
    /// The hash of the subtree at `depth` where the way of all `claims` ends, if it shows that they
    /// hold. No path appears twice, and all share their first `depth` bits.
    pub(super) fn hash(&self, claims: &[Claim], depth: u16) -> Option<Digest> {
        let mut present =
            claims.iter().filter_map(|(path, value)| value.map(|value| leaf_hash(path, &value)));
        let (first, second) = (present.next(), present.next());
        match self {
            Self::Empty => first.is_none().then_some(Digest::ZERO),
            // All the other paths would have to be where this leaf is alone.
            Self::Own => first.filter(|_| second.is_none()),
            Self::Other { path, value } => {
                let near = Prefix::new(&claims.first()?.0, depth).holds(path);
                let other = claims.iter().all(|(own, value)| own != path && value.is_none());
                (near && other).then(|| leaf_hash(path, value))
            }
        }
    }
}

pub(super) fn prove(tree: &Tree, path: &Path, value_of: impl FnOnce(&Path) -> Digest) -> PathProof {
    let mut siblings = Vec::new();
    let mut slot = tree.root;
    for depth in 0..DEPTH_MAX {
        let Child::Node(node) = slot.link.child() else { break };
        let side = bit(path, depth);
        let sibling = Digest::new(tree.arena.slot(node, 1 - side).hash);
        siblings.push((sibling != Digest::ZERO).then_some(sibling));
        slot = tree.arena.slot(node, side);
    }
    let terminal = match slot.link.child() {
        Child::Empty => Terminal::Empty,
        Child::Leaf(leaf) if tree.arena.path(leaf) == path => Terminal::Own,
        Child::Leaf(leaf) => {
            let other = *tree.arena.path(leaf);
            Terminal::Other { path: other, value: value_of(&other) }
        }
        Child::Node(_) => unreachable!("no node lies deeper than a path has bits"),
    };
    PathProof { siblings: Bounded::new(siblings), terminal }
}
