//! Appending what consensus wants kept: many batches, one write, one fsync.

use quorate_core::store::Batch;

use super::{Store, database::Durability, error::StoreError, guard};

impl Store {
    /// Makes the records of all batches durable, in order: all of them or none.
    ///
    /// # Errors
    /// If the disk fails or a row is damaged. Then nothing is ever written again: nobody knows what of it
    /// is on disk.
    ///
    /// # Panics
    /// If the records are out of order: if finality skips a height, or names a block that was not recorded.
    pub fn append(&self, batches: &[Batch]) -> Result<(), StoreError> {
        guard::check();
        let database = &self.0.database;
        let mut index = self.index();
        let mut changes = database.changes();
        let applied = index.apply(batches.iter().flatten(), database, &mut changes);
        applied.map_err(|error| database.fail(error))?;
        if !changes.is_empty() {
            changes.write(Durability::Synced)?;
        }
        self.publish(&index);
        Ok(())
    }
}
