//! Cells straight from the disk, many at once: for whoever does not hold the state in memory.

use quorate_core::execution::{
    cell::{Cell, CellPath},
    prefetch::{CellSource, ReadError},
};

use super::{Store, columns::Column, error::StoreError, guard};

/// The cells of the last committed height, as a source. Put
/// [`quorate_core::execution::prefetch::Cached`] before it to read hot cells once.
#[derive(Clone, Debug)]
pub struct StoredCells(Store);

impl Store {
    /// Its cells, as a source for execution.
    #[must_use]
    pub fn cells(&self) -> StoredCells {
        StoredCells(self.clone())
    }

    /// One answer per path, in order; `None` where there is no cell. Paths ascend.
    ///
    /// # Errors
    /// If the disk fails or a cell is damaged.
    pub fn cells_at(&self, paths: &[CellPath]) -> Result<Vec<Option<Cell>>, StoreError> {
        guard::check();
        let database = &self.0.database;
        let keys: Vec<&[u8; 32]> = paths.iter().map(CellPath::get).collect();
        let found = database.raw().batched_multi_get_cf(database.handle(Column::Cells), keys, true);
        let decode =
            |(path, value): (&CellPath, Result<Option<rocksdb::DBPinnableSlice<'_>>, _>)| {
                match value.map_err(|error| database.error(error))? {
                    None => Ok(None),
                    Some(bytes) => database.decode(Column::Cells, path.get(), &bytes).map(Some),
                }
            };
        paths.iter().zip(found).map(decode).collect()
    }
}

impl CellSource for StoredCells {
    fn fetch(&mut self, paths: &[CellPath]) -> Result<Vec<Option<Cell>>, ReadError> {
        self.0.cells_at(paths).map_err(|error| {
            tracing::error!(%error, "cells could not be read");
            self.0.0.failure.get_or_init(|| error);
            ReadError::Failed
        })
    }
}
