//! The network as a madsim plugin, and the windows in which machines run.
//!
//! Conservative parallel simulation (Chandy and Misra, 1979, without null messages): nothing a
//! machine does can reach another before the network's least delay has passed. So the pump takes a
//! window no wider than that, puts everything that arrives in it into the machines' stations, wakes
//! each machine that has something to do once, and waits until all have gone through the window.
//! What they sent is put on its way afterwards and arrives behind the window. Timestamps are exact
//! whatever madsim's own timer granularity: madsim's clock only paces. Machines share nothing during
//! a window, so the order in which madsim runs them does not matter.

use std::{
    sync::{Arc, Mutex},
    task::{Poll, Waker},
    time::Duration,
};

use madsim::{
    plugin::Simulator,
    rand::GlobalRng,
    task::NodeId,
    time::{TimeHandle, sleep},
};
use quorate_core::{random::Seed, transaction::Transaction};

use super::{
    lock,
    network::{Fate, Landing, Loss, Machine, Network},
};
use crate::{
    scenario::LinkModel,
    trace::{Parcel, What},
};

/// A message as it travels.
#[derive(Clone, Debug)]
pub struct Cargo {
    /// The message.
    pub parcel: Parcel,
    /// Its length; 0 if nobody asked.
    pub bytes: u32,
}

/// Something that reaches a machine from outside.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When.
    pub at: u64,
    /// What.
    pub what: Incoming,
}

/// What reaches a machine.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// A message.
    Message(Machine, Cargo),
    /// A machine can be reached from now on.
    Connected(Machine),
    /// A machine cannot be reached any more.
    Lost(Machine),
    /// A client hands in a transaction.
    Submitted(Arc<Transaction>),
}

/// A message a machine sends.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// When it leaves.
    pub at: u64,
    /// Where it goes.
    pub to: Machine,
    /// What it is.
    pub cargo: Cargo,
}

/// Something a machine did, for the trace.
#[derive(Clone, Debug)]
pub struct Note {
    /// When.
    pub at: u64,
    /// What.
    pub what: What,
}

/// Something other than one arrival that became of a message.
#[derive(Clone, Debug)]
pub struct Incident {
    /// When that was clear.
    pub at: u64,
    /// Who sent it.
    pub from: Machine,
    /// Who should get it.
    pub to: Machine,
    /// Why it does not arrive; `None` if it arrives twice.
    pub loss: Option<Loss>,
    /// The message.
    pub parcel: Parcel,
}

/// Whether a machine takes part in windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It runs.
    Up,
    /// It does nothing; what reaches it waits.
    Paused,
    /// It is off; what reaches it is lost.
    #[default]
    Down,
}

/// Where the pump and one machine meet.
#[derive(Clone, Debug)]
pub struct Station {
    desk: Arc<Mutex<Desk>>,
    gate: Arc<Mutex<Gate>>,
}

#[derive(Debug, Default)]
struct Desk {
    arrivals: Vec<Arrival>,
    window: Option<Window>,
    waker: Option<Waker>,
    outgoing: Vec<Outgoing>,
    notes: Vec<Note>,
    incidents: Vec<Incident>,
    next_local: Option<u64>,
}

/// Counts the machines that are still in the window.
#[derive(Debug, Default)]
struct Gate {
    running: usize,
    pump: Option<Waker>,
}

/// A stretch of world time in which machines run without hearing of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Nothing is done before this. What waited for a paused machine is done now.
    pub start: u64,
    /// Nothing is done at or after this.
    pub end: u64,
}

/// What a machine did in a window. Its buffers are handed back empty, so nothing is allocated anew.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What reached the machine, in order of time.
    pub arrivals: Vec<Arrival>,
    /// What it sent, in order of time.
    pub outgoing: Vec<Outgoing>,
    /// What it did, in order of time.
    pub notes: Vec<Note>,
    /// What became of messages otherwise.
    pub incidents: Vec<Incident>,
}

impl Station {
    /// Waits for the next window and takes what reaches the machine in it.
    pub async fn window(&self, ledger: &mut Ledger) -> Window {
        assert!(ledger.arrivals.is_empty(), "{} arrivals were not seen to", ledger.arrivals.len());
        std::future::poll_fn(|context| {
            let mut desk = lock(&self.desk);
            match desk.window.take() {
                Some(window) => {
                    std::mem::swap(&mut desk.arrivals, &mut ledger.arrivals);
                    Poll::Ready(window)
                }
                None => {
                    desk.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Says that the machine is through, and when it has something to do by itself next.
    pub fn finish(&self, ledger: &mut Ledger, next_local: Option<u64>) {
        {
            let mut desk = lock(&self.desk);
            std::mem::swap(&mut desk.outgoing, &mut ledger.outgoing);
            std::mem::swap(&mut desk.notes, &mut ledger.notes);
            desk.incidents.append(&mut ledger.incidents);
            desk.next_local = next_local;
        }
        let mut gate = lock(&self.gate);
        gate.running -= 1;
        if gate.running == 0
            && let Some(pump) = gate.pump.take()
        {
            pump.wake();
        }
    }
}

/// The network and all stations: the plugin.
pub struct Fabric {
    inner: Mutex<Option<Inner>>,
    gate: Arc<Mutex<Gate>>,
}

struct Inner {
    network: Network<Cargo>,
    stations: Vec<Place>,
    incidents: Vec<Incident>,
    bytes_delivered: u64,
    outgoing: Vec<Outgoing>,
    notes: Vec<Note>,
}

/// What the pump knows of one machine between windows.
struct Place {
    station: Station,
    mode: Mode,
    next_local: Option<u64>,
    /// What will be handed over when the next window begins, and the time of the first of it.
    waiting: Vec<Arrival>,
    next_arrival: Option<u64>,
    in_window: bool,
    unsorted: bool,
}

impl Simulator for Fabric {
    fn new(_rand: &GlobalRng, _time: &TimeHandle, _config: &madsim::Config) -> Self {
        Self { inner: Mutex::new(None), gate: Arc::default() }
    }

    /// madsim says that a node was killed: what waited for it is gone with its sockets.
    fn reset_node(&self, _id: NodeId) {}
}

impl Fabric {
    /// Lays the links between `machines` machines, all of them down.
    pub fn lay(&self, machines: u16, model: LinkModel, seed: &Seed) {
        let stations = (0..machines).map(|_| Place {
            station: Station { desk: Arc::default(), gate: Arc::clone(&self.gate) },
            mode: Mode::Down,
            next_local: None,
            waiting: Vec::new(),
            next_arrival: None,
            in_window: false,
            unsorted: false,
        });
        *lock(&self.inner) = Some(Inner {
            network: Network::new(machines, model, seed),
            stations: stations.collect(),
            incidents: Vec::new(),
            bytes_delivered: 0,
            outgoing: Vec::new(),
            notes: Vec::new(),
        });
    }

    /// Where a machine's driver meets the pump.
    #[must_use]
    pub fn station(&self, machine: Machine) -> Station {
        self.with(|inner| inner.stations[machine.place()].station.clone())
    }

    /// Does something to the network, between windows.
    pub fn network<T>(&self, act: impl FnOnce(&mut Network<Cargo>) -> T) -> T {
        self.with(|inner| act(&mut inner.network))
    }

    /// Bytes of everything that arrived, as far as it was measured.
    #[must_use]
    pub fn bytes_delivered(&self) -> u64 {
        self.with(|inner| inner.bytes_delivered)
    }

    /// Lets a machine take part from `at` on: newly started, or no longer paused.
    pub fn rouse(&self, machine: Machine, at: u64) {
        self.with(|inner| {
            let place = &mut inner.stations[machine.place()];
            place.mode = Mode::Up;
            place.next_local = Some(at);
        });
    }

    /// Keeps a machine out of windows.
    pub fn pause(&self, machine: Machine) {
        self.with(|inner| inner.stations[machine.place()].mode = Mode::Paused);
    }

    /// Switches a machine off: what waits for it is lost.
    pub fn switch_off(&self, machine: Machine) {
        self.with(|inner| {
            let place = &mut inner.stations[machine.place()];
            place.mode = Mode::Down;
            place.next_local = None;
            place.next_arrival = None;
            place.waiting.clear();
            let mut desk = lock(&place.station.desk);
            *desk = Desk::default();
        });
    }

    /// Puts something into a machine's station, from outside the network.
    pub fn hand_over(&self, machine: Machine, arrival: Arrival) {
        self.with(|inner| {
            let place = &mut inner.stations[machine.place()];
            if place.mode != Mode::Down {
                place.unsorted = true;
                place.take_in(arrival);
            }
        });
    }

    /// When the next thing happens, in the network or at any machine.
    #[must_use]
    pub fn next_event(&self) -> Option<u64> {
        self.with(|inner| {
            let local = inner.stations.iter().filter(|place| place.mode == Mode::Up);
            let local = local.filter_map(|place| earliest(place.next_local, place.next_arrival));
            earliest(inner.network.next_arrival(), local.min())
        })
    }

    /// Runs everything that happens in a window, which is at most as wide as the network's lookahead
    /// and begins no later than the next event. Hands on what machines did, machine by machine.
    pub async fn run(&self, window: Window, take: &mut impl FnMut(Machine, &mut Vec<Note>)) {
        let woken = self.with(|inner| inner.open(window));
        if woken > 0 {
            self.everyone_through().await;
        }
        self.with(|inner| inner.close(take));
    }

    /// Messages that were found not to arrive, or to arrive twice, since last asked.
    pub fn take_incidents(&self, take: &mut impl FnMut(Incident)) {
        self.with(|inner| inner.incidents.drain(..).for_each(take));
    }

    /// Lets madsim's clock catch up with the world's: nobody else sleeps, so it jumps.
    pub async fn pace(&self, world: u64) {
        let now = TimeHandle::current().elapsed();
        if let Some(ahead) = Duration::from_nanos(world).checked_sub(now) {
            sleep(ahead).await;
        }
    }

    async fn everyone_through(&self) {
        std::future::poll_fn(|context| {
            let mut gate = lock(&self.gate);
            if gate.running == 0 {
                return Poll::Ready(());
            }
            gate.pump = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(lock(&self.inner).as_mut().expect("the links are laid before anything else"))
    }
}

impl Inner {
    /// Hands out everything that arrives before `end` and wakes the machines that have something to
    /// do; how many these are.
    fn open(&mut self, window: Window) -> usize {
        let end = window.end;
        while let Some(landing) = self.network.land_before(end) {
            match landing {
                Landing::Arrived(flight) => {
                    let place = &mut self.stations[flight.to.place()];
                    if place.mode == Mode::Down {
                        self.incidents.push(Incident {
                            at: flight.arrival,
                            from: flight.from,
                            to: flight.to,
                            loss: Some(Loss::NotConnected),
                            parcel: flight.body.parcel,
                        });
                        continue;
                    }
                    self.bytes_delivered += u64::from(flight.body.bytes);
                    let what = Incoming::Message(flight.from, flight.body);
                    place.take_in(Arrival { at: flight.arrival, what });
                }
                Landing::Lost(flight, loss) => self.incidents.push(Incident {
                    at: flight.arrival,
                    from: flight.from,
                    to: flight.to,
                    loss: Some(loss),
                    parcel: flight.body.parcel,
                }),
                Landing::Reset(flight, again) => {
                    let at = flight.arrival;
                    for (here, there) in [(flight.from, flight.to), (flight.to, flight.from)] {
                        let place = &mut self.stations[here.place()];
                        if place.mode != Mode::Down {
                            place.take_in(Arrival { at, what: Incoming::Lost(there) });
                            let back = Arrival { at: again, what: Incoming::Connected(there) };
                            place.unsorted = true;
                            place.take_in(back);
                        }
                    }
                    self.incidents.push(Incident {
                        at,
                        from: flight.from,
                        to: flight.to,
                        loss: Some(Loss::Corrupted),
                        parcel: flight.body.parcel,
                    });
                }
            }
        }
        let mut woken = 0;
        for place in &mut self.stations {
            let next = earliest(place.next_local, place.next_arrival);
            place.in_window = place.mode == Mode::Up && next.is_some_and(|next| next < end);
            woken += usize::from(place.in_window);
        }
        let Some(first) = self.stations.first() else { return 0 };
        lock(&first.station.gate).running = woken;
        for place in self.stations.iter_mut().filter(|place| place.in_window) {
            place.begin(window);
        }
        woken
    }

    /// Collects what machines did and puts what they sent on its way, machine by machine.
    fn close(&mut self, take: &mut impl FnMut(Machine, &mut Vec<Note>)) {
        for (number, place) in (0u16..).zip(&mut self.stations) {
            if !std::mem::take(&mut place.in_window) {
                continue;
            }
            let from = Machine::new(number);
            {
                let mut desk = lock(&place.station.desk);
                std::mem::swap(&mut desk.outgoing, &mut self.outgoing);
                std::mem::swap(&mut desk.notes, &mut self.notes);
                self.incidents.append(&mut desk.incidents);
                place.next_local = desk.next_local;
            }
            for Outgoing { at, to, cargo } in self.outgoing.drain(..) {
                let bytes = u64::from(cargo.bytes);
                let parcel = cargo.parcel.clone();
                let loss = match self.network.send(from, to, at, || bytes, cargo) {
                    Fate::Lost(loss) => Some(loss),
                    Fate::Travels { again: Some(_), .. } => None,
                    Fate::Travels { again: None, .. } => continue,
                };
                self.incidents.push(Incident { at, from, to, loss, parcel });
            }
            take(from, &mut self.notes);
            self.notes.clear();
        }
    }
}

impl Place {
    fn take_in(&mut self, arrival: Arrival) {
        self.next_arrival = earliest(self.next_arrival, Some(arrival.at));
        self.waiting.push(arrival);
    }

    fn begin(&mut self, window: Window) {
        if std::mem::take(&mut self.unsorted) {
            self.waiting.sort_by_key(|arrival| arrival.at);
        }
        self.next_arrival = None;
        let mut desk = lock(&self.station.desk);
        assert!(desk.arrivals.is_empty(), "{} arrivals were not fetched", desk.arrivals.len());
        std::mem::swap(&mut desk.arrivals, &mut self.waiting);
        desk.window = Some(window);
        if let Some(waker) = desk.waker.take() {
            waker.wake();
        }
    }
}

fn earliest(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}
