//! The rate holds, the junk is of every kind, encodes, and never exceeds the legal size.

use std::collections::BTreeSet;

use quorate_core::{
    codec::Bounded,
    message::{MESSAGE_BYTES_MAX, Message},
};

use super::{
    super::stage::{PEERS, Stage, nullify, status},
    Flood,
};

const SECOND: u64 = 1_000_000_000;

#[test]
fn the_rate_holds_on_average() {
    let mut stage = Stage::new(Flood::new(100));
    let mut sent = 0;
    for tick in 0..=50 {
        stage.now = tick * SECOND / 10;
        sent += stage.send(status()).len() - 1;
    }
    assert_eq!(sent, 500, "five seconds at a hundred a second");
}

#[test]
fn junk_is_legal_and_varied() {
    let mut stage = Stage::new(Flood::new(600));
    let certificate = stage.certificate(nullify(4));
    stage.hear(Message::Certificates(Bounded::new(vec![certificate])));
    stage.send(status());
    stage.now = SECOND;
    let out = stage.send(status());
    assert_eq!(out.len(), 601);
    let mut names = BTreeSet::new();
    let mut largest = 0;
    for one in &out {
        assert_eq!(one.to, PEERS);
        names.insert(one.message.name());
        let bytes = one.message.encode();
        largest = largest.max(bytes.len());
        assert!(bytes.len() <= MESSAGE_BYTES_MAX, "{} bytes", bytes.len());
        assert_eq!(Message::decode(&bytes).as_ref(), Ok(&*one.message), "it decodes");
    }
    let wanted = [
        "block-request",
        "block-response",
        "certificate-request",
        "certificates",
        "finalize",
        "notarize",
        "nullify",
        "proposal",
        "status",
        "votes",
    ];
    assert_eq!(names, wanted.into());
    assert!(largest > 300_000, "the largest has {largest} bytes");
}
