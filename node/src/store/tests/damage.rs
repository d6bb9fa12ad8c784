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

/// A log with decisions that were waited for, and executions of all but one behind them that were not. Returns how
/// long it was when the last decision was durable.
fn half_durable(stage: &Stage) -> usize {
    let store = stage.open();
    stage.links.iter().for_each(|link| decide(&store, link));
    let length = fs::metadata(log(stage)).expect("a log").len();
    let mut state = ExecutionState::new(stage.genesis());
    for link in &stage.links[..stage.links.len() - 1] {
        execute(&store, &mut state, &link.block);
    }
    usize::try_from(length).expect("a small log")
}

/// A copy of the database with another log.
fn with_log(stage: &Stage, bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let copy = dir.path().join("db");
    fs::create_dir(&copy).expect("our own directory");
    for entry in fs::read_dir(stage.path()).expect("a directory") {
        let entry = entry.expect("readable");
        fs::copy(entry.path(), copy.join(entry.file_name())).expect("a disk that works");
    }
    fs::write(copy.join(log(stage).file_name().expect("a file")), bytes).expect("our own file");
    (dir, copy)
}

/// Everything that was waited for is there, and the rest can be computed again.
fn assert_all_is_there(stage: &Stage, bytes: &[u8], what: &str) {
    let (_dir, copy) = with_log(stage, bytes);
    Store::examine(&copy, stage.genesis(), &options())
        .unwrap_or_else(|error| panic!("{what}, looked at: {error}"));
    let store = Store::open(&copy, stage.genesis(), &options())
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let recovery = store.recover(stage.genesis()).expect("consistent");
    let all = stage.links.len();
    assert_eq!(store.head(), stage.links[all - 1].height(), "{what}");
    assert_eq!(recovery.execution, stage.state(all), "{what}");
}

/// Power loss cuts the log off anywhere behind the last fsync: what is whole is there, nothing else is.
#[test]
fn a_log_that_was_cut_off_is_normal() {
    let stage = Stage::new(4);
    let durable = half_durable(&stage);
    let whole = fs::read(log(&stage)).expect("a log");
    assert!(whole.len() > durable + 2_500, "{} bytes behind {durable}", whole.len());
    for length in [durable, durable + 1, durable + 7, durable + 900, whole.len() - 1, whole.len()] {
        assert_all_is_there(&stage, &whole[..length], &format!("cut off at {length}"));
    }
}

/// Or it leaves the length and not the bytes: zeros, what lay there before, or a page that was not written
/// with one behind it that was.
#[test]
fn anything_behind_the_last_fsync_is_normal() {
    let stage = Stage::new(4);
    let durable = half_durable(&stage);
    let whole = fs::read(log(&stage)).expect("a log");
    let garbage = |at: usize| {
        let mixed = u64::try_from(at).expect("small").wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed.to_be_bytes()[0]
    };
    let tail = whole.len() - durable;
    for behind in [0, 1, 11, tail / 2, tail - 3] {
        let from = durable + behind;
        for longer in if behind == 0 { vec![0, 40, 70_000] } else { vec![0] } {
            let mut zeros = whole[..from].to_vec();
            zeros.resize(whole.len() + longer, 0);
            assert_all_is_there(&stage, &zeros, &format!("zeros from {from}, {longer} more"));
            let mut other = whole[..from].to_vec();
            other.extend((from..whole.len() + longer).map(garbage));
            assert_all_is_there(&stage, &other, &format!("garbage from {from}, {longer} more"));
        }
    }
    for from in [durable, durable + 200] {
        let mut holed = whole.clone();
        holed[from..from + 512].fill(0);
        assert_all_is_there(&stage, &holed, &format!("zeros for 512 bytes from {from}"));
        (from..from + 512).for_each(|at| holed[at] = garbage(at));
        assert_all_is_there(&stage, &holed, &format!("garbage for 512 bytes from {from}"));
    }
}

/// Pages are written in any order, and the log is read in blocks of eight of them.
#[test]
fn any_page_behind_the_last_fsync_may_be_missing() {
    const PAGE: usize = 4_096;
    let stage = Stage::new(80);
    let durable = half_durable(&stage);
    let whole = fs::read(log(&stage)).expect("a log");
    let (first, end) = (durable.div_ceil(PAGE), whole.len() / PAGE);
    assert!(end - first >= 16, "{} bytes behind {durable}", whole.len());
    for page in (first..end).step_by(2) {
        let mut holed = whole.clone();
        holed[page * PAGE..(page + 1) * PAGE].fill(0);
        assert_all_is_there(&stage, &holed, &format!("without page {page}"));
    }
    for kept in [0, 1] {
        let mut holed = whole.clone();
        for page in (first..end).filter(|page| page % 2 != kept) {
            holed[page * PAGE..(page + 1) * PAGE].fill(0);
        }
        assert_all_is_there(&stage, &holed, &format!("with every second page, {kept}"));
    }
}

/// What was waited for is not taken by power loss: if it is not there, that is damage, even at the very end.
#[test]
fn damage_before_the_last_fsync_is_found() {
    let stage = Stage::new(4);
    let durable = half_durable(&stage);
    let path = log(&stage);
    let whole = fs::read(&path).expect("a log");
    let mut cases = Vec::new();
    for place in [durable / 8, durable / 3, durable / 2, durable - 10, durable - 1] {
        let mut flipped = whole.clone();
        flipped[place] ^= 0x40;
        cases.push((format!("a bit at {place}"), flipped.clone()));
        cases.push((format!("a bit at {place} and nothing behind"), flipped[..durable].to_vec()));
        if whole[place..durable].iter().any(|byte| *byte != 0) {
            let mut zeros = whole.clone();
            zeros[place..].fill(0);
            cases.push((format!("zeros from {place}"), zeros));
        }
        cases.push((format!("cut off at {place}"), whole[..place].to_vec()));
    }
    for (what, bytes) in cases {
        let (_dir, copy) = with_log(&stage, &bytes);
        for life in 0..2 {
            let seen = Store::examine(&copy, stage.genesis(), &options()).expect_err(&what);
            let refused = Store::open(&copy, stage.genesis(), &options()).expect_err(&what);
            for error in [seen, refused] {
                assert!(matches!(error, StoreError::Corrupt { .. }), "{what}, {life}: {error}");
                assert_eq!(error.exit(), Exit::Storage);
            }
        }
    }
    // With something behind the damage, refusing it changes nothing.
    let mut flipped = whole.clone();
    flipped[durable / 2] ^= 0x40;
    fs::write(&path, flipped).expect("our own file");
    stage.try_open().expect_err("damaged");
    fs::write(&path, &whole).expect("our own file");
    stage.open().recover(stage.genesis()).expect("as it was");
}

/// Without the number that says how far it was durable, nothing but a log that was cut off is taken.
#[test]
fn a_garbled_log_is_refused_if_nothing_says_that_it_is_enough() {
    let stage = Stage::new(4);
    let durable = half_durable(&stage);
    let mut bytes = fs::read(log(&stage)).expect("a log");
    bytes[durable + 20] ^= 0x40;
    fs::remove_file(stage.path().join("DURABLE")).expect("there");
    let (_dir, copy) = with_log(&stage, &bytes);
    let refused = Store::open(&copy, stage.genesis(), &options()).expect_err("damaged");
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
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
    for gone in ["sst", "log", "CURRENT"] {
        let store = stage.filled(2, 2);
        if gone == "sst" {
            flush(&store);
        }
        drop(store);
        let path = match gone {
            "sst" => files(&stage.path(), "sst").remove(0),
            "log" => log(&stage),
            name => stage.path().join(name),
        };
        fs::remove_file(path).expect("our own file");
        let refused = stage.try_open().expect_err("incomplete");
        assert!(matches!(refused, StoreError::Corrupt { .. }), "{gone}: {refused}");
        fs::remove_dir_all(stage.path()).expect("our own directory");
    }
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
