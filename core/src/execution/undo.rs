//! How to take back the last blocks.
//!
//! Kept for as many heights as a node may have executed beyond what is durable, and for reading the
//! recent past. Blocks that changed nothing take no room.

use std::collections::VecDeque;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    execution::cell::{Cell, CellPath},
    types::Height,
};

/// Heights that can be taken back.
pub const UNDO_HEIGHTS: u64 = 64;

/// Why blocks cannot be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("only heights from {oldest} on are remembered")]
pub struct RollbackError {
    /// The lowest height that can be gone back to.
    pub oldest: Height,
}

type Cells = Vec<(CellPath, Option<Cell>)>;

/// What the last blocks replaced.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct Undo {
    /// Nothing is known of what was below.
    begin: Height,
    /// The last height committed.
    last: Height,
    /// Ascending by height: the cells before it, ascending by path. Never empty ones.
    blocks: VecDeque<(Height, Cells)>,
}

impl Undo {
    /// Nothing to take back: the state after `height` is the first one known.
    pub(super) fn from(height: Height) -> Self {
        Self { begin: height, last: height, blocks: VecDeque::new() }
    }

    /// What was kept: of every height above `begin` up to `last`, ascending, which the caller has checked.
    pub(super) fn kept(begin: Height, last: Height, blocks: Vec<(Height, Cells)>) -> Self {
        let mut own = Self::from(begin);
        for (height, before) in blocks {
            own.push(height, before);
        }
        assert_eq!(own.last, last, "the last height kept is the last one executed");
        own
    }

    /// Upon a block: remembers what it replaced, and forgets what is too old.
    pub(super) fn push(&mut self, height: Height, mut before: Cells) {
        assert!(height > self.last, "block {height} after {}", self.last);
        self.last = height;
        if !before.is_empty() {
            before.shrink_to_fit();
            self.blocks.push_back((height, before));
        }
        let oldest = self.oldest();
        while self.blocks.front().is_some_and(|(height, _)| *height <= oldest) {
            self.blocks.pop_front();
        }
    }

    /// What to put back to return to `height`, the newest first.
    ///
    /// # Errors
    /// If that is longer ago than is remembered.
    pub(super) fn take_above(&mut self, height: Height) -> Result<Vec<Cells>, RollbackError> {
        let oldest = self.oldest();
        if height < oldest {
            return Err(RollbackError { oldest });
        }
        let keep = self.blocks.partition_point(|(own, _)| *own <= height);
        self.last = self.last.min(height);
        Ok(self.blocks.drain(keep..).rev().map(|(_, before)| before).collect())
    }

    /// What was replaced above `height`, the newest first, as it is.
    ///
    /// # Errors
    /// If that is longer ago than is remembered.
    pub(super) fn above(
        &self,
        height: Height,
    ) -> Result<impl Iterator<Item = &[(CellPath, Option<Cell>)]>, RollbackError> {
        let oldest = self.oldest();
        if height < oldest {
            return Err(RollbackError { oldest });
        }
        let above = self.blocks.iter().rev().take_while(move |(own, _)| *own > height);
        Ok(above.map(|(_, before)| before.as_slice()))
    }

    /// The lowest height that can be gone back to.
    fn oldest(&self) -> Height {
        self.last.minus(UNDO_HEIGHTS).max(self.begin)
    }
}
