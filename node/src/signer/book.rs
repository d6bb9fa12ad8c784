//! The sign-state on disk: two slots that are written in turn, and a seal.
//!
//! ```text
//! 0      magic, genesis, public key, checksum         written once
//! 4096   the highest version known to be durable      the seal
//! 8192   slot 0: version, length, checksum, state     even versions
//! ...    slot 1                                       odd versions
//! ```
//!
//! A version is written beside the one before it and made durable before anything is signed on it. A write
//! that was cut off therefore leaves the version before, which is the newest that anything was signed on. The
//! seal tells such a slot from one that was whole and is damaged now: with that the version before would be
//! missing promises, so there is none to go back to.

use std::io;

use borsh::BorshDeserialize;
use quorate_core::{
    codec,
    crypto::PublicKey,
    signer::{Pledge, Refusal, SignState},
    types::Digest,
};

use super::disk::Disk;

const MAGIC: [u8; 8] = *b"QRSIGN01";

/// Head and seal have a page each, so that no write to one can tear the other or a slot.
const PAGE: usize = 4_096;

/// More than a state can take: three promises in each of 256 open views, and 64 checkpoints, are less than
/// 100 KiB.
const SLOT_BYTES: usize = 128 << 10;

/// Version, length, checksum.
const SLOT_HEAD: usize = 8 + 4 + 4;

/// Bytes of the whole file, from the first moment.
pub(super) const FILE_BYTES: usize = 2 * PAGE + 2 * SLOT_BYTES;

/// Whose promises, and on which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) genesis: Digest,
    pub(super) key: PublicKey,
}

/// What is wrong with a book.
#[derive(Debug)]
pub(super) enum Unreadable {
    Damaged(&'static str),
    OtherGenesis(Digest),
    OtherKey(PublicKey),
    Io(io::Error),
}

/// Why nothing was recorded.
#[derive(Debug)]
pub(super) enum Unrecorded {
    Refused(Refusal),
    Io(io::Error),
    Stopped,
}

/// What one key has promised, and where that is written down.
#[derive(Debug)]
pub(super) struct Book<D> {
    disk: D,
    identity: Identity,
    version: u64,
    state: SignState,
    /// A write failed: nobody knows what is on disk.
    is_stopped: bool,
}

impl<D: Disk> Book<D> {
    /// Reads the newest version and makes sure that it stays.
    ///
    /// What is read need not be on disk: a process that was killed leaves it in memory, and after a sync that
    /// failed memory keeps it as if it had been written, so that no later sync writes it. Believed as it is,
    /// its promises would be signed again without a write, and forgotten with the power. So it is written
    /// anew, with the same bytes in the same place. In the other slot it would overwrite the version before,
    /// which is then the newest on disk and may have been signed on.
    pub(super) fn open(mut disk: D, identity: Identity) -> Result<Self, Unreadable> {
        // The seal first, so that what follows is guarded by it.
        disk.sync().map_err(Unreadable::Io)?;
        let (version, state) = read(&disk, &identity)?;
        let mut own =
            Self { disk, identity, version, state: SignState::default(), is_stopped: false };
        own.put(version, state).map_err(Unreadable::Io)?;
        Ok(own)
    }

    /// What the key has promised.
    pub(super) fn state(&self) -> &SignState {
        &self.state
    }

    /// Writes down all pledges, durably, or none of them.
    pub(super) fn record(&mut self, pledges: &[Pledge]) -> Result<(), Unrecorded> {
        if self.is_stopped {
            return Err(Unrecorded::Stopped);
        }
        let mut next = self.state.clone();
        for pledge in pledges {
            next.record(pledge).map_err(Unrecorded::Refused)?;
        }
        // What was promised before, and nothing else, is on disk already.
        if next == self.state {
            return Ok(());
        }
        let version = self.version.checked_add(1).expect("2^64 promises outlast any key");
        self.put(version, next).map_err(|error| {
            self.is_stopped = true;
            Unrecorded::Io(error)
        })
    }

    /// Makes a version durable, and then the current one.
    fn put(&mut self, version: u64, next: SignState) -> io::Result<()> {
        let slot = encode_slot(version, &next, &self.identity);
        self.disk.write_at(slot_offset(version), &slot)?;
        self.disk.sync()?;
        self.version = version;
        self.state = next;
        // Durable with the next version or sooner, and not waited for: without it a damaged slot may pass
        // for one that was cut off, with it never.
        self.disk.write_at(offset(PAGE), &encode_seal(version, &self.identity))
    }
}

/// The newest version, as far as memory says. Writes nothing.
pub(super) fn read(disk: &impl Disk, identity: &Identity) -> Result<(u64, SignState), Unreadable> {
    let bytes = disk.read().map_err(Unreadable::Io)?;
    if bytes.len() != FILE_BYTES {
        return Err(Unreadable::Damaged("it has another length than it was made with"));
    }
    check_head(&bytes, identity)?;
    let sealed = read_seal(&bytes, identity)?;
    let (version, state) = newest(&bytes, identity)?;
    if version < sealed {
        return Err(Unreadable::Damaged("the newest version cannot be read any more"));
    }
    Ok((version, state))
}

/// A book in which nothing is promised.
pub(super) fn blank(identity: &Identity) -> Vec<u8> {
    let mut bytes = encode_head(identity);
    bytes.resize(PAGE, 0);
    bytes.extend(encode_seal(0, identity));
    bytes.resize(2 * PAGE, 0);
    bytes.extend(encode_slot(0, &SignState::default(), identity));
    bytes.resize(FILE_BYTES, 0);
    bytes
}

fn encode_head(identity: &Identity) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(identity.genesis.get());
    bytes.extend(identity.key.get());
    let sum = crc32fast::hash(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

fn encode_seal(version: u64, identity: &Identity) -> Vec<u8> {
    let mut bytes = version.to_le_bytes().to_vec();
    bytes.extend(checksum(version, b"seal", identity).to_le_bytes());
    bytes
}

fn encode_slot(version: u64, state: &SignState, identity: &Identity) -> Vec<u8> {
    let payload = codec::encode(state);
    let length = SLOT_HEAD + payload.len();
    assert!(length <= SLOT_BYTES, "a state of {length} bytes does not fit a slot");
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(version.to_le_bytes());
    bytes.extend(u32::try_from(payload.len()).expect("it fits a slot").to_le_bytes());
    bytes.extend(checksum(version, &payload, identity).to_le_bytes());
    bytes.extend(payload);
    bytes
}

/// Bound to the identity, so that a slot of another key's file is no slot here.
fn checksum(version: u64, payload: &[u8], identity: &Identity) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(identity.genesis.get());
    sum.update(identity.key.get());
    sum.update(&version.to_le_bytes());
    sum.update(payload);
    sum.finalize()
}

fn slot_offset(version: u64) -> u64 {
    match version.is_multiple_of(2) {
        true => offset(2 * PAGE),
        false => offset(2 * PAGE + SLOT_BYTES),
    }
}

fn offset(at: usize) -> u64 {
    u64::try_from(at).expect("a small file")
}

fn check_head(bytes: &[u8], identity: &Identity) -> Result<(), Unreadable> {
    const DAMAGED: Unreadable = Unreadable::Damaged("its head is not what was written");
    let length = encode_head(identity).len();
    let (content, sum) = bytes[..length].split_at(length - 4);
    if !content.starts_with(&MAGIC) || crc32fast::hash(content).to_le_bytes() != *sum {
        return Err(DAMAGED);
    }
    let part = |from: usize| <[u8; 32]>::try_from(&content[from..from + 32]).map_err(|_| DAMAGED);
    let genesis = Digest::new(part(MAGIC.len())?);
    let key = PublicKey::new(part(MAGIC.len() + 32)?);
    if genesis != identity.genesis {
        return Err(Unreadable::OtherGenesis(genesis));
    }
    if key != identity.key {
        return Err(Unreadable::OtherKey(key));
    }
    Ok(())
}

fn read_seal(bytes: &[u8], identity: &Identity) -> Result<u64, Unreadable> {
    let content: [u8; 8] = bytes[PAGE..PAGE + 8].try_into().expect("eight bytes");
    let version = u64::from_le_bytes(content);
    let written = encode_seal(version, identity);
    if bytes[PAGE..PAGE + written.len()] != written {
        return Err(Unreadable::Damaged("its seal is not what was written"));
    }
    Ok(version)
}

/// The newest version that is whole.
fn newest(bytes: &[u8], identity: &Identity) -> Result<(u64, SignState), Unreadable> {
    let slots = bytes[2 * PAGE..].chunks_exact(SLOT_BYTES);
    let mut whole: Vec<(u64, SignState)> = (0u64..)
        .zip(slots)
        .filter_map(|(place, slot)| read_slot(slot, identity).filter(|one| one.0 % 2 == place))
        .collect();
    whole.sort_by_key(|(version, _)| *version);
    if let [(older, _), (newer, _)] = &whole[..]
        && older + 1 != *newer
    {
        return Err(Unreadable::Damaged("its two versions do not follow each other"));
    }
    whole.pop().ok_or(Unreadable::Damaged("neither of its versions can be read"))
}

fn read_slot(slot: &[u8], identity: &Identity) -> Option<(u64, SignState)> {
    let (head, rest) = slot.split_at_checked(SLOT_HEAD)?;
    let version = u64::from_le_bytes(head[..8].try_into().ok()?);
    let length = u32::from_le_bytes(head[8..12].try_into().ok()?);
    let payload = rest.get(..usize::try_from(length).ok()?)?;
    if checksum(version, payload, identity).to_le_bytes() != head[12..] {
        return None;
    }
    Some((version, SignState::try_from_slice(payload).ok()?))
}

#[cfg(test)]
mod tests;
