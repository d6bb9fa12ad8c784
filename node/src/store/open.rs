//! Opening: one process at a time, the right schema, the right chain.
//!
//! A store that does not exist is made with the state of the genesis in it, so that from then on the state
//! always comes from cells. Half made, it is made again; anything else that is not expected is refused.

use std::{
    path::Path,
    sync::{Arc, Mutex, OnceLock, atomic::AtomicU64},
};

use quorate_core::{
    config::Genesis,
    execution::ExecutionState,
    merkle,
    types::{Digest, Height},
};

use super::{
    Inner, SCHEMA, Store, StoreOptions,
    columns::Column,
    commit::Lane,
    database::{Database, Durability, io_error},
    error::StoreError,
    files::{self, Access},
    guard,
    index::Index,
    keys::Key,
    values::ExecutedRoots,
};
use crate::durable;

impl Store {
    /// Opens the store in `dir`, or makes it. Nobody else can open it meanwhile.
    ///
    /// # Errors
    /// If it is in use, damaged, of another schema or of another chain, or the disk fails.
    pub fn open(dir: &Path, genesis: &Genesis, options: &StoreOptions) -> Result<Self, StoreError> {
        guard::check();
        let found = files::columns_found(dir)?;
        durable::ensure_directory(dir).map_err(|error| io_error(dir, &error))?;
        let database = files::open(dir, options, &Column::ALL, Access::Write)?;
        match database.read::<u32>(&Key::schema())? {
            None => create(&database, genesis)?,
            Some(SCHEMA) => check_columns(&database, &found)?,
            Some(other) => return Err(other_schema(dir, other)),
        }
        Self::assemble(database, genesis, options)
    }

    /// Says whether the store in `dir` could be opened and started from, without writing anything. Nobody
    /// else can open it meanwhile.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::recover`].
    pub fn examine(
        dir: &Path,
        genesis: &Genesis,
        options: &StoreOptions,
    ) -> Result<(), StoreError> {
        guard::check();
        let found = files::columns_found(dir)?;
        let _lock = files::lock(dir)?;
        let columns: Vec<Column> = Column::ALL
            .into_iter()
            .filter(|column| found.iter().any(|name| name == column.name()))
            .collect();
        // Half made, or not at all: it is made again.
        if !columns.contains(&Column::Meta) {
            return Ok(());
        }
        let database = files::open(dir, options, &columns, Access::Read)?;
        match database.read::<u32>(&Key::schema())? {
            None => return Ok(()),
            Some(SCHEMA) => check_columns(&database, &found)?,
            Some(other) => return Err(other_schema(dir, other)),
        }
        let store = Self::assemble(database, genesis, options)?;
        store.put_together(genesis).map(drop)
    }

    fn assemble(
        database: Database,
        genesis: &Genesis,
        options: &StoreOptions,
    ) -> Result<Self, StoreError> {
        let (ours, theirs) = (genesis.digest(), database.expect::<Digest>(&Key::genesis())?);
        if ours != theirs {
            let dir = database.dir().to_path_buf();
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

fn other_schema(dir: &Path, number: u32) -> StoreError {
    let (dir, found) = (dir.to_path_buf(), format!("number {number}"));
    StoreError::Schema { dir, found, ours: SCHEMA }
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
