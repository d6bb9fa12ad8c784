//! The machines of a run and what can be done to their processes: kill, stop, start, pause.
//!
//! Acts between windows only. Tells madsim, the network, the disk and the peers; decides nothing.

use std::sync::{Arc, Mutex};

use madsim::{runtime::Handle, task::NodeId};
use quorate_core::types::{Height, View};

use super::{
    clock::Clock,
    common::{Common, WALL_START},
    disk::{Disk, File},
    fabric::{Arrival, Fabric, Incoming},
    host::Host,
    keyed::Key,
    lock,
    network::Machine,
    node,
};
use crate::{
    check::Lapse,
    scenario::Scenario,
    trace::{NodeIndex, What},
};

/// Whether a machine's process runs, as the world sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    /// It does.
    Up,
    /// It is halted, its memory intact.
    Paused,
    /// It was stopped or killed by a fault.
    Down,
    /// It ended by itself and would do so again.
    Failed,
}

/// What the world knows of one machine.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// Its name.
    pub node: NodeIndex,
    /// Whether its process runs.
    pub running: Running,
    /// The view it last said it was in.
    pub view: View,
    /// The height it last said was final.
    pub height: Height,
}

/// All machines.
pub struct Cluster {
    /// What they share.
    pub common: Arc<Common>,
    /// What connects them.
    pub fabric: Arc<Fabric>,
    hosts: Vec<Arc<Mutex<Host>>>,
    statuses: Vec<Status>,
    ids: Vec<NodeId>,
    handle: Handle,
    /// Notes of the world's own doings, to be put into the trace.
    notes: Vec<(u64, Machine, What)>,
    /// Machines whose process has ended, until the world has seen to it.
    fallen: Vec<Machine>,
    /// Crashes so far, by faults and by failed writes.
    pub crashes: u64,
    /// Restarts so far.
    pub restarts: u64,
}

impl Cluster {
    /// Sets up all machines and switches them on at world time 0. `damageable` says whose disk may
    /// be damaged beyond losing what was not synced.
    #[must_use]
    pub fn new(
        scenario: &Scenario,
        common: Arc<Common>,
        fabric: Arc<Fabric>,
        damageable: impl Fn(u32) -> bool,
    ) -> Self {
        let handle = Handle::current();
        let machines: Vec<(Machine, NodeIndex)> = common.machines().collect();
        let count = u16::try_from(machines.len()).expect("machines are few");
        fabric.lay(count, scenario.network.model.clone(), &common.seed);
        for link in &scenario.network.links {
            let named = |names: &[crate::scenario::NodeName]| -> Vec<Machine> {
                let node = |name: &crate::scenario::NodeName| node_of(*name);
                names.iter().filter_map(|name| common.machine(node(name))).collect()
            };
            let (from, to) = (named(&link.from), named(&link.to));
            let pairs = from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to)));
            let pairs: Vec<_> = pairs.filter(|(from, to)| from != to).collect();
            fabric.network(|network| network.set_links(link.model.clone(), pairs));
        }
        let hosts: Vec<Arc<Mutex<Host>>> = machines
            .iter()
            .map(|(machine, node)| {
                let entity = u64::from(machine.get());
                let key = Key::new(&common.seed, "disk", entity);
                let disk = Disk::new(scenario.disk.clone(), key, damageable(node.number()));
                let clock = clock(scenario, &common, *machine);
                Arc::new(Mutex::new(Host::new(*machine, *node, disk, clock)))
            })
            .collect();
        let ids = hosts
            .iter()
            .zip(&machines)
            .map(|(host, (machine, node))| {
                let (common, host) = (Arc::clone(&common), Arc::clone(host));
                let station = fabric.station(*machine);
                let task =
                    move || node::drive(Arc::clone(&common), Arc::clone(&host), station.clone());
                handle.create_node().name(node.to_string()).init(task).build().id()
            })
            .collect();
        let statuses = machines
            .iter()
            .map(|(_, node)| Status {
                node: *node,
                running: Running::Down,
                view: View::ZERO,
                height: Height::ZERO,
            })
            .collect();
        Self {
            common,
            fabric,
            hosts,
            statuses,
            ids,
            handle,
            notes: Vec::new(),
            fallen: Vec::new(),
            crashes: 0,
            restarts: 0,
        }
    }

    /// Switches every machine on, already connected with each other.
    pub fn switch_on(&mut self) {
        for machine in self.machines() {
            self.start(machine, 0, 0);
        }
    }

    /// Ends every machine's task. A task that waits holds its station, whose desk holds the task's
    /// waker: without this each run would leave its whole world behind in memory.
    pub async fn tear_down(&self) {
        for id in &self.ids {
            self.handle.kill(*id);
        }
        // The executor drops the tasks of killed nodes when it next runs.
        madsim::time::sleep(std::time::Duration::from_millis(1)).await;
    }

    /// Every machine.
    pub fn machines(&self) -> impl Iterator<Item = Machine> + use<> {
        (0..u16::try_from(self.hosts.len()).expect("machines are few")).map(Machine::new)
    }

    /// What the world knows of a machine.
    #[must_use]
    pub fn status(&self, machine: Machine) -> &Status {
        &self.statuses[machine.place()]
    }

    /// Takes note of what a machine said.
    pub fn status_mut(&mut self, machine: Machine) -> &mut Status {
        &mut self.statuses[machine.place()]
    }

    /// What every machine is, with its name.
    #[must_use]
    pub fn statuses(&self) -> &[Status] {
        &self.statuses
    }

    /// Does something to a machine's host, between windows.
    pub fn host<T>(&self, machine: Machine, act: impl FnOnce(&mut Host) -> T) -> T {
        act(&mut lock(&self.hosts[machine.place()]))
    }

    /// Puts something into the trace.
    pub fn note(&mut self, at: u64, machine: Machine, what: What) {
        self.notes.push((at, machine, what));
    }

    /// What the world did since last asked.
    pub fn take_notes(&mut self) -> std::vec::Drain<'_, (u64, Machine, What)> {
        self.notes.drain(..)
    }

    /// Machines whose process has ended since last asked.
    pub fn take_fallen(&mut self) -> Vec<Machine> {
        std::mem::take(&mut self.fallen)
    }

    /// Ends a process at once: its memory is gone, and the disk decides what is left of unsynced
    /// writes. Does nothing to one that is down.
    pub fn kill(&mut self, machine: Machine, now: u64) {
        if self.is_down(machine) {
            return;
        }
        self.note(now, machine, What::Killed);
        self.take_down(machine, now, Running::Down, false);
    }

    /// Sees to a process that has come to a halt by itself or in a trap, some time before `now`.
    /// `orderly` if what it had written became durable.
    pub fn take_down(&mut self, machine: Machine, now: u64, running: Running, orderly: bool) {
        if orderly {
            self.host(machine, |host| host.disk.flush());
            self.off(machine, now, running);
            return;
        }
        self.crashes += 1;
        let betrayed = self.host(machine, |host| {
            let outcome = host.disk.crash();
            if outcome.betrayed {
                host.lapse = Some(Lapse::LyingDisk);
            }
            outcome.betrayed
        });
        debug_assert!(!betrayed || self.host(machine, |host| host.lapse.is_some()));
        self.off(machine, now, running);
    }

    /// Ends a process in good order: what it wrote is durable.
    pub fn stop(&mut self, machine: Machine, now: u64) {
        if self.is_down(machine) {
            return;
        }
        self.note(now, machine, What::Stopped);
        self.take_down(machine, now, Running::Down, true);
    }

    /// Starts a process that is down.
    pub fn boot(&mut self, machine: Machine, now: u64) {
        if self.is_down(machine) {
            self.restarts += 1;
            let handshake = self.fabric.network(|network| 2 * network.lookahead());
            self.start(machine, now, now.saturating_add(handshake));
        }
    }

    /// Starts a process whose connections hold from `ready` on.
    fn start(&mut self, machine: Machine, now: u64, ready: u64) {
        self.host(machine, |host| {
            host.boot_at = now;
            host.halt = None;
            host.holding = false;
        });
        self.handle.restart(self.ids[machine.place()]);
        self.status_mut(machine).running = Running::Up;
        self.fabric.rouse(machine, now);
        self.fabric.network(|network| network.connect(machine, ready));
        for other in self.machines().filter(|other| *other != machine) {
            if !self.is_down(other) {
                self.tell(machine, ready, Incoming::Connected(other));
                self.tell(other, ready, Incoming::Connected(machine));
            }
        }
    }

    /// Halts a process with its memory intact.
    pub fn pause(&mut self, machine: Machine, now: u64) {
        if self.status(machine).running == Running::Up {
            self.note(now, machine, What::Paused);
            self.handle.pause(self.ids[machine.place()]);
            self.fabric.pause(machine);
            self.status_mut(machine).running = Running::Paused;
        }
    }

    /// Lets a paused process go on.
    pub fn resume(&mut self, machine: Machine, now: u64) {
        if self.status(machine).running == Running::Paused {
            self.note(now, machine, What::Resumed);
            self.host(machine, |host| host.holding = false);
            self.handle.resume(self.ids[machine.place()]);
            self.fabric.rouse(machine, now);
            self.status_mut(machine).running = Running::Up;
        }
    }

    /// Empties the disk of a machine that is down, sign-state and all.
    pub fn reformat(&mut self, machine: Machine) {
        assert!(self.is_down(machine), "a disk in use is not emptied");
        self.host(machine, |host| File::ALL.into_iter().for_each(|file| host.disk.erase(file)));
    }

    /// Lets a machine's own next event be looked at again, because its clock or its pace was changed.
    pub fn reconsider(&mut self, machine: Machine, now: u64) {
        if self.status(machine).running == Running::Up {
            self.fabric.rouse(machine, now);
        }
    }

    /// Whether no process is on a machine.
    #[must_use]
    pub fn is_down(&self, machine: Machine) -> bool {
        matches!(self.status(machine).running, Running::Down | Running::Failed)
    }

    fn off(&mut self, machine: Machine, now: u64, running: Running) {
        self.handle.kill(self.ids[machine.place()]);
        self.fabric.switch_off(machine);
        let heard = self.fabric.network(|network| {
            network.disconnect(machine, now);
            now.saturating_add(network.lookahead())
        });
        self.status_mut(machine).running = running;
        self.fallen.push(machine);
        for other in self.machines().filter(|other| *other != machine) {
            if !self.is_down(other) {
                self.tell(other, heard, Incoming::Lost(machine));
            }
        }
    }

    fn tell(&self, machine: Machine, at: u64, what: Incoming) {
        self.fabric.hand_over(machine, Arrival { at, what });
    }
}

/// The node with a name.
#[must_use]
pub fn node_of(name: crate::scenario::NodeName) -> NodeIndex {
    let node = NodeIndex::new(name.validator.get());
    if name.twin { node.twin() } else { node }
}

/// The clock of a machine, as wrong as the scenario allows.
fn clock(scenario: &Scenario, common: &Common, machine: Machine) -> Clock {
    let key = Key::new(&common.seed, "clock", u64::from(machine.get()));
    let skew = scenario.clock.skew_max.nanos();
    let off = key.below(0, 0, skew.saturating_mul(2).saturating_add(1));
    let wall = i128::from(WALL_START) * 1_000_000 + i128::from(off) - i128::from(skew);
    let most = u64::from(scenario.clock.drift_max_ppm);
    let drift = key.below(1, 0, 2 * most + 1);
    let drift = i64::try_from(drift).expect("it fits") - i64::try_from(most).expect("it fits");
    // Machines were switched on at different times.
    let mono = key.below(2, 0, 1_000_000_000_000);
    Clock::new(mono, wall, drift)
}
