//! Proofs in the tree that would come of some changes, without making them.
//!
//! A state remembers what its last blocks replaced. With that as the changes, the tree of the newest state
//! proves what an earlier one held: nothing is copied, and the work is that of the changes alone.

use crate::{
    codec::Bounded,
    tree::{
        Change, PathProof, Slot, Terminal, Tree,
        arena::Child,
        rules::{Path, bit, leaf_hash, node_hash},
    },
    types::Digest,
};

/// A subtree with changes that are not made.
#[derive(Clone, Copy)]
struct View<'a> {
    tree: &'a Tree,
    slot: Slot,
    /// Of paths in this subtree, ascending.
    changes: &'a [Change],
}

/// What a subtree comes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Empty,
    Leaf { path: Path, hash: Digest },
    Node(Digest),
}

impl Shape {
    fn hash(&self) -> Digest {
        match self {
            Self::Empty => Digest::ZERO,
            Self::Leaf { hash, .. } | Self::Node(hash) => *hash,
        }
    }

    /// Two subtrees under one node: a single leaf rises, and nothing above nothing is nothing.
    fn join(self, right: Self) -> Self {
        match (self, right) {
            (Self::Empty, Self::Empty) => Self::Empty,
            (leaf @ Self::Leaf { .. }, Self::Empty) | (Self::Empty, leaf @ Self::Leaf { .. }) => {
                leaf
            }
            (left, right) => Self::Node(node_hash(&left.hash(), &right.hash())),
        }
    }
}

impl<'a> View<'a> {
    /// The children, at a depth where there are some.
    fn children(&self, depth: u16) -> [Self; 2] {
        let middle = self.changes.partition_point(|change| bit(&change.path, depth) == 0);
        let (left, right) = self.changes.split_at(middle);
        let slots = match self.slot.link.child() {
            Child::Empty => [Slot::EMPTY; 2],
            Child::Node(node) => [0, 1].map(|side| self.tree.arena.slot(node, side)),
            Child::Leaf(leaf) => match bit(self.tree.arena.path(leaf), depth) {
                0 => [self.slot, Slot::EMPTY],
                _ => [Slot::EMPTY, self.slot],
            },
        };
        let [first, second] = slots;
        [
            Self { slot: first, changes: left, ..*self },
            Self { slot: second, changes: right, ..*self },
        ]
    }

    /// What it comes to if that can be seen without looking at children.
    fn seen(&self) -> Option<Shape> {
        let held = match self.slot.link.child() {
            Child::Node(_) if self.changes.is_empty() => {
                return Some(Shape::Node(Digest::new(self.slot.hash)));
            }
            Child::Node(_) => return None,
            Child::Empty => None,
            Child::Leaf(leaf) => {
                let path = *self.tree.arena.path(leaf);
                let stays = self.changes.binary_search_by_key(&path, |change| change.path).is_err();
                stays.then_some(Shape::Leaf { path, hash: Digest::new(self.slot.hash) })
            }
        };
        let put = |change: &Change| {
            let hash = leaf_hash(&change.path, &change.value?);
            Some(Shape::Leaf { path: change.path, hash })
        };
        let puts = self.changes.iter().filter(|change| change.value.is_some());
        let mut leaves = puts.filter_map(put).chain(held);
        match (leaves.next(), leaves.next()) {
            (None, _) => Some(Shape::Empty),
            (Some(only), None) => Some(only),
            (Some(_), Some(_)) => None,
        }
    }

    fn shape(&self, depth: u16) -> Shape {
        self.seen().unwrap_or_else(|| {
            let [left, right] = self.children(depth);
            left.shape(depth + 1).join(right.shape(depth + 1))
        })
    }

    /// What it comes to; where the way to `path` ends in it; and the siblings of that way, the deepest first.
    fn way(&self, path: &Path, depth: u16) -> (Shape, Shape, Vec<Digest>) {
        if let Some(shape) = self.seen() {
            match shape {
                Shape::Empty | Shape::Leaf { .. } => return (shape, shape, Vec::new()),
                Shape::Node(_) => {}
            }
        }
        let children = self.children(depth);
        let side = bit(path, depth);
        let (own, end, mut siblings) = children[side].way(path, depth + 1);
        let sibling = children[1 - side].shape(depth + 1);
        let joined = if side == 0 { own.join(sibling) } else { sibling.join(own) };
        match joined {
            // What is left is one leaf, or nothing: the way ends up here.
            Shape::Empty | Shape::Leaf { .. } => (joined, joined, Vec::new()),
            Shape::Node(_) => {
                siblings.push(sibling.hash());
                (joined, end, siblings)
            }
        }
    }
}

/// As [`Tree::prove`], in the tree that would come of the changes.
pub(super) fn prove(
    tree: &Tree,
    changes: &[Change],
    path: &Path,
    value_of: impl FnOnce(&Path) -> Digest,
) -> PathProof {
    let (_, end, siblings) = View { tree, slot: tree.root, changes }.way(path, 0);
    let terminal = match end {
        Shape::Empty => Terminal::Empty,
        Shape::Leaf { path: own, .. } if own == *path => Terminal::Own,
        Shape::Leaf { path: other, .. } => Terminal::Other { path: other, value: value_of(&other) },
        Shape::Node(_) => unreachable!("a way ends at a leaf or at nothing"),
    };
    let siblings = siblings.into_iter().rev();
    let siblings = siblings.map(|hash| (hash != Digest::ZERO).then_some(hash)).collect();
    PathProof { siblings: Bounded::new(siblings), terminal }
}
