//! The fault engine: when each fault of a scenario begins, what it does, and when it ends.
//!
//! Faults are counted: one that never began, or found nobody to hit, can fail the run. Everything drawn for a fault is keyed by
//! its place in the scenario, or the `draw` it names, and the how many-th time it fires.

use super::{
    clock::ClockFault,
    cluster::{Running, node_of},
    delay::sample,
    disk::DiskFault,
    host::{Role, Snap, Trap},
    keyed::Key,
    network::{FaultId, Machine, Overlay},
    play::{Item, Play},
    select::{Ground, shuffled},
};
use crate::{
    report::{CrashAt, Happening, Unmet},
    scenario::{
        End, Fault, InFlight, Links, Partition, Selector, Targets, Torn, Trigger, Until, Verb,
    },
    trace::What,
};

/// How long a swizzle takes that has no end of its own.
const SWIZZLE: u64 = 10_000_000_000;

/// Where a fault stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// It waits for its trigger.
    #[default]
    Waiting,
    /// It acts.
    Active,
    /// It is over and does not come again.
    Over,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// How often it has begun.
    fired: u32,
    /// Whether there has ever been a machine or a link for it to act on.
    landed: bool,
    began: u64,
    /// View changes there had been when it began.
    view_changes: u64,
    /// Whom it hit.
    hit: Vec<Machine>,
    /// Draws made for it.
    draws: u64,
}

/// All faults of a run.
pub struct Engine {
    faults: Vec<Fault>,
    states: Vec<State>,
    key: Key,
    byzantine: Vec<u32>,
    crash_at: Option<CrashAt>,
    /// Faults that keep a machine down, by machine.
    holds: Vec<Vec<u32>>,
    good: bool,
}

/// Stands for the crash that the run's options ask for.
const EXTRA: u32 = u32::MAX;

impl Engine {
    /// The faults of a scenario, and one crash more if the options ask for it.
    #[must_use]
    pub fn new(
        faults: &[Fault],
        key: Key,
        byzantine: Vec<u32>,
        crash_at: Option<CrashAt>,
        machines: usize,
    ) -> Self {
        Self {
            states: faults.iter().map(|_| State::default()).collect(),
            faults: faults.to_vec(),
            key,
            byzantine,
            crash_at,
            holds: vec![Vec::new(); machines],
            good: false,
        }
    }

    /// Puts timed faults on the agenda and sets traps.
    pub fn arm(&mut self, play: &mut Play) {
        for index in 0..u32::try_from(self.faults.len()).expect("faults are few") {
            match &self.fault(index).start {
                Trigger::Time(at) => play.agenda.put(at.nanos(), Item::Begin(index)),
                Trigger::Point { .. } => self.set_traps(play, index),
                Trigger::Height { .. } | Trigger::View { .. } => {}
            }
        }
        if let Some(crash) = self.crash_at {
            let machine = play.cluster.common.machine(node_of(crash.node));
            let trap = Trap {
                fault: None,
                point: crash.point,
                proposal_only: false,
                nth: crash.nth,
                snaps: Snap::Kill,
                role: Role::Any,
            };
            if let Some(machine) = machine {
                play.cluster.host(machine, |host| host.traps.push(trap));
            }
        }
    }

    /// Faults that must fire and never began, or never hit anybody.
    #[must_use]
    pub fn never_fired(&self) -> Vec<Unmet> {
        let faults = (0u32..).zip(&self.faults).zip(&self.states);
        faults
            .filter(|((_, fault), state)| fault.must_fire && !state.landed)
            .map(|((index, fault), _)| Unmet::NeverFired {
                fault: index,
                what: fault.verb.name().to_owned(),
                line: fault.line,
            })
            .collect()
    }

    /// Sees to an item of the agenda.
    pub fn on_item(&mut self, play: &mut Play, item: Item) {
        match item {
            Item::Begin(index) => self.begin(play, index, None),
            Item::End(index, nth) if self.is_current(index, nth) => self.end(play, index),
            Item::Step(index, nth, step) if self.is_current(index, nth) => {
                self.step(play, index, step);
            }
            Item::Restart(EXTRA, _, machine) => play.cluster.boot(machine, play.now),
            Item::Restart(index, nth, machine) => {
                self.release(play, index, machine);
                let waits = self.holds.iter().any(|holds| holds.contains(&index));
                if !waits && self.is_current(index, nth) {
                    self.end(play, index);
                }
            }
            _ => {}
        }
    }

    /// A trap has struck at a machine, at a time within the window that has just ended.
    pub fn on_struck(&mut self, play: &mut Play, machine: Machine, trap: Trap, at: u64) {
        let Some(index) = trap.fault else {
            let after = self.crash_at.map_or(0, |crash| crash.restart_after.nanos());
            let item = Item::Restart(EXTRA, 0, machine);
            play.agenda.put(at.saturating_add(after).max(play.now), item);
            return;
        };
        let pauses = matches!(self.fault(index).verb, Verb::Pause { .. });
        if self.state(index).phase == Phase::Waiting {
            self.begin(play, index, Some((machine, at)));
        } else if pauses {
            // Another target passed in the same window. It is hit as well.
            play.cluster.pause(machine, play.now);
            self.state_mut(index).hit.push(machine);
        } else {
            self.hold_down(play, index, machine, at);
        }
        if trap.snaps == Snap::Hold && !pauses {
            play.cluster.host(machine, |host| host.holding = false);
            play.cluster.reconsider(machine, play.now);
        }
        for other in play.cluster.machines() {
            let keep = |trap: &Trap| trap.fault != Some(index);
            play.cluster.host(other, |host| host.traps.retain(keep));
        }
    }

    /// Looks whether anything seen in the last window begins or ends a fault.
    pub fn after_window(&mut self, play: &mut Play) {
        for index in 0..u32::try_from(self.faults.len()).expect("faults are few") {
            match self.state(index).phase {
                Phase::Waiting if !self.good && self.is_triggered(play, index) => {
                    self.begin(play, index, None);
                }
                Phase::Active if self.is_ended(play, index) => self.end(play, index),
                _ => {}
            }
        }
    }

    /// Everything is healed: faults end, machines that are down are started, paused ones go on.
    pub fn on_gst(&mut self, play: &mut Play) {
        self.good = true;
        for index in 0..u32::try_from(self.faults.len()).expect("faults are few") {
            if self.state(index).phase == Phase::Active {
                self.end(play, index);
            }
            self.state_mut(index).phase = Phase::Over;
        }
        self.holds.iter_mut().for_each(Vec::clear);
        for machine in play.cluster.machines() {
            play.cluster.host(machine, |host| host.traps.retain(|trap| trap.fault.is_none()));
            play.cluster.resume(machine, play.now);
            play.cluster.boot(machine, play.now);
        }
    }

    fn fault(&self, index: u32) -> &Fault {
        &self.faults[usize::try_from(index).expect("faults are few")]
    }

    fn state(&self, index: u32) -> &State {
        &self.states[usize::try_from(index).expect("faults are few")]
    }

    fn state_mut(&mut self, index: u32) -> &mut State {
        &mut self.states[usize::try_from(index).expect("faults are few")]
    }

    /// What a fault's draws are keyed by.
    fn draw(&self, index: u32) -> u32 {
        self.fault(index).draw_at(index)
    }

    /// The name of a fault for the network, clocks and disks.
    fn id(&self, index: u32) -> FaultId {
        FaultId(self.draw(index))
    }

    fn is_current(&self, index: u32, nth: u32) -> bool {
        let state = self.state(index);
        state.phase == Phase::Active && state.fired == nth
    }

    fn key_of(&self, index: u32) -> Key {
        self.key.within(u64::from(self.draw(index))).within(u64::from(self.state(index).fired))
    }

    fn ground<'a>(&'a self, play: &'a Play) -> Ground<'a> {
        Ground { cluster: &play.cluster, scene: play.scene(), byzantine: &self.byzantine }
    }

    fn is_triggered(&self, play: &Play, index: u32) -> bool {
        let status = |name| {
            let machine = play.cluster.common.machine(node_of(name))?;
            Some(*play.cluster.status(machine))
        };
        match &self.fault(index).start {
            Trigger::Height { height, node: None } => self.ground(play).highest_height() >= *height,
            Trigger::Height { height, node: Some(name) } => {
                status(*name).is_some_and(|status| status.height >= *height)
            }
            Trigger::View { view, node: None } => self.ground(play).highest_view() >= *view,
            Trigger::View { view, node: Some(name) } => {
                status(*name).is_some_and(|status| status.view >= *view)
            }
            Trigger::Time(_) | Trigger::Point { .. } => false,
        }
    }

    fn is_ended(&self, play: &Play, index: u32) -> bool {
        let passed = play.account.view_changes().saturating_sub(self.state(index).view_changes);
        match self.fault(index).end {
            End::Until(Until::Height(height)) => self.ground(play).highest_height() >= height,
            End::Until(Until::ViewChanges(count)) => passed >= u64::from(count),
            End::Until(Until::Time(_)) | End::For(_) | End::Gst => false,
        }
    }

    /// Begins a fault. `struck` is the machine a trap has caught, and when.
    fn begin(&mut self, play: &mut Play, index: u32, struck: Option<(Machine, u64)>) {
        if self.state(index).phase != Phase::Waiting {
            return;
        }
        let now = play.now;
        let view_changes = play.account.view_changes();
        let state = self.state_mut(index);
        state.phase = Phase::Active;
        state.fired += 1;
        state.began = struck.map_or(now, |(_, at)| at);
        state.view_changes = view_changes;
        let began = state.began;
        let fired = state.fired;
        let verb = self.fault(index).verb.clone();
        let key = self.key_of(index);
        let hit = match (struck, verb.targets()) {
            (Some((machine, _)), _) => vec![machine],
            (None, Some(targets)) => self.ground(play).targets(targets, key),
            (None, None) => Vec::new(),
        };
        let state = self.state_mut(index);
        state.hit.clone_from(&hit);
        // Whether a fault of links lands, laying it tells.
        state.landed |= !hit.is_empty() || matches!(verb, Verb::Heal);
        let names: Vec<String> =
            hit.iter().map(|machine| play.cluster.common.node(*machine).to_string()).collect();
        let what = match names.is_empty() {
            true => verb.name().to_owned(),
            false => format!("{} {}", verb.name(), names.join(" ")),
        };
        play.account.push(began, Happening::FaultBegan { fault: index, what });
        // A process that a trap has killed has said so itself.
        let killed = struck.is_some() && snap_of(&verb) != Snap::Hold;
        let seen = if hit.is_empty() { vec![Machine::new(0)] } else { hit.clone() };
        for machine in seen.iter().filter(|_| !killed) {
            play.cluster.note(now, *machine, What::FaultOn { index });
        }
        match self.fault(index).end {
            End::For(span) => {
                let at = began.saturating_add(span.nanos()).max(now);
                play.agenda.put(at, Item::End(index, fired));
            }
            End::Until(Until::Time(at)) => {
                play.agenda.put(at.nanos().max(now), Item::End(index, fired));
            }
            End::Until(Until::Height(_) | Until::ViewChanges(_)) | End::Gst => {}
        }
        self.apply(play, index, &verb, &hit, key);
    }

    fn apply(&mut self, play: &mut Play, index: u32, verb: &Verb, hit: &[Machine], key: Key) {
        let now = play.now;
        let id = self.id(index);
        match verb {
            Verb::Drop { links, p } => self.lay(play, index, links, Overlay::Drop(*p), key),
            Verb::Duplicate { links, p } => {
                self.lay(play, index, links, Overlay::Duplicate(*p), key);
            }
            Verb::Delay { links, delay } => {
                self.lay(play, index, links, Overlay::Delay(*delay), key);
            }
            Verb::Reorder { links, p, by } => {
                self.lay(play, index, links, Overlay::Reorder { p: *p, by: *by }, key);
            }
            Verb::Corrupt { links, p } => self.lay(play, index, links, Overlay::Corrupt(*p), key),
            Verb::Bandwidth { links, bytes_per_second } => {
                self.lay(play, index, links, Overlay::Bandwidth(*bytes_per_second), key);
            }
            Verb::Clog { links } => self.lay(play, index, links, Overlay::Clog, key),
            Verb::Partition { shape, in_flight } => {
                let cut = self.cut(play, shape, hit, key);
                let block = Overlay::Block { keep_in_flight: *in_flight == InFlight::Keep };
                self.state_mut(index).landed |= !cut.is_empty();
                play.cluster.fabric.network(|network| network.begin(id, block, cut, now));
            }
            Verb::Isolate { in_flight, .. } => {
                let links = touching(play, hit);
                let block = Overlay::Block { keep_in_flight: *in_flight == InFlight::Keep };
                play.cluster.fabric.network(|network| network.begin(id, block, links, now));
            }
            Verb::SwizzleClog { .. } => self.swizzle(play, index, hit),
            Verb::Heal => {
                for other in 0..u32::try_from(self.faults.len()).expect("faults are few") {
                    let network = is_network(&self.fault(other).verb);
                    if network && self.state(other).phase == Phase::Active {
                        self.end(play, other);
                    }
                }
                self.end(play, index);
            }
            Verb::Kill { restart_after, .. }
            | Verb::Stop { restart_after, .. }
            | Verb::Reformat { restart_after, .. } => {
                for machine in hit {
                    match verb {
                        Verb::Stop { .. } => play.cluster.stop(*machine, now),
                        _ => play.cluster.kill(*machine, now),
                    }
                    if matches!(verb, Verb::Reformat { .. }) {
                        play.cluster.reformat(*machine);
                    }
                    self.hold_down(play, index, *machine, self.state(index).began);
                }
                if hit.is_empty() && restart_after.is_some() {
                    self.end(play, index);
                }
            }
            Verb::Restart { .. } | Verb::Upgrade { .. } => {
                for machine in hit {
                    self.holds[machine.place()].clear();
                    play.cluster.stop(*machine, now);
                    play.cluster.boot(*machine, now);
                }
                self.end(play, index);
            }
            Verb::Pause { .. } => hit.iter().for_each(|one| play.cluster.pause(*one, now)),
            Verb::Resume { .. } => {
                hit.iter().for_each(|one| play.cluster.resume(*one, now));
                self.end(play, index);
            }
            Verb::CrashLoop { .. } => {
                for place in 0..u32::try_from(hit.len()).expect("machines are few") {
                    self.step(play, index, place);
                }
            }
            Verb::Slow { factor_milli, .. } => {
                for machine in hit {
                    slow_down(play, *machine, *factor_milli);
                }
            }
            Verb::Diverge { .. } => {
                for machine in hit {
                    play.cluster.host(*machine, |host| host.diverges = true);
                }
                self.end(play, index);
            }
            Verb::Jump { by, clock, .. } => {
                for machine in hit {
                    play.cluster.host(*machine, |host| host.clock.jump(*by, *clock, now));
                    play.cluster.reconsider(*machine, now);
                }
                self.end(play, index);
            }
            _ => {
                if let Some(fault) = clock_fault(verb) {
                    for machine in hit {
                        play.cluster.host(*machine, |host| host.clock.begin(id, fault, now));
                        play.cluster.reconsider(*machine, now);
                    }
                }
                if let Some(fault) = disk_fault(verb) {
                    for machine in hit {
                        let fault = fault.clone();
                        play.cluster.host(*machine, |host| host.disk.begin(id, fault));
                    }
                }
            }
        }
    }

    /// Ends a fault: what it did to network, disks and clocks is undone, and machines it keeps down or
    /// paused go on.
    fn end(&mut self, play: &mut Play, index: u32) {
        if self.state(index).phase != Phase::Active {
            return;
        }
        let now = play.now;
        let id = self.id(index);
        let verb = self.fault(index).verb.clone();
        let hit = std::mem::take(&mut self.state_mut(index).hit);
        let swizzled = (0..hit.len()).map(|place| swizzle_id(self.draw(index), place));
        for id in swizzled.chain([id]).filter(|_| is_network(&verb)) {
            play.cluster.fabric.network(|network| network.end(id, now));
        }
        for machine in &hit {
            play.cluster.host(*machine, |host| {
                host.disk.end(id);
                host.clock.end(id, now);
            });
            if matches!(verb, Verb::Slow { .. }) {
                slow_down(play, *machine, 1_000);
            }
            if clock_fault(&verb).is_some() {
                play.cluster.reconsider(*machine, now);
            }
            if matches!(verb, Verb::Pause { .. }) {
                play.cluster.resume(*machine, now);
            }
            self.release(play, index, *machine);
        }
        let seen = if hit.is_empty() { vec![Machine::new(0)] } else { hit };
        for machine in seen {
            play.cluster.note(now, machine, What::FaultOff { index });
        }
        let what = verb.name().to_owned();
        play.account.push(now, Happening::FaultEnded { fault: index, what });
        let fault = self.fault(index);
        let again = self.state(index).fired < fault.repeat.max(1)
            && !matches!(fault.start, Trigger::Time(_))
            && !self.good;
        self.state_mut(index).phase = if again { Phase::Waiting } else { Phase::Over };
        if again && matches!(self.fault(index).start, Trigger::Point { .. }) {
            self.set_traps(play, index);
        }
    }

    /// Keeps a machine that is down from being started until this fault lets it go.
    fn hold_down(&mut self, play: &mut Play, index: u32, machine: Machine, since: u64) {
        let holds = &mut self.holds[machine.place()];
        if !holds.contains(&index) {
            holds.push(index);
        }
        let state = self.state_mut(index);
        if !state.hit.contains(&machine) {
            state.hit.push(machine);
        }
        let fired = state.fired;
        let after = match &self.fault(index).verb {
            Verb::Kill { restart_after, .. }
            | Verb::Stop { restart_after, .. }
            | Verb::Reformat { restart_after, .. } => *restart_after,
            _ => None,
        };
        if let Some(after) = after {
            let at = since.saturating_add(after.nanos()).max(play.now);
            play.agenda.put(at, Item::Restart(index, fired, machine));
        }
    }

    /// Lets a machine go; it is started if nothing else keeps it down.
    fn release(&mut self, play: &mut Play, index: u32, machine: Machine) {
        let holds = &mut self.holds[machine.place()];
        let held = holds.contains(&index);
        holds.retain(|other| *other != index);
        if held && holds.is_empty() && play.cluster.status(machine).running == Running::Down {
            play.cluster.boot(machine, play.now);
        }
    }

    /// One step of a fault that goes on by itself.
    fn step(&mut self, play: &mut Play, index: u32, step: u32) {
        let now = play.now;
        let place = usize::try_from(step).expect("machines are few");
        let fired = self.state(index).fired;
        let hit = self.state(index).hit.clone();
        match self.fault(index).verb.clone() {
            Verb::CrashLoop { up, down, .. } => {
                let Some(machine) = hit.get(place).copied() else { return };
                let draws = self.state(index).draws;
                self.state_mut(index).draws += 1;
                let draw = self.key_of(index).at(draws, 0);
                let pause = if play.cluster.is_down(machine) {
                    self.release(play, index, machine);
                    sample(&up, draw)
                } else {
                    play.cluster.kill(machine, now);
                    self.hold_down(play, index, machine, now);
                    sample(&down, draw)
                };
                let next = now.saturating_add(pause.max(1_000_000));
                play.agenda.put(next, Item::Step(index, fired, step));
            }
            Verb::SwizzleClog { .. } => {
                let releases = place >= hit.len();
                let place = place % hit.len().max(1);
                let Some(machine) = hit.get(place).copied() else { return };
                let id = swizzle_id(self.draw(index), place);
                let links = touching(play, &[machine]);
                play.cluster.fabric.network(|network| match releases {
                    false => network.begin(id, Overlay::Clog, links, now),
                    true => network.end(id, now),
                });
            }
            _ => {}
        }
    }

    /// Spreads clogging over the first half of the fault's duration, in drawn order, and releasing
    /// over the second half, in another.
    fn swizzle(&mut self, play: &mut Play, index: u32, hit: &[Machine]) {
        let duration = match self.fault(index).end {
            End::For(span) => span.nanos(),
            End::Until(Until::Time(at)) => at.nanos().saturating_sub(play.now),
            End::Until(_) | End::Gst => SWIZZLE,
        };
        let count = u32::try_from(hit.len()).expect("machines are few");
        let places: Vec<u32> = (0..count).collect();
        let pause = duration / 2 / u64::from(count.max(1));
        let fired = self.state(index).fired;
        let key = self.key_of(index);
        for (half, offset) in [(0u64, 0), (1, count)] {
            let order = shuffled(&places, key.within(2 + half), hit.len());
            for (nth, place) in (0u64..).zip(order) {
                let at = play.now.saturating_add(half * duration / 2).saturating_add(nth * pause);
                play.agenda.put(at, Item::Step(index, fired, place + offset));
            }
        }
    }

    fn lay(&mut self, play: &mut Play, index: u32, links: &Links, overlay: Overlay, key: Key) {
        let links = self.links(play, links, key);
        self.state_mut(index).landed |= !links.is_empty();
        let (now, id) = (play.now, self.id(index));
        play.cluster.fabric.network(|network| network.begin(id, overlay, links, now));
    }

    fn links(&self, play: &Play, links: &Links, key: Key) -> Vec<(Machine, Machine)> {
        let ground = self.ground(play);
        match links {
            Links::All => all_links(play),
            Links::Touching(targets) => touching(play, &ground.targets(targets, key)),
            Links::Directed { from, to } => {
                let (from, to) = (ground.machines(from, key), ground.machines(to, key.within(1)));
                between(&from, &to)
            }
        }
    }

    /// The links a partition cuts.
    fn cut(
        &self,
        play: &Play,
        shape: &Partition,
        hit: &[Machine],
        key: Key,
    ) -> Vec<(Machine, Machine)> {
        let ground = self.ground(play);
        let all: Vec<Machine> = play.cluster.machines().collect();
        let apart = |side: &dyn Fn(Machine) -> usize| -> Vec<(Machine, Machine)> {
            let links = all_links(play).into_iter();
            links.filter(|(from, to)| side(*from) != side(*to)).collect()
        };
        match shape {
            Partition::Groups(groups) => {
                let groups: Vec<Vec<Machine>> =
                    groups.iter().map(|names| ground.named(names)).collect();
                apart(&|machine| {
                    let group = groups.iter().position(|group| group.contains(&machine));
                    group.unwrap_or(groups.len())
                })
            }
            Partition::Split(_) => apart(&|machine| usize::from(hit.contains(&machine))),
            Partition::OneWay { from, to } => {
                between(&ground.machines(from, key), &ground.machines(to, key.within(1)))
            }
            Partition::Bridge(_) => {
                let rest: Vec<Machine> =
                    all.iter().copied().filter(|machine| !hit.contains(machine)).collect();
                let (left, right) = rest.split_at(rest.len() / 2);
                let mut links = between(left, right);
                links.extend(between(right, left));
                links
            }
            Partition::Ring { reach } => {
                let size = all.len();
                let reach = usize::try_from(*reach).unwrap_or(usize::MAX);
                let far = |(from, to): &(Machine, Machine)| {
                    let apart = from.place().abs_diff(to.place());
                    apart.min(size - apart) > reach
                };
                all_links(play).into_iter().filter(far).collect()
            }
        }
    }

    /// Sets a trap on every machine that may be hit.
    fn set_traps(&mut self, play: &mut Play, index: u32) {
        let fault = self.fault(index);
        let Trigger::Point { point, proposal_only, node, nth } = &fault.start else { return };
        let key = self.key_of(index);
        let ground = self.ground(play);
        let (machines, role) = match (node, fault.verb.targets()) {
            (Some(name), _) => (ground.named(&[*name]), Role::Any),
            (None, Some(Targets { nodes: Selector::Leader, .. })) => {
                (play.cluster.machines().collect(), Role::Leader)
            }
            (None, Some(Targets { nodes: Selector::NextLeader, .. })) => {
                (play.cluster.machines().collect(), Role::NextLeader)
            }
            (None, Some(targets)) => (ground.targets(targets, key), Role::Any),
            (None, None) => (play.cluster.machines().collect(), Role::Any),
        };
        let snaps = snap_of(&fault.verb);
        let (point, proposal_only, nth) = (*point, *proposal_only, *nth);
        // A trap that is set again counts from where the machine is.
        let again = self.state(index).fired > 0;
        for machine in machines {
            play.cluster.host(machine, |host| {
                let passed = if again { host.passages.at(point, proposal_only) } else { 0 };
                let nth = nth.max(1) + passed;
                let fault = Some(index);
                host.traps.push(Trap { fault, point, proposal_only, nth, snaps, role });
            });
        }
    }
}

const fn is_network(verb: &Verb) -> bool {
    matches!(
        verb,
        Verb::Drop { .. }
            | Verb::Duplicate { .. }
            | Verb::Delay { .. }
            | Verb::Reorder { .. }
            | Verb::Corrupt { .. }
            | Verb::Bandwidth { .. }
            | Verb::Partition { .. }
            | Verb::Clog { .. }
            | Verb::SwizzleClog { .. }
            | Verb::Isolate { .. }
    )
}

/// What a trap of this verb does on the spot.
const fn snap_of(verb: &Verb) -> Snap {
    match verb {
        Verb::Kill { .. } | Verb::Reformat { .. } | Verb::CrashLoop { .. } => Snap::Kill,
        Verb::Stop { .. } => Snap::Stop,
        _ => Snap::Hold,
    }
}

/// Makes jobs and disk of a machine take so many thousandths of their normal time, also what is under way.
fn slow_down(play: &mut Play, machine: Machine, factor_milli: u32) {
    play.cluster.host(machine, |host| host.slow_milli = factor_milli);
    play.cluster.reconsider(machine, play.now);
}

fn clock_fault(verb: &Verb) -> Option<ClockFault> {
    match verb {
        Verb::Skew { by, .. } => Some(ClockFault::Skew(*by)),
        Verb::Drift { ppm, .. } => Some(ClockFault::Drift(*ppm)),
        Verb::Strobe { amplitude, period, .. } => {
            Some(ClockFault::Strobe { amplitude: *amplitude, period: *period })
        }
        Verb::Freeze { .. } => Some(ClockFault::Freeze),
        _ => None,
    }
}

fn disk_fault(verb: &Verb) -> Option<DiskFault> {
    match verb {
        Verb::LostUnsynced { p, .. } => Some(DiskFault::LostUnsynced(*p)),
        Verb::TornWrite { p, sector, .. } => Some(DiskFault::Torn(Torn { p: *p, sector: *sector })),
        Verb::Bitrot { p, .. } => Some(DiskFault::Bitrot(*p)),
        Verb::MisdirectedWrite { p, .. } => Some(DiskFault::Misdirected(*p)),
        Verb::IoError { p, ops, .. } => Some(DiskFault::IoError(*p, ops.clone())),
        Verb::Latency { fsync, .. } => Some(DiskFault::Latency(*fsync)),
        Verb::Full { .. } => Some(DiskFault::Full),
        Verb::FsyncLie { p, .. } => Some(DiskFault::Lie(*p)),
        _ => None,
    }
}

/// The network's name for what a swizzle does to one of its targets.
fn swizzle_id(draw: u32, place: usize) -> FaultId {
    let place = u32::try_from(place).expect("machines are few");
    FaultId((draw + 1) * 1_024 + place + (1 << 24))
}

fn all_links(play: &Play) -> Vec<(Machine, Machine)> {
    let all: Vec<Machine> = play.cluster.machines().collect();
    between(&all, &all)
}

fn between(from: &[Machine], to: &[Machine]) -> Vec<(Machine, Machine)> {
    let pairs = from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to)));
    pairs.filter(|(from, to)| from != to).collect()
}

fn touching(play: &Play, machines: &[Machine]) -> Vec<(Machine, Machine)> {
    let mut links = all_links(play);
    links.retain(|(from, to)| machines.contains(from) || machines.contains(to));
    links
}
