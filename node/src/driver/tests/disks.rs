//! Disks that the contract is run on: one in memory, and the database and sign-state of production.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, sync::Arc};

use quorate_core::{
    execution::ExecutionState,
    store::Recovered,
    testing::cast::{Cast, secret_key},
    types::ValidatorIndex,
};
use tempfile::TempDir;

use super::memory::{Memory, MemorySigner};
use crate::{
    driver::{Commits, Log, Reads, Signs},
    signer::Signer,
    store::{Store, StoreOptions},
};

/// A disk that outlives drivers.
pub(super) trait Disk {
    /// What records are appended to.
    type Log: Log;
    /// Where executed blocks are kept.
    type Commits: Commits;

    /// One with nothing on it.
    fn empty() -> Self;

    /// What a driver finds that starts now, for the member at index 0.
    fn open(&mut self, cast: &Cast) -> Opened<Self::Log, Self::Commits>;
}

/// What a driver finds.
pub(super) struct Opened<L, C> {
    pub(super) log: L,
    pub(super) signer: Box<dyn Signs>,
    pub(super) commits: C,
    pub(super) reads: Arc<dyn Reads>,
    pub(super) recovered: Recovered,
    pub(super) state: ExecutionState,
}

/// Memory.
pub(super) struct InMemory(Memory);

impl Disk for InMemory {
    type Log = Memory;
    type Commits = Memory;

    fn empty() -> Self {
        Self(Memory::default())
    }

    fn open(&mut self, cast: &Cast) -> Opened<Memory, Memory> {
        let (recovered, state) = self.0.recover(cast.genesis());
        Opened {
            log: self.0.clone(),
            signer: Box::new(MemorySigner::new(cast, &self.0)),
            commits: self.0.clone(),
            reads: Arc::new(self.0.clone()),
            recovered,
            state,
        }
    }
}

/// A folder.
pub(super) struct OnDisk(TempDir);

impl Disk for OnDisk {
    type Log = Store;
    type Commits = Store;

    fn empty() -> Self {
        let private = Permissions::from_mode(0o700);
        Self(tempfile::Builder::new().permissions(private).tempdir().expect("a folder"))
    }

    fn open(&mut self, cast: &Cast) -> Opened<Store, Store> {
        let genesis = cast.genesis();
        let member = cast.committee().member(ValidatorIndex::new(0)).expect("a member");
        let key = secret_key(member.validator.get());
        let path = self.0.path().join("sign-state");
        if !path.exists() {
            Signer::create(&path, &key.public(), genesis.digest()).expect("a new sign-state");
        }
        let signer = Signer::open(key, &path, genesis).expect("a sign-state");
        let dir = self.0.path().join("db");
        let store = Store::open(&dir, genesis, &StoreOptions::default()).expect("a store");
        let recovery = store.recover(genesis).expect("a state");
        let recovered = recovery.recovered(signer.record());
        Opened {
            log: store.clone(),
            signer: Box::new(signer),
            commits: store.clone(),
            reads: Arc::new(store),
            recovered,
            state: recovery.execution,
        }
    }
}
