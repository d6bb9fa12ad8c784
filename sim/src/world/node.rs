//! The process on a machine: the driver loop around one replica.
//!
//! Takes what is due in order of time, steps the replica, and sees to each effect. Keeps the order
//! that makes a promise safe: data log, fsync, sign-state, fsync, signature, and only then the core is
//! told. A failed write ends the process; nothing is tried again. Every place at which a crash could
//! matter is a crash point.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

use quorate_core::{
    block::Block,
    codec::Bounded,
    effect::{Effect, Effects, Input, PeerCommand, PeerEvent, Recipients, Timer},
    event::Event,
    execution::{ExecutedBlock, ExecutionState, Executor},
    job::{self, Job, JobResult},
    message::Message,
    random::Seed,
    replica::Replica,
    signer::{Pledge, SignState},
    store::{Batch, SignerRecord, Stored},
    time::{Instant, Span},
    transaction::Transaction,
    types::{Height, Seq, View},
    vote::{Kind, Promise},
};

use super::{
    common::Common,
    delay::sample,
    disk::{File, Sync},
    fabric::{Arrival, Cargo, Incident, Incoming, Ledger, Note, Outgoing, Station, Window},
    host::{Halt, Host, Role, Snap, Standing, Trap},
    lock,
    log::{self, Entry, encode_pledge, encode_slot, encode_snapshot, encode_write},
    network::{Loss, Machine},
    records,
};
use crate::{
    byzantine,
    check::Lapse,
    report::{BreakAt, Portrait},
    scenario::{Codec, CrashPoint},
    trace::{
        DownReason, Parcel, What,
        describe::{statement_words, timer_name},
    },
};

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
    inbox: VecDeque<Arrival>,
    wakeup: Option<(Instant, Timer)>,
    effects: Effects,
    now: u64,
    steps_at_once: u32,
    seq: Seq,
    rng: quorate_core::random::Rng,
}

impl Process {
    /// Starts the process: reads the disk, rebuilds the state, makes the replica.
    fn boot(common: &Arc<Common>, host: &mut Host, ledger: &mut Ledger) -> Result<Self, Stop> {
        let at = host.boot_at;
        let life = host.lives;
        host.lives += 1;
        let down = |reason| (at, Halt::Down(reason));
        let data = host.disk.read(File::Data).map_err(|_| down(DownReason::WriteFailed))?;
        let found = log::read(&data).map_err(|_| down(DownReason::CorruptLog))?;
        host.disk.truncate(File::Data, found.length);
        let survived = survived(&found, host.life_begins);
        host.life_begins = found.next;
        let (stored, mut execution) = fold(common, &found.entries);
        let slot =
            |host: &mut Host, file| host.disk.read(file).map_err(|_| down(DownReason::WriteFailed));
        let slots = [slot(host, File::SlotA)?, slot(host, File::SlotB)?];
        let signer = log::read_slots([&slots[0], &slots[1]]);
        match &signer {
            None => host.lapse = Some(Lapse::Amnesiac),
            Some((version, _)) if *version < host.slot_version => {
                host.lapse = Some(Lapse::LyingDisk);
            }
            Some(_) => {}
        }
        let height = stored.archive.last_key_value().map_or(Height::ZERO, |(height, _)| *height);
        let number = u64::from(host.machine.get());
        let mut rng = common.seed.fork("behaviours", number).fork("life", u64::from(life)).rng();
        // A liar that forgets votes on, whatever is left of its promises.
        let forgets = life > 0
            && common.with_context(host.node, at, View::ZERO, height, &mut rng, |context| {
                host.behaviours.forget(context)
            });
        let amnesiac = signer.is_none() && !forgets;
        let (version, recorded) = signer.unwrap_or_default();
        let recorded = if forgets { SignState::default() } else { recorded };
        host.slot_version = version;
        let torn_bytes = u64::try_from(found.torn).expect("memory is finite");
        let started = What::Started { life, height, survived, torn_bytes, amnesiac };
        ledger.notes.push(Note { at, what: started });
        let mut executor = common.executor(host.machine);
        replay(&stored, &mut execution, &mut executor, at, ledger);
        let record =
            if amnesiac { SignerRecord::Lost } else { SignerRecord::Intact(recorded.clone()) };
        let seed = common.seed.fork("replica", number).fork("life", u64::from(life));
        let config = common.config(host.node);
        let replica = Replica::new(config, stored.recover(record, execution.checkpoints()), seed);
        let wakeup = replica.next_wakeup();
        Ok(Self {
            common: Arc::clone(common),
            replica,
            stored,
            execution,
            executor,
            promised: recorded.clone(),
            recorded,
            amnesiac,
            next_entry: found.next,
            appended: VecDeque::new(),
            syncing: None,
            to_record: Vec::new(),
            recording: false,
            due: BinaryHeap::new(),
            due_places: 0,
            inbox: VecDeque::new(),
            wakeup,
            effects: Effects::new(),
            now: at,
            steps_at_once: 0,
            seq: Seq::ZERO,
            rng,
        })
    }

    /// Sees to everything due in a window.
    fn window(&mut self, host: &mut Host, ledger: &mut Ledger, window: Window) -> Result<(), Stop> {
        self.take_in(ledger);
        self.now = self.now.max(window.start);
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

    /// What a person wants to see of this replica.
    fn portrait(&self, host: &Host) -> Portrait {
        let tip = self.promised.promises().iter().next_back();
        let promises = tip.map_or_else(
            || "none".to_owned(),
            |(view, promises)| {
                let words: Vec<String> = promises.iter().map(statement_words).collect();
                format!("in view {view}: {}", words.join(", "))
            },
        );
        let wakeup = self.wakeup.map_or_else(
            || "nothing".to_owned(),
            |(at, timer)| format!("{} at {} ns of its own clock", timer_name(timer), at.nanos()),
        );
        let archive = host
            .standing
            .archive
            .map_or_else(|| "empty".to_owned(), |(low, high)| format!("heights {low} to {high}"));
        let lines = vec![
            ("view", self.replica.view().to_string()),
            ("leads it", format!("n{}", self.common.leader(self.replica.view()))),
            ("final height", self.replica.finalized_height().to_string()),
            ("state", format!("height {}", self.execution.height())),
            ("archive", archive),
            ("waits for", wakeup),
            ("last promises", promises),
            ("floor", self.promised.safety().floor.to_string()),
            ("not durable yet", format!("{} log entries", self.appended.len())),
            ("votes", if self.amnesiac { "never: its sign-state was lost" } else { "yes" }.into()),
            ("life", host.lives.saturating_sub(1).to_string()),
            ("inbox", format!("{} messages", self.inbox.len())),
            ("holds", format!("{:?}", self.replica.footprint())),
        ];
        Portrait {
            node: host.node.name(),
            at: Span::from_nanos(self.now),
            lines,
            replica: format!("{:#?}", self.replica),
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
                self.note(ledger, What::Submitted(transaction.id()));
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

    fn on_send(&mut self, host: &mut Host, ledger: &mut Ledger, to: &Recipients, message: Message) {
        let common = Arc::clone(&self.common);
        let to = common.recipients(host.node, to);
        if host.behaviours.is_empty() {
            let (message, frame) = (Arc::new(message), None);
            self.dispatch(host, ledger, to, Departure { message, delay: 0, frame });
            return;
        }
        let (view, height) = (self.replica.view(), self.replica.finalized_height());
        let outgoing = byzantine::Outgoing::new(to.to_vec(), message);
        let edited =
            common.with_context(host.node, self.now, view, height, &mut self.rng, |context| {
                host.behaviours.edit(context, outgoing)
            });
        for one in edited {
            let byzantine::Outgoing { to, message, delay, frame } = one;
            self.dispatch(host, ledger, to.into(), Departure { message, delay, frame });
        }
    }

    /// Hands one message to the network, for all its recipients.
    fn dispatch(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        to: Arc<[u32]>,
        departure: Departure,
    ) {
        let common = Arc::clone(&self.common);
        let Departure { mut message, delay, frame } = departure;
        let mut bytes = 0;
        let mut lost = false;
        if common.codec == Codec::Wire || frame.is_some() {
            let encoded = frame.map_or_else(|| message.encode(), |frame| frame.to_vec());
            bytes = u32::try_from(encoded.len()).unwrap_or(u32::MAX);
            // Decoding is a pure function, so doing it once stands for every receiver.
            match Message::decode(&encoded) {
                Ok(decoded) => message = Arc::new(decoded),
                Err(_) => lost = true,
            }
        } else if common.measures {
            let length = borsh::object_length(&*message).expect("measuring does not fail");
            bytes = u32::try_from(length).unwrap_or(u32::MAX);
        }
        let parcel = Parcel::new(message);
        let at = self.now.saturating_add(delay);
        for machine in to.iter().flat_map(|number| common.machines_of(*number)) {
            if lost {
                let loss = Some(Loss::Undecodable);
                let (at, from, to) = (self.now, host.machine, *machine);
                let parcel = parcel.clone();
                ledger.incidents.push(Incident { at, from, to, loss, parcel });
                continue;
            }
            let cargo = Cargo { parcel: parcel.clone(), bytes };
            let outgoing = Outgoing { at, to: *machine, cargo };
            if delay == 0 {
                ledger.outgoing.push(outgoing);
            } else {
                self.later(at, Due::Held(outgoing));
            }
        }
        self.note(ledger, What::Sent { to, parcel });
    }

    fn on_job(&mut self, host: &mut Host, ledger: &mut Ledger, job: &Job) {
        let altered = if host.diverges { without_last_transaction(job) } else { None };
        let result = match altered.as_ref().unwrap_or(job) {
            Job::Execute { block } => {
                JobResult::Executed(execute(&mut self.execution, &mut self.executor, block))
            }
            asked => {
                let mut memo = lock(&self.common.memo);
                job::run(asked, &mut *memo, &mut self.execution, &self.stored)
            }
        };
        if altered.is_some() {
            host.diverges = false;
            self.note(ledger, What::Diverged(self.execution.height()));
        }
        if let (Job::Execute { block }, JobResult::Executed(executed)) = (job, &result) {
            let block = Arc::clone(block);
            let result = Arc::new(executed.clone());
            self.note(ledger, What::Executed { block, result, replayed: false });
            let (height, total) = (self.execution.height(), self.execution.supply().total());
            self.note(ledger, What::Supply { height, total });
        }
        host.jobs += 1;
        let nanos = sample(&self.common.jobs, self.common.job_draw(host.machine, host.jobs));
        let nanos = u128::from(nanos) * u128::from(host.slow_milli) / 1_000;
        let at = self.now.saturating_add(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.later(at, Due::Finished(Box::new(result)));
    }

    fn on_write(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        seq: Seq,
        batch: Batch,
    ) -> Result<(), Stop> {
        let bytes = encode_write(host.disk.buffer(), self.next_entry, seq, &batch);
        self.append(host, ledger, bytes)?;
        for record in &batch {
            self.stored.apply(record);
        }
        self.seq = seq;
        self.appended.push_back(Appended::Write(seq));
        self.note(ledger, What::Wrote { seq, records: Arc::new(batch) });
        Ok(())
    }

    fn on_pledge(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        seq: Seq,
        pledge: Pledge,
    ) -> Result<(), Stop> {
        self.pass(host, ledger, CrashPoint::BeforeWrite, &pledge.promise())?;
        if self.amnesiac {
            return self.stop(Halt::Broken("a key without a sign-state was asked to sign".into()));
        }
        if let Err(refusal) = self.promised.record(&pledge) {
            self.note(ledger, What::WentDown(DownReason::SignerRefused));
            return self.stop(Halt::Broken(format!("the signer refused: {refusal}")));
        }
        let bytes = encode_pledge(host.disk.buffer(), self.next_entry, seq, &pledge);
        self.append(host, ledger, bytes)?;
        self.seq = seq;
        self.appended.push_back(Appended::Pledge(seq, pledge));
        self.note(ledger, What::PledgeAppended { seq, pledge: Box::new(pledge) });
        self.pass(host, ledger, CrashPoint::AfterWriteBeforeSync, &pledge.promise())
    }

    fn append(&mut self, host: &mut Host, ledger: &mut Ledger, bytes: Vec<u8>) -> Result<(), Stop> {
        if host.disk.append(File::Data, bytes).is_err() {
            return self.fail(ledger);
        }
        self.next_entry += 1;
        Ok(())
    }

    /// A write or an fsync failed: it is never tried again, and nothing is sent any more.
    fn fail<T>(&self, ledger: &mut Ledger) -> Result<T, Stop> {
        self.note(ledger, What::WriteFailed);
        self.stop(Halt::Down(DownReason::WriteFailed))
    }

    /// Starts an fsync of the data log if there is something to cover and none is under way.
    fn sync_if_idle(&mut self, host: &mut Host) {
        if self.syncing.is_some() || self.appended.is_empty() {
            return;
        }
        let sync = host.disk.begin_sync(File::Data);
        self.syncing = Some(self.appended.len());
        self.later(self.now.saturating_add(sync.latency), Due::DataSynced(sync));
    }

    fn on_data_synced(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        sync: Sync,
    ) -> Result<(), Stop> {
        if host.disk.finish_sync(sync).is_err() {
            return self.fail(ledger);
        }
        let covered = self.syncing.take().expect("one fsync is under way");
        let covered: Vec<Appended> = self.appended.drain(..covered).collect();
        let mut written = None;
        let mut pledges = Vec::new();
        for entry in &covered {
            let seq = match entry {
                Appended::Write(seq) => *written.insert(*seq),
                Appended::Pledge(seq, pledge) => {
                    pledges.push(*pledge);
                    *seq
                }
            };
            self.note(ledger, What::Durable { upto: seq });
        }
        for pledge in &pledges {
            self.pass(host, ledger, CrashPoint::AfterSyncBeforeSign, &pledge.promise())?;
        }
        self.to_record.extend(pledges);
        self.record_if_idle(host, ledger)?;
        self.compact_if_due(host);
        if let Some(upto) = written {
            self.step(host, ledger, Input::Written { upto })?;
        }
        self.sync_if_idle(host);
        Ok(())
    }

    /// Writes the sign-state if there are promises to record and no write is under way.
    fn record_if_idle(&mut self, host: &mut Host, ledger: &mut Ledger) -> Result<(), Stop> {
        if self.recording || self.to_record.is_empty() {
            return Ok(());
        }
        let pledges = std::mem::take(&mut self.to_record);
        for pledge in &pledges {
            let recorded = self.recorded.record(pledge);
            recorded.expect("it was recorded once when it was appended");
        }
        let version = host.slot_version + 1;
        let slot = if version.is_multiple_of(2) { File::SlotA } else { File::SlotB };
        let bytes = encode_slot(host.disk.buffer(), version, &self.recorded);
        if host.disk.overwrite(slot, bytes).is_err() {
            return self.fail(ledger);
        }
        let sync = host.disk.begin_sync(slot);
        self.recording = true;
        self.later(self.now.saturating_add(sync.latency), Due::SlotSynced(sync, pledges));
        Ok(())
    }

    fn on_slot_synced(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        sync: Sync,
        pledges: &[Pledge],
    ) -> Result<(), Stop> {
        if host.disk.finish_sync(sync).is_err() {
            return self.fail(ledger);
        }
        host.slot_version += 1;
        self.recording = false;
        for pledge in pledges {
            self.note(ledger, What::SignStateDurable(Box::new(pledge.promise())));
        }
        for pledge in pledges {
            let promise = pledge.promise();
            self.pass(host, ledger, CrashPoint::AfterSignStateBeforeSign, &promise)?;
            let vote = self.common.sign(host.node, promise);
            self.note(ledger, What::Signed(Box::new(vote)));
            self.pass(host, ledger, CrashPoint::AfterSyncBeforeSend, &promise)?;
            self.step(host, ledger, Input::Pledged(vote))?;
            self.pass(host, ledger, CrashPoint::AfterSend, &promise)?;
        }
        self.record_if_idle(host, ledger)
    }

    /// Passes a crash point; a trap that waits here may end the process.
    fn pass(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        point: CrashPoint,
        promise: &Promise,
    ) -> Result<(), Stop> {
        let proposal = match promise {
            Promise::View(statement) => {
                statement.kind() == Kind::Notarize && self.common.leads(host.node, statement.view())
            }
            Promise::Checkpoint(_) => false,
        };
        let (votes, proposals) = host.passages.count(point, proposal);
        self.note(ledger, What::PassedPoint { point, nth: votes, proposal });
        let view = self.replica.view();
        let strikes = |trap: &Trap| {
            let count = if trap.proposal_only { proposals } else { votes };
            let due = match trap.role {
                Role::Any => trap.nth == count,
                Role::Leader => trap.nth <= count && self.common.leads(host.node, view),
                Role::NextLeader => trap.nth <= count && self.common.leads(host.node, view.next()),
            };
            due && trap.point == point && (proposal || !trap.proposal_only)
        };
        let struck = host.traps.iter().position(strikes);
        let Some(place) = struck else { return Ok(()) };
        let trap = host.traps.remove(place);
        host.struck.push((trap, self.now));
        match trap.snaps {
            Snap::Kill | Snap::Stop => self.stop(Halt::Trapped(trap)),
            Snap::Hold => {
                host.holding = true;
                Ok(())
            }
        }
    }

    /// Once in a while rewrites the log as a snapshot, so that a long run does not fill the memory.
    fn compact_if_due(&mut self, host: &mut Host) {
        let kept = usize::try_from(self.common.heights_kept).expect("a small number").max(64);
        if self.stored.archive.len() < kept + kept / 2 || !self.appended.is_empty() {
            return;
        }
        let (tip, _) = self.stored.archive.last_key_value().expect("it is long");
        let lowest = tip.minus(self.common.heights_kept.max(64)).next();
        self.stored.prune_below(lowest.min(self.execution.height().next()));
        let bytes = encode_snapshot(self.next_entry, &self.stored, &self.execution, self.seq);
        host.disk.swap(File::Data, &bytes);
        self.next_entry += 1;
    }
}

/// What a broken machine makes of a block; none if it has no transaction to lose.
fn without_last_transaction(job: &Job) -> Option<Job> {
    let Job::Execute { block } = job else { return None };
    let mut payload = block.payload().clone();
    let mut transactions = payload.transactions.into_inner();
    transactions.pop()?;
    payload.transactions = Bounded::new(transactions);
    let block = Arc::new(Block::new(block.header().clone(), payload));
    Some(Job::Execute { block })
}

/// One message on its way out.
struct Departure {
    message: Arc<Message>,
    /// How long it is held back first, in nanoseconds.
    delay: u64,
    /// What leaves in place of its encoding, if that is not the true one.
    frame: Option<Arc<[u8]>>,
}

/// Where the next thing comes from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Due,
    Inbox,
    Wakeup(Timer),
}

/// The last entry of the previous life that is on the disk.
fn survived(found: &log::Recovered, life_begins: u64) -> Seq {
    let count = u64::try_from(found.entries.len()).expect("memory is finite");
    let first = found.next - count;
    let own = (first..).zip(&found.entries).filter(|(number, _)| *number >= life_begins);
    own.map(|(_, entry)| entry.seq()).max().unwrap_or(Seq::ZERO)
}

/// What a log means, and the state as of its last snapshot.
fn fold(common: &Common, entries: &[Entry]) -> (Stored, ExecutionState) {
    let mut stored = Stored::default();
    let mut execution = common.genesis_state.clone();
    for entry in entries {
        match entry {
            Entry::Write { batch, .. } => batch.iter().for_each(|record| stored.apply(record)),
            Entry::Pledge { .. } => {}
            Entry::Snapshot(snapshot) => {
                stored = snapshot.stored.clone();
                execution = snapshot.execution.clone();
            }
        }
    }
    (stored, execution)
}

/// Executes a block as this machine does it.
///
/// # Panics
/// If two orders of one block come to different results. What shows it again is left in a file.
fn execute(state: &mut ExecutionState, executor: &mut Executor, block: &Block) -> ExecutedBlock {
    let executed = state.execute_on(block, executor);
    if let Some(mismatch) = executor.take_mismatch() {
        let (height, scheduler) = (executed.height, mismatch.scheduler);
        let difference = mismatch.sequential.difference(&mismatch.other);
        let difference = difference.map_or_else(String::new, |one| format!(": {one}"));
        let kept = records::keep(&mismatch);
        panic!("height {height} comes to something else under {scheduler:?}{difference}; {kept}");
    }
    executed
}

/// Executes every final block above the state again.
fn replay(
    stored: &Stored,
    execution: &mut ExecutionState,
    executor: &mut Executor,
    at: u64,
    ledger: &mut Ledger,
) {
    for (_, archived) in stored.archive.range(execution.height().next()..) {
        let block = Arc::clone(&archived.block);
        let result = Arc::new(execute(execution, executor, &block));
        let what = What::Executed { block, result, replayed: true };
        ledger.notes.push(Note { at, what });
    }
    let (height, total) = (execution.height(), execution.supply().total());
    ledger.notes.push(Note { at, what: What::Supply { height, total } });
}

/// The seed of everything that belongs to one run.
#[must_use]
pub fn run_seed(seed: u64) -> Seed {
    Seed::from_number(seed).fork("run", 0)
}
