//! The network as a value: links, what is in flight, and what becomes of every message.
//!
//! One heap holds everything in flight, ordered by (arrival, from, to, place on the link, copy),
//! which is canonical: it never depends on the order of insertion. A message's fate is looked up by
//! its link and its place on it; each fault that touches a link asks with a key of its own, so
//! removing one fault leaves the fates the others decide as they were. Knows nothing of what a
//! message says, of madsim, or of who is alive: a machine that goes down is disconnected by its
//! owner.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BinaryHeap},
};

use quorate_core::random::Seed;

use super::{delay::sample, keyed::Key};
use crate::scenario::{Distribution, LinkModel, Ppm};

/// No message takes less than this. Bounds from below how far the world can run before machines
/// must hear of each other again.
pub const DELAY_FLOOR: u64 = 50_000;

/// How long two machines take to talk again after their connection was reset: a dial and back-off.
pub const RECONNECT_AFTER: u64 = 50_000_000;

/// One simulated machine: a validator, or its twin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Machine(u16);

impl Machine {
    /// Wraps a raw number.
    #[must_use]
    pub const fn new(raw: u16) -> Self {
        Self(raw)
    }

    /// The raw number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// As a place in a vector with one entry per machine.
    #[must_use]
    pub fn place(self) -> usize {
        usize::from(self.0)
    }
}

/// What a fault does to a link while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// Loses messages.
    Drop(Ppm),
    /// Doubles messages.
    Duplicate(Ppm),
    /// Replaces the link's delay.
    Delay(Distribution),
    /// Holds some of them back.
    Reorder {
        /// How likely.
        p: Ppm,
        /// For how long.
        by: Distribution,
    },
    /// Breaks frames.
    Corrupt(Ppm),
    /// Narrows the link, in bytes a second.
    Bandwidth(u64),
    /// Lets nothing through.
    Block {
        /// Whether what is already on its way still arrives.
        keep_in_flight: bool,
    },
    /// Holds everything, and lets it go in order when it ends.
    Clog,
}

/// Why a message did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// The link loses messages.
    Dropped,
    /// A fault blocks the link.
    Blocked,
    /// Its frame broke, and the connection with it.
    Corrupted,
    /// The connection was reset while it was on its way.
    Reset,
    /// There was no connection to send it over, or nobody at its end.
    NotConnected,
    /// It did not survive the codec.
    Undecodable,
}

/// Names a fault to the network, so that it can be ended. Also keys its draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultId(pub u32);

/// One message on its way.
#[derive(Clone, Debug)]
pub struct Flight<M> {
    /// When it arrives.
    pub arrival: u64,
    /// Who sent it.
    pub from: Machine,
    /// Who gets it.
    pub to: Machine,
    /// Its place among all messages ever sent on this link.
    pub place: u64,
    /// When it was sent.
    pub sent: u64,
    copy: u8,
    corrupt: bool,
    /// What it carries.
    pub body: M,
}

impl<M> Flight<M> {
    fn key(&self) -> (u64, Machine, Machine, u64, u8) {
        (self.arrival, self.from, self.to, self.place, self.copy)
    }
}

impl<M> PartialEq for Flight<M> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<M> Eq for Flight<M> {}

impl<M> PartialOrd for Flight<M> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<M> Ord for Flight<M> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// What came off the heap.
#[derive(Debug)]
pub enum Landing<M> {
    /// It arrived.
    Arrived(Flight<M>),
    /// It did not.
    Lost(Flight<M>, Loss),
    /// Its frame broke: both ends lose the connection now, and have it back at the given time.
    Reset(Flight<M>, u64),
}

/// What was decided when a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is on its way.
    Travels {
        /// When it will arrive, unless something comes between.
        arrival: u64,
        /// When a second copy will.
        again: Option<u64>,
    },
    /// It is gone.
    Lost(Loss),
}

/// Running totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkCounts {
    /// Messages handed to the network.
    pub sent: u64,
    /// Messages handed to their recipient, copies included.
    pub arrived: u64,
    /// Messages lost for whatever reason.
    pub lost: u64,
    /// Second copies made.
    pub duplicated: u64,
}

#[derive(Debug)]
struct Link {
    key: Key,
    /// Its model, as a place in the network's list.
    model: usize,
    sent: u64,
    /// When the sender has put everything so far on the wire.
    busy_until: u64,
    overlays: Vec<(FaultId, Overlay)>,
    blocks: u16,
    clogs: u16,
    /// Flights sent before this and not yet arrived are lost, for the reason given.
    lost_before: (u64, Loss),
    /// There is no connection from the first time to the second.
    down: (u64, u64),
}

/// All links between all machines.
#[derive(Debug)]
pub struct Network<M> {
    machines: u16,
    models: Vec<LinkModel>,
    links: Vec<Link>,
    in_flight: BinaryHeap<Reverse<Flight<M>>>,
    held: BTreeMap<(Machine, Machine), Vec<Flight<M>>>,
    counts: NetworkCounts,
    lookahead: u64,
}

/// Purposes of draws, one per question that is asked about a message.
mod purpose {
    pub(super) const DELAY: u64 = 1;
    pub(super) const DROP: u64 = 2;
    pub(super) const DUPLICATE: u64 = 3;
    pub(super) const DUPLICATE_DELAY: u64 = 4;
    pub(super) const REORDER: u64 = 5;
    pub(super) const REORDER_BY: u64 = 6;
    pub(super) const CORRUPT: u64 = 7;
}

impl<M: Clone> Network<M> {
    /// A full mesh of equal links in which everybody is connected.
    #[must_use]
    pub fn new(machines: u16, model: LinkModel, seed: &Seed) -> Self {
        let entity = |from: u16, to: u16| (u64::from(from) << 16) | u64::from(to);
        let links = (0..machines)
            .flat_map(|from| (0..machines).map(move |to| (from, to)))
            .map(|(from, to)| Link {
                key: Key::new(seed, "link", entity(from, to)),
                model: 0,
                sent: 0,
                busy_until: 0,
                overlays: Vec::new(),
                blocks: 0,
                clogs: 0,
                lost_before: (0, Loss::Reset),
                down: (0, 0),
            })
            .collect();
        Self {
            machines,
            models: vec![model],
            links,
            in_flight: BinaryHeap::new(),
            held: BTreeMap::new(),
            counts: NetworkCounts::default(),
            lookahead: DELAY_FLOOR,
        }
        .measured()
    }

    /// Makes all links alike from now on. What is in flight is not affected.
    pub fn become_like(&mut self, model: LinkModel) {
        self.models = vec![model];
        for link in &mut self.links {
            link.model = 0;
        }
        self.measure();
    }

    /// Makes some links unlike the others.
    pub fn set_links(
        &mut self,
        model: LinkModel,
        links: impl IntoIterator<Item = (Machine, Machine)>,
    ) {
        self.models.push(model);
        for (from, to) in links {
            let place = self.place(from, to);
            self.links[place].model = self.models.len() - 1;
        }
        self.measure();
    }

    /// The least time any message sent from now on can take: nothing a machine does within this
    /// time can reach another.
    #[must_use]
    pub fn lookahead(&self) -> u64 {
        self.lookahead
    }

    /// Totals so far.
    #[must_use]
    pub fn counts(&self) -> NetworkCounts {
        self.counts
    }

    /// How many messages are on their way or held.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len() + self.held.values().map(Vec::len).sum::<usize>()
    }

    /// When the next message arrives.
    #[must_use]
    pub fn next_arrival(&self) -> Option<u64> {
        self.in_flight.peek().map(|Reverse(flight)| flight.arrival)
    }

    /// Whether anything sent now from one machine to another could arrive.
    #[must_use]
    pub fn is_open(&self, from: Machine, to: Machine) -> bool {
        self.links[self.place(from, to)].blocks == 0
    }

    /// Decides what becomes of a message sent at `sent`, and puts it on its way. `bytes` is asked
    /// only if the link has a bandwidth.
    pub fn send(
        &mut self,
        from: Machine,
        to: Machine,
        sent: u64,
        bytes: impl FnOnce() -> u64,
        body: M,
    ) -> Fate {
        let place = self.place(from, to);
        let link = &mut self.links[place];
        let at = link.sent;
        link.sent += 1;
        self.counts.sent += 1;
        let verdict = link.judge(&self.models, at, sent, bytes);
        let course = match verdict {
            Ok(course) => course,
            Err(loss) => {
                self.counts.lost += 1;
                return Fate::Lost(loss);
            }
        };
        let mut flight = Flight {
            arrival: course.arrival,
            from,
            to,
            place: at,
            sent,
            copy: 0,
            corrupt: course.corrupt,
            body,
        };
        if let Some(arrival) = course.again {
            self.counts.duplicated += 1;
            let second = Flight { arrival, copy: 1, corrupt: false, ..flight.clone() };
            self.in_flight.push(Reverse(second));
        }
        flight.copy = 0;
        self.in_flight.push(Reverse(flight));
        Fate::Travels { arrival: course.arrival, again: course.again }
    }

    /// The next thing to arrive before `end`, in canonical order; `None` when there is nothing more.
    pub fn land_before(&mut self, end: u64) -> Option<Landing<M>> {
        loop {
            if self.next_arrival()? >= end {
                return None;
            }
            let Reverse(flight) = self.in_flight.pop()?;
            let place = self.place(flight.from, flight.to);
            let link = &self.links[place];
            if flight.sent < link.lost_before.0 {
                self.counts.lost += 1;
                return Some(Landing::Lost(flight, link.lost_before.1));
            }
            if link.clogs > 0 {
                self.held.entry((flight.from, flight.to)).or_default().push(flight);
                continue;
            }
            if flight.corrupt {
                self.counts.lost += 1;
                let again = self.reset(flight.from, flight.to, flight.arrival);
                return Some(Landing::Reset(flight, again));
            }
            self.counts.arrived += 1;
            return Some(Landing::Arrived(flight));
        }
    }

    /// Starts a fault on some links at time `now`.
    pub fn begin(
        &mut self,
        id: FaultId,
        overlay: Overlay,
        links: impl IntoIterator<Item = (Machine, Machine)>,
        now: u64,
    ) {
        for (from, to) in links {
            let place = self.place(from, to);
            let link = &mut self.links[place];
            link.overlays.push((id, overlay));
            link.overlays.sort_by_key(|(id, _)| *id);
            match overlay {
                Overlay::Block { keep_in_flight } => {
                    link.blocks += 1;
                    if !keep_in_flight {
                        link.lost_before = (now, Loss::Blocked);
                    }
                }
                Overlay::Clog => link.clogs += 1,
                _ => {}
            }
        }
        self.measure();
    }

    /// Ends a fault wherever it is, at time `now`. What a clog held goes on its way in order.
    pub fn end(&mut self, id: FaultId, now: u64) {
        for place in 0..self.links.len() {
            let link = &mut self.links[place];
            let before = link.clogs;
            link.overlays.retain(|(held, overlay)| {
                let ends = *held == id;
                match overlay {
                    Overlay::Block { .. } if ends => link.blocks -= 1,
                    Overlay::Clog if ends => link.clogs -= 1,
                    _ => {}
                }
                !ends
            });
            if before > 0 && link.clogs == 0 {
                self.release(place, now);
            }
        }
        self.measure();
    }

    /// A machine's connections break, because it went down: what was on its way to it is lost, what
    /// it had sent still arrives, and nothing is sent either way until it is connected again.
    pub fn disconnect(&mut self, machine: Machine, now: u64) {
        for other in (0..self.machines).map(Machine) {
            let place = self.place(other, machine);
            self.links[place].lost_before = (now, Loss::Reset);
            self.links[place].down = (now, u64::MAX);
            let place = self.place(machine, other);
            self.links[place].down = (now, u64::MAX);
            self.held.remove(&(other, machine));
        }
    }

    /// A machine is up again; its connections hold from `at`.
    pub fn connect(&mut self, machine: Machine, at: u64) {
        for other in (0..self.machines).map(Machine) {
            for (from, to) in [(other, machine), (machine, other)] {
                let place = self.place(from, to);
                self.links[place].down.1 = at;
            }
        }
    }

    /// Every ordered pair of different machines.
    pub fn all_links(&self) -> impl Iterator<Item = (Machine, Machine)> + use<M> {
        let machines = self.machines;
        (0..machines).flat_map(move |from| {
            (0..machines).filter(move |to| *to != from).map(move |to| (Machine(from), Machine(to)))
        })
    }

    fn measured(mut self) -> Self {
        self.measure();
        self
    }

    /// The least delay that any link's model or any fault's replacement of it allows.
    fn measure(&mut self) {
        let models = self.models.iter().map(|model| model.delay.floor().nanos());
        let overlays = self.links.iter().flat_map(|link| &link.overlays);
        let replaced = overlays.filter_map(|(_, overlay)| match overlay {
            Overlay::Delay(delay) => Some(delay.floor().nanos()),
            _ => None,
        });
        self.lookahead = models.chain(replaced).min().unwrap_or(0).max(DELAY_FLOOR);
    }

    fn reset(&mut self, from: Machine, to: Machine, now: u64) -> u64 {
        let again = now.saturating_add(RECONNECT_AFTER);
        for (from, to) in [(from, to), (to, from)] {
            let place = self.place(from, to);
            let link = &mut self.links[place];
            link.lost_before = (now, Loss::Reset);
            if link.down.1 < again {
                link.down = (now, again);
            }
        }
        again
    }

    fn release(&mut self, place: usize, now: u64) {
        let pair = self.pair(place);
        for (step, mut flight) in (0u64..).zip(self.held.remove(&pair).unwrap_or_default()) {
            flight.arrival = now.saturating_add(step);
            self.in_flight.push(Reverse(flight));
        }
    }

    fn place(&self, from: Machine, to: Machine) -> usize {
        debug_assert!(from.0 < self.machines && to.0 < self.machines, "{from:?} to {to:?}");
        from.place() * usize::from(self.machines) + to.place()
    }

    fn pair(&self, place: usize) -> (Machine, Machine) {
        let machines = usize::from(self.machines);
        let machine = |raw: usize| Machine(u16::try_from(raw).expect("below the machine count"));
        (machine(place / machines), machine(place % machines))
    }
}

/// Where a message that is not lost at once is going.
struct Course {
    arrival: u64,
    again: Option<u64>,
    corrupt: bool,
}

impl Link {
    /// The model's questions first, then every fault's, each fault with its own key.
    fn judge(
        &mut self,
        models: &[LinkModel],
        at: u64,
        sent: u64,
        bytes: impl FnOnce() -> u64,
    ) -> Result<Course, Loss> {
        let model = &models[self.model];
        if self.blocks > 0 {
            return Err(Loss::Blocked);
        }
        if sent >= self.down.0 && sent < self.down.1 {
            return Err(Loss::NotConnected);
        }
        if hit(model.drop, self.key, at, purpose::DROP) {
            return Err(Loss::Dropped);
        }
        let mut delay = sample(&model.delay, self.key.at(at, purpose::DELAY));
        let mut corrupt = hit(model.corrupt, self.key, at, purpose::CORRUPT);
        let mut twice = hit(model.duplicate, self.key, at, purpose::DUPLICATE);
        let mut bandwidth = model.bandwidth;
        let mut held: u64 = 0;
        if hit(model.reorder, self.key, at, purpose::REORDER) {
            held = sample(&model.delay, self.key.at(at, purpose::REORDER_BY));
        }
        for (id, overlay) in &self.overlays {
            let key = self.key.within(u64::from(id.0));
            match overlay {
                Overlay::Drop(p) if hit(*p, key, at, purpose::DROP) => return Err(Loss::Dropped),
                // The draw is the link's own, so that a longer delay has the same shape.
                Overlay::Delay(other) => delay = sample(other, self.key.at(at, purpose::DELAY)),
                Overlay::Reorder { p, by } if hit(*p, key, at, purpose::REORDER) => {
                    held = held.saturating_add(sample(by, key.at(at, purpose::REORDER_BY)));
                }
                Overlay::Corrupt(p) => corrupt |= hit(*p, key, at, purpose::CORRUPT),
                Overlay::Duplicate(p) => twice |= hit(*p, key, at, purpose::DUPLICATE),
                Overlay::Bandwidth(narrow) => {
                    bandwidth = Some(bandwidth.map_or(*narrow, |wide| wide.min(*narrow)));
                }
                Overlay::Drop(_)
                | Overlay::Reorder { .. }
                | Overlay::Block { .. }
                | Overlay::Clog => {}
            }
        }
        let left = bandwidth.map_or(sent, |rate| self.transmit(sent, bytes(), rate));
        let arrival = |delay: u64| left.saturating_add(delay.max(DELAY_FLOOR));
        let copy = sample(&model.delay, self.key.at(at, purpose::DUPLICATE_DELAY));
        let again = twice.then(|| arrival(copy));
        Ok(Course { arrival: arrival(delay).saturating_add(held), again, corrupt })
    }

    /// Puts bytes on the wire behind those already waiting; when the last of them has left.
    fn transmit(&mut self, sent: u64, bytes: u64, rate: u64) -> u64 {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
        let start = self.busy_until.max(sent);
        self.busy_until = start.saturating_add(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.busy_until
    }
}

fn hit(p: Ppm, key: Key, at: u64, purpose: u64) -> bool {
    p != Ppm::NEVER && p.hit(key.at(at, purpose))
}

#[cfg(test)]
mod tests;
