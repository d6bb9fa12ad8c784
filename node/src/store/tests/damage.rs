//! Damage is found and named: in files, in the log, in rows. A log that was merely cut off is not damage.

use std::{fs, path::Path};

use rocksdb::FlushOptions;

use super::*;
use crate::{
    exit::Exit,
    store::{database::Durability, keys::Key},
};

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("readable").path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|own| own == extension)).collect();
    found.sort();
    found
}

/// The log that is written to: the last one with anything in it.
fn log(stage: &Stage) -> PathBuf {
    let with_content = |path: &PathBuf| fs::metadata(path).expect("there").len() > 0;
    files(&stage.path(), "log").into_iter().rfind(with_content).expect("a log")
}

/// Power loss cuts the log off anywhere behind the last fsync: what is whole is there, nothing else is.
#[test]
fn a_log_that_was_cut_off_is_normal() {
    let stage = Stage::new(4);
    drop(stage.filled(4, 3));
    let path = log(&stage);
    let whole = fs::read(&path).expect("a log");
    let mut heads = Vec::new();
    for cut in [1, 7, 200, 900, 2_500] {
        let torn = tempfile::tempdir().expect("a directory");
        let copy = torn.path().join("db");
        fs::create_dir(&copy).expect("our own directory");
        for entry in fs::read_dir(stage.path()).expect("a directory") {
            let entry = entry.expect("readable");
            fs::copy(entry.path(), copy.join(entry.file_name())).expect("a disk that works");
        }
        let name = path.file_name().expect("a file");
        fs::write(copy.join(name), &whole[..whole.len() - cut]).expect("a disk that works");
        let store = Store::open(&copy, stage.genesis(), &options()).expect("cut off, not damaged");
        let recovery = store.recover(stage.genesis()).expect("consistent");
        let head = usize::try_from(store.head().get()).expect("few");
        assert_eq!(recovery.execution, stage.state(head), "cut by {cut}");
        heads.push(head);
    }
    assert!(heads.is_sorted_by(|a, b| a >= b), "{heads:?}");
    assert_eq!(heads[0], 4, "the last thing written is the last execution");
}

/// Damage with something whole behind it was not made by power loss.
#[test]
fn damage_within_the_log_is_found() {
    let stage = Stage::new(4);
    drop(stage.filled(4, 3));
    let path = log(&stage);
    let whole = fs::read(&path).expect("a log");
    for place in [whole.len() / 8, whole.len() / 3, whole.len() / 2] {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x40;
        fs::write(&path, bytes).expect("our own file");
        let refused = stage.try_open().expect_err("damaged");
        assert!(matches!(refused, StoreError::Corrupt { .. }), "byte {place}: {refused}");
        assert_eq!(refused.exit(), Exit::Storage);
    }
    fs::write(&path, whole).expect("our own file");
    stage.open().recover(stage.genesis()).expect("as it was");
}

fn flush(store: &Store) {
    let database = &store.0.database;
    let all: Vec<_> = Column::ALL.iter().map(|column| database.handle(*column)).collect();
    database.raw().flush_cfs_opt(&all, &FlushOptions::default()).expect("a disk that works");
}

#[test]
fn a_damaged_file_is_found() {
    let stage = Stage::new(6);
    let store = stage.filled(6, 6);
    flush(&store);
    drop(store);
    let all = files(&stage.path(), "sst");
    assert!(all.len() >= 8, "a file for each column: {all:?}");
    for path in all {
        let whole = fs::read(&path).expect("a file");
        let mut bytes = whole.clone();
        // The first block of data.
        bytes[10] ^= 0x40;
        fs::write(&path, bytes).expect("our own file");
        let seen: Result<(), StoreError> = stage.try_open().and_then(|store| {
            store.recover(stage.genesis())?;
            let findings = store.verify(&mut |_, _| {}).findings;
            assert!(!findings.is_empty(), "{} was read as if it were good", path.display());
            let finding = &findings[0];
            Err(StoreError::Corrupt {
                dir: stage.path(),
                what: finding.at.clone(),
                why: finding.what.clone(),
            })
        });
        let refused = seen.expect_err("damaged");
        assert!(matches!(refused, StoreError::Corrupt { .. }), "{}: {refused}", path.display());
        fs::write(&path, whole).expect("our own file");
    }
    stage.open().recover(stage.genesis()).expect("as it was");
}

#[test]
fn a_file_that_is_gone_is_found() {
    let stage = Stage::new(2);
    let store = stage.filled(2, 2);
    flush(&store);
    drop(store);
    fs::remove_file(&files(&stage.path(), "sst")[0]).expect("our own file");
    let refused = stage.try_open().expect_err("incomplete");
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
}

/// Puts something else in place of a row, or nothing.
fn spoil(store: &Store, key: &Key, value: Option<&[u8]>) {
    let mut changes = store.0.database.changes();
    match value {
        // An array has no length before it.
        Some(bytes) => changes.put(key, &RawBytes(bytes)),
        None => changes.delete(key),
    }
    changes.write(Durability::Synced).expect("a disk that works");
}

struct RawBytes<'a>(&'a [u8]);

impl borsh::BorshSerialize for RawBytes<'_> {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(self.0)
    }
}

/// Rows whose checksums are right and whose content is not: the work of a mistake, or of a hand.
#[test]
fn rows_that_say_something_else_are_named() {
    let link = |stage: &Stage| stage.links[1].clone();
    let tip = Height::new(4);
    type KeyOf = fn(&Link) -> Key;
    let cases: [(&str, KeyOf); 3] = [
        ("bodies", |link| Key::body(link.height(), &link.block.digest())),
        ("headers", |link| Key::header(link.height())),
        ("undo", |link| Key::undo(link.height())),
    ];
    for (name, key) in cases {
        let stage = Stage::new(4);
        let store = stage.filled(4, 1);
        let key = key(&link(&stage));
        // Executing again would write the undo record anew.
        if name == "undo" {
            store.recover(stage.genesis()).expect("as it was");
        }
        for spoilt in [Some(&b"\x01garbage"[..]), None] {
            spoil(&store, &key, spoilt);
            let refused = store.recover(stage.genesis()).expect_err("spoilt");
            let names = [format!("{name}/"), "the state".to_owned()];
            let is_named = matches!(&refused, StoreError::Corrupt { what, .. }
                if names.iter().any(|name| what.starts_with(name.as_str())));
            assert!(is_named, "{name} {spoilt:?}: {refused}");
        }
    }
    let stage = Stage::new(4);
    let store = stage.filled(4, 4);
    spoil(&store, &Key::header(tip), None);
    let refused = store.recover(stage.genesis()).expect_err("without its tip");
    assert!(refused.to_string().contains("headers/4"), "{refused}");
}

/// A peer that asks is told that there is nothing, and whoever serves it is told why.
#[test]
fn damage_met_by_a_peer_is_remembered() {
    use quorate_core::store::Archive;
    let stage = Stage::new(3);
    let store = stage.filled(3, 3);
    let link = &stage.links[1];
    spoil(&store, &Key::body(link.height(), &link.block.digest()), None);
    assert_eq!(store.at_height(link.height()), None);
    let failure = store.failure().expect("remembered");
    assert!(failure.to_string().contains("the block is missing"), "{failure}");
    assert_eq!(store.at_height(Height::new(3)).expect("intact").block, stage.links[2].block);
}

/// After a write that failed nothing is written any more, by anybody.
#[test]
fn a_failed_write_is_the_last() {
    let stage = Stage::new(3);
    let store = stage.filled(1, 1);
    spoil(&store, &Key::proof(Height::new(1)), Some(b"garbage"));
    let proof = Record::Proof(stage.links[0].proof());
    let refused = store.append(&[vec![proof]]).expect_err("the earlier proof cannot be read");
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
    assert_eq!(store.append(&[stage.links[1].recorded()]), Err(StoreError::Stopped));
    assert_eq!(store.sync(), Err(StoreError::Stopped));
    assert_eq!(StoreError::Stopped.exit(), Exit::Disk);
}
