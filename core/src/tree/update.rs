//! Many changes at once: down the tree to where they belong, then up again hashing.
//!
//! The way down goes level by level for all changes together, so that the memory of one level is
//! fetched in parallel, and it notes every node it opens. The way up goes through the notes backwards: a
//! node that is left with nothing or with one leaf is given back, and its leaf rises; every other one
//! is hashed exactly once, eight at a time.

use blake2b_simd::many::{HashManyJob, hash_many};

use crate::tree::{
    Change, Slot, Tree,
    arena::{Child, Link},
    rules::{Path, as_leaf, as_node, bit, concat, params},
};

/// Hashes computed together: twice what the widest vector unit takes at once.
const LANES: usize = 8;

/// Fewer hashes than this are computed one by one.
const WORTHWHILE: usize = 4;

/// Changes applied at once; more are applied in turns, which keeps the notes small.
const TURN: usize = 1 << 15;

/// The parent of the root.
const NOBODY: u32 = u32::MAX;

/// Memory used by every update, and empty in between.
#[derive(Default)]
pub(super) struct Scratch {
    /// The leaf hashes of the changes, in their order.
    leaves: Vec<[u8; 32]>,
    opened: Vec<Opened>,
    /// Where in `opened` each depth begins.
    depths: Vec<usize>,
}

impl Clone for Scratch {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// A node on the way of some changes.
#[derive(Clone, Copy)]
struct Opened {
    node: u32,
    parent: u32,
    /// The changes below this node.
    from: u32,
    to: u32,
    /// Which child of its parent it is.
    side: u8,
}

impl Opened {
    fn side(&self) -> usize {
        usize::from(self.side)
    }

    fn range(&self) -> std::ops::Range<usize> {
        index(self.from)..index(self.to)
    }
}

fn index(raw: u32) -> usize {
    usize::try_from(raw).expect("at least 32 bits")
}

fn narrow(index: usize) -> u32 {
    u32::try_from(index).expect("a turn is shorter")
}

/// What some changes make of a subtree.
enum Reached {
    /// They are done with: this is the subtree now.
    Settled(Slot),
    /// They go on below this node.
    Open(u32),
}

impl Tree {
    /// Applies changes, in strictly ascending order of paths. Removing what is not there is no change.
    ///
    /// # Panics
    /// If the order is another, or the tree outgrows 2^31 leaves.
    pub fn update(&mut self, changes: &[Change]) {
        let ascending = changes.windows(2).all(|pair| pair[0].path < pair[1].path);
        assert!(ascending, "changes are sorted and no path appears twice");
        let mut scratch = std::mem::take(&mut self.scratch);
        for turn in changes.chunks(TURN) {
            hash_leaves(turn, &mut scratch.leaves);
            self.descend(turn, &mut scratch);
            self.ascend(&mut scratch);
        }
        self.scratch = scratch;
    }

    fn descend(&mut self, changes: &[Change], scratch: &mut Scratch) {
        let Scratch { leaves, opened, depths } = scratch;
        opened.clear();
        depths.clear();
        match self.reach(self.root, 0, changes, leaves) {
            Reached::Settled(slot) => self.root = slot,
            Reached::Open(node) => {
                self.root.link = Link::node(node);
                let to = narrow(changes.len());
                opened.push(Opened { node, parent: NOBODY, from: 0, to, side: 0 });
            }
        }
        let (mut begin, mut depth) = (0, 0);
        while begin < opened.len() {
            let end = opened.len();
            depths.push(begin);
            for at in begin..end {
                let range = opened[at].range();
                let middle = range.start + first_right(&changes[range.clone()], depth);
                for (side, below) in [(0, range.start..middle), (1, middle..range.end)] {
                    if !below.is_empty() {
                        let (changes, leaves) = (&changes[below.clone()], &leaves[below.clone()]);
                        let child = self.go_below(opened[at].node, side, depth, changes, leaves);
                        opened.extend(child.map(|node| Opened {
                            node,
                            parent: opened[at].node,
                            from: narrow(below.start),
                            to: narrow(below.end),
                            side,
                        }));
                    }
                }
            }
            begin = end;
            depth += 1;
        }
    }

    /// Applies changes to one child of a node at `depth`; the child itself if they go on below it.
    fn go_below(
        &mut self,
        node: u32,
        side: u8,
        depth: u16,
        changes: &[Change],
        leaves: &[[u8; 32]],
    ) -> Option<u32> {
        let side = usize::from(side);
        let old = self.arena.link(node, side);
        // The hash of a node is about to change and that of nothing is known: leave them in memory.
        let slot = if old.is_leaf() {
            self.arena.slot(node, side)
        } else {
            Slot { link: old, ..Slot::EMPTY }
        };
        match self.reach(slot, depth + 1, changes, leaves) {
            Reached::Settled(new) => {
                if new != slot {
                    self.arena.set_link(node, side, new.link);
                    self.arena.set_hash(node, side, &new.hash);
                }
                None
            }
            Reached::Open(child) => {
                if old != Link::node(child) {
                    self.arena.set_link(node, side, Link::node(child));
                }
                Some(child)
            }
        }
    }

    /// What `changes`, of which there is at least one unless the tree has no others, make of the
    /// subtree at `depth`.
    fn reach(
        &mut self,
        slot: Slot,
        depth: u16,
        changes: &[Change],
        leaves: &[[u8; 32]],
    ) -> Reached {
        match slot.link.child() {
            Child::Node(node) => Reached::Open(node),
            Child::Empty => {
                let mut puts = (0..changes.len()).filter(|at| changes[*at].value.is_some());
                match (puts.next(), puts.next()) {
                    (None, _) => Reached::Settled(slot),
                    (Some(at), None) => {
                        self.leaves += 1;
                        let link = self.arena.take_leaf(&changes[at].path);
                        Reached::Settled(Slot { link, hash: leaves[at] })
                    }
                    (Some(_), Some(_)) => Reached::Open(self.arena.take_node()),
                }
            }
            Child::Leaf(leaf) => {
                let path = *self.arena.path(leaf);
                let foreign = |change: &Change| change.value.is_some() && change.path != path;
                if changes.iter().any(foreign) {
                    return Reached::Open(self.push_down(slot, &path, depth));
                }
                match changes.iter().position(|change| change.path == path) {
                    None => Reached::Settled(slot),
                    Some(at) if changes[at].value.is_some() => {
                        Reached::Settled(Slot { hash: leaves[at], ..slot })
                    }
                    Some(_) => {
                        self.leaves -= 1;
                        self.arena.free_leaf(leaf);
                        Reached::Settled(Slot::EMPTY)
                    }
                }
            }
        }
    }

    /// A new node at `depth` with the leaf that was there below it.
    fn push_down(&mut self, leaf: Slot, path: &Path, depth: u16) -> u32 {
        let node = self.arena.take_node();
        let side = bit(path, depth);
        self.arena.set_link(node, side, leaf.link);
        self.arena.set_hash(node, side, &leaf.hash);
        node
    }

    fn ascend(&mut self, scratch: &mut Scratch) {
        let Scratch { opened, depths, .. } = scratch;
        while let Some(begin) = depths.pop() {
            let mut group = [Opened { node: 0, parent: 0, from: 0, to: 0, side: 0 }; LANES];
            let mut filled = 0;
            for one in opened.drain(begin..) {
                if self.try_collapse(one) {
                    continue;
                }
                group[filled] = one;
                filled += 1;
                if filled == LANES {
                    self.hash_nodes(&group);
                    filled = 0;
                }
            }
            self.hash_nodes(&group[..filled]);
        }
    }

    /// Gives a node back if fewer than two leaves are below it, and lets the one leaf rise.
    fn try_collapse(&mut self, one: Opened) -> bool {
        let [left, right] = self.arena.children(one.node);
        let slot = match (left, right) {
            (Link::EMPTY, Link::EMPTY) => Slot::EMPTY,
            (Link::EMPTY, leaf) if leaf.is_leaf() => self.arena.slot(one.node, 1),
            (leaf, Link::EMPTY) if leaf.is_leaf() => self.arena.slot(one.node, 0),
            _ => return false,
        };
        self.arena.free_node(one.node);
        if one.parent == NOBODY {
            self.root = slot;
        } else {
            self.arena.set_link(one.parent, one.side(), slot.link);
            self.arena.set_hash(one.parent, one.side(), &slot.hash);
        }
        true
    }

    /// Hashes nodes of one depth into their parents.
    fn hash_nodes(&mut self, group: &[Opened]) {
        let mut hashes = [[0; 32]; LANES];
        hash_many_into(group.iter().map(|one| self.arena.pair(one.node)), &mut hashes);
        for (one, hash) in group.iter().zip(hashes) {
            let hash = as_node(hash);
            if one.parent == NOBODY {
                self.root.hash = hash;
            } else {
                self.arena.set_hash(one.parent, one.side(), &hash);
            }
        }
    }
}

/// How many of these changes belong to the left.
fn first_right(changes: &[Change], depth: u16) -> usize {
    match changes {
        // Deep down, nearly always.
        [only] => 1 - bit(&only.path, depth),
        _ => changes.partition_point(|change| bit(&change.path, depth) == 0),
    }
}

/// The leaf hashes of all changes that have a value; zero for the others.
fn hash_leaves(changes: &[Change], leaves: &mut Vec<[u8; 32]>) {
    leaves.clear();
    for group in changes.chunks(LANES) {
        let mut preimages = [[0; 64]; LANES];
        for (preimage, change) in preimages.iter_mut().zip(group) {
            *preimage = concat(&change.path, change.value.unwrap_or_default().get());
        }
        let mut hashes = [[0; 32]; LANES];
        hash_many_into(preimages[..group.len()].iter(), &mut hashes);
        for (change, hash) in group.iter().zip(hashes) {
            leaves.push(if change.value.is_some() { as_leaf(hash) } else { [0; 32] });
        }
    }
}

/// Hashes up to [`LANES`] inputs at once.
fn hash_many_into<'a>(
    inputs: impl ExactSizeIterator<Item = &'a [u8; 64]>,
    hashes: &mut [[u8; 32]; LANES],
) {
    let params = params();
    let count = inputs.len();
    if count < WORTHWHILE {
        for (input, hash) in inputs.zip(hashes) {
            *hash = *params.hash(input).as_bytes().first_chunk().expect("a hash of 32 bytes");
        }
        return;
    }
    let mut jobs: [HashManyJob<'_>; LANES] =
        std::array::from_fn(|_| HashManyJob::new(&params, &[]));
    for (job, input) in jobs.iter_mut().zip(inputs) {
        *job = HashManyJob::new(&params, input);
    }
    hash_many(jobs[..count].iter_mut());
    for (job, hash) in jobs[..count].iter().zip(hashes) {
        *hash = *job.to_hash().as_bytes().first_chunk().expect("a hash of 32 bytes");
    }
}
