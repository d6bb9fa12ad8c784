//! What a network counts. Numbers only ever grow; readers take differences.

use std::sync::atomic::{AtomicU64, Ordering};

use super::options::PerClass;

/// Messages and bytes of one direction and class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages.
    pub messages: u64,
    /// Bytes of them, unpacked.
    pub bytes: u64,
    /// Messages dropped for want of room.
    pub dropped: u64,
}

/// Everything a network counts, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkCounters {
    /// Handed to peers' queues; dropped there.
    pub sent: PerClass<Traffic>,
    /// Handed to the replica; dropped before it.
    pub received: PerClass<Traffic>,
    /// Bytes written to connections, with headers, packed, before encryption.
    pub bytes_written: u64,
    /// Bytes read from connections, likewise.
    pub bytes_read: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections turned away before a handshake: too many, or too fast.
    pub turned_away: u64,
    /// Accepted, and failed in the handshake or with the introduction.
    pub handshakes_failed: u64,
    /// Dialed in vain.
    pub dials_failed: u64,
    /// Connections dialed.
    pub dialed: u64,
    /// Connections that were made: both introduced.
    pub connected: u64,
    /// Connections that ended.
    pub lost: u64,
    /// Offences of peers.
    pub offences: u64,
    /// Bans begun.
    pub banned: u64,
    /// Times a peer was made to wait for sending too fast.
    pub throttled: u64,
}

/// The cells behind [`Traffic`].
#[derive(Debug, Default)]
pub(crate) struct TrafficCells {
    messages: AtomicU64,
    bytes: AtomicU64,
    dropped: AtomicU64,
}

impl TrafficCells {
    pub(crate) fn add(&self, bytes: usize) {
        count(&self.messages, 1);
        count(&self.bytes, u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    pub(crate) fn drop_some(&self, messages: u64) {
        count(&self.dropped, messages);
    }

    pub(crate) fn read(&self) -> Traffic {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        Traffic {
            messages: read(&self.messages),
            bytes: read(&self.bytes),
            dropped: read(&self.dropped),
        }
    }
}

/// The cells behind [`NetworkCounters`].
#[derive(Debug, Default)]
pub(crate) struct Cells {
    pub(crate) sent: PerClass<TrafficCells>,
    pub(crate) received: PerClass<TrafficCells>,
    pub(crate) bytes_written: AtomicU64,
    pub(crate) bytes_read: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) turned_away: AtomicU64,
    pub(crate) handshakes_failed: AtomicU64,
    pub(crate) dials_failed: AtomicU64,
    pub(crate) dialed: AtomicU64,
    pub(crate) connected: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) offences: AtomicU64,
    pub(crate) banned: AtomicU64,
    pub(crate) throttled: AtomicU64,
}

/// Adds to a cell.
pub(crate) fn count(cell: &AtomicU64, number: u64) {
    cell.fetch_add(number, Ordering::Relaxed);
}

/// Adds a number of bytes to a cell.
pub(crate) fn count_bytes(cell: &AtomicU64, bytes: usize) {
    count(cell, u64::try_from(bytes).unwrap_or(u64::MAX));
}

impl Cells {
    pub(crate) fn read(&self) -> NetworkCounters {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        NetworkCounters {
            sent: PerClass::from_fn(|class| self.sent.of(class).read()),
            received: PerClass::from_fn(|class| self.received.of(class).read()),
            bytes_written: read(&self.bytes_written),
            bytes_read: read(&self.bytes_read),
            accepted: read(&self.accepted),
            turned_away: read(&self.turned_away),
            handshakes_failed: read(&self.handshakes_failed),
            dials_failed: read(&self.dials_failed),
            dialed: read(&self.dialed),
            connected: read(&self.connected),
            lost: read(&self.lost),
            offences: read(&self.offences),
            banned: read(&self.banned),
            throttled: read(&self.throttled),
        }
    }
}
