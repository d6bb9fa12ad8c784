//! The files of a database, and how far its log is believed.
//!
//! The log is read strictly first: cut off within its last record it is taken, and any other damage is an
//! error. What power loss leaves behind the last sync may look like such damage. So if the log can be read up to
//! a change that is no earlier than the last one known to be durable ([`Mark`]), nothing that was promised is
//! missing, and it is taken as far as it goes; if not, the damage is named and nothing is changed.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
};

use rocksdb::{ColumnFamilyDescriptor, DB, ErrorKind, Options};
use rustix::fs::{FlockOperation, fcntl_lock};

use super::{
    SCHEMA, StoreOptions,
    columns::{Column, Tail, column_options, database_options},
    database::{Database, explain, io_error},
    error::StoreError,
    mark::Mark,
};

/// What is to be done with a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Reading and writing. Missing files are made.
    Write,
    /// Reading. Nothing is made or changed.
    Read,
}

/// The columns on disk; none if there is no database yet.
///
/// # Errors
/// If there are some that this program does not know, or files of a database that has lost its beginning.
pub(super) fn columns_found(dir: &Path) -> Result<Vec<String>, StoreError> {
    if !dir.join("CURRENT").exists() {
        check_unborn(dir)?;
        return Ok(Vec::new());
    }
    let found = DB::list_cf(&Options::default(), dir).map_err(|error| explain(dir, error))?;
    let known =
        |name: &String| name == "default" || Column::ALL.iter().any(|column| column.name() == name);
    match found.iter().find(|name| !known(name)) {
        None => Ok(found),
        Some(name) => {
            let (dir, found) = (dir.to_path_buf(), format!("with a column named {name:?}"));
            Err(StoreError::Schema { dir, found, ours: SCHEMA })
        }
    }
}

/// A database that was never finished has no content yet; one with content would be made anew over it.
fn check_unborn(dir: &Path) -> Result<(), StoreError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|error| io_error(dir, &error))?,
    };
    for entry in entries {
        let path = entry.map_err(|error| io_error(dir, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "sst" || extension == "log") {
            let (what, why) =
                ("CURRENT".to_owned(), format!("is missing, but {} is there", path.display()));
            return Err(StoreError::Corrupt { dir: dir.to_path_buf(), what, why });
        }
    }
    Ok(())
}

/// Keeps others from opening the database, in the way in which it does so itself; nothing if there is none.
///
/// # Errors
/// If another process has it open.
pub(super) fn lock(dir: &Path) -> Result<Option<File>, StoreError> {
    let file = match OpenOptions::new().read(true).write(true).open(dir.join("LOCK")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| io_error(dir, &error))?,
    };
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => {
            Err(StoreError::Busy { dir: dir.to_path_buf() })
        }
        Err(error) => Err(io_error(dir, &error.into())),
    }
}

/// Opens a database with some of its columns.
///
/// # Errors
/// If it is in use, or anything in it that was durable is damaged or missing, or the disk fails.
pub(super) fn open(
    dir: &Path,
    options: &StoreOptions,
    columns: &[Column],
    access: Access,
) -> Result<Database, StoreError> {
    let marked = Mark::read(dir).map_err(|error| io_error(dir, &error))?;
    let attempt = |tail: Tail, access: Access| {
        let (cache, all) = column_options(options);
        let wanted = all
            .into_iter()
            .filter(|(name, _)| columns.iter().any(|column| column.name() == *name))
            .map(|(name, own)| ColumnFamilyDescriptor::new(name, own));
        let own = database_options(options, tail);
        let db = match access {
            Access::Write => DB::open_cf_descriptors(&own, dir, wanted),
            Access::Read => DB::open_cf_descriptors_read_only(&own, dir, wanted, false),
        };
        db.map(|db| (db, cache))
    };
    let opened = attempt(Tail::CutOff, access).or_else(|error| {
        // Looked at first, because opening for writing drops what is behind the damage.
        let is_enough = |durable: u64| {
            let read = attempt(Tail::Garbled, Access::Read);
            read.is_ok_and(|(db, _)| db.latest_sequence_number() >= durable)
        };
        match marked {
            Some(durable) if error.kind() == ErrorKind::Corruption && is_enough(durable) => {
                tracing::warn!(
                    %error,
                    "the log ends with what power loss left of writes that nobody waited for; it is dropped"
                );
                attempt(Tail::Garbled, access)
            }
            _ => Err(error),
        }
    });
    let (db, cache) = opened.map_err(|error| explain(dir, error))?;
    let (latest, durable) = (db.latest_sequence_number(), marked.unwrap_or_default());
    if latest < durable {
        let what = "the log".to_owned();
        let why = format!("it ends at change {latest}, and all up to {durable} were durable");
        return Err(StoreError::Corrupt { dir: dir.to_path_buf(), what, why });
    }
    let mark = match access {
        Access::Read => None,
        Access::Write => Some(Mark::open(dir, durable).map_err(|error| io_error(dir, &error))?),
    };
    Ok(Database::new(db, dir, cache, mark))
}
