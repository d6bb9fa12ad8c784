//! What a machine's disk says: the data log as framed entries, the sign-state in two slots.
//!
//! Reading never guesses. A log may end in the middle of an entry, because power was lost: that tail
//! is cut off. Damage anywhere else is corruption, and nothing is recovered. The sign-state is
//! written to its two slots in turn, so a torn write always leaves the version before, and the
//! version before is the newest that anything was signed on.

use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{
    execution::ExecutionState,
    signer::{Pledge, SignState},
    store::{Batch, Stored},
    types::Seq,
};

/// One entry of the data log.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub enum Entry {
    /// Records.
    Write {
        /// Their place in the replica's log.
        seq: Seq,
        /// The records.
        batch: Batch,
    },
    /// A promise. Told by the sign-state as well, which is the authority.
    Pledge {
        /// Its place in the replica's log.
        seq: Seq,
        /// The promise.
        pledge: Pledge,
    },
    /// Everything before it, folded: the first entry of a compacted log.
    Snapshot(Box<Snapshot>),
}

/// The fold of a log and the state after its last executed block.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Snapshot {
    /// The fold.
    pub stored: Stored,
    /// The state.
    pub execution: ExecutionState,
    /// The place in the replica's log of the last entry in it.
    pub seq: Seq,
}

impl Entry {
    /// The place in the replica's log of the last thing in it.
    #[must_use]
    pub fn seq(&self) -> Seq {
        match self {
            Self::Write { seq, .. } | Self::Pledge { seq, .. } => *seq,
            Self::Snapshot(snapshot) => snapshot.seq,
        }
    }
}

/// What a data log holds.
#[derive(Debug)]
pub struct Recovered {
    /// Every entry, in order.
    pub entries: Vec<Entry>,
    /// Bytes up to the end of the last one.
    pub length: usize,
    /// Bytes of a torn tail behind it.
    pub torn: usize,
    /// The number of the next entry to append.
    pub next: u64,
}

/// The log is damaged before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data log is damaged at byte {at}, and goes on behind the damage")]
pub struct Corruption {
    /// Where.
    pub at: usize,
}

/// Marks the start of a frame, so that a search for intact frames behind damage is quick.
const MAGIC: [u8; 4] = *b"QLOG";

/// Magic, length, number, checksum, and zeros up to the length of a head with a digest.
const HEAD: usize = 4 + 4 + 8 + 32;

/// Where the zeros begin.
const ZEROS: usize = 4 + 4 + 8 + 4;

/// Encodes entry `number` of a log into an empty buffer: records, borrowed.
#[must_use]
pub fn encode_write(buffer: Vec<u8>, number: u64, seq: Seq, batch: &Batch) -> Vec<u8> {
    frame(buffer, number, &(0u8, seq, batch))
}

/// Encodes entry `number` of a log into an empty buffer: a promise.
#[must_use]
pub fn encode_pledge(buffer: Vec<u8>, number: u64, seq: Seq, pledge: &Pledge) -> Vec<u8> {
    frame(buffer, number, &(1u8, seq, pledge))
}

/// Encodes entry `number` of a log: everything before it, borrowed.
#[must_use]
pub fn encode_snapshot(
    number: u64,
    stored: &Stored,
    execution: &ExecutionState,
    seq: Seq,
) -> Vec<u8> {
    frame(Vec::new(), number, &(2u8, stored, execution, seq))
}

/// Encodes a slot of the sign-state into an empty buffer.
#[must_use]
pub fn encode_slot(buffer: Vec<u8>, version: u64, state: &SignState) -> Vec<u8> {
    frame(buffer, version, state)
}

/// Reads a data log.
///
/// # Errors
/// If an entry is damaged and an intact one follows.
pub fn read(bytes: &[u8]) -> Result<Recovered, Corruption> {
    let mut entries = Vec::new();
    let mut at = 0;
    let mut next = None;
    while at < bytes.len() {
        let entry = unframe(&bytes[at..])
            .filter(|frame| next.is_none_or(|next| frame.number == next))
            .and_then(|frame| Some((Entry::try_from_slice(frame.payload).ok()?, frame)));
        let Some((entry, frame)) = entry else { break };
        entries.push(entry);
        next = Some(frame.number + 1);
        at += frame.length;
    }
    if (at + 1..bytes.len()).any(|later| unframe(&bytes[later..]).is_some()) {
        return Err(Corruption { at });
    }
    Ok(Recovered { entries, length: at, torn: bytes.len() - at, next: next.unwrap_or(0) })
}

/// Reads both slots of a sign-state: the newest intact version and its number. `None` if neither slot
/// is intact: what the key promised is lost.
#[must_use]
pub fn read_slots(slots: [&[u8]; 2]) -> Option<(u64, SignState)> {
    let versions = slots.into_iter().filter_map(|bytes| {
        let frame = unframe(bytes)?;
        Some((frame.number, SignState::try_from_slice(frame.payload).ok()?))
    });
    versions.max_by_key(|(version, _)| *version)
}

struct Frame<'a> {
    number: u64,
    payload: &'a [u8],
    length: usize,
}

fn frame<T: BorshSerialize>(mut bytes: Vec<u8>, number: u64, value: &T) -> Vec<u8> {
    assert!(bytes.is_empty(), "a frame begins at the buffer's start, not behind {}", bytes.len());
    bytes.resize(HEAD, 0);
    borsh::to_writer(&mut bytes, value).expect("encoding to memory does not fail");
    let (head, payload) = bytes.split_at_mut(HEAD);
    let length = u32::try_from(payload.len()).expect("entries are far smaller than 4 GiB");
    head[..4].copy_from_slice(&MAGIC);
    head[4..8].copy_from_slice(&length.to_le_bytes());
    head[8..16].copy_from_slice(&number.to_le_bytes());
    head[16..ZEROS].copy_from_slice(&checksum(number, payload).to_le_bytes());
    bytes
}

/// The intact frame that begins where `bytes` begin.
fn unframe(bytes: &[u8]) -> Option<Frame<'_>> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    if head[..4] != MAGIC {
        return None;
    }
    let length = u32::from_le_bytes(head[4..8].try_into().ok()?);
    let number = u64::from_le_bytes(head[8..16].try_into().ok()?);
    let payload = rest.get(..usize::try_from(length).ok()?)?;
    let intact = checksum(number, payload).to_le_bytes()[..] == head[16..ZEROS]
        && head[ZEROS..].iter().all(|byte| *byte == 0);
    intact.then_some(Frame { number, payload, length: HEAD + payload.len() })
}

/// Damage is by accident here, so a CRC will do: it finds every damage of up to 32 bits in a row.
fn checksum(number: u64, payload: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&number.to_le_bytes());
    sum.update(payload);
    sum.finalize()
}

#[cfg(test)]
mod tests;
