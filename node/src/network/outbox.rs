//! What waits to be sent to one peer, and the order in which it goes.
//!
//! Votes go before proposals and those before bulk, a chunk at a time. Nothing here waits: when a class is full,
//! the oldest vote or proposal is dropped, since newer ones say more, and of bulk the newest. Drops are counted.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use quorate_core::{
    frame::{CHUNK_BYTES_MAX, Class, append_frame},
    types::Height,
};
use tokio::sync::Notify;

use super::{
    control::{Control, Farewell},
    options::{PerClass, Room},
    pack::Outgoing,
};

/// A write is about this long, if there is so much to say, and longer by at most one chunk.
const WRITE_BYTES: usize = 16 * 1024;

/// Votes may fill a write up to here: they are what everybody waits for.
const WRITE_VOTES_BYTES: usize = 64 * 1024;

/// What waits to be sent to one peer.
#[derive(Debug)]
pub(crate) struct Outbox {
    room: Room,
    state: Mutex<State>,
    /// Told when there is something to write.
    pub(crate) wake: Notify,
    /// Told when there is a farewell to say.
    leaving: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// At most one of each: a newer one replaces it.
    ping: Option<u64>,
    pong: Option<u64>,
    height: Option<Height>,
    farewell: Option<Farewell>,
    lanes: PerClass<Lane>,
}

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Arc<Outgoing>>,
    /// The one of which some chunks are sent, and how far.
    current: Option<(Arc<Outgoing>, usize)>,
    bytes: usize,
}

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Write what was appended.
    Write,
    /// Write what was appended, and nothing ever after.
    Last(Farewell),
    /// Pack this first, where that takes no Tokio worker; meanwhile more urgent things may come.
    Pack(Arc<Outgoing>),
    /// Wait to be woken.
    Idle,
}

impl Outbox {
    pub(crate) fn new(room: Room) -> Self {
        Self { room, state: Mutex::default(), wake: Notify::new(), leaving: Notify::new() }
    }

    /// A panic elsewhere leaves plain data behind, and every change is one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a message; returns how many were dropped for want of room.
    pub(crate) fn push(&self, outgoing: &Arc<Outgoing>) -> u64 {
        let (class, length) = (outgoing.class, outgoing.length());
        let room = self.room.of(class);
        let mut state = self.lock();
        let lane = state.lanes.of_mut(class);
        let mut dropped = 0;
        while !room.has_room(lane.messages(), lane.bytes, length) {
            let oldest = if class == Class::Bulk { None } else { lane.waiting.pop_front() };
            // What is partly sent has to be sent whole, so nothing older can make room.
            let Some(oldest) = oldest else { return dropped + 1 };
            lane.bytes -= oldest.length();
            dropped += 1;
        }
        lane.bytes += length;
        lane.waiting.push_back(Arc::clone(outgoing));
        drop(state);
        self.wake.notify_one();
        dropped
    }

    /// Asks the peer for a sign of life.
    pub(crate) fn ping(&self, number: u64) {
        self.lock().ping = Some(number);
        self.wake.notify_one();
    }

    /// Gives the peer one.
    pub(crate) fn pong(&self, number: u64) {
        self.lock().pong = Some(number);
        self.wake.notify_one();
    }

    /// Tells the peer how far this node has come.
    pub(crate) fn height(&self, height: Height) {
        self.lock().height = Some(height);
        self.wake.notify_one();
    }

    /// Says why the connection ends, before anything else that waits.
    pub(crate) fn farewell(&self, why: Farewell) {
        self.lock().farewell.get_or_insert(why);
        self.wake.notify_one();
        self.leaving.notify_one();
    }

    /// Waits until there is a farewell to say.
    pub(crate) async fn leaving(&self) -> Farewell {
        loop {
            if let Some(why) = self.lock().farewell {
                return why;
            }
            self.leaving.notified().await;
        }
    }

    /// Bytes that wait, by class.
    pub(crate) fn bytes(&self) -> PerClass<usize> {
        let state = self.lock();
        PerClass::from_fn(|class| state.lanes.of(class).bytes)
    }

    /// Appends the next write to `out`, which is empty. `packing` leaves bulk alone.
    pub(crate) fn fill(&self, out: &mut Vec<u8>, packing: bool) -> Next {
        let mut state = self.lock();
        if let Some(why) = state.farewell {
            Control::Bye(why).append(out);
            return Next::Last(why);
        }
        if let Some(number) = state.pong.take() {
            Control::Pong(number).append(out);
        }
        if let Some(number) = state.ping.take() {
            Control::Ping(number).append(out);
        }
        if let Some(height) = state.height.take() {
            Control::Height(height).append(out);
        }
        while out.len() < WRITE_VOTES_BYTES && state.lanes.votes.append(out) {}
        while out.len() < WRITE_BYTES && state.lanes.proposals.append(out) {}
        while !packing && out.len() < WRITE_BYTES {
            if let Some(outgoing) = state.lanes.bulk.unpacked() {
                return if out.is_empty() { Next::Pack(outgoing) } else { Next::Write };
            }
            if !state.lanes.bulk.append(out) {
                break;
            }
        }
        if out.is_empty() { Next::Idle } else { Next::Write }
    }
}

impl Lane {
    /// Messages that wait or are partly sent.
    fn messages(&self) -> usize {
        self.waiting.len() + usize::from(self.current.is_some())
    }

    /// The next message, if it has to be packed first and that takes long.
    fn unpacked(&self) -> Option<Arc<Outgoing>> {
        let next = self.waiting.front().filter(|_| self.current.is_none())?;
        next.needs_thread().then(|| Arc::clone(next))
    }

    /// Appends one frame; returns false if there is none.
    fn append(&mut self, out: &mut Vec<u8>) -> bool {
        let next = self.current.take().or_else(|| Some((self.waiting.pop_front()?, 0)));
        let Some((outgoing, offset)) = next else { return false };
        let (body, packed) = outgoing.body();
        let length = body.len();
        out.reserve(CHUNK_BYTES_MAX.min(length - offset));
        let offset = append_frame(out, outgoing.class, packed, body, offset);
        if offset == length {
            self.bytes -= outgoing.length();
        } else {
            self.current = Some((outgoing, offset));
        }
        true
    }
}

#[cfg(test)]
mod tests;
