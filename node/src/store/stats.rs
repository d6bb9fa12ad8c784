//! How large the store is and how it is doing, for metrics and for `quorate db stats`.

use quorate_core::types::Height;
use rocksdb::properties;

use super::{Store, columns::Column, error::StoreError, guard};

/// One column family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnStats {
    /// Which.
    pub column: Column,
    /// About how many keys.
    pub keys_estimate: u64,
    /// Bytes of its files.
    pub file_bytes: u64,
    /// Bytes of changes that are not in files yet.
    pub memory_bytes: u64,
    /// Files at the first level: writes slow down when they pile up.
    pub level0_files: u64,
    /// Bytes that compaction has yet to rewrite.
    pub compaction_pending_bytes: u64,
}

/// The whole store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreStats {
    /// In the order of [`Column::ALL`].
    pub columns: Vec<ColumnStats>,
    /// Bytes of the write-ahead log.
    pub wal_bytes: u64,
    /// Bytes in the block cache.
    pub cache_bytes: u64,
    /// Bytes of readers' tables outside the cache.
    pub table_bytes: u64,
    /// Whether RocksDB has stopped taking writes, until it has caught up.
    pub is_write_stopped: bool,
    /// The lowest final height kept, if there is any.
    pub lowest: Option<Height>,
    /// The highest final height.
    pub head: Height,
    /// The last height executed.
    pub executed: Height,
}

impl StoreStats {
    /// Bytes on disk.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.wal_bytes + self.columns.iter().map(|one| one.file_bytes).sum::<u64>()
    }
}

impl Store {
    /// Looks at everything once. Cheap enough for every scrape.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn stats(&self) -> Result<StoreStats, StoreError> {
        guard::check();
        let database = &self.0.database;
        let number = |column: Column, name: &properties::PropName| {
            let value = database.raw().property_int_value_cf(database.handle(column), name);
            value.map(Option::unwrap_or_default).map_err(|error| database.error(error))
        };
        let (mut columns, mut table_bytes) = (Vec::new(), 0_u64);
        for column in Column::ALL {
            let of_column = number(column, properties::ESTIMATE_TABLE_READERS_MEM)?;
            table_bytes = table_bytes.saturating_add(of_column);
            columns.push(ColumnStats {
                column,
                keys_estimate: number(column, properties::ESTIMATE_NUM_KEYS)?,
                file_bytes: number(column, properties::TOTAL_SST_FILES_SIZE)?,
                memory_bytes: number(column, properties::CUR_SIZE_ALL_MEM_TABLES)?,
                level0_files: self.level0_files(column)?,
                compaction_pending_bytes: number(
                    column,
                    properties::ESTIMATE_PENDING_COMPACTION_BYTES,
                )?,
            });
        }
        Ok(StoreStats {
            columns,
            wal_bytes: self.wal_bytes()?,
            cache_bytes: bytes(database.cache().get_usage()),
            table_bytes,
            is_write_stopped: number(Column::Cells, properties::IS_WRITE_STOPPED)? != 0,
            lowest: self.lowest(),
            head: self.head(),
            executed: self.committed()?.height,
        })
    }

    fn level0_files(&self, column: Column) -> Result<u64, StoreError> {
        let (database, name) = (&self.0.database, properties::num_files_at_level(0));
        let value = database.raw().property_value_cf(database.handle(column), &name);
        let value = value.map_err(|error| database.error(error))?;
        Ok(value.and_then(|text| text.parse().ok()).unwrap_or_default())
    }

    fn wal_bytes(&self) -> Result<u64, StoreError> {
        let failed = |error: std::io::Error| StoreError::Io {
            dir: self.dir().to_path_buf(),
            why: error.to_string(),
        };
        let mut sum = 0;
        for entry in std::fs::read_dir(self.dir()).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.path().extension().is_some_and(|extension| extension == "log") {
                // A log may be deleted while we look.
                sum += entry.metadata().map_or(0, |metadata| metadata.len());
            }
        }
        Ok(sum)
    }
}

fn bytes(count: usize) -> u64 {
    u64::try_from(count).expect("memory is finite")
}
