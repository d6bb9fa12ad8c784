//! What an operator does with a store: back it up, look at it, check it, take blocks out of it.

use expect_test::expect;
use quorate_core::{certificate::Certificate, execution::Outcome};

use super::*;
use crate::store::{database::Durability, keys::Key, values::Place};

#[test]
fn a_copy_is_a_store() {
    let stage = Stage::new(6);
    let store = stage.filled(4, 4);
    let copy = stage.dir.path().join("copy");
    store.checkpoint_to(&copy).expect("a disk that works");
    assert_eq!(store.checkpoint_to(&copy), Err(StoreError::Exists { dir: copy.clone() }));
    // The store goes on, and the copy stays what it was.
    let mut state = stage.state(4);
    for link in &stage.links[4..] {
        decide(&store, link);
        execute(&store, &mut state, &link.block);
    }
    let copied = Store::open(&copy, stage.genesis(), &options()).expect("a good store");
    assert_eq!(copied.head(), Height::new(4));
    assert_eq!(copied.recover(stage.genesis()).expect("a good store").execution, stage.state(4));
    assert_eq!(copied.verify(&mut |_, _| {}).findings, []);
    for link in &stage.links[4..] {
        decide(&copied, link);
    }
    let recovery = copied.recover(stage.genesis()).expect("a good store");
    assert_eq!((recovery.executed_again, recovery.execution), (2, state));
}

#[test]
fn stats_say_what_there_is() {
    let stage = Stage::new(5);
    let store = stage.filled(5, 3);
    let stats = store.stats().expect("a good store");
    let columns: Vec<Column> = stats.columns.iter().map(|one| one.column).collect();
    assert_eq!(columns, Column::ALL);
    assert_eq!((stats.lowest, stats.head), (Some(Height::new(1)), Height::new(5)));
    assert_eq!(stats.executed, Height::new(3));
    assert!(stats.wal_bytes > 5_000, "{stats:?}");
    assert!(stats.disk_bytes() >= stats.wal_bytes);
    assert!(!stats.is_write_stopped);
    let keys =
        |column| stats.columns.iter().find(|one| one.column == column).expect("all").keys_estimate;
    assert!(keys(Column::Bodies) == 5 && keys(Column::Headers) == 10, "{stats:?}");
}

#[test]
fn an_intact_store_has_no_findings() {
    let stage = Stage::new(20);
    let store = stage.filled(20, 18);
    let certificate = stage.cast.unanimous(stage.state(16).checkpoints()[1]);
    store.append(&[vec![Record::Checkpoint(certificate)]]).expect("a disk that works");
    let mut told = Vec::new();
    let seen = store.verify(&mut |done, all| told.push((done, all)));
    assert_eq!((seen.blocks, seen.transactions), (20, 54));
    assert_eq!(seen.cells, u64::try_from(stage.state(18).entries().count()).expect("few"));
    assert_eq!(seen.findings, []);
    assert_eq!(told, [(20, 20)]);
}

/// Every row that is not what it must be is found, each on its own.
#[test]
fn every_wrong_row_is_found() {
    let stage = Stage::new(8);
    let store = stage.filled(8, 8);
    let (link, other) = (stage.links[3].clone(), stage.links[5].clone());
    let (height, digest) = (link.height(), link.block.digest());
    let id = link.block.payload().transactions[0].id();
    let receipts = store.receipts(Height::new(6)).expect("a good store").expect("executed");
    let roots = store.executed_at(Height::new(6)).expect("a good store").expect("executed");
    let cell =
        stage.state(8).entries().map(|(path, cell)| (*path, cell.clone())).next().expect("many");
    let theirs = quorate_core::checkpoint::Checkpoint {
        state_root: Digest::new([3; 32]),
        ..stage.state(8).checkpoints()[0]
    };
    let mut tampered = other.block.payload().clone();
    tampered.transactions = Default::default();
    let tampered = Block::new(link.block.header().clone(), tampered);
    // Signatures of something else.
    let mut forged = link.proof();
    forged.finalization =
        Some(Certificate { statement: link.finalization.statement, ..other.finalization.clone() });
    let ours = stage.cast.unanimous(stage.state(8).checkpoints()[0]);
    let unsigned = Certificate { statement: ours.statement, ..stage.cast.unanimous(theirs) };
    let nowhere = Digest::new([5; 32]);
    let place = Place { height, index: 0, outcome: Outcome::Applied };
    let forgotten = Place { height: Height::new(9), ..place };
    type Change<'a> = Box<dyn Fn(&mut database::Changes<'_>) + 'a>;
    let cases: Vec<(&str, Change<'_>)> = vec![
        (
            "header of another height",
            Box::new(|changes| {
                changes.put(&Key::header(height), other.block.header());
            }),
        ),
        ("no header", Box::new(|changes| changes.delete(&Key::header(height)))),
        ("no body", Box::new(|changes| changes.delete(&Key::body(height, &digest)))),
        (
            "another payload",
            Box::new(|changes| changes.put(&Key::body(height, &digest), &tampered)),
        ),
        (
            "another body",
            Box::new(|changes| {
                changes.put(&Key::body(height, &digest), &*other.block);
            }),
        ),
        ("another proof", Box::new(|changes| changes.put(&Key::proof(height), &other.proof()))),
        ("no receipts", Box::new(|changes| changes.delete(&Key::outcomes(height)))),
        ("other receipts", Box::new(|changes| changes.put(&Key::outcomes(height), &receipts))),
        ("no roots", Box::new(|changes| changes.delete(&Key::roots(height)))),
        ("other roots", Box::new(|changes| changes.put(&Key::roots(height), &roots))),
        ("no index", Box::new(|changes| changes.delete(&Key::transaction(&id)))),
        ("no block index", Box::new(|changes| changes.delete(&Key::block(&digest)))),
        ("a forged proof", Box::new(|changes| changes.put(&Key::proof(height), &forged))),
        (
            "a forged checkpoint",
            Box::new(|changes| changes.put(&Key::checkpoint(Height::new(8)), &unsigned)),
        ),
        (
            "a transaction from nowhere",
            Box::new(|changes| changes.put(&Key::transaction(&nowhere), &place)),
        ),
        (
            "a transaction of a height that is not there",
            Box::new(|changes| changes.put(&Key::transaction(&nowhere), &forgotten)),
        ),
        ("a block from nowhere", Box::new(|changes| changes.put(&Key::block(&nowhere), &height))),
        ("no cell", Box::new(|changes| changes.delete(&Key::cell(&cell.0)))),
        ("no undo", Box::new(|changes| changes.delete(&Key::undo(height)))),
        ("garbage for evidence", Box::new(|changes| changes.put(&Key::evidence(0), &1u8))),
        (
            "another state certified",
            Box::new(|changes| {
                changes.put(&Key::checkpoint(Height::new(8)), &stage.cast.unanimous(theirs));
            }),
        ),
    ];
    drop(store);
    for (name, change) in cases {
        let copy = tempfile::tempdir().expect("a directory");
        let dir = copy.path().join("db");
        stage.open().checkpoint_to(&dir).expect("a disk that works");
        let store = Store::open(&dir, stage.genesis(), &options()).expect("a good store");
        assert_eq!(store.verify(&mut |_, _| {}).findings, [], "before {name}");
        let mut changes = store.0.database.changes();
        change(&mut changes);
        changes.write(Durability::Synced).expect("a disk that works");
        let findings = store.verify(&mut |_, _| {}).findings;
        assert!(!findings.is_empty(), "{name} is not found");
    }
}

#[test]
fn blocks_are_exported_line_by_line() {
    let stage = Stage::new(3);
    let store = stage.filled(3, 2);
    let mut out = Vec::new();
    let (from, to) = (Height::new(2), Height::new(9));
    assert_eq!(store.export(from, to, &mut out).expect("a good store"), 2);
    let text = String::from_utf8(out).expect("JSON");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("one value a line")).collect();
    assert_eq!(lines.len(), 2);
    for (line, link) in lines.iter().zip(&stage.links[1..]) {
        let bytes = hex::decode(line["block"].as_str().expect("hexadecimal")).expect("hexadecimal");
        let block: Block = borsh::from_slice(&bytes).expect("a block");
        assert_eq!(block, *link.block, "the whole block is in the line");
    }
    let names: Vec<&String> = lines[0].as_object().expect("an object").keys().collect();
    expect![[r#"
        [
            "block",
            "digest",
            "epoch",
            "evidence",
            "height",
            "origin_view",
            "outcomes",
            "parent",
            "payload_bytes",
            "proposer",
            "timestamp_ms",
            "transactions",
            "view",
        ]
    "#]]
    .assert_debug_eq(&names);
    expect![[r#"["applied","applied","skipped: nonce-gap"]"#]]
        .assert_eq(&lines[0]["outcomes"].to_string());
    expect!["null"].assert_eq(&lines[1]["outcomes"].to_string());
}

/// Errors are for operators: each says where and what to do, and has its exit code in the process's manner.
#[test]
fn errors_speak_to_operators() {
    let dir = PathBuf::from("/home/q/data/db");
    let full = StoreError::Full { dir: dir.clone(), why: "No space left on device".to_owned() };
    expect!["the disk under /home/q/data/db is full (No space left on device); make room and start again"]
        .assert_eq(&full.to_string());
    let failure = crate::exit::Failure::from(StoreError::Busy { dir });
    assert_eq!(failure.exit.code(), 14);
    expect!["/home/q/data/db is in use by another process; stop that one first"]
        .assert_eq(&failure.to_string());
}
