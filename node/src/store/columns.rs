//! The column families: what each is for, and how RocksDB should treat it.
//!
//! All of them share one write-ahead log and one block cache. Cells and the index are read key by key and
//! get a bloom filter; everything by height is written once, read in order and deleted by range. See
//! `docs/storage.md`.

use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, Options};

use super::StoreOptions;

/// One column family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Schema, genesis, the finalized tip, the last height executed.
    Meta,
    /// What consensus has written above finality, evidence, certified checkpoints.
    Consensus,
    /// Final headers and their proofs.
    Headers,
    /// Blocks, final or not yet.
    Bodies,
    /// What executed heights came to.
    Receipts,
    /// Transactions by id and blocks by digest.
    Index,
    /// The state.
    Cells,
    /// What the last heights replaced.
    Undo,
    /// The checkpoints computed here: the states that can be handed over.
    Snapshots,
}

impl Column {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Meta,
        Self::Consensus,
        Self::Headers,
        Self::Bodies,
        Self::Receipts,
        Self::Index,
        Self::Cells,
        Self::Undo,
        Self::Snapshots,
    ];

    /// Its name on disk.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Consensus => "consensus",
            Self::Headers => "headers",
            Self::Bodies => "bodies",
            Self::Receipts => "receipts",
            Self::Index => "txidx",
            Self::Cells => "cells",
            Self::Undo => "undo",
            Self::Snapshots => "snapshots",
        }
    }

    /// Bytes of changes held in memory before they become a file.
    const fn write_buffer_bytes(self) -> usize {
        match self {
            Self::Bodies | Self::Cells => 32 << 20,
            Self::Index | Self::Receipts | Self::Undo => 16 << 20,
            Self::Consensus | Self::Headers => 8 << 20,
            Self::Meta | Self::Snapshots => 1 << 20,
        }
    }

    /// Whether it is read at single keys that are often not there.
    const fn is_looked_up(self) -> bool {
        matches!(self, Self::Cells | Self::Index)
    }

    fn options(self, cache: &Cache) -> Options {
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(cache);
        table.set_cache_index_and_filter_blocks(true);
        table.set_pin_l0_filter_and_index_blocks_in_cache(true);
        table.set_format_version(5);
        if self.is_looked_up() {
            // Ten bits a key: one look-up in a hundred for nothing.
            table.set_bloom_filter(10.0, false);
        } else {
            table.set_block_size(16 << 10);
        }
        let mut options = Options::default();
        options.set_block_based_table_factory(&table);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_write_buffer_size(self.write_buffer_bytes());
        options.set_level_compaction_dynamic_level_bytes(true);
        options
    }
}

/// The options of every column, by name, around one bounded cache.
pub(super) fn column_options(options: &StoreOptions) -> (Cache, Vec<(&'static str, Options)>) {
    let cache = Cache::new_lru_cache(options.cache_bytes);
    let all = Column::ALL.map(|column| (column.name(), column.options(&cache)));
    (cache, all.into())
}

/// What becomes of a log that cannot be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// It may be cut off within its last record, and in no other way.
    CutOff,
    /// It counts as far as it can be read: for a log of which that is known to be enough.
    Garbled,
}

/// The options of the whole database.
pub(super) fn database_options(options: &StoreOptions, tail: Tail) -> Options {
    let mut own = Options::default();
    own.create_if_missing(true);
    own.create_missing_column_families(true);
    own.set_paranoid_checks(true);
    own.set_wal_recovery_mode(match tail {
        Tail::CutOff => rocksdb::DBRecoveryMode::TolerateCorruptedTailRecords,
        Tail::Garbled => rocksdb::DBRecoveryMode::PointInTime,
    });
    // A column that is seldom written would otherwise keep every log since its last write.
    own.set_max_total_wal_size(options.wal_bytes_max);
    own.set_wal_bytes_per_sync(512 << 10);
    own.set_bytes_per_sync(1 << 20);
    own.set_max_background_jobs(2);
    own.set_max_open_files(options.open_files_max);
    own.set_keep_log_file_num(4);
    own.set_max_log_file_size(4 << 20);
    own.set_stats_dump_period_sec(0);
    own
}
