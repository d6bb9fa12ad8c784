//! What the state after a block is known by.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    execution::{
        cell::{Cell, CellPath, element},
        cells::Supply,
    },
    tree::PathProof,
    types::Digest,
};

/// Commits to every cell, three times over: each in a way that does not depend on the blocks that made
/// them, and the three sharing no code, so that a mistake in one of them shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Commitment {
    /// The root of the [`crate::tree::Tree`] over all cells: what proofs and snapshots lead to.
    pub root: Digest,
    /// The digest of the [`super::lthash::LtHash`] of all cells.
    pub lanes: Digest,
    /// What all cells hold.
    pub supply: Supply,
}

/// Whether `proof` shows that in the state with this root `path` has this cell, or none if that is
/// `None`.
#[must_use]
pub fn verify_cell(root: &Digest, path: &CellPath, cell: Option<&Cell>, proof: &PathProof) -> bool {
    let value = cell.map(|cell| element(path, cell));
    proof.verify(root, path.get(), value.as_ref())
}
