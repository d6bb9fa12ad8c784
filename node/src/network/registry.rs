//! Who is connected, who may be, and who was banned.
//!
//! The one place where connections are admitted and released, under one lock, so that what the replica is told
//! about a peer alternates and is in order. Between two nodes one connection stays; see [`replaces`].

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use quorate_core::types::PeerId;
use tokio::sync::watch;

use super::{
    control::{Farewell, Hello},
    counters::{Cells, count},
    end::End,
    inbound::Inbound,
    link::{Direction, Link, Role},
    options::{NetworkLimits, PeerAddress},
    score::{Offence, Scores},
};

/// The connections by peer, for whoever sends.
pub(crate) type Live = BTreeMap<PeerId, Arc<Link>>;

/// Who is connected, who may be, and who was banned.
#[derive(Debug)]
pub(crate) struct Registry {
    own: PeerId,
    full_slots: usize,
    limits: NetworkLimits,
    inbound: Inbound,
    cells: Arc<Cells>,
    pub(crate) members: BTreeMap<PeerId, MemberEntry>,
    state: Mutex<State>,
    /// A copy of the links for readers that must not wait.
    live: ArcSwap<Live>,
    next_id: AtomicU64,
}

/// A node to keep a connection to.
#[derive(Debug)]
pub(crate) struct MemberEntry {
    pub(crate) address: String,
    pub(crate) is_connected: watch::Sender<bool>,
    /// Why the last try or connection ended, for people.
    pub(crate) last_end: Mutex<Option<String>>,
}

#[derive(Debug, Default)]
struct State {
    is_stopping: bool,
    links: Live,
    scores: Scores,
}

/// One who has introduced itself.
#[derive(Debug)]
pub(crate) struct Introduced {
    pub(crate) peer: PeerId,
    pub(crate) direction: Direction,
    pub(crate) address: SocketAddr,
    pub(crate) hello: Hello,
}

impl Registry {
    pub(crate) fn new(
        own: PeerId,
        members: Vec<PeerAddress>,
        full_slots: u16,
        limits: NetworkLimits,
        inbound: Inbound,
        cells: Arc<Cells>,
    ) -> Self {
        let others = members.into_iter().filter(|member| member.peer != own);
        let entry = |address| MemberEntry {
            address,
            is_connected: watch::Sender::new(false),
            last_end: Mutex::new(None),
        };
        Self {
            own,
            full_slots: usize::from(full_slots),
            limits,
            inbound,
            cells,
            members: others.map(|member| (member.peer, entry(member.address))).collect(),
            state: Mutex::default(),
            live: ArcSwap::default(),
            next_id: AtomicU64::new(1),
        }
    }

    /// A panic elsewhere leaves plain data behind; the links are changed in one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connections there are.
    pub(crate) fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// This node.
    pub(crate) fn own(&self) -> PeerId {
        self.own
    }

    /// What a peer may do here.
    pub(crate) fn role(&self, peer: &PeerId) -> Role {
        if self.members.contains_key(peer) { Role::Member } else { Role::Full }
    }

    /// Lets a connection in, in place of an older one if there is one, or says why not.
    pub(crate) fn admit(&self, introduced: Introduced) -> Result<Arc<Link>, Farewell> {
        let Introduced { peer, direction, address, hello } = introduced;
        let mut state = self.lock();
        if state.is_stopping {
            return Err(Farewell::Stopping);
        }
        if peer == self.own {
            return Err(Farewell::Myself);
        }
        if state.scores.banned_for(Instant::now(), &peer).is_some() {
            return Err(Farewell::Banned);
        }
        let role = self.role(&peer);
        if let Some(old) = state.links.get(&peer) {
            if !self.replaces(old, direction, hello.instance) {
                return Err(Farewell::Duplicate);
            }
            let old = Arc::clone(old);
            old.outbox.farewell(Farewell::Duplicate);
            self.remove(&mut state, &old);
        } else if role == Role::Full {
            let taken = state.links.values().filter(|link| link.role == Role::Full).count();
            if taken >= self.full_slots {
                return Err(Farewell::NoSlot);
            }
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let room = self.limits.outbox;
        let link = Arc::new(Link::new(id, (peer, role), (direction, address), hello, room));
        state.links.insert(peer, Arc::clone(&link));
        self.live.store(Arc::new(state.links.clone()));
        self.inbound.connected(peer);
        count(&self.cells.connected, 1);
        if let Some(member) = self.members.get(&peer) {
            member.is_connected.send_replace(true);
        }
        Ok(link)
    }

    /// Whether a new connection takes the place of an old one to the same peer.
    ///
    /// Both sides of two connections made at the same time decide alike: the one dialed by the smaller key stays.
    /// Otherwise the newer one does, because nobody dials who has a connection: the peer was started again, or its
    /// side of the old one is dead.
    fn replaces(&self, old: &Link, direction: Direction, instance: u64) -> bool {
        let is_settled = old.since.elapsed() > self.limits.introduction * 2;
        if old.hello.instance != instance || is_settled || old.direction == direction {
            return true;
        }
        match direction {
            Direction::Outbound => self.own < old.peer,
            Direction::Inbound => old.peer < self.own,
        }
    }

    /// Forgets a connection that ended, unless another has taken its place.
    pub(crate) fn release(&self, link: &Link) {
        let mut state = self.lock();
        if state.links.get(&link.peer).is_some_and(|current| current.id == link.id) {
            self.remove(&mut state, link);
        }
    }

    fn remove(&self, state: &mut State, link: &Link) {
        state.links.remove(&link.peer);
        self.live.store(Arc::new(state.links.clone()));
        self.inbound.lost(link.peer);
        count(&self.cells.lost, 1);
        if let Some(member) = self.members.get(&link.peer) {
            member.is_connected.send_replace(false);
        }
    }

    /// Counts an offence, and bans whoever has too many.
    pub(crate) fn offend(&self, peer: PeerId, offence: Offence) {
        count(&self.cells.offences, 1);
        tracing::debug!(?peer, %offence, "offence");
        let first_ban = match self.role(&peer) {
            Role::Member => self.limits.ban_member,
            Role::Full => self.limits.ban_full,
        };
        let mut state = self.lock();
        let banned = state.scores.add(Instant::now(), peer, offence, first_ban);
        let Some(length) = banned else { return };
        if let Some(link) = state.links.get(&peer) {
            link.outbox.farewell(Farewell::Banned);
        }
        drop(state);
        count(&self.cells.banned, 1);
        tracing::warn!(?peer, %offence, ?length, "banned for a while");
    }

    /// How long a peer is banned still.
    pub(crate) fn banned_for(&self, peer: &PeerId) -> Option<Duration> {
        self.lock().scores.banned_for(Instant::now(), peer)
    }

    /// Points of a peer.
    pub(crate) fn points(&self, peer: &PeerId) -> u32 {
        self.lock().scores.points(Instant::now(), peer)
    }

    /// Keeps why a try or a connection ended.
    pub(crate) fn note_end(&self, peer: &PeerId, end: &End) -> bool {
        let Some(member) = self.members.get(peer) else { return true };
        let mut last = member.last_end.lock().unwrap_or_else(PoisonError::into_inner);
        let end = end.to_string();
        let is_new = last.as_ref() != Some(&end);
        *last = Some(end);
        is_new
    }

    /// Ends every connection and admits no more.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.is_stopping = true;
        for link in state.links.values() {
            link.outbox.farewell(Farewell::Stopping);
        }
    }
}

#[cfg(test)]
mod tests;
