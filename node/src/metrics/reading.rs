//! What is looked at upon every scrape, as plain numbers.

use std::{sync::Arc, time::Duration};

use quorate_core::{committee::Committee, types::ValidatorIndex};

use super::process::ProcessReading;
use crate::published::Snapshot;

/// Everything that is read at one moment.
#[derive(Clone, Debug)]
pub struct Readings {
    /// The node as published.
    pub snapshot: Arc<Snapshot>,
    /// Blocks that the node is behind its peers.
    pub lag: u64,
    /// The committee.
    pub committee: Arc<Committee>,
    /// Connected peers.
    pub peers: Vec<PeerReading>,
    /// The network.
    pub network: NetworkReading,
    /// The store; `None` if it could not be read.
    pub store: Option<StoreReading>,
    /// The API.
    pub api: ApiReading,
    /// The process; `None` where the system does not tell.
    pub process: Option<ProcessReading>,
}

/// One connected peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerReading {
    /// Its place in the committee, if it is a validator.
    pub validator: Option<ValidatorIndex>,
    /// Whether it connected to this node.
    pub inbound: bool,
    /// The last round trip.
    pub round_trip: Option<Duration>,
    /// Bytes that wait to be sent to it.
    pub queued_bytes: ClassReading,
}

/// A number for each class of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassReading {
    /// Votes and certificates.
    pub votes: u64,
    /// Proposals.
    pub proposals: u64,
    /// Everything else.
    pub bulk: u64,
}

/// Messages one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrafficReading {
    /// How many.
    pub messages: ClassReading,
    /// Bytes of them.
    pub bytes: ClassReading,
    /// How many were dropped.
    pub dropped: ClassReading,
}

/// The network since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkReading {
    /// To peers.
    pub sent: TrafficReading,
    /// From peers.
    pub received: TrafficReading,
    /// Bytes written to connections, packed.
    pub wire_sent_bytes: u64,
    /// Bytes read from connections, packed.
    pub wire_received_bytes: u64,
    /// Connections that were made.
    pub connected: u64,
    /// Connections that ended.
    pub lost: u64,
    /// Connections turned away before a handshake.
    pub turned_away: u64,
    /// Handshakes that failed.
    pub handshakes_failed: u64,
    /// Offences of peers.
    pub offences: u64,
    /// Bans begun.
    pub bans: u64,
    /// Times a peer was made to wait.
    pub throttled: u64,
}

/// The store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreReading {
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Bytes of the write-ahead log.
    pub wal_bytes: u64,
    /// Bytes of changes that are not in files yet.
    pub memory_bytes: u64,
    /// Bytes in the block cache.
    pub cache_bytes: u64,
    /// Bytes of indexes and filters outside the cache.
    pub table_bytes: u64,
    /// Bytes that compaction has yet to rewrite.
    pub compaction_pending_bytes: u64,
    /// Whether writes are stopped.
    pub is_write_stopped: bool,
    /// The lowest height kept; zero before the first block.
    pub lowest: u64,
}

/// The API since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiReading {
    /// Answers by the hundreds of their status: 2, 3, 4, 5.
    pub answers: [u64; 4],
    /// Event streams that are open.
    pub streams: u64,
    /// Transactions sent by clients: admitted, refused, busy.
    pub submissions: [u64; 4],
}
