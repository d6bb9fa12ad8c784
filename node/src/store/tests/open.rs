//! Who may open what: one process, one schema, one chain.

use quorate_core::time::UnixMillis;

use super::*;
use crate::{
    exit::Exit,
    store::{database::Durability, keys::Key},
};

#[test]
fn a_second_process_is_told_so() {
    let stage = Stage::new(0);
    let first = stage.open();
    let second = stage.try_open().expect_err("in use");
    assert_eq!((second.exit(), second), (Exit::Busy, StoreError::Busy { dir: stage.path() }));
    drop(first);
    stage.open();
}

#[test]
fn another_chain_is_refused_and_left_alone() {
    let stage = Stage::new(1);
    drop(stage.filled(1, 1));
    let other = Genesis { timestamp: UnixMillis::new(77), ..stage.genesis().clone() };
    let refused = Store::open(&stage.path(), &other, &options()).expect_err("another chain");
    let (found, ours) = (stage.genesis().digest(), other.digest());
    assert_eq!(refused, StoreError::OtherGenesis { dir: stage.path(), found, ours });
    assert_eq!(refused.exit(), Exit::Genesis);
    assert_eq!(stage.open().committed().expect("a good store").height, Height::new(1));
}

#[test]
fn another_schema_is_refused() {
    let stage = Stage::new(0);
    let store = stage.open();
    let mut changes = store.0.database.changes();
    changes.put(&Key::schema(), &(SCHEMA + 1));
    changes.write(Durability::Synced).expect("a disk that works");
    drop(store);
    let refused = stage.try_open().expect_err("of a later program");
    let found = format!("number {}", SCHEMA + 1);
    assert_eq!(refused, StoreError::Schema { dir: stage.path(), found, ours: SCHEMA });
    assert_eq!(refused.exit(), Exit::Storage);
}

/// A later program may have columns that this one knows nothing of, and one that was lost is not made anew.
#[test]
fn columns_are_those_of_the_schema() {
    let stage = Stage::new(0);
    drop(stage.open());
    let names = || Column::ALL.map(Column::name).into_iter().chain(["default"]);
    let raw =
        |names: Vec<&str>| rocksdb::DB::open_cf(&rocksdb::Options::default(), stage.path(), names);
    let mut db = raw(names().collect()).expect("all of them");
    db.create_cf("later", &rocksdb::Options::default()).expect("a new one");
    drop(db);
    let later = stage.try_open().expect_err("of a later program");
    assert!(
        matches!(&later, StoreError::Schema { found, .. } if found.contains("later")),
        "{later}"
    );
    let mut db = raw(names().chain(["later"]).collect()).expect("all of them");
    db.drop_cf("later").expect("ours");
    db.drop_cf("undo").expect("ours");
    drop(db);
    let lost = stage.try_open().expect_err("without a column");
    assert!(lost.to_string().contains("column undo"), "{lost}");
    assert_eq!(lost.exit(), Exit::Storage);
}

/// Half made: the directory is there and empty columns are, but not the batch that makes it a store.
#[test]
fn an_interrupted_creation_is_done_again() {
    let stage = Stage::new(1);
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    drop(rocksdb::DB::open_cf(&options, stage.path(), ["meta", "cells"]).expect("a new one"));
    let store = stage.filled(1, 1);
    assert_eq!(store.head(), Height::new(1));
}

#[test]
fn a_genesis_that_makes_no_sense_makes_no_store() {
    let stage = Stage::new(0);
    let account = stage.genesis().accounts[0];
    let accounts = vec![account, account];
    let bad = Genesis { accounts, ..stage.genesis().clone() };
    let refused = Store::open(&stage.path(), &bad, &options()).expect_err("twice the same account");
    assert_eq!(refused.exit(), Exit::Genesis);
    stage.open();
}

#[test]
fn a_place_that_cannot_be_written_is_the_disks_fault() {
    let stage = Stage::new(0);
    std::fs::write(stage.path(), b"a file").expect("our own directory");
    let refused = stage.try_open().expect_err("a file is in the way");
    assert_eq!(refused.exit(), Exit::Disk, "{refused}");
}

/// A worker of an async runtime is marked like this when it starts.
#[test]
fn a_marked_thread_may_not_touch_it() {
    let stage = Stage::new(1);
    let store = stage.filled(1, 1);
    let on_marked = |work: fn(&Store)| {
        let store = store.clone();
        let run = move || {
            guard::forbid_on_this_thread();
            work(&store);
        };
        std::thread::spawn(run).join().is_err()
    };
    let calls: [fn(&Store); 8] = [
        |store| drop(store.append(&[])),
        |store| drop(store.sync()),
        |store| drop(store.block_at(Height::new(1))),
        |store| drop(store.committed()),
        |store| drop(store.evidence()),
        |store| drop(store.stats()),
        |store| drop(store.prune_below(Height::ZERO)),
        |store| drop(store.verify(&mut |_, _| {})),
    ];
    for (place, call) in calls.into_iter().enumerate() {
        assert!(on_marked(call), "call {place} is not guarded");
    }
    assert!(
        !on_marked(|store| assert_eq!(store.head(), Height::new(1))),
        "what is in memory is for everybody"
    );
}
