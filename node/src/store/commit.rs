//! Committing an executed block: everything it changes, in one write.
//!
//! The write goes to the log without waiting for the disk. Whatever is lost with the power is executed again,
//! and since the block's record was durable before it was executed, the log never has the one without the
//! other.

use std::collections::VecDeque;

use quorate_core::{
    block::Block,
    checkpoint::Checkpoint,
    execution::{CHECKPOINTS_KEPT, Done, ExecutedBlock, ExecutionState, Outcome, UNDO_HEIGHTS},
    types::Height,
};

use super::{
    Store,
    columns::Column,
    database::{Changes, Database, Durability},
    error::StoreError,
    guard,
    keys::{self, Key},
    values::{Committed, ExecutedRoots, Place},
};

/// What whoever commits blocks keeps in memory.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) committed: Committed,
    /// Heights of the checkpoints that were computed and are kept, ascending.
    pub(super) snapshots: VecDeque<Height>,
}

impl Lane {
    pub(super) fn load(database: &Database) -> Result<Self, StoreError> {
        let committed = database.expect(&Key::committed())?;
        let mut snapshots = VecDeque::new();
        database.scan(
            Column::Snapshots,
            &[],
            |_| true,
            |key, _| {
                let height = keys::leading_number(key);
                let odd = || database.damage(Column::Snapshots, key, "is no key of this column");
                snapshots.push_back(Height::new(height.ok_or_else(odd)?));
                Ok(())
            },
        )?;
        Ok(Self { committed, snapshots })
    }

    fn keep(&mut self, checkpoint: &Checkpoint, changes: &mut Changes<'_>) {
        changes.put(&Key::snapshot(checkpoint.height), checkpoint);
        self.snapshots.push_back(checkpoint.height);
        while self.snapshots.len() > CHECKPOINTS_KEPT {
            let oldest = self.snapshots.pop_front().expect("there are more than that");
            changes.delete(&Key::snapshot(oldest));
        }
    }
}

impl Store {
    /// Keeps what came of the next block: the cells it changed and how they were before, the fate of its
    /// transactions, and that it was executed.
    ///
    /// # Errors
    /// If the disk fails or a row is damaged. Then nothing is ever written again.
    ///
    /// # Panics
    /// If it is not the next block, is not final here, or `execution` is not the state after it.
    pub fn commit(
        &self,
        block: &Block,
        done: &Done,
        execution: &ExecutionState,
    ) -> Result<(), StoreError> {
        guard::check();
        let database = &self.0.database;
        let mut lane = self.lane();
        let (executed, height) = (&done.executed, done.executed.height);
        let last = lane.committed.height;
        assert_eq!(height, last.next(), "committing {height} after {last}");
        assert_eq!(block.header().height, height, "the result is of another height than the block");
        assert_eq!(execution.height(), height, "the state is of another height than the block");
        assert!(
            height <= self.head(),
            "I6: {height} is executed but final is only {}",
            self.head()
        );

        let mut changes = database.changes();
        for (path, cell) in &done.writes {
            match cell {
                Some(cell) => changes.put(&Key::cell(path), cell),
                None => changes.delete(&Key::cell(path)),
            }
        }
        changes.put(&Key::undo(height), &done.undo);
        if let Some(oldest) = height.get().checked_sub(UNDO_HEIGHTS) {
            changes.delete(&Key::undo(Height::new(oldest)));
        }
        put_transactions(executed, database, &mut changes).map_err(|error| database.fail(error))?;
        if let Some(checkpoint) = &executed.checkpoint {
            lane.keep(checkpoint, &mut changes);
        }
        let roots = ExecutedRoots::new(block.digest(), *execution.commitment(), executed);
        changes.put(&Key::roots(height), &roots);
        changes.put(&Key::outcomes(height), &executed.outcomes);
        changes.put(&Key::committed(), &roots.committed(height));
        changes.write(Durability::Logged)?;
        lane.committed = roots.committed(height);
        Ok(())
    }
}

/// Says where transactions are. One that was carried out is found there for ever; one that was skipped is
/// found where it was skipped last, unless it was carried out before.
fn put_transactions(
    executed: &ExecutedBlock,
    database: &Database,
    changes: &mut Changes<'_>,
) -> Result<(), StoreError> {
    let mut carried_out = std::collections::BTreeSet::new();
    for (index, (id, outcome)) in (0..).zip(&executed.outcomes) {
        let key = Key::transaction(id);
        if matches!(outcome, Outcome::Skipped(_)) {
            let earlier: Option<Place> = database.read(&key)?;
            let is_earlier =
                earlier.is_some_and(|place| !matches!(place.outcome, Outcome::Skipped(_)));
            if is_earlier || carried_out.contains(id) {
                continue;
            }
        } else {
            carried_out.insert(*id);
        }
        changes.put(&key, &Place { height: executed.height, index, outcome: *outcome });
    }
    Ok(())
}
