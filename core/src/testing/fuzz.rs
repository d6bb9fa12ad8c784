//! One fuzz target per decoder: a plain function over bytes.
//!
//! Each must return for any bytes, and if they decode the value must encode back to exactly them.
//! `core/tests/fuzz.rs` runs them over a corpus and seeded mutations of it; `core/fuzz/` hands the
//! same functions to a coverage-guided fuzzer.

use std::{collections::BTreeMap, fmt::Debug};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::Block,
    certificate::Certificate,
    checkpoint::Checkpoint,
    codec,
    config::Genesis,
    evidence::Evidence,
    execution::{
        Anchor, CellProof, CellsProof, ReceiptProof,
        cell::CellPath,
        snapshot::{Chunk, Manifest},
    },
    frame::{self, Assembler, Class, HEADER_BYTES, Header},
    merkle,
    message::{MESSAGE_BYTES_MAX, Message},
    proof::{CommitProof, SKIPS_MAX},
    replica::Replica,
    signer::SignState,
    store::{Record, Recovered},
    testing::cast,
    transaction::{Address, Transaction},
    tree::{MultiProof, PathProof},
    types::Digest,
};

/// A decoder under test.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: also the prefix of its corpus files.
    pub name: &'static str,
    /// Decodes, and panics if the value does not encode back. Returns whether the bytes decoded.
    pub run: fn(&[u8]) -> bool,
}

/// Every decoder.
pub const TARGETS: [Target; 21] = [
    Target { name: "message", run: message },
    Target { name: "certificate", run: round_trip::<Certificate> },
    Target { name: "checkpoint", run: round_trip::<Certificate<Checkpoint>> },
    Target { name: "block", run: block },
    Target { name: "transaction", run: round_trip::<Transaction> },
    Target { name: "evidence", run: evidence },
    Target { name: "record", run: round_trip::<Record> },
    Target { name: "sign-state", run: round_trip::<SignState> },
    Target { name: "recovered", run: round_trip::<Recovered> },
    Target { name: "genesis", run: genesis },
    Target { name: "commit-proof", run: commit_proof },
    Target { name: "merkle-proof", run: merkle_proof },
    Target { name: "path-proof", run: path_proof },
    Target { name: "multi-proof", run: multi_proof },
    Target { name: "cell-proof", run: cell_proof },
    Target { name: "cells-proof", run: cells_proof },
    Target { name: "receipt-proof", run: receipt_proof },
    Target { name: "manifest", run: manifest },
    Target { name: "chunk", run: round_trip::<Chunk> },
    Target { name: "replica", run: round_trip::<Replica> },
    Target { name: "frames", run: frames },
];

/// The target of that name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// Decodes and encodes back.
///
/// # Panics
/// If what was decoded has another encoding.
pub fn round_trip<T: BorshSerialize + BorshDeserialize + Debug>(bytes: &[u8]) -> bool {
    decoded::<T>(bytes).is_some()
}

fn decoded<T: BorshSerialize + BorshDeserialize + Debug>(bytes: &[u8]) -> Option<T> {
    let value: T = codec::decode(bytes, MESSAGE_BYTES_MAX).ok()?;
    assert!(codec::encode(&value) == bytes, "decoded, and encodes to other bytes: {value:?}");
    Some(value)
}

fn message(bytes: &[u8]) -> bool {
    decoded::<Message>(bytes).inspect(|message| assert!(!message.name().is_empty())).is_some()
}

fn block(bytes: &[u8]) -> bool {
    let block = decoded::<Block>(bytes);
    block
        .inspect(|block| {
            let again = Block::new(block.header().clone(), block.payload().clone());
            assert!(again.digest() == block.digest(), "a digest is of the header alone");
        })
        .is_some()
}

fn evidence(bytes: &[u8]) -> bool {
    let evidence = decoded::<Evidence>(bytes);
    evidence
        .inspect(|evidence| {
            let [first, second] = evidence.votes();
            // What decodes to an offence is what the two votes would be put together as.
            if evidence.offence().is_some() {
                assert!(Evidence::of(second, first) == Some(*evidence), "order matters");
            }
        })
        .is_some()
}

fn genesis(bytes: &[u8]) -> bool {
    let genesis = decoded::<Genesis>(bytes);
    // A committee or an error that says why: never a panic.
    genesis.inspect(|genesis| drop(genesis.committee())).is_some()
}

fn commit_proof(bytes: &[u8]) -> bool {
    let proof = decoded::<CommitProof>(bytes);
    // The missing certificates are within a bound, whatever the views say.
    proof.inspect(|proof| assert!(proof.missing().count() <= SKIPS_MAX + 1)).is_some()
}

fn merkle_proof(bytes: &[u8]) -> bool {
    let proof = decoded::<merkle::Proof>(bytes);
    // Whatever it claims, it proves nothing of an unknown root.
    proof.inspect(|proof| assert!(!proof.verify(&Digest::ZERO, &Digest::ZERO))).is_some()
}

fn path_proof(bytes: &[u8]) -> bool {
    let proof = decoded::<PathProof>(bytes);
    let root = Digest::new([1; 32]);
    proof.inspect(|proof| assert!(!proof.verify(&root, &[2; 32], Some(&root)))).is_some()
}

fn multi_proof(bytes: &[u8]) -> bool {
    let proof = decoded::<MultiProof>(bytes);
    let root = Digest::new([1; 32]);
    let claims = [([2; 32], Some(root)), ([3; 32], None)].into();
    proof.inspect(|proof| assert!(!proof.verify(&root, &claims))).is_some()
}

/// A checkpoint whose roots nothing leads to.
fn anchor() -> Anchor {
    Anchor::unsigned(cast::checkpoint(8, 1))
}

fn cell_proof(bytes: &[u8]) -> bool {
    let proof = decoded::<CellProof>(bytes);
    let path = CellPath::account(&Address::of_key(&cast::account_key(0).public()));
    proof.inspect(|proof| assert!(anchor().cell(&path, proof).is_err())).is_some()
}

fn cells_proof(bytes: &[u8]) -> bool {
    let proof = decoded::<CellsProof>(bytes);
    // Asked about what it says itself, so that it is judged by where it leads.
    let own = |proof: &CellsProof| proof.cells.iter().map(|(path, _)| *path).collect::<Vec<_>>();
    proof.inspect(|proof| assert!(anchor().cells(&own(proof), proof).is_err())).is_some()
}

fn receipt_proof(bytes: &[u8]) -> bool {
    let proof = decoded::<ReceiptProof>(bytes);
    let judged = |proof: &ReceiptProof| anchor().receipt(&proof.transaction, proof);
    proof.inspect(|proof| assert!(judged(proof).is_err())).is_some()
}

fn manifest(bytes: &[u8]) -> bool {
    let manifest = decoded::<Manifest>(bytes);
    manifest.inspect(|manifest| assert!(manifest.check(&Digest::new([1; 32])).is_err())).is_some()
}

/// A whole stream of frames, as a connection reads it.
fn frames(mut bytes: &[u8]) -> bool {
    let mut assembler = Assembler::new();
    let mut parts: BTreeMap<Class, Vec<u8>> = BTreeMap::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() {
        let Ok(header) = Header::decode(*head) else { return false };
        assert!(header.encode() == *head, "decoded, and encodes to another header: {header:?}");
        if assembler.check(&header).is_err() {
            return false;
        }
        let Some((chunk, rest)) = rest.split_at_checked(header.length()) else { return false };
        let part = parts.entry(header.class()).or_default();
        part.extend_from_slice(head);
        part.extend_from_slice(chunk);
        match assembler.accept(&header, chunk) {
            Err(_) => return false,
            Ok(None) => {}
            Ok(Some(whole)) => {
                let (packed, mut body) = (whole.unpacked.is_some(), whole.bytes.into_owned());
                if let Some(unpacked) = whole.unpacked {
                    body = frame::packed_body(unpacked, &body).expect("within the same limits");
                }
                let again = frame::frames(whole.class, packed, &body);
                assert!(again == *part, "one way to cut a message: {:?}", whole.class);
                part.clear();
            }
        }
        bytes = rest;
    }
    bytes.is_empty() && assembler.held() == 0
}
