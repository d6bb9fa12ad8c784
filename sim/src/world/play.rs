//! One run from its first to its last event: the pump.
//!
//! Looks for the next thing to happen, in the network, at a machine or on the world's own agenda, lets
//! machines run in windows, and shows everything that happened to the checkers in order of time.
//! Faults with a time bound windows and so are exact; faults that wait for something to be seen begin
//! at the end of the window in which it was seen.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    sync::Arc,
};

use quorate_core::{event::Event, time::Span, types::Height};

use super::{
    account::Account,
    cluster::{Cluster, Running},
    fabric::{Arrival, Incident, Incoming, Note, Window},
    faults::Engine,
    host::{Halt, Snap},
    network::{Loss, Machine},
    workload::Clients,
};
use crate::{
    check::{Checks, Scene, Violation, oracle::Standing},
    report::{BreakAt, Checkpoint, Happening},
    run::CallOff,
    scenario::{Liveness, Scenario},
    trace::{DropReason, NodeIndex, Observation, Recorder, What},
};

/// Something the world itself does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A fault begins.
    Begin(u32),
    /// A fault ends, if it is still the how many-th time.
    End(u32, u32),
    /// A fault goes on to its next step.
    Step(u32, u32, u32),
    /// A machine is started again after a fault, if it is still the how many-th time.
    Restart(u32, u32, Machine),
    /// The network becomes good.
    Gst,
    /// A client is due.
    Submit,
    /// The trace hash is written down.
    Checkpoint,
}

/// The world's agenda. Items at one time come in the order they were put in.
#[derive(Debug, Default)]
pub struct Agenda {
    items: BinaryHeap<Reverse<(u64, u64, Item)>>,
    places: u64,
}

impl Agenda {
    /// Puts an item in.
    pub fn put(&mut self, at: u64, item: Item) {
        self.places += 1;
        self.items.push(Reverse((at, self.places, item)));
    }

    fn next_at(&self) -> Option<u64> {
        self.items.peek().map(|Reverse((at, ..))| *at)
    }

    fn pop_at(&mut self, now: u64) -> Option<Item> {
        if self.next_at()? > now {
            return None;
        }
        self.items.pop().map(|Reverse((_, _, item))| item)
    }
}

/// How a run came to its end.
#[derive(Clone, Debug)]
pub enum Ending {
    /// Its time was over, or it had reached its height.
    Over,
    /// An invariant is broken.
    Violated(Violation),
    /// The core panicked, or the signer refused.
    Broken {
        /// Where.
        node: NodeIndex,
        /// When.
        at: u64,
        /// What it said.
        message: String,
    },
}

/// Takes every observation as it is made: the trace file.
pub type Sink = Box<dyn FnMut(&Observation)>;

/// Where something gathered belongs: time, machine, its own doing before the network's, place.
type Order = (u64, Machine, u8, usize);

/// Everything about a run in progress.
pub struct Play {
    scenario: Arc<Scenario>,
    /// The machines.
    pub cluster: Cluster,
    /// What the world will do.
    pub agenda: Agenda,
    clients: Clients,
    /// What is watched.
    pub checks: Checks,
    /// The trace.
    pub recorder: Recorder,
    /// The account for people.
    pub account: Account,
    /// The hash along the way.
    pub checkpoints: Vec<Checkpoint>,
    /// World time.
    pub now: u64,
    gathered: Vec<Option<What>>,
    order: Vec<Order>,
    sequences: Vec<u64>,
    sink: Option<Sink>,
    executed: Height,
    watches: bool,
    /// When nobody waits for the run any more.
    pub call_off: Option<CallOff>,
}

impl Play {
    /// Sets the stage: nothing has happened yet.
    #[must_use]
    pub fn new(
        scenario: Arc<Scenario>,
        cluster: Cluster,
        checks: Checks,
        recorder: Recorder,
        sink: Option<Sink>,
    ) -> Self {
        let clients = Clients::new(&scenario.workload, &cluster.common);
        let machines = cluster.statuses().len();
        Self {
            scenario,
            cluster,
            agenda: Agenda::default(),
            clients,
            checks,
            recorder,
            account: Account::default(),
            checkpoints: Vec::new(),
            now: 0,
            gathered: Vec::new(),
            order: Vec::new(),
            sequences: vec![0; machines],
            sink,
            executed: Height::ZERO,
            watches: false,
            call_off: None,
        }
    }

    /// Ends the run where a validator has come this far.
    pub fn watch(&mut self, watch: BreakAt) {
        self.watches = true;
        for machine in self.cluster.machines() {
            let name = self.cluster.common.node(machine).name();
            if watch.node.is_none_or(|wanted| wanted == name) {
                self.cluster.host(machine, |host| host.watch = Some(watch));
            }
        }
    }

    /// Plays the run to its end.
    pub async fn play(&mut self, engine: &mut Engine) -> Ending {
        let end = self.scenario.run.max_time.nanos();
        self.open(engine);
        loop {
            let world = self.agenda.next_at().unwrap_or(u64::MAX);
            let machines = self.cluster.fabric.next_event().unwrap_or(u64::MAX);
            let next = world.min(machines).max(self.now);
            if next >= end {
                self.now = end;
                break;
            }
            self.cluster.fabric.pace(next).await;
            let outcome = if world <= machines {
                self.now = next;
                self.see_to_agenda(engine);
                self.flush()
            } else {
                let ahead = self.cluster.fabric.network(|network| network.lookahead());
                let window =
                    Window { start: next, end: next.saturating_add(ahead).min(world).min(end) };
                self.run(window, engine).await
            };
            if let Err(ending) = outcome {
                return ending;
            }
            if self.has_reached_its_height() {
                break;
            }
            if self.is_broken_off() || self.call_off.as_ref().is_some_and(CallOff::is_called_off) {
                return Ending::Over;
            }
        }
        match self.checks.finish(self.now) {
            Ok(()) => Ending::Over,
            Err(violation) => Ending::Violated(violation),
        }
    }

    /// Transactions handed in, and of these the final ones.
    #[must_use]
    pub fn transactions(&self) -> (u64, u64) {
        (self.clients.submitted, self.clients.finalized)
    }

    /// The scenario that is played.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The numbers of validators that count as honest.
    #[must_use]
    pub fn honest(&self) -> BTreeSet<u32> {
        let honesty = &self.scene().honesty;
        let numbers = self.scene().actors().iter().map(|actor| actor.number);
        numbers.filter(|number| honesty.is_honest(*number)).collect()
    }

    /// Who is honest, and what everybody shares.
    #[must_use]
    pub fn scene(&self) -> &Scene {
        self.checks.scene()
    }

    /// Where every validator stands, for the oracle that says whether progress can be demanded.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        let runs = |machine: &Machine| self.cluster.status(*machine).running == Running::Up;
        let numbers = self.scene().actors().iter().map(|actor| actor.number);
        numbers
            .filter_map(|number| {
                let machine = *self.cluster.common.machines_of(number).first()?;
                let reached = self.cluster.machines().filter(runs).filter(|other| {
                    self.cluster.fabric.network(|network| network.is_open(machine, *other))
                });
                Some(Standing {
                    number,
                    runs: runs(&machine),
                    reaches: reached.map(|one| self.cluster.common.node(one).number()).collect(),
                    archive: self.cluster.host(machine, |host| host.standing.archive),
                })
            })
            .collect()
    }

    fn open(&mut self, engine: &mut Engine) {
        self.cluster.switch_on();
        engine.arm(self);
        if let Some(Liveness { gst, .. }) = &self.scenario.liveness {
            self.agenda.put(gst.nanos(), Item::Gst);
        }
        if let Some(at) = self.clients.next_at() {
            self.agenda.put(at, Item::Submit);
        }
        self.agenda.put(self.scenario.run.checkpoint_interval.nanos(), Item::Checkpoint);
    }

    fn see_to_agenda(&mut self, engine: &mut Engine) {
        while let Some(item) = self.agenda.pop_at(self.now) {
            match item {
                Item::Begin(_) | Item::End(..) | Item::Step(..) | Item::Restart(..) => {
                    engine.on_item(self, item);
                }
                Item::Gst => self.on_gst(engine),
                Item::Submit => self.on_submit(),
                Item::Checkpoint => self.on_checkpoint(),
            }
        }
    }

    fn on_gst(&mut self, engine: &mut Engine) {
        engine.on_gst(self);
        let after = self.scenario.liveness.as_ref().and_then(|liveness| liveness.after.clone());
        if let Some(model) = after {
            self.cluster.fabric.network(|network| network.become_like(model));
        }
        self.account.push(self.now, Happening::Gst);
    }

    fn on_submit(&mut self) {
        let live = self.live_and_honest();
        let sent = self.clients.submit(&self.cluster.common, &live);
        self.hand_in(sent);
        if let Some(at) = self.clients.next_at() {
            self.agenda.put(at, Item::Submit);
        }
    }

    fn on_checkpoint(&mut self) {
        let observations = self.recorder.count();
        let hash = self.recorder.hash();
        self.checkpoints.push(Checkpoint { at: Span::from_nanos(self.now), observations, hash });
        let interval = self.scenario.run.checkpoint_interval.nanos();
        self.agenda.put(self.now.saturating_add(interval), Item::Checkpoint);
        for machine in self.cluster.machines() {
            if self.cluster.status(machine).running == Running::Up {
                let held = self.cluster.host(machine, |host| host.standing.footprint);
                self.cluster.note(self.now, machine, What::Holds(held));
            }
        }
    }

    fn hand_in(&mut self, sent: Vec<(Machine, Arc<quorate_core::transaction::Transaction>)>) {
        for (machine, transaction) in sent {
            let arrival = Arrival { at: self.now, what: Incoming::Submitted(transaction) };
            self.cluster.fabric.hand_over(machine, arrival);
        }
    }

    fn live_and_honest(&self) -> Vec<Machine> {
        let honesty = &self.scene().honesty;
        let live = |machine: &Machine| {
            let status = self.cluster.status(*machine);
            status.running == Running::Up && honesty.is_honest_node(status.node)
        };
        self.cluster.machines().filter(live).collect()
    }

    /// Lets machines run through a window, then sees to what came of it.
    async fn run(&mut self, window: Window, engine: &mut Engine) -> Result<(), Ending> {
        let (gathered, order) = (&mut self.gathered, &mut self.order);
        let common = &self.cluster.common;
        let mut take = |machine: Machine, notes: &mut Vec<Note>| {
            for note in notes.drain(..) {
                order.push((note.at, machine, 0, gathered.len()));
                gathered.push(Some(note.what));
            }
        };
        self.cluster.fabric.run(window, &mut take).await;
        let mut lose = |incident: Incident| {
            let (to, parcel) = (common.node(incident.to), incident.parcel);
            let what = match incident.loss {
                Some(loss) => What::Dropped { to, why: reason(loss), parcel },
                None => What::Duplicated { to, parcel },
            };
            order.push((incident.at, incident.from, 1, gathered.len()));
            gathered.push(Some(what));
        };
        self.cluster.fabric.take_incidents(&mut lose);
        self.flush()?;
        self.now = window.end;
        self.see_to_halts(engine)?;
        engine.after_window(self);
        self.flush()
    }

    /// Sees to machines whose process has come to a halt.
    fn see_to_halts(&mut self, engine: &mut Engine) -> Result<(), Ending> {
        for machine in self.cluster.machines() {
            let (halt, struck) = self
                .cluster
                .host(machine, |host| (host.halt.take(), std::mem::take(&mut host.struck)));
            if let Some((at, halt)) = halt {
                let (running, orderly) = match halt {
                    Halt::Broken(message) => {
                        let node = self.cluster.common.node(machine);
                        return Err(Ending::Broken { node, at, message });
                    }
                    Halt::Trapped(trap) => (Running::Down, trap.snaps == Snap::Stop),
                    Halt::Down(_) => (Running::Failed, false),
                };
                self.cluster.take_down(machine, self.now, running, orderly);
            }
            for (trap, at) in struck {
                engine.on_struck(self, machine, trap, at);
            }
        }
        Ok(())
    }

    /// Shows everything gathered to everybody who watches, in order of (time, node, its own order).
    fn flush(&mut self) -> Result<(), Ending> {
        for machine in self.cluster.take_fallen() {
            let live = self.live_and_honest();
            let sent = self.clients.on_down(machine, &live);
            self.hand_in(sent);
        }
        for machine in self.cluster.machines() {
            if let Some(lapse) = self.cluster.host(machine, |host| host.lapse.take()) {
                let number = self.cluster.common.node(machine).number();
                self.checks.honesty_mut().enter(number, lapse);
            }
        }
        let now = self.now;
        for (at, machine, what) in self.cluster.take_notes() {
            self.order.push((at.max(now), machine, 0, self.gathered.len()));
            self.gathered.push(Some(what));
        }
        // Each machine's own notes are in order already, and this sort makes use of it.
        self.order.sort();
        let (mut order, mut gathered) =
            (std::mem::take(&mut self.order), std::mem::take(&mut self.gathered));
        for (at, machine, _, place) in order.drain(..) {
            let what = gathered[place].take().expect("everything has one place in the order");
            self.see(at, machine, what)?;
        }
        gathered.clear();
        (self.order, self.gathered) = (order, gathered);
        Ok(())
    }

    fn see(&mut self, at: u64, machine: Machine, what: What) -> Result<(), Ending> {
        let seq = self.sequences[machine.place()];
        self.sequences[machine.place()] += 1;
        let node = self.cluster.common.node(machine);
        let observation = Observation { at, node, seq, what };
        self.learn(machine, &observation);
        self.recorder.observe(&observation);
        if let Some(sink) = &mut self.sink {
            sink(&observation);
        }
        let honesty = &self.checks.scene().honesty;
        self.account.observe(&self.cluster.common, honesty, &observation);
        self.checks.observe(&observation).map_err(Ending::Violated)
    }

    /// Keeps up with what machines say of themselves.
    fn learn(&mut self, machine: Machine, observation: &Observation) {
        match &observation.what {
            What::Reported(event) => match event.as_ref() {
                Event::Entered { view, .. } => self.cluster.status_mut(machine).view = *view,
                Event::Started { view, height, .. } => {
                    let status = self.cluster.status_mut(machine);
                    (status.view, status.height) = (*view, *height);
                }
                Event::Finalized { height, .. } => {
                    self.cluster.status_mut(machine).height = *height;
                }
                _ => {}
            },
            What::Executed { block, result, replayed: false }
                if block.header().height > self.executed =>
            {
                self.executed = block.header().height;
                let counts = result.counts();
                self.account.counters.transactions_applied += u64::from(counts.applied);
                self.account.counters.transactions_failed += u64::from(counts.failed);
                self.account.counters.transactions_skipped += u64::from(counts.skipped);
                let ids = result.outcomes.iter().map(|(id, _)| *id);
                let fresh = self.clients.on_final(ids);
                for transaction in fresh {
                    let height = result.height;
                    let what = What::ClientSaw { transaction, height };
                    self.cluster.note(observation.at, machine, what);
                }
            }
            _ => {}
        }
    }

    /// Whether a validator that is watched has come as far as was asked.
    fn is_broken_off(&self) -> bool {
        let drawn = |machine| self.cluster.host(machine, |host| host.portrait.is_some());
        self.watches && self.cluster.machines().any(drawn)
    }

    fn has_reached_its_height(&self) -> bool {
        let Some(wanted) = self.scenario.run.stop_at_height else { return false };
        let honesty = &self.scene().honesty;
        self.cluster
            .statuses()
            .iter()
            .filter(|status| honesty.is_honest_node(status.node))
            .all(|status| status.height >= wanted)
    }
}

fn reason(loss: Loss) -> DropReason {
    match loss {
        Loss::Dropped => DropReason::Loss,
        Loss::Blocked => DropReason::Partition,
        Loss::Corrupted => DropReason::Corrupted,
        Loss::Reset => DropReason::Cut,
        Loss::NotConnected => DropReason::Down,
        Loss::Undecodable => DropReason::Undecodable,
    }
}
