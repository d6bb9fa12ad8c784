//! What the network hands to the replica: votes before proposals before bulk, and connections coming and going.
//!
//! Each peer has its own share of every class, so nobody fills the queues for the others. When a peer's share of
//! votes or proposals is used up, its connection is not read until the replica has taken some; bulk beyond the
//! share is dropped and counted, so that it never holds up a vote. Changes of connections are never dropped: for
//! one peer at most two wait, because a connection that came and went unseen is not worth telling.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use quorate_core::{effect::PeerEvent, frame::Class, message::Message, types::PeerId};
use tokio::sync::{Notify, oneshot};

use super::options::{Bound, PerClass, Room};

/// One thing that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A connection came or went.
    Peer(PeerEvent),
    /// A message, decoded and within the limits.
    Received {
        /// Who sent it, proven by TLS.
        from: PeerId,
        /// What it says.
        message: Message,
    },
}

/// How much may wait for the replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboundLimits {
    /// Of one member.
    pub peer: Room,
    /// Of one peer that is no member.
    pub peer_full: Room,
    /// Of all peers that are no members, together: of bulk they may hold this much.
    pub full: Bound,
}

impl Default for InboundLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            peer: PerClass {
                votes: Bound { messages: 1_024, bytes: 4 * MIB },
                proposals: Bound { messages: 64, bytes: 12 * MIB },
                bulk: Bound { messages: 64, bytes: 12 * MIB },
            },
            peer_full: PerClass {
                votes: Bound { messages: 64, bytes: MIB / 4 },
                proposals: Bound { messages: 1, bytes: MIB / 4 },
                bulk: Bound { messages: 64, bytes: 2 * MIB },
            },
            full: Bound { messages: 512, bytes: 48 * MIB },
        }
    }
}

/// Two ends of what waits for the replica.
#[must_use]
pub fn inbound(limits: InboundLimits) -> (Inbound, InboundReceiver) {
    let shared = Arc::new(Shared { limits, state: Mutex::default(), arrived: Notify::new() });
    (Inbound { handle: Arc::new(Handle(Arc::clone(&shared))) }, InboundReceiver { shared })
}

/// Where connections put what came.
#[derive(Clone, Debug)]
pub struct Inbound {
    handle: Arc<Handle>,
}

/// Where the replica takes it.
#[derive(Debug)]
pub struct InboundReceiver {
    shared: Arc<Shared>,
}

/// Closes the queue when the last one who could put something in is gone.
#[derive(Debug)]
struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[derive(Debug)]
struct Shared {
    limits: InboundLimits,
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    events: VecDeque<PeerEvent>,
    queues: PerClass<VecDeque<Item>>,
    /// What each peer has waiting. No entry: nothing.
    shares: BTreeMap<PeerId, Share>,
    /// What those that are no members have waiting.
    full: Waiting,
}

#[derive(Debug)]
struct Item {
    from: PeerId,
    message: Message,
    bytes: usize,
    is_member: bool,
}

#[derive(Debug, Default)]
struct Share {
    waiting: PerClass<Waiting>,
    /// To be told when some of it was taken: each connection of the peer that waits for that. While one takes the
    /// place of another there may be two, and either may be the one that is read on.
    rooms: Vec<oneshot::Sender<()>>,
}

impl Share {
    /// Tells whoever waits that some of it was taken.
    fn tell(&mut self) {
        for room in self.rooms.drain(..) {
            // Its connection may have ended.
            let _ = room.send(());
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Waiting {
    messages: usize,
    bytes: usize,
}

impl Waiting {
    fn has_room(self, bound: Bound, length: usize) -> bool {
        bound.has_room(self.messages, self.bytes, length)
    }

    fn add(&mut self, length: usize) {
        self.messages += 1;
        self.bytes += length;
    }

    fn remove(&mut self, length: usize) {
        assert!(self.messages > 0 && self.bytes >= length, "{self:?} never held {length} bytes");
        self.messages -= 1;
        self.bytes -= length;
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// It waits for the replica.
    Queued,
    /// No room: dropped.
    Dropped,
    /// Nobody takes anything any more.
    Closed,
}

enum Offer {
    Done(Delivery),
    Wait(Item, oneshot::Receiver<()>),
}

impl Shared {
    /// A panic elsewhere leaves plain data behind, and every change is one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for share in state.shares.values_mut() {
            share.tell();
        }
        drop(state);
        self.arrived.notify_one();
    }

    fn offer(&self, class: Class, item: Item) -> Offer {
        let mut state = self.lock();
        if state.closed {
            return Offer::Done(Delivery::Closed);
        }
        let (from, length) = (item.from, item.bytes);
        let full = item.is_member || state.full.has_room(self.limits.full, length);
        let share = state.shares.entry(from).or_default();
        let limits = if item.is_member { &self.limits.peer } else { &self.limits.peer_full };
        if !share.waiting.of(class).has_room(*limits.of(class), length) || !full {
            if class == Class::Bulk || !full {
                if share.waiting == PerClass::default() {
                    state.shares.remove(&from);
                }
                return Offer::Done(Delivery::Dropped);
            }
            let (told, room) = oneshot::channel();
            share.rooms.retain(|room| !room.is_closed());
            share.rooms.push(told);
            return Offer::Wait(item, room);
        }
        share.waiting.of_mut(class).add(length);
        if !item.is_member {
            state.full.add(length);
        }
        state.queues.of_mut(class).push_back(item);
        drop(state);
        self.arrived.notify_one();
        Offer::Done(Delivery::Queued)
    }
}

impl State {
    fn pop(&mut self, bulk: bool) -> Option<Arrival> {
        if let Some(event) = self.events.pop_front() {
            return Some(Arrival::Peer(event));
        }
        for class in Class::MESSAGES {
            if class == Class::Bulk && !bulk {
                break;
            }
            let Some(item) = self.queues.of_mut(class).pop_front() else { continue };
            self.release(class, &item);
            return Some(Arrival::Received { from: item.from, message: item.message });
        }
        None
    }

    fn release(&mut self, class: Class, item: &Item) {
        if !item.is_member {
            self.full.remove(item.bytes);
        }
        let share = self.shares.get_mut(&item.from);
        let share = share.unwrap_or_else(|| panic!("{:?} has something waiting", item.from));
        share.waiting.of_mut(class).remove(item.bytes);
        share.tell();
        if share.waiting == PerClass::default() {
            self.shares.remove(&item.from);
        }
    }
}

impl Inbound {
    /// Hands over a message; waits while its sender has too much waiting, unless it is bulk.
    pub(crate) async fn deliver(
        &self,
        from: PeerId,
        is_member: bool,
        class: Class,
        message: Message,
        bytes: usize,
    ) -> Delivery {
        let mut item = Item { from, message, bytes, is_member };
        loop {
            match self.handle.0.offer(class, item) {
                Offer::Done(delivery) => return delivery,
                Offer::Wait(again, room) => {
                    // Told, or gone with the whole share: either way it is worth another try.
                    let _told = room.await;
                    item = again;
                }
            }
        }
    }

    /// Tells that a peer can be reached.
    pub(crate) fn connected(&self, peer: PeerId) {
        let shared = &self.handle.0;
        shared.lock().events.push_back(PeerEvent::Connected(peer));
        shared.arrived.notify_one();
    }

    /// Tells that a peer cannot be reached any more.
    pub(crate) fn lost(&self, peer: PeerId) {
        let shared = &self.handle.0;
        let mut state = shared.lock();
        let last = state.events.iter().rposition(|event| match event {
            PeerEvent::Connected(other) | PeerEvent::Lost(other) => *other == peer,
        });
        match last.map(|place| (place, state.events[place])) {
            // It came and went before anybody looked.
            Some((place, PeerEvent::Connected(_))) => {
                state.events.remove(place);
            }
            _ => state.events.push_back(PeerEvent::Lost(peer)),
        }
        drop(state);
        shared.arrived.notify_one();
    }

    /// Nothing more will come; what waits can still be taken.
    pub(crate) fn close(&self) {
        self.handle.0.close();
    }
}

impl InboundReceiver {
    /// The next thing: connections, then votes, proposals and, if asked for, bulk. `None` when the network is gone
    /// and nothing is left. Nothing is lost when the future is dropped.
    pub async fn next(&mut self, bulk: bool) -> Option<Arrival> {
        loop {
            {
                let mut state = self.shared.lock();
                if let Some(arrival) = state.pop(bulk) {
                    return Some(arrival);
                }
                if state.closed {
                    return None;
                }
            }
            self.shared.arrived.notified().await;
        }
    }

    /// The next thing, if there is one now.
    pub fn try_next(&mut self, bulk: bool) -> Option<Arrival> {
        self.shared.lock().pop(bulk)
    }

    /// Messages that wait, by class.
    #[must_use]
    pub fn waiting(&self) -> PerClass<usize> {
        let state = self.shared.lock();
        PerClass::from_fn(|class| state.queues.of(class).len())
    }
}

impl Drop for InboundReceiver {
    fn drop(&mut self) {
        self.shared.close();
    }
}

#[cfg(test)]
mod tests;
