//! A state as a store keeps it, and the state put together from that again.
//!
//! A store keeps cells one by one and, of the last heights, what they replaced and what they came to;
//! here all of it becomes a state that goes on exactly like the one it was taken from. What was kept is
//! checked for what must hold of every state; that it is the state of a height only its digest says,
//! and comparing that is the caller's.

use crate::{
    checkpoint::Checkpoint,
    config::Genesis,
    execution::{
        ExecutionState, RestoreError,
        cell::{Cell, CellPath},
        cells::Cells,
        checkpoints::Checkpointing,
        undo::Undo,
    },
    types::{Digest, Height},
};

/// Cells as they were before a height changed them, ascending by path.
pub type KeptUndo = Vec<(CellPath, Option<Cell>)>;

/// What was kept of the state after some height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The last height executed.
    pub height: Height,
    /// Every cell, ascending by path.
    pub cells: Vec<(CellPath, Cell)>,
    /// What the last heights changed: one entry for each height up to the last, ascending and without a
    /// gap. See [`super::Done::undo`].
    pub undo: Vec<(Height, KeptUndo)>,
    /// What the last heights came to, ascending.
    pub roots: Vec<KeptRoots>,
    /// The last checkpoints that were computed, ascending.
    pub checkpoints: Vec<Checkpoint>,
}

impl Kept {
    /// The lowest height whose roots a state after `height` needs, to go on making checkpoints and to
    /// make them again when blocks are taken back.
    #[must_use]
    pub fn roots_from(height: Height, genesis: &Genesis) -> Height {
        Checkpointing::lowest_needed(height, genesis.parameters.checkpoint_interval)
    }
}

/// What one executed height came to, beside the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptRoots {
    /// The height.
    pub height: Height,
    /// The root of its receipts.
    pub receipts: Digest,
    /// The root of its messages to other chains.
    pub outbox: Digest,
}

impl ExecutionState {
    /// The state of a chain that began with `genesis`, from what was kept of it.
    ///
    /// Says nothing about whether it is the right one: compare [`Self::commitment`] with what was kept of
    /// that.
    ///
    /// # Errors
    /// If the genesis is bad, cells are out of order or at paths of another kind, heights to take back
    /// are missing in between, or more or less tokens are there than were issued.
    pub fn restore(genesis: &Genesis, kept: Kept) -> Result<Self, RestoreError> {
        let Kept { height, cells, undo, roots, checkpoints } = kept;
        check_cells(&cells)?;
        let cells: Cells = cells.into_iter().collect();
        let begin = undo.first().map_or(height, |(first, _)| first.minus(1));
        let mut expected = begin;
        for (own, _) in &undo {
            expected = expected.next();
            if *own != expected {
                return Err(RestoreError::Undo(expected));
            }
        }
        if expected != height {
            return Err(RestoreError::Undo(expected.next()));
        }
        let mut state = Self::restored(genesis, height, cells)?;
        state.recall(
            Undo::kept(begin, height, undo),
            Checkpointing::kept(genesis.parameters.checkpoint_interval, &roots, checkpoints),
        );
        Ok(state)
    }

    /// Every cell with its path, ascending by path.
    pub fn entries(&self) -> impl Iterator<Item = (&CellPath, &Cell)> {
        self.cells().range(CellPath::from_raw([0; 32]))
    }
}

fn check_cells(cells: &[(CellPath, Cell)]) -> Result<(), RestoreError> {
    if let Some(pair) = cells.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
        return Err(RestoreError::Order(pair[1].0));
    }
    let misfit = |(path, cell): &&(CellPath, Cell)| path.kind_code() != cell.kind().code();
    match cells.iter().find(misfit) {
        Some((path, _)) => Err(RestoreError::Kind(*path)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
