//! The process on a machine: the driver loop around one replica.
//!
//! Takes what is due in order of time, steps the replica, and sees to each effect.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

use quorate_core::{
    effect::{Effect, Effects, Input, PeerCommand, PeerEvent, Timer},
    event::Event,
    execution::{ExecutionState, Executor},
    job::JobResult,
    random::Seed,
    replica::Replica,
    signer::{Pledge, SignState},
    store::Stored,
    time::{Instant, Span},
    transaction::Transaction,
    types::Seq,
};

use super::{
    common::Common,
    disk::Sync,
    fabric::{Arrival, Cargo, Incident, Incoming, Ledger, Note, Outgoing, Station, Window},
    host::{Halt, Host, Snap, Standing},
    lock,
    network::{Loss, Machine},
};
use crate::{
    report::BreakAt,
    trace::{DownReason, What},
};

mod boot;
mod durable;
mod jobs;
mod outgoing;
mod portrait;

/// Steps in a row without time passing after which a replica is said to spin.
const STEPS_AT_ONCE_MAX: u32 = 100_000;

/// The madsim task of one machine. Ends never; a kill drops it.
pub async fn drive(common: Arc<Common>, host: Arc<Mutex<Host>>, station: Station) {
    let mut ledger = Ledger::default();
    let mut process: Option<Process> = None;
    loop {
        let window = station.window(&mut ledger).await;
        let mut host = lock(&host);
        let ran = catch_unwind(AssertUnwindSafe(|| {
            run(&common, &mut host, &mut process, &mut ledger, window);
        }));
        if let Err(panic) = ran {
            let at = process.as_ref().map_or(window.start, |process| process.now);
            ledger.notes.push(Note { at, what: What::WentDown(DownReason::Panicked) });
            host.halt = Some((at, Halt::Broken(super::panics::message(&*panic))));
        }
        let next = match (&host.halt, &process) {
            (None, Some(process)) => process.next_event(&host),
            _ => None,
        };
        if host.halt.is_some() {
            process = None;
            lose_the_rest(&host, &mut ledger);
        }
        drop(host);
        station.finish(&mut ledger, next);
    }
}

fn run(
    common: &Arc<Common>,
    host: &mut Host,
    process: &mut Option<Process>,
    ledger: &mut Ledger,
    window: Window,
) {
    let result = match process {
        Some(process) => process.window(host, ledger, window),
        None => Process::boot(common, host, ledger)
            .and_then(|booted| process.insert(booted).window(host, ledger, window)),
    };
    if let Err((at, halt)) = result {
        match &halt {
            Halt::Down(reason) => ledger.notes.push(Note { at, what: What::WentDown(*reason) }),
            Halt::Trapped(trap) => {
                let begins = trap.fault.map(|index| What::FaultOn { index });
                ledger.notes.extend(begins.map(|what| Note { at, what }));
                let what = if trap.snaps == Snap::Stop { What::Stopped } else { What::Killed };
                ledger.notes.push(Note { at, what });
            }
            Halt::Broken(_) => {}
        }
        host.halt = Some((at, halt));
    }
    if let Some(process) = process {
        host.standing = process.standing();
        let (view, height) = (host.standing.view, host.standing.height);
        let now = Span::from_nanos(process.now);
        let reached = |watch: BreakAt| watch.is_reached(height, view, now);
        if host.portrait.is_none() && host.watch.is_some_and(reached) {
            host.portrait = Some(Box::new(process.portrait(host)));
        }
    }
}

/// What reached a process after its end is lost.
fn lose_the_rest(host: &Host, ledger: &mut Ledger) {
    for arrival in ledger.arrivals.drain(..) {
        if let Incoming::Message(from, cargo) = arrival.what {
            let (at, to, parcel) = (arrival.at, host.machine, cargo.parcel);
            let loss = Some(Loss::NotConnected);
            ledger.incidents.push(Incident { at, from, to, loss, parcel });
        }
    }
}

/// Something due at this machine, by itself.
#[derive(Debug)]
enum Due {
    /// An fsync of the data log ends.
    DataSynced(Sync),
    /// An fsync of a slot ends.
    SlotSynced(Sync, Vec<Pledge>),
    /// A job is done.
    Finished(Box<JobResult>),
    /// A connection came or went.
    Peer(PeerEvent),
    /// A client is here.
    Submitted(Arc<Transaction>),
    /// A behaviour held this back until now.
    Held(Outgoing),
}

/// In the order of (time, place in line).
struct Timed {
    at: u64,
    place: u64,
    due: Due,
}

impl PartialEq for Timed {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.place) == (other.at, other.place)
    }
}

impl Eq for Timed {}

impl PartialOrd for Timed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timed {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.place).cmp(&(other.at, other.place))
    }
}

/// An entry of the data log that is not durable yet.
enum Appended {
    Write(Seq),
    Pledge(Seq, Pledge),
}

/// When and why a process came to a halt.
type Stop = (u64, Halt);

/// A running replica and everything the driver keeps in memory for it.
struct Process {
    common: Arc<Common>,
    replica: Replica,
    stored: Stored,
    execution: ExecutionState,
    executor: Executor,
    /// Promises checked as they are appended.
    promised: SignState,
    /// Promises whose data is durable: what the slots hold or are about to.
    recorded: SignState,
    amnesiac: bool,
    next_entry: u64,
    appended: VecDeque<Appended>,
    syncing: Option<usize>,
    to_record: Vec<Pledge>,
    recording: bool,
    due: BinaryHeap<Reverse<Timed>>,
    due_places: u64,
    /// How slow the machine was when what is due was timed, in thousandths.
    slow_milli: u32,
    inbox: VecDeque<Arrival>,
    wakeup: Option<(Instant, Timer)>,
    effects: Effects,
    now: u64,
    steps_at_once: u32,
    seq: Seq,
    rng: quorate_core::random::Rng,
}

impl Process {
    /// Sees to everything due in a window.
    fn window(&mut self, host: &mut Host, ledger: &mut Ledger, window: Window) -> Result<(), Stop> {
        self.take_in(ledger);
        self.now = self.now.max(window.start);
        self.keep_pace(host.slow_milli);
        while let Some((at, source)) = self.next_due(host) {
            let at = at.max(self.now);
            if at >= window.end || host.holding {
                break;
            }
            self.steps_at_once = if at == self.now { self.steps_at_once + 1 } else { 0 };
            assert!(
                self.steps_at_once < STEPS_AT_ONCE_MAX,
                "the replica asks to be woken again and again at {at} ns: {:?}",
                self.wakeup
            );
            self.now = at;
            match source {
                Source::Due => {
                    let Reverse(timed) = self.due.pop().expect("it was just looked at");
                    self.on_due(host, ledger, timed.due)?;
                }
                Source::Inbox => {
                    let arrival = self.inbox.pop_front().expect("it was just looked at");
                    if let Incoming::Message(from, cargo) = arrival.what {
                        self.on_message(host, ledger, from, cargo)?;
                    }
                }
                Source::Wakeup(timer) => {
                    self.note(ledger, What::Woke(timer));
                    self.step(host, ledger, Input::Tick)?;
                }
            }
        }
        Ok(())
    }

    fn next_event(&self, host: &Host) -> Option<u64> {
        self.next_due(host).map(|(at, _)| at)
    }

    fn standing(&self) -> Standing {
        Standing {
            view: self.replica.view(),
            height: self.replica.finalized_height(),
            footprint: self.replica.footprint(),
            archive: self
                .stored
                .archive
                .first_key_value()
                .zip(self.stored.archive.last_key_value())
                .map(|((lowest, _), (highest, _))| (*lowest, *highest)),
        }
    }

    fn take_in(&mut self, ledger: &mut Ledger) {
        let mut arrivals = std::mem::take(&mut ledger.arrivals);
        for arrival in arrivals.drain(..) {
            let due = match arrival.what {
                Incoming::Message(..) => {
                    self.inbox.push_back(arrival);
                    continue;
                }
                Incoming::Connected(peer) => {
                    Due::Peer(PeerEvent::Connected(self.common.peer(peer)))
                }
                Incoming::Lost(peer) => Due::Peer(PeerEvent::Lost(self.common.peer(peer))),
                Incoming::Submitted(transaction) => Due::Submitted(transaction),
            };
            self.later(arrival.at, due);
        }
        ledger.arrivals = arrivals;
    }

    /// What comes next. At equal times the machine's own business goes first, then messages, then
    /// wake-ups.
    fn next_due(&self, host: &Host) -> Option<(u64, Source)> {
        let due = self.due.peek().map(|Reverse(timed)| (timed.at, Source::Due));
        let message = self.inbox.front().map(|arrival| (arrival.at, Source::Inbox));
        let mut first = match (due, message) {
            (Some(due), Some(message)) => Some(if due.0 <= message.0 { due } else { message }),
            (one, other) => one.or(other),
        };
        if let Some((mono, timer)) = self.wakeup
            && let Some(at) = host.clock.world_of(mono, self.now)
            && first.is_none_or(|(first, _)| at < first)
        {
            first = Some((at, Source::Wakeup(timer)));
        }
        first
    }

    /// A machine that becomes slow, or is slow no more, sees to the rest of what it has begun at its new pace.
    /// Otherwise one slow fsync could outlast the fault by a minute.
    fn keep_pace(&mut self, slow_milli: u32) {
        let was = std::mem::replace(&mut self.slow_milli, slow_milli);
        if was == slow_milli {
            return;
        }
        let (now, was, is) = (self.now, u64::from(was), u64::from(slow_milli));
        let retimed = |Reverse(mut timed): Reverse<Timed>| {
            if matches!(timed.due, Due::DataSynced(_) | Due::SlotSynced(..) | Due::Finished(_)) {
                let left = Span::from_nanos(timed.at.saturating_sub(now)).scaled(is, was);
                timed.at = now.saturating_add(left.nanos());
            }
            Reverse(timed)
        };
        self.due = std::mem::take(&mut self.due).into_iter().map(retimed).collect();
    }

    /// Jobs and disk: what takes so many nanoseconds on a machine that is not slow.
    fn later_at_pace(&mut self, nanos: u64, due: Due) {
        let took = Span::from_nanos(nanos).scaled(u64::from(self.slow_milli), 1_000);
        self.later(self.now.saturating_add(took.nanos()), due);
    }

    fn later(&mut self, at: u64, due: Due) {
        self.due_places += 1;
        self.due.push(Reverse(Timed { at, place: self.due_places, due }));
    }

    fn note(&self, ledger: &mut Ledger, what: What) {
        ledger.notes.push(Note { at: self.now, what });
    }

    fn stop<T>(&self, halt: Halt) -> Result<T, Stop> {
        Err((self.now, halt))
    }

    fn on_due(&mut self, host: &mut Host, ledger: &mut Ledger, due: Due) -> Result<(), Stop> {
        match due {
            Due::DataSynced(sync) => self.on_data_synced(host, ledger, sync),
            Due::SlotSynced(sync, pledges) => self.on_slot_synced(host, ledger, sync, &pledges),
            Due::Finished(result) => self.step(host, ledger, Input::Finished(*result)),
            Due::Peer(event) => self.step(host, ledger, Input::Peer(event)),
            Due::Submitted(transaction) => {
                self.note(
                    ledger,
                    What::Submitted { transaction: transaction.id(), fee: transaction.body.fee },
                );
                self.step(host, ledger, Input::Submitted((*transaction).clone()))
            }
            Due::Held(outgoing) => {
                ledger.outgoing.push(Outgoing { at: self.now, ..outgoing });
                Ok(())
            }
        }
    }

    fn on_message(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        from: Machine,
        cargo: Cargo,
    ) -> Result<(), Stop> {
        let sender = self.common.node(from);
        let message = Arc::clone(cargo.parcel.message());
        if !host.behaviours.is_empty() {
            let (view, height) = (self.replica.view(), self.replica.finalized_height());
            self.common.with_context(host.node, self.now, view, height, &mut self.rng, |context| {
                host.behaviours.overhear(context, sender.number(), &message);
            });
        }
        self.note(ledger, What::Delivered { from: sender, parcel: cargo.parcel });
        let from = self.common.peer(from);
        let message = Arc::unwrap_or_clone(message);
        self.step(host, ledger, Input::Received { from, message })
    }

    fn step(&mut self, host: &mut Host, ledger: &mut Ledger, input: Input) -> Result<(), Stop> {
        host.steps += 1;
        if self.common.reserializes(host.machine, host.steps) {
            let bytes = borsh::to_vec(&self.replica).expect("encoding to memory does not fail");
            self.replica = borsh::from_slice(&bytes).expect("what was encoded decodes");
        }
        let now = host.clock.read(self.now);
        let mut effects = std::mem::take(&mut self.effects);
        self.replica.step(now, input, &mut effects);
        self.wakeup = self.replica.next_wakeup();
        for effect in effects.drain() {
            self.on_effect(host, ledger, effect)?;
        }
        self.effects = effects;
        self.sync_if_idle(host);
        Ok(())
    }

    fn on_effect(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        effect: Effect,
    ) -> Result<(), Stop> {
        match effect {
            Effect::Send { to, message } => self.on_send(host, ledger, &to, message),
            Effect::Write { seq, batch } => return self.on_write(host, ledger, seq, batch),
            Effect::Pledge { seq, pledge } => return self.on_pledge(host, ledger, seq, pledge),
            Effect::Run(job) => self.on_job(host, ledger, &job),
            Effect::Peer(PeerCommand::Penalize(peer, fault)) => {
                self.note(ledger, What::Penalized { peer, fault });
            }
            Effect::Report(event) => self.on_report(ledger, event),
        }
        Ok(())
    }

    fn on_report(&mut self, ledger: &mut Ledger, event: Event) {
        self.note(ledger, What::Reported(Arc::new(event)));
    }
}

/// Where the next thing comes from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Due,
    Inbox,
    Wakeup(Timer),
}

/// The seed of everything that belongs to one run.
#[must_use]
pub fn run_seed(seed: u64) -> Seed {
    Seed::from_number(seed).fork("run", 0)
}
