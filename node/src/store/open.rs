//! Opening: one process at a time, the right schema, the right chain.
//!
//! A store that does not exist is made with the state of the genesis in it, so that from then on the state
//! always comes from cells. Half made, it is made again; anything else that is not expected is refused.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, OnceLock, atomic::AtomicU64},
};

use quorate_core::{
    config::Genesis,
    execution::ExecutionState,
    merkle,
    types::{Digest, Height},
};
use rocksdb::{ColumnFamilyDescriptor, DB, Options};

use super::{
    Inner, SCHEMA, Store, StoreOptions,
    columns::{Column, column_options, database_options},
    commit::Lane,
    database::{Database, Durability, explain},
    error::StoreError,
    guard,
    index::Index,
    keys::Key,
    values::ExecutedRoots,
};

impl Store {
    /// Opens the store in `dir`, or makes it. Nobody else can open it meanwhile.
    ///
    /// # Errors
    /// If it is in use, damaged, of another schema or of another chain, or the disk fails.
    pub fn open(dir: &Path, genesis: &Genesis, options: &StoreOptions) -> Result<Self, StoreError> {
        guard::check();
        let found = columns_found(dir)?;
        let (cache, columns) = column_options(options);
        let descriptors =
            columns.into_iter().map(|(name, own)| ColumnFamilyDescriptor::new(name, own));
        fs::create_dir_all(dir)
            .map_err(|error| StoreError::Io { dir: dir.to_path_buf(), why: error.to_string() })?;
        let db = DB::open_cf_descriptors(&database_options(options), dir, descriptors)
            .map_err(|error| explain(dir, error))?;
        let database = Database::new(db, dir, cache);
        match database.read::<u32>(&Key::schema())? {
            None => create(&database, genesis)?,
            Some(SCHEMA) => check_columns(&database, &found)?,
            Some(other) => {
                let (dir, found) = (dir.to_path_buf(), format!("number {other}"));
                return Err(StoreError::Schema { dir, found, ours: SCHEMA });
            }
        }
        let (ours, theirs) = (genesis.digest(), database.expect::<Digest>(&Key::genesis())?);
        if ours != theirs {
            let dir = dir.to_path_buf();
            return Err(StoreError::OtherGenesis { dir, found: theirs, ours });
        }
        let index = Index::load(&database)?;
        let lane = Lane::load(&database)?;
        let store = Self(Arc::new(Inner {
            database,
            genesis: genesis.clone(),
            options: options.clone(),
            index: Mutex::new(index),
            lane: Mutex::new(lane),
            head: AtomicU64::new(0),
            lowest: AtomicU64::new(0),
            failure: OnceLock::new(),
        }));
        store.publish(&store.index());
        Ok(store)
    }
}

/// The columns on disk; none if there is no database yet.
///
/// # Errors
/// If there are some that this program does not know.
fn columns_found(dir: &Path) -> Result<Vec<String>, StoreError> {
    if !dir.join("CURRENT").exists() {
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

/// A store that was finished once has all its columns; one that is gone was not dropped by us.
fn check_columns(database: &Database, found: &[String]) -> Result<(), StoreError> {
    let missing = Column::ALL.iter().find(|column| !found.iter().any(|name| name == column.name()));
    match missing {
        None => Ok(()),
        Some(column) => Err(StoreError::Corrupt {
            dir: database.dir().to_path_buf(),
            what: format!("column {}", column.name()),
            why: "is missing".to_owned(),
        }),
    }
}

/// Puts the genesis in place, all of it or nothing.
fn create(database: &Database, genesis: &Genesis) -> Result<(), StoreError> {
    for column in Column::ALL {
        if let Some((key, _)) = database.first_from(column, &[])? {
            return Err(database.damage(column, &key, "is there, but the schema is not"));
        }
    }
    let state = ExecutionState::try_new(genesis)?;
    let mut changes = database.changes();
    for (path, cell) in state.entries() {
        changes.put(&Key::cell(path), cell);
    }
    let nothing = merkle::root(&[]);
    let commitment = *state.commitment();
    let roots =
        ExecutedRoots { block: genesis.digest(), commitment, receipts: nothing, outbox: nothing };
    changes.put(&Key::roots(Height::ZERO), &roots);
    changes.put(&Key::committed(), &roots.committed(Height::ZERO));
    changes.put(&Key::genesis(), &genesis.digest());
    changes.put(&Key::schema(), &SCHEMA);
    changes.write(Durability::Synced)
}
