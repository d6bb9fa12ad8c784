//! The bytes of every kind of message and record: a change of the format is a diff in `golden.txt`.
//!
//! `docs/wire.md` explains the fields and gives the sizes that are checked here.

use std::fmt::Write;

use expect_test::expect_file;

use crate::{
    codec,
    testing::corpus,
    vote::{Kind, Statement},
};

/// Name, length, and the bytes in lines of 32.
fn dump(out: &mut String, name: &str, bytes: &[u8]) {
    writeln!(out, "{name}: {} bytes", bytes.len()).expect("writing to a string");
    for line in bytes.chunks(32) {
        let hex: String = line.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(out, "  {hex}").expect("writing to a string");
    }
}

#[test]
fn golden_bytes() {
    let mut out = String::new();
    for (name, message) in corpus::messages() {
        dump(&mut out, &format!("message {name}"), &message.encode());
    }
    for (name, record) in corpus::records() {
        dump(&mut out, &format!("record {name}"), &codec::encode(&record));
    }
    dump(&mut out, "sign-state", &codec::encode(&corpus::sign_state()));
    expect_file!["golden.txt"].assert_eq(&out);
}

/// The fixed sizes that `docs/wire.md` states.
#[test]
fn fixed_sizes() {
    let length = |name: &str| {
        let all = corpus::messages();
        let (_, message) = all.iter().find(|(other, _)| *other == name).expect("a message");
        message.encode().len()
    };
    assert_eq!(length("notarize"), 1 + 155);
    assert_eq!(length("finalize"), 1 + 155);
    assert_eq!(length("nullify"), 1 + 83);
    assert_eq!(length("status"), 1 + 72);
    // A count, a checkpoint of a block that ends no epoch, its signer and signature.
    assert_eq!(length("checkpoint-votes"), 1 + 4 + 177 + 2 + 64);
    assert_eq!(length("checkpoint-certificate"), 1 + 177 + (4 + 1) + (4 + 3 * 64));
    assert_eq!(length("certificate-request"), 1 + 18);
    assert_eq!(length("block-request"), 1 + 17);
    assert_eq!(length("evidence"), 1 + 2 * 156);
    // A count, one transaction with one output and one signature.
    assert_eq!(length("transactions"), 1 + 4 + 65 + (4 + 41 + 4) + (4 + 96));
    // The view, the block, a count and two places.
    assert_eq!(length("transactions-request"), 1 + 8 + 32 + 4 + 2 * 2);
    // A count, and a Nullification by three of four.
    assert_eq!(length("certificates"), 1 + 4 + 17 + (4 + 1) + (4 + 3 * 64));
}

#[test]
fn votes_are_named_by_what_they_say() {
    let names: Vec<&str> = corpus::messages()
        .iter()
        .filter_map(|(_, message)| match message {
            super::Message::Vote(vote) => match (vote.statement, vote.statement.kind()) {
                (Statement::Notarize(_), Kind::Notarize)
                | (Statement::Nullify { .. }, Kind::Nullify)
                | (Statement::Finalize(_), Kind::Finalize) => Some(message.name()),
                (statement, kind) => panic!("{statement:?} is of kind {kind:?}"),
            },
            _ => None,
        })
        .collect();
    assert_eq!(names, ["notarize", "nullify", "finalize"]);
}
