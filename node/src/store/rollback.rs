//! Taking back executed heights: the state as it was, so that they are executed again.
//!
//! Only what execution wrote is taken back. What is final stays final.

use quorate_core::{
    execution::{KeptUndo, Outcome},
    types::{Digest, Height},
};

use super::{
    Store,
    columns::Column,
    database::{Changes, Durability},
    error::StoreError,
    guard,
    keys::{self, Key},
    values::{ExecutedRoots, Place},
};

impl Store {
    /// Takes the state back to a height. The next [`Self::recover`] executes what is final above it again.
    ///
    /// # Errors
    /// If the height is above the last one executed or no longer remembered, the disk fails, or something is
    /// damaged.
    pub fn rollback(&self, to: Height) -> Result<(), StoreError> {
        guard::check();
        let database = &self.0.database;
        let mut lane = self.lane();
        let newest = lane.committed.height;
        let oldest = self.oldest_state(newest)?;
        if to < oldest || to > newest {
            return Err(StoreError::Rollback { asked: to, oldest, newest });
        }
        let mut changes = database.changes();
        let mut height = newest;
        while height > to {
            self.take_back(height, &mut changes)?;
            height = height.minus(1);
        }
        let roots: ExecutedRoots = database.expect(&Key::roots(to))?;
        let (first, end) = (keys::from_height(to.next()), keys::from_height(newest.next()));
        changes.delete_range(Column::Receipts, &first, &end);
        changes.put(&Key::committed(), &roots.committed(to));
        for gone in lane.snapshots.iter().filter(|height| **height > to) {
            changes.delete(&Key::snapshot(*gone));
        }
        changes.write(Durability::Synced)?;
        lane.committed = roots.committed(to);
        lane.snapshots.retain(|height| *height <= to);
        Ok(())
    }

    /// The lowest height to which the state can be taken back.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn oldest_state(&self, newest: Height) -> Result<Height, StoreError> {
        let first = self.0.database.first_from(Column::Undo, &[])?;
        match first {
            None => Ok(newest),
            Some((key, _)) => Ok(self.height_in(Column::Undo, &key)?.minus(1)),
        }
    }

    fn take_back(&self, height: Height, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        let database = &self.0.database;
        let undo: KeptUndo = database.expect(&Key::undo(height))?;
        // Later heights first: of a cell that several changed, the last word is the oldest.
        for (path, before) in undo {
            match before {
                Some(cell) => changes.put(&Key::cell(&path), &cell),
                None => changes.delete(&Key::cell(&path)),
            }
        }
        changes.delete(&Key::undo(height));
        let outcomes: Vec<(Digest, Outcome)> = database.expect(&Key::outcomes(height))?;
        for (id, _) in outcomes {
            let place: Option<Place> = database.read(&Key::transaction(&id))?;
            if place.is_some_and(|place| place.height == height) {
                changes.delete(&Key::transaction(&id));
            }
        }
        Ok(())
    }
}
