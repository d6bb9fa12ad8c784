//! One connection, as everybody but its own task sees it.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use quorate_core::types::{Height, PeerId};

use super::{
    control::Hello,
    counters::TrafficCells,
    options::{PerClass, Room},
    outbox::Outbox,
};

/// Who dialed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The other side.
    Inbound,
    /// This node.
    Outbound,
}

/// What a peer may do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its key is a validator's in the genesis: it may send every class, and its slot is reserved.
    Member,
    /// Anybody else with a key: bulk and a few requests, in one of few slots unless it is in the list of peers.
    Full,
}

/// One connection between introduction and end.
#[derive(Debug)]
pub(crate) struct Link {
    /// Tells it from earlier connections to the same peer.
    pub(crate) id: u64,
    pub(crate) peer: PeerId,
    pub(crate) role: Role,
    pub(crate) direction: Direction,
    pub(crate) address: SocketAddr,
    pub(crate) since: Instant,
    /// How the peer introduced itself.
    pub(crate) hello: Hello,
    pub(crate) outbox: Outbox,
    pub(crate) sent: PerClass<TrafficCells>,
    pub(crate) received: PerClass<TrafficCells>,
    /// Milliseconds from `since` to when something was last heard.
    heard: AtomicU64,
    /// Whether this side is not reading, so that silence is its own.
    busy: AtomicBool,
    /// The ping under way: its number and when it was asked for.
    ping: Mutex<Option<(u64, Instant)>>,
    /// Microseconds of the last round trip; zero before the first.
    round_trip: AtomicU64,
    /// The highest height the peer has said it has.
    height: AtomicU64,
}

impl Link {
    pub(crate) fn new(
        id: u64,
        (peer, role): (PeerId, Role),
        (direction, address): (Direction, SocketAddr),
        hello: Hello,
        room: Room,
    ) -> Self {
        let height = AtomicU64::new(hello.height.get());
        Self {
            id,
            peer,
            role,
            direction,
            address,
            since: Instant::now(),
            hello,
            outbox: Outbox::new(room),
            sent: PerClass::default(),
            received: PerClass::default(),
            heard: AtomicU64::new(0),
            busy: AtomicBool::new(false),
            ping: Mutex::new(None),
            round_trip: AtomicU64::new(0),
            height,
        }
    }

    /// Something was heard: this side is at work on it.
    pub(crate) fn on_heard(&self) {
        self.busy.store(true, Ordering::Relaxed);
    }

    /// This side listens again.
    pub(crate) fn on_listening(&self) {
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(now, Ordering::Relaxed);
        self.busy.store(false, Ordering::Relaxed);
    }

    /// How long nothing was heard while this side listened.
    pub(crate) fn silent_for(&self) -> Duration {
        if self.busy.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let heard = Duration::from_millis(self.heard.load(Ordering::Relaxed));
        self.since.elapsed().saturating_sub(heard)
    }

    /// Asks for a sign of life.
    pub(crate) fn ping(&self, number: u64) {
        *self.ping.lock().unwrap_or_else(PoisonError::into_inner) = Some((number, Instant::now()));
        self.outbox.ping(number);
    }

    /// Takes the answer, if it is to the last question.
    pub(crate) fn on_pong(&self, number: u64) {
        let mut ping = self.ping.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, asked)) = ping.take_if(|(asked, _)| *asked == number) else { return };
        let micros = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.round_trip.store(micros.max(1), Ordering::Relaxed);
    }

    /// The peer says how far it has come.
    pub(crate) fn on_height(&self, height: Height) {
        self.height.fetch_max(height.get(), Ordering::Relaxed);
    }

    /// How far the peer says it has come. A hint.
    pub(crate) fn height(&self) -> Height {
        Height::new(self.height.load(Ordering::Relaxed))
    }

    /// The last round trip.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        let micros = self.round_trip.load(Ordering::Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }
}
