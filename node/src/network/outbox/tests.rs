//! Order, chunks, and what is dropped when there is no room.

use std::sync::Arc;

use quorate_core::frame::{Assembler, CHUNK_BYTES_MAX, Class, HEADER_BYTES, Header};

use super::{Next, Outbox};
use crate::network::{
    control::Farewell,
    options::{Bound, NetworkLimits, PerClass},
    pack::{Outgoing, unpack},
};

fn outgoing(class: Class, first: u8, length: usize) -> Arc<Outgoing> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).expect("randomness");
    bytes[0] = first;
    Arc::new(Outgoing::new(class, bytes, true))
}

/// The frames of one write: class and the chunk's first byte and length.
fn frames(mut bytes: &[u8]) -> Vec<(Class, u8, usize)> {
    let mut frames = Vec::new();
    while let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() {
        let header = Header::decode(*header).expect("ours");
        let (chunk, rest) = rest.split_at(header.length());
        frames.push((header.class(), chunk[0], chunk.len()));
        bytes = rest;
    }
    frames
}

fn write(outbox: &Outbox) -> Vec<(Class, u8, usize)> {
    let mut out = Vec::new();
    match outbox.fill(&mut out, false) {
        Next::Pack(outgoing) => {
            assert!(out.is_empty(), "{} bytes wait for packing", out.len());
            outgoing.pack();
            return write(outbox);
        }
        Next::Write | Next::Last(_) => {}
        Next::Idle => assert!(out.is_empty(), "{} bytes forgotten", out.len()),
    }
    frames(&out)
}

/// A vote that comes while a large message is sent goes after the chunk that is on its way.
#[test]
fn a_vote_waits_for_one_chunk() {
    let outbox = Outbox::new(NetworkLimits::default().outbox);
    let large = 4 * 1024 * 1024;
    assert_eq!(outbox.push(&outgoing(Class::Bulk, 1, large)), 0);
    let first = write(&outbox);
    assert_eq!(first, [(Class::Bulk, 1, CHUNK_BYTES_MAX)]);
    assert_eq!(outbox.push(&outgoing(Class::Proposals, 2, 9)), 0);
    assert_eq!(outbox.push(&outgoing(Class::Votes, 3, 150)), 0);
    outbox.ping(5);
    let next = write(&outbox);
    let classes: Vec<Class> = next.iter().map(|(class, ..)| *class).collect();
    assert_eq!(classes, [Class::Control, Class::Votes, Class::Proposals, Class::Bulk]);
    let mut rest = 2 * CHUNK_BYTES_MAX;
    while let [(Class::Bulk, _, length)] = write(&outbox)[..] {
        rest += length;
    }
    assert_eq!(rest, large);
    assert_eq!(outbox.bytes(), PerClass::default());
}

#[test]
fn many_votes_are_one_write() {
    let outbox = Outbox::new(NetworkLimits::default().outbox);
    for number in 0..100 {
        outbox.push(&outgoing(Class::Votes, number, 150));
    }
    assert_eq!(write(&outbox).len(), 100);
    assert_eq!(write(&outbox), []);
}

#[test]
fn oldest_votes_and_newest_bulk_are_dropped() {
    let bound = Bound { messages: 2, bytes: 1_000 };
    let outbox = Outbox::new(PerClass { votes: bound, proposals: bound, bulk: bound });
    for class in Class::MESSAGES {
        assert_eq!(outbox.push(&outgoing(class, 1, 400)), 0);
        assert_eq!(outbox.push(&outgoing(class, 2, 400)), 0);
        assert_eq!(outbox.push(&outgoing(class, 3, 400)), 1, "a third of two");
        let both = if class == Class::Bulk { 1 } else { 2 };
        assert_eq!(outbox.push(&outgoing(class, 4, 900)), both, "bytes of both");
    }
    let firsts: Vec<u8> = write(&outbox).into_iter().map(|(_, first, _)| first).collect();
    assert_eq!(firsts, [4, 4, 1, 2]);
}

#[test]
fn farewell_is_the_last_word() {
    let outbox = Outbox::new(NetworkLimits::default().outbox);
    outbox.push(&outgoing(Class::Votes, 1, 9));
    outbox.farewell(Farewell::Stopping);
    outbox.farewell(Farewell::Silence);
    let mut out = Vec::new();
    assert!(matches!(outbox.fill(&mut out, false), Next::Last(Farewell::Stopping)));
    assert_eq!(hex::encode(out), "0200000000".to_owned() + "0300");
}

/// While a large message is packed the rest goes on, and it comes out as it went in.
#[test]
fn packing_holds_up_bulk_only() {
    let outbox = Outbox::new(NetworkLimits::default().outbox);
    let bytes: Vec<u8> = (0..100_000_u32).flat_map(|n| (n / 8).to_le_bytes()).collect();
    let message = Arc::new(Outgoing::new(Class::Bulk, bytes.clone(), true));
    outbox.push(&message);
    let mut out = Vec::new();
    let Next::Pack(packs) = outbox.fill(&mut out, false) else { panic!("long enough to pack") };
    outbox.push(&outgoing(Class::Votes, 1, 9));
    assert!(matches!(outbox.fill(&mut out, true), Next::Write));
    assert_eq!(frames(&out), [(Class::Votes, 1, 9)]);
    packs.pack();
    let mut assembler = Assembler::new();
    let whole = loop {
        out.clear();
        assert!(matches!(outbox.fill(&mut out, false), Next::Write));
        let (header, chunk) = out.split_first_chunk::<HEADER_BYTES>().expect("a frame");
        let header = Header::decode(*header).expect("ours");
        if let Some(whole) = assembler.accept(&header, chunk).expect("ours") {
            break unpack(whole.bytes.into_owned().into(), whole.unpacked).expect("ours");
        }
    };
    assert!(whole == bytes, "{} bytes came back", whole.len());
}
