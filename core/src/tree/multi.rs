//! Proof of many paths at once: what each has, or that it has nothing.
//!
//! The proof is a walk, written down: from the root, left child first, into every subtree that holds a
//! path that was asked about. Whoever verifies it makes the same walk, guided by the paths, and hashes on
//! the way back. What several paths share is there once.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::Bounded,
    tree::{
        Slot, Tree,
        arena::Child,
        path_proof::{Claim, Terminal},
        rules::{DEPTH_MAX, Path, bit, node_hash},
    },
    types::Digest,
};

/// Paths that one proof may be about.
pub const PATHS_MAX: usize = 1_024;

/// Steps of the longest proof: two per path at each of 128 levels, deeper than anyone can force it.
pub const STEPS_MAX: usize = 2 * 128 * PATHS_MAX;

/// One subtree of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Step {
    /// The walk goes on to both children.
    Node = 0,
    /// No path that was asked about is in here; this is its hash. An empty one is an [`Self::End`].
    Aside(Digest) = 1,
    /// The walk ends for all paths that lead here.
    End(Terminal) = 2,
}

/// Shows what many paths have.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MultiProof {
    /// The walk.
    pub steps: Bounded<Step, STEPS_MAX>,
}

impl MultiProof {
    /// Whether, under `root`, every path has the value with this digest, or nothing if that is `None`.
    ///
    /// The claims must be exactly those that the proof was made for; a proof of more is none of fewer.
    #[must_use]
    pub fn verify(&self, root: &Digest, claims: &BTreeMap<Path, Option<Digest>>) -> bool {
        self.root(claims).is_some_and(|own| own == *root)
    }

    /// The root under which this shows it; `None` if it shows it under none.
    #[must_use]
    pub fn root(&self, claims: &BTreeMap<Path, Option<Digest>>) -> Option<Digest> {
        let claims: Vec<Claim> = claims.iter().map(|(path, value)| (*path, *value)).collect();
        let mut steps = self.steps.iter();
        let found = walk(&mut steps, 0, &claims)?;
        steps.next().is_none().then_some(found)
    }
}

/// The hash of the next subtree of the walk, which lies at `depth`; `None` if it shows something else
/// than what is claimed.
fn walk<'a>(
    steps: &mut impl Iterator<Item = &'a Step>,
    depth: u16,
    claims: &[Claim],
) -> Option<Digest> {
    match steps.next()? {
        Step::Node if !claims.is_empty() && depth < DEPTH_MAX => {
            let (left, right) = split(claims, depth, |(path, _)| path);
            let left = walk(steps, depth + 1, left)?;
            let right = walk(steps, depth + 1, right)?;
            Some(node_hash(&left, &right))
        }
        Step::Aside(hash) if claims.is_empty() && *hash != Digest::ZERO => Some(*hash),
        Step::End(terminal) => terminal.hash(claims, depth),
        Step::Node | Step::Aside(_) => None,
    }
}

fn split<T>(sorted: &[T], depth: u16, path: impl Fn(&T) -> &Path) -> (&[T], &[T]) {
    sorted.split_at(sorted.partition_point(|one| bit(path(one), depth) == 0))
}

pub(super) fn prove(
    tree: &Tree,
    paths: &[Path],
    mut value_of: impl FnMut(&Path) -> Digest,
) -> MultiProof {
    let mut paths = paths.to_vec();
    paths.sort_unstable();
    paths.dedup();
    assert!(paths.len() <= PATHS_MAX, "a proof of {} paths", paths.len());
    let mut steps = Vec::new();
    write(tree, tree.root, 0, &paths, &mut value_of, &mut steps);
    MultiProof { steps: Bounded::new(steps) }
}

fn write(
    tree: &Tree,
    slot: Slot,
    depth: u16,
    paths: &[Path],
    value_of: &mut impl FnMut(&Path) -> Digest,
    steps: &mut Vec<Step>,
) {
    let child = slot.link.child();
    if paths.is_empty() && child != Child::Empty {
        steps.push(Step::Aside(Digest::new(slot.hash)));
        return;
    }
    match child {
        Child::Empty => steps.push(Step::End(Terminal::Empty)),
        Child::Leaf(leaf) => {
            let found = *tree.arena.path(leaf);
            let terminal = if paths.binary_search(&found).is_ok() {
                Terminal::Own
            } else {
                Terminal::Other { path: found, value: value_of(&found) }
            };
            steps.push(Step::End(terminal));
        }
        Child::Node(node) => {
            steps.push(Step::Node);
            let (left, right) = split(paths, depth, |path| path);
            write(tree, tree.arena.slot(node, 0), depth + 1, left, value_of, steps);
            write(tree, tree.arena.slot(node, 1), depth + 1, right, value_of, steps);
        }
    }
}
