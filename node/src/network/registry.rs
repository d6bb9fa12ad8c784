//! Who is connected, who may be, and who was banned.
//!
//! The one place where connections are admitted and released, under one lock, so that what the replica is told
//! about a peer alternates and is in order. Between two nodes one connection stays; see [`replaces`].

use std::{
    collections::{BTreeMap, BTreeSet},
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
    options::{NetworkLimits, NetworkOptions, PeerAddress},
    score::{Offence, Offender, Scores},
    site::{Sites, site},
};

/// The connections by peer, for whoever sends.
pub(crate) type Live = BTreeMap<PeerId, Arc<Link>>;

/// Who is connected, who may be, and who was banned.
#[derive(Debug)]
pub(crate) struct Registry {
    own: PeerId,
    committee: BTreeSet<PeerId>,
    full_slots: usize,
    limits: NetworkLimits,
    inbound: Inbound,
    cells: Arc<Cells>,
    /// The nodes to keep a connection to.
    pub(crate) wanted: BTreeMap<PeerId, Wanted>,
    /// Where known nodes are.
    pub(crate) sites: Sites,
    state: Mutex<State>,
    /// A copy of the links for readers that must not wait.
    live: ArcSwap<Live>,
    next_id: AtomicU64,
}

/// A node to keep a connection to.
#[derive(Debug)]
pub(crate) struct Wanted {
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
        options: NetworkOptions,
        inbound: Inbound,
        cells: Arc<Cells>,
    ) -> Self {
        let NetworkOptions { committee, peers, full_slots, limits, .. } = options;
        let sites = Sites::default();
        let others = peers.into_iter().filter(|peer| peer.peer != own);
        let entry = |peer: PeerAddress| {
            // Names are looked up when they are dialed.
            if let Ok(address) = peer.address.parse() {
                sites.resolved(peer.peer, &[address]);
            }
            let (is_connected, last_end) = (watch::Sender::new(false), Mutex::new(None));
            (peer.peer, Wanted { address: peer.address, is_connected, last_end })
        };
        let wanted = others.map(entry).collect();
        Self {
            own,
            committee,
            full_slots: usize::from(full_slots),
            limits,
            inbound,
            cells,
            wanted,
            sites,
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

    /// What a node may do on this chain.
    pub(crate) fn role(&self, peer: &PeerId) -> Role {
        if self.committee.contains(peer) { Role::Member } else { Role::Full }
    }

    /// Members without an address: they have to call.
    pub(crate) fn unlisted(&self) -> usize {
        let is_unlisted = |peer: &&PeerId| **peer != self.own && !self.wanted.contains_key(*peer);
        self.committee.iter().filter(is_unlisted).count()
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
        let role = self.role(&peer);
        let now = Instant::now();
        let mut offenders = self.offenders(peer, role, Some(address));
        if offenders.any(|offender| state.scores.banned_for(now, offender).is_some()) {
            return Err(Farewell::Banned);
        }
        if let Some(old) = state.links.get(&peer) {
            if !self.replaces(old, direction, hello.instance) {
                return Err(Farewell::Duplicate);
            }
            let old = Arc::clone(old);
            old.outbox.farewell(Farewell::Duplicate);
            self.remove(&mut state, &old);
        } else if !self.has_slot(&state, &peer, role, address) {
            return Err(Farewell::NoSlot);
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let room = match role {
            Role::Member => self.limits.outbox,
            Role::Full => self.limits.outbox_full,
        };
        let link = Arc::new(Link::new(id, (peer, role), (direction, address), hello, room));
        state.links.insert(peer, Arc::clone(&link));
        self.live.store(Arc::new(state.links.clone()));
        self.inbound.connected(peer);
        count(&self.cells.connected, 1);
        if role == Role::Member {
            self.sites.connected(peer, address);
        }
        if let Some(wanted) = self.wanted.get(&peer) {
            wanted.is_connected.send_replace(true);
        }
        Ok(link)
    }

    /// Whether there is room for one more connection. Members and those in the list have slots of their own; of the
    /// others nobody at one address may take more than a quarter, unless that is this very host.
    fn has_slot(&self, state: &State, peer: &PeerId, role: Role, address: SocketAddr) -> bool {
        let is_guest = |peer: &PeerId, role| role == Role::Full && !self.wanted.contains_key(peer);
        if !is_guest(peer, role) {
            return true;
        }
        let guests = state.links.values().filter(|link| is_guest(&link.peer, link.role));
        let own = site(address.ip());
        let (mut all, mut here) = (0, 0);
        for guest in guests {
            all += 1;
            here += usize::from(site(guest.address.ip()) == own);
        }
        let here_max = (self.full_slots / 4).max(1);
        all < self.full_slots && (here < here_max || own.is_loopback())
    }

    /// In whose names a peer's offences are counted.
    fn offenders(
        &self,
        peer: PeerId,
        role: Role,
        address: Option<SocketAddr>,
    ) -> impl Iterator<Item = Offender> + use<> {
        let site = address.filter(|_| role == Role::Full).map(|one| Offender::Site(site(one.ip())));
        [Some(Offender::Peer(peer)), site].into_iter().flatten()
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
        if let Some(wanted) = self.wanted.get(&link.peer) {
            wanted.is_connected.send_replace(false);
        }
    }

    /// Counts an offence, and bans whoever has too many.
    pub(crate) fn offend(&self, peer: PeerId, offence: Offence) {
        count(&self.cells.offences, 1);
        tracing::debug!(?peer, %offence, "offence");
        let role = self.role(&peer);
        let first_ban = match role {
            Role::Member => self.limits.ban_member,
            Role::Full => self.limits.ban_full,
        };
        let mut state = self.lock();
        let address = state.links.get(&peer).map(|link| link.address);
        for offender in self.offenders(peer, role, address) {
            let banned = state.scores.add(Instant::now(), offender, offence, first_ban);
            let Some(length) = banned else { continue };
            for link in state.links.values().filter(|link| is_by(link, offender)) {
                link.outbox.farewell(Farewell::Banned);
            }
            count(&self.cells.banned, 1);
            tracing::warn!(?offender, %offence, ?length, "banned for a while");
        }
    }

    /// How long a peer is banned still.
    pub(crate) fn banned_for(&self, peer: &PeerId) -> Option<Duration> {
        self.lock().scores.banned_for(Instant::now(), Offender::Peer(*peer))
    }

    /// Points of a peer.
    pub(crate) fn points(&self, peer: &PeerId) -> u32 {
        self.lock().scores.points(Instant::now(), Offender::Peer(*peer))
    }

    /// Keeps why a try or a connection ended.
    pub(crate) fn note_end(&self, peer: &PeerId, end: &End) -> bool {
        let Some(wanted) = self.wanted.get(peer) else { return true };
        let mut last = wanted.last_end.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Whether a connection ends when that offender is banned.
fn is_by(link: &Link, offender: Offender) -> bool {
    match offender {
        Offender::Peer(peer) => link.peer == peer,
        Offender::Site(banned) => link.role == Role::Full && site(link.address.ip()) == banned,
    }
}

#[cfg(test)]
mod tests;
