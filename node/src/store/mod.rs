//! What a node keeps on disk: one RocksDB.
//!
//! Consensus records are made durable before anything is promised on them ([`Store::append`]); what comes
//! of executed blocks goes into the same log without waiting, since it can be computed again
//! ([`Store::commit`]). After a crash the state is put together from its cells and what was decided above it
//! is executed again ([`Store::recover`]). The store never repairs: what it cannot vouch for it names, and
//! the node stops. Every method blocks, so none may be called on an async worker (see [`guard`]).
//! `docs/storage.md` has the layout and the reasons.

mod append;
mod archive;
mod coins;
mod columns;
mod commit;
mod database;
mod dump;
mod error;
mod export;
mod files;
pub mod guard;
mod index;
mod keys;
mod mark;
mod open;
mod prune;
mod reads;
mod recover;
mod rollback;
mod stats;
mod summary;
mod values;
mod verify;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use quorate_core::{
    config::Genesis,
    types::{Digest, Height},
};
use rocksdb::checkpoint::Checkpoint as Backup;

pub use self::{
    coins::CoinPage,
    columns::Column,
    error::StoreError,
    export::ExportError,
    prune::Pruned,
    recover::Recovery,
    stats::{ColumnStats, StoreStats},
    summary::BlockSummary,
    values::{Committed, ExecutedRoots, TransactionPlace},
    verify::{Finding, Verification},
};
use self::{
    commit::Lane,
    database::{Database, io_error},
    index::Index,
    mark::Mark,
};
use crate::durable;

/// The schema this program reads and writes. Any other is refused.
pub const SCHEMA: u32 = 1;

/// What an operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Bytes of the block cache, which all columns share; index and filter blocks live there too.
    pub cache_bytes: usize,
    /// Bytes of write-ahead log above which columns that hold it up are flushed.
    pub wal_bytes_max: u64,
    /// Files held open.
    pub open_files_max: i32,
    /// Final blocks to keep, with receipts and index; `None` keeps all. Never fewer than a restart needs.
    pub blocks_kept: Option<u64>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 256 << 20,
            wal_bytes_max: 256 << 20,
            open_files_max: 512,
            blocks_kept: None,
        }
    }
}

/// The store of one node. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    database: Database,
    genesis: Genesis,
    options: StoreOptions,
    /// For whoever appends records or prunes.
    index: Mutex<Index>,
    /// For whoever commits executed blocks or takes them back.
    lane: Mutex<Lane>,
    /// The highest final height, for readers: they wait for no writer.
    head: AtomicU64,
    /// The lowest one kept; zero if there is none.
    lowest: AtomicU64,
    /// The first damage that a reader met who had no way to say so.
    failure: OnceLock<StoreError>,
}

impl Store {
    /// The digest of the chain's genesis.
    #[must_use]
    pub fn genesis_digest(&self) -> Digest {
        self.0.genesis.digest()
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.0.database.dir()
    }

    /// Makes everything durable that was written before.
    ///
    /// # Errors
    /// If the disk fails: then nothing more is written.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.0.database.sync()
    }

    /// The highest final height.
    #[must_use]
    pub fn head(&self) -> Height {
        Height::new(self.0.head.load(Ordering::Acquire))
    }

    /// The lowest final height that is kept, if there is any.
    #[must_use]
    pub fn lowest(&self) -> Option<Height> {
        let lowest = self.0.lowest.load(Ordering::Acquire);
        (lowest > 0).then_some(Height::new(lowest))
    }

    /// What went wrong in a read that could not say so itself ([`quorate_core::store::Archive`]), or
    /// `None`. Whoever serves peers from here must look, and stop.
    #[must_use]
    pub fn failure(&self) -> Option<StoreError> {
        self.0.failure.get().cloned()
    }

    /// A copy that can be opened like the store itself: files are linked, not copied, if `dir` is on
    /// the same file system. Writes go on meanwhile.
    ///
    /// # Errors
    /// If `dir` exists, or the disk fails.
    pub fn checkpoint_to(&self, dir: &Path) -> Result<(), StoreError> {
        guard::check();
        if dir.exists() {
            return Err(StoreError::Exists { dir: dir.to_path_buf() });
        }
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            durable::ensure_directory(parent).map_err(|error| io_error(parent, &error))?;
        }
        let database = &self.0.database;
        // What is written now is in the copy, whatever comes meanwhile.
        let upto = database.raw().latest_sequence_number();
        // The log goes into the copy. Flushing every column first would take ten times as long.
        let taken = Backup::new(database.raw())
            .and_then(|backup| backup.create_checkpoint_with_log_size(dir, u64::MAX));
        taken.map_err(|error| database.error(error))?;
        Mark::open(dir, upto)
            .and_then(|_| durable::sync_parent(dir))
            .map_err(|error| io_error(dir, &error))
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.0.index.lock().expect("a writer that panicked ends the process")
    }

    fn lane(&self) -> MutexGuard<'_, Lane> {
        self.0.lane.lock().expect("a writer that panicked ends the process")
    }

    /// Tells readers what is final now. After the write, so that they find it.
    fn publish(&self, index: &Index) {
        let (lowest, head) = index.archive.unwrap_or_default();
        self.0.lowest.store(lowest.get(), Ordering::Release);
        self.0.head.store(head.get(), Ordering::Release);
    }

    /// Where something is written down for a person.
    fn dump_path(&self, name: &str) -> PathBuf {
        self.dir().parent().unwrap_or(self.dir()).join(name)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({}, head {})", self.dir().display(), self.head())
    }
}

#[cfg(test)]
mod tests;
