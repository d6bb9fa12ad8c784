//! RocksDB, as typed rows: the only file that calls it for reads and writes.
//!
//! Every value is the one borsh encoding of its type; one that cannot be read is damage and named by its
//! column and key. A write that failed is the last one: what is on disk is unknown from then on.

use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use borsh::{BorshDeserialize, BorshSerialize};
use rocksdb::{Cache, ColumnFamily, DB, Direction, IteratorMode, WriteBatch, WriteOptions};

use super::{columns::Column, error::StoreError, guard, keys::Key, mark::Mark};

/// Whether a write waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// It does: with this batch everything written before is durable.
    Synced,
    /// It is in the log, and durable with the next one that waits.
    Logged,
}

/// Changes to be made at once.
pub(super) struct Changes<'a> {
    database: &'a Database,
    batch: WriteBatch,
    /// For encoding, kept between rows.
    value: Vec<u8>,
}

impl Changes<'_> {
    pub(super) fn put<T: BorshSerialize + ?Sized>(&mut self, key: &Key, value: &T) {
        self.value.clear();
        borsh::to_writer(&mut self.value, value).expect("encoding to memory does not fail");
        self.batch.put_cf(self.database.handle(key.column), &key.bytes, &self.value);
    }

    pub(super) fn delete(&mut self, key: &Key) {
        self.batch.delete_cf(self.database.handle(key.column), &key.bytes);
    }

    /// Deletes keys from the first up to, not including, the second.
    pub(super) fn delete_range(&mut self, column: Column, from: &[u8], to: &[u8]) {
        // RocksDB gives an empty range a number that it does not give it when it reads its log.
        if from >= to {
            return;
        }
        self.batch.delete_range_cf(self.database.handle(column), from, to);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Makes the changes, all or none of them.
    pub(super) fn write(self, durability: Durability) -> Result<(), StoreError> {
        guard::check();
        self.database.check_alive()?;
        let mut options = WriteOptions::default();
        options.set_sync(durability == Durability::Synced);
        // The first of these changes, unless others write meanwhile; and as they are in the log together, the
        // first tells whether they are there.
        let upto = self.database.db.latest_sequence_number() + 1;
        let written = self.database.db.write_opt(self.batch, &options);
        written.map_err(|error| self.database.fail(self.database.error(error)))?;
        match durability {
            Durability::Synced => self.database.durable(upto),
            Durability::Logged => Ok(()),
        }
    }
}

/// One open database.
pub(super) struct Database {
    db: DB,
    dir: PathBuf,
    cache: Cache,
    /// How far the log is durable; `None` if the database is only looked at.
    mark: Option<Mark>,
    failed: AtomicBool,
}

impl Database {
    pub(super) fn new(db: DB, dir: &Path, cache: Cache, mark: Option<Mark>) -> Self {
        Self { db, dir: dir.to_path_buf(), cache, mark, failed: AtomicBool::new(false) }
    }

    /// Whether nothing is ever written.
    pub(super) fn is_read_only(&self) -> bool {
        self.mark.is_none()
    }

    pub(super) fn raw(&self) -> &DB {
        &self.db
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(super) fn handle(&self, column: Column) -> &ColumnFamily {
        self.db.cf_handle(column.name()).expect("opened with every column")
    }

    /// The value at a key.
    pub(super) fn read<T: BorshDeserialize>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        guard::check();
        let found = self.db.get_pinned_cf(self.handle(key.column), &key.bytes);
        match found.map_err(|error| self.error(error))? {
            None => Ok(None),
            Some(bytes) => self.decode(key.column, &key.bytes, &bytes).map(Some),
        }
    }

    /// The value at a key where there must be one.
    pub(super) fn expect<T: BorshDeserialize>(&self, key: &Key) -> Result<T, StoreError> {
        self.read(key)?.ok_or_else(|| self.damage(key.column, &key.bytes, "is missing"))
    }

    pub(super) fn decode<T: BorshDeserialize>(
        &self,
        column: Column,
        key: &[u8],
        bytes: &[u8],
    ) -> Result<T, StoreError> {
        T::try_from_slice(bytes).map_err(|_| self.damage(column, key, "cannot be decoded"))
    }

    /// Rows from a key on, ascending, as long as `more` says so of the key. Reads one state of the
    /// database, whatever is written meanwhile.
    pub(super) fn scan(
        &self,
        column: Column,
        from: &[u8],
        more: impl Fn(&[u8]) -> bool,
        mut take: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        guard::check();
        let mut rows = self.db.raw_iterator_cf(self.handle(column));
        rows.seek(from);
        while let Some((key, value)) = rows.item() {
            if !more(key) {
                break;
            }
            take(key, value)?;
            rows.next();
        }
        rows.status().map_err(|error| self.error(error))
    }

    /// The first row at or after a key.
    pub(super) fn first_from(
        &self,
        column: Column,
        from: &[u8],
    ) -> Result<Option<Row>, StoreError> {
        self.edge(column, IteratorMode::From(from, Direction::Forward))
    }

    /// The last row at or before a key.
    pub(super) fn last_to(&self, column: Column, to: &[u8]) -> Result<Option<Row>, StoreError> {
        self.edge(column, IteratorMode::From(to, Direction::Reverse))
    }

    fn edge(&self, column: Column, mode: IteratorMode<'_>) -> Result<Option<Row>, StoreError> {
        guard::check();
        let mut rows = self.db.iterator_cf(self.handle(column), mode);
        rows.next().transpose().map_err(|error| self.error(error))
    }

    /// An empty batch of changes.
    pub(super) fn changes(&self) -> Changes<'_> {
        Changes { database: self, batch: WriteBatch::default(), value: Vec::new() }
    }

    /// Makes everything durable that was written before.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        guard::check();
        self.check_alive()?;
        let upto = self.db.latest_sequence_number();
        self.db.flush_wal(true).map_err(|error| self.fail(self.error(error)))?;
        self.durable(upto)
    }

    /// Notes that all changes up to one are on disk.
    fn durable(&self, upto: u64) -> Result<(), StoreError> {
        let mark = self.mark.as_ref().expect("a database that is only looked at writes nothing");
        mark.raise(upto).map_err(|error| self.fail(io_error(&self.dir, &error)))
    }

    fn check_alive(&self) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Acquire) { Err(StoreError::Stopped) } else { Ok(()) }
    }

    /// Writes nothing any more, because of this.
    pub(super) fn fail(&self, error: StoreError) -> StoreError {
        self.failed.store(true, Ordering::Release);
        error
    }

    /// What RocksDB says, as what is to be done about it.
    pub(super) fn error(&self, error: rocksdb::Error) -> StoreError {
        explain(&self.dir, error)
    }

    /// A row is not what it must be.
    pub(super) fn damage(&self, column: Column, key: &[u8], why: &str) -> StoreError {
        let what = format!("{}/{}", column.name(), hex::encode(key));
        StoreError::Corrupt { dir: self.dir.clone(), what, why: why.to_owned() }
    }
}

/// A key and its value.
pub(super) type Row = (Box<[u8]>, Box<[u8]>);

/// What an error of the file system is, as what is to be done about it.
pub(super) fn io_error(dir: &Path, error: &io::Error) -> StoreError {
    let (dir, why) = (dir.to_path_buf(), error.to_string());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { dir, why },
        _ => StoreError::Io { dir, why },
    }
}

/// What an error of RocksDB is, as what is to be done about it.
pub(super) fn explain(dir: &Path, error: rocksdb::Error) -> StoreError {
    let kind = error.kind();
    sort(dir, kind, error.into_string())
}

/// RocksDB's errors are words; these are the ones that differ in what mends them.
fn sort(dir: &Path, kind: rocksdb::ErrorKind, why: String) -> StoreError {
    let says = |words: &str| why.to_ascii_lowercase().contains(words);
    let dir = dir.to_path_buf();
    if says("no space left") || says("disk quota") {
        return StoreError::Full { dir, why };
    }
    // That the file cannot be opened is another thing.
    if says("while lock file") || says("lock hold by current process") {
        return StoreError::Busy { dir };
    }
    match kind {
        // Only what the database itself names is opened.
        rocksdb::ErrorKind::IOError if says("no such file") => {
            StoreError::Corrupt { dir, what: "a file of the database".to_owned(), why }
        }
        rocksdb::ErrorKind::Corruption | rocksdb::ErrorKind::NotFound => {
            StoreError::Corrupt { dir, what: "a file of the database".to_owned(), why }
        }
        _ => StoreError::Io { dir, why },
    }
}

#[cfg(test)]
mod tests {
    use rocksdb::ErrorKind;

    use super::*;
    use crate::exit::Exit;

    /// The words are RocksDB's own, which has no other way to tell these apart.
    #[test]
    fn errors_are_told_apart_by_what_mends_them() {
        let exit = |kind, why: &str| sort(Path::new("db"), kind, why.to_owned()).exit();
        let io = |why| exit(ErrorKind::IOError, why);
        let held = "IO error: While lock file: db/LOCK: Resource temporarily unavailable";
        let ours =
            "IO error: lock hold by current process, acquire time 1: db/LOCK: No locks available";
        let closed = "IO error: while open a file for lock: db/LOCK: Permission denied";
        let full = "IO error: No space left on device: While appending to file: db/000012.sst";
        let broken = "IO error: While fsync: db/000004.log: Input/output error";
        let damaged = "Corruption: block checksum mismatch";
        assert_eq!([io(held), io(ours)], [Exit::Busy; 2]);
        assert_eq!([io(closed), io(full), io(broken)], [Exit::Disk; 3]);
        assert_eq!(exit(ErrorKind::Corruption, damaged), Exit::Storage);
    }
}
