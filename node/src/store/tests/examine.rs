//! Looking whether a store is good changes nothing, whatever is found.

use std::{collections::BTreeMap, fs, path::Path};

use quorate_core::execution::cell::{Account, Cell, CellPath};

use super::*;
use crate::store::{database::Durability, keys::Key};

/// Every file of a directory.
fn content(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            all.extend(content(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).expect("readable"));
        }
    }
    all
}

fn examine(stage: &Stage) -> Result<(), StoreError> {
    let before = content(stage.dir.path());
    let found = Store::examine(&stage.path(), stage.genesis(), &options());
    let after = content(stage.dir.path());
    let (before_names, after_names): (Vec<_>, Vec<_>) =
        (before.keys().collect(), after.keys().collect());
    assert_eq!(before_names, after_names);
    assert!(before == after, "something was written: {found:?}");
    found
}

#[test]
fn a_good_one_is_good_and_stays_as_it_is() {
    let stage = Stage::new(20);
    assert_eq!(examine(&stage), Ok(()), "there is none yet");
    drop(stage.filled(20, 7));
    assert_eq!(examine(&stage), Ok(()));
    let recovery = stage.open().recover(stage.genesis()).expect("a good store");
    assert_eq!(recovery.executed_again, 13, "nothing was executed before");
    assert_eq!(examine(&stage), Ok(()));
}

#[test]
fn what_is_wrong_is_said_and_left_alone() {
    let stage = Stage::new(10);
    let store = stage.filled(10, 9);
    let ours = stage.state(8).checkpoints()[0];
    let theirs = quorate_core::checkpoint::Checkpoint { state_root: Digest::new([9; 32]), ..ours };
    let certificate = stage.cast.unanimous(theirs);
    store.append(&[vec![Record::Checkpoint(certificate)]]).expect("a disk that works");
    drop(store);
    let diverged = examine(&stage).expect_err("two truths");
    assert!(matches!(diverged, StoreError::Diverged { dump: None, .. }), "{diverged}");

    let stage = Stage::new(3);
    let store = stage.filled(3, 3);
    let mut changes = store.0.database.changes();
    for (account, balance) in [(0, 1), (1, 2)] {
        let path = CellPath::account(&Address::of_key(&account_key(account).public()));
        changes.put(&Key::cell(&path), &Cell::Account(Account::with_balance(balance)));
    }
    changes.write(Durability::Synced).expect("a disk that works");
    drop(store);
    let other = examine(&stage).expect_err("another state");
    assert!(
        matches!(other, StoreError::OtherState { dump: None, .. } | StoreError::Corrupt { .. }),
        "{other}"
    );

    let stage = Stage::new(3);
    drop(stage.filled(3, 3));
    fs::write(stage.path().join("CURRENT"), b"MANIFEST-77\n").expect("our own file");
    let lost = examine(&stage).expect_err("without its beginning");
    assert!(matches!(lost, StoreError::Corrupt { .. }), "{lost}");
}

#[test]
fn half_made_is_no_damage() {
    let stage = Stage::new(0);
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    drop(rocksdb::DB::open_cf(&options, stage.path(), ["meta", "cells"]).expect("a new one"));
    assert_eq!(examine(&stage), Ok(()));
}

/// As another process does it.
#[test]
fn one_that_is_in_use_is_left_alone() {
    let stage = Stage::new(0);
    drop(stage.open());
    let script = "import fcntl, sys\n\
                  lock = open(sys.argv[1], 'r+')\n\
                  fcntl.lockf(lock, fcntl.LOCK_EX)\n\
                  print('held', flush=True)\n\
                  sys.stdin.read()\n";
    let mut holder = match std::process::Command::new("python3")
        .args(["-c", script])
        .arg(stage.path().join("LOCK"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
    {
        Ok(holder) => holder,
        // There is no such program here.
        Err(_) => return,
    };
    let mut said = [0; 4];
    let read = std::io::Read::read_exact(holder.stdout.as_mut().expect("piped"), &mut said);
    read.expect("it holds the lock");
    let found = Store::examine(&stage.path(), stage.genesis(), &super::options());
    drop(holder.stdin.take());
    holder.wait().expect("it ends");
    assert_eq!(found, Err(StoreError::Busy { dir: stage.path() }));
    assert_eq!(examine(&stage), Ok(()));
}
