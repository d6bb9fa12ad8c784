//! What people may know about each peer.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, PoisonError},
    time::Duration,
};

use quorate_core::types::{Height, PeerId};

use super::{
    counters::Traffic,
    link::{Direction, Link, Role},
    options::{Mode, PerClass},
    registry::{Registry, Wanted},
};

/// One peer, connected or wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Its node key.
    pub peer: PeerId,
    /// What it may do here.
    pub role: Role,
    /// Where it is dialed, if it is in the list of peers.
    pub address: Option<String>,
    /// Points of its offences; 100 are a ban.
    pub score: u32,
    /// How long it is banned still.
    pub banned_for: Option<Duration>,
    /// Why the last try or connection ended, if it is in the list of peers.
    pub last_end: Option<String>,
    /// Its connection, if there is one.
    pub connection: Option<ConnectionStatus>,
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionStatus {
    /// The other end.
    pub remote: SocketAddr,
    /// Who dialed.
    pub direction: Direction,
    /// How long it has lasted.
    pub lasted: Duration,
    /// The last round trip.
    pub round_trip: Option<Duration>,
    /// What the peer says it does.
    pub mode: Mode,
    /// The height it has said it has. A hint.
    pub height: Height,
    /// Its build.
    pub build: String,
    /// Bytes that wait to be sent.
    pub queued_bytes: PerClass<usize>,
    /// What was queued for it, and dropped.
    pub sent: PerClass<Traffic>,
    /// What came from it, and was dropped.
    pub received: PerClass<Traffic>,
}

impl ConnectionStatus {
    fn of(link: &Link) -> Self {
        Self {
            remote: link.address,
            direction: link.direction,
            lasted: link.since.elapsed(),
            round_trip: link.round_trip(),
            mode: link.hello.mode,
            height: link.height(),
            build: link.hello.build(),
            queued_bytes: link.outbox.bytes(),
            sent: PerClass::from_fn(|class| link.sent.of(class).read()),
            received: PerClass::from_fn(|class| link.received.of(class).read()),
        }
    }
}

/// Nodes in the list of peers, connected or not, and whoever else is connected, by key.
pub(crate) fn peers(registry: &Registry) -> Vec<PeerStatus> {
    let live = registry.live();
    let mut peers: BTreeMap<PeerId, (Option<&Wanted>, Option<&Arc<Link>>)> = BTreeMap::new();
    for (peer, wanted) in &registry.wanted {
        peers.entry(*peer).or_default().0 = Some(wanted);
    }
    for (peer, link) in live.iter() {
        peers.entry(*peer).or_default().1 = Some(link);
    }
    let status = |(peer, (wanted, link)): (PeerId, (Option<&Wanted>, Option<&Arc<Link>>))| {
        let last_end = |wanted: &Wanted| {
            wanted.last_end.lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        PeerStatus {
            peer,
            role: registry.role(&peer),
            address: wanted.map(|wanted| wanted.address.clone()),
            score: registry.points(&peer),
            banned_for: registry.banned_for(&peer),
            last_end: wanted.and_then(last_end),
            connection: link.map(|link| ConnectionStatus::of(link)),
        }
    };
    peers.into_iter().map(status).collect()
}
