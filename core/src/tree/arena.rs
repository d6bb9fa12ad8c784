//! The nodes, in rows of memory that never move.
//!
//! A node holds the hashes of its two children, so hashing it reads one cache line and no child. What
//! the children are lies in a row of its own: descending reads eight bytes a level. A leaf is its path;
//! its hash is where its parent keeps it.

use crate::tree::{Slot, rules::Path};

/// Entries of one block of memory: the arena grows by no more at once.
const BLOCK: usize = 1 << BLOCK_BITS;
const BLOCK_BITS: u32 = 10;

/// Names a child: empty, a leaf, or a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link(u32);

/// What a [`Link`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Child {
    Empty,
    Leaf(u32),
    Node(u32),
}

impl Link {
    pub(super) const EMPTY: Self = Self(u32::MAX);
    const LEAF: u32 = 1 << 31;

    fn leaf(index: u32) -> Self {
        // The last index would be the empty link.
        assert!(index < Self::LEAF - 1, "more than 2^31 - 2 leaves");
        Self(index | Self::LEAF)
    }

    pub(super) fn node(index: u32) -> Self {
        assert!(index < Self::LEAF, "more than 2^31 nodes");
        Self(index)
    }

    pub(super) const fn child(self) -> Child {
        match self {
            Self::EMPTY => Child::Empty,
            Self(raw) if raw & Self::LEAF != 0 => Child::Leaf(raw & !Self::LEAF),
            Self(raw) => Child::Node(raw),
        }
    }

    pub(super) const fn is_leaf(self) -> bool {
        matches!(self.child(), Child::Leaf(_))
    }
}

/// The hashes of a node's children: what its own hash is of.
#[derive(Clone)]
#[repr(align(64))]
struct Pair([u8; 64]);

/// Memory that is taken and given back by number.
#[derive(Clone)]
struct Row<T> {
    blocks: Vec<Vec<T>>,
}

impl<T> Default for Row<T> {
    fn default() -> Self {
        Self { blocks: Vec::new() }
    }
}

impl<T> Row<T> {
    fn at(index: u32) -> (usize, usize) {
        let index = usize::try_from(index).expect("at least 32 bits");
        (index >> BLOCK_BITS, index % BLOCK)
    }

    fn get(&self, index: u32) -> &T {
        let (block, place) = Self::at(index);
        &self.blocks[block][place]
    }

    fn get_mut(&mut self, index: u32) -> &mut T {
        let (block, place) = Self::at(index);
        &mut self.blocks[block][place]
    }

    fn push(&mut self, value: T) -> u32 {
        if self.blocks.last().is_none_or(|block| block.len() == BLOCK) {
            self.blocks.push(Vec::new());
        }
        let full = self.blocks.len() - 1;
        let block = &mut self.blocks[full];
        block.push(value);
        u32::try_from(full * BLOCK + block.len() - 1).expect("a link has 31 bits")
    }

    fn bytes(&self) -> u64 {
        let places: usize = self.blocks.iter().map(Vec::capacity).sum();
        u64::try_from(places * size_of::<T>()).expect("memory fits")
    }
}

/// All nodes and leaves.
#[derive(Clone, Default)]
pub(super) struct Arena {
    pairs: Row<Pair>,
    children: Row<[Link; 2]>,
    free_nodes: Vec<u32>,
    paths: Row<Path>,
    free_leaves: Vec<u32>,
}

impl Arena {
    /// A node without children.
    pub(super) fn take_node(&mut self) -> u32 {
        if let Some(node) = self.free_nodes.pop() {
            *self.children.get_mut(node) = [Link::EMPTY; 2];
            *self.pairs.get_mut(node) = Pair([0; 64]);
            return node;
        }
        let node = self.children.push([Link::EMPTY; 2]);
        let pair = self.pairs.push(Pair([0; 64]));
        assert_eq!(node, pair, "the rows have the same length");
        node
    }

    pub(super) fn free_node(&mut self, node: u32) {
        self.free_nodes.push(node);
    }

    pub(super) fn take_leaf(&mut self, path: &Path) -> Link {
        if let Some(leaf) = self.free_leaves.pop() {
            *self.paths.get_mut(leaf) = *path;
            return Link::leaf(leaf);
        }
        Link::leaf(self.paths.push(*path))
    }

    pub(super) fn free_leaf(&mut self, leaf: u32) {
        self.free_leaves.push(leaf);
    }

    pub(super) fn path(&self, leaf: u32) -> &Path {
        self.paths.get(leaf)
    }

    pub(super) fn children(&self, node: u32) -> [Link; 2] {
        *self.children.get(node)
    }

    /// What a node's own hash is of.
    pub(super) fn pair(&self, node: u32) -> &[u8; 64] {
        &self.pairs.get(node).0
    }

    pub(super) fn slot(&self, node: u32, side: usize) -> Slot {
        let pair = self.pair(node);
        let hash = if side == 0 { pair.first_chunk() } else { pair.last_chunk() };
        Slot { link: self.children(node)[side], hash: *hash.expect("half of 64 bytes") }
    }

    pub(super) fn link(&self, node: u32, side: usize) -> Link {
        self.children.get(node)[side]
    }

    pub(super) fn set_link(&mut self, node: u32, side: usize, link: Link) {
        self.children.get_mut(node)[side] = link;
    }

    pub(super) fn set_hash(&mut self, node: u32, side: usize, hash: &[u8; 32]) {
        self.pairs.get_mut(node).0[side * 32..][..32].copy_from_slice(hash);
    }

    pub(super) fn bytes(&self) -> u64 {
        let free = self.free_nodes.capacity() + self.free_leaves.capacity();
        self.pairs.bytes()
            + self.children.bytes()
            + self.paths.bytes()
            + u64::try_from(free * size_of::<u32>()).expect("memory fits")
    }

    /// Nodes and leaves in use.
    #[cfg(test)]
    pub(super) fn in_use(&self) -> (usize, usize) {
        fn taken<T>(row: &Row<T>, free: &[u32]) -> usize {
            row.blocks.iter().map(Vec::len).sum::<usize>() - free.len()
        }
        (taken(&self.children, &self.free_nodes), taken(&self.paths, &self.free_leaves))
    }
}
