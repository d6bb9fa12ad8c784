//! The replica's task: next input or tick, step, one arm per effect.
//!
//! It owns the replica and waits for nothing but inputs. Answers to what the core asked for come first,
//! then deadlines, votes, proposals, clients' transactions and the rest; many are taken before it waits
//! again. It takes nothing from outside while too much that was asked for is not done ([`Hands::are_full`]),
//! and no transactions and bulk while the replica's own queues are long ([`Replica::backlog`]). Those two
//! rules bound every queue of the node: what is answered was asked for, and what is asked for is limited.

mod clock;
mod engine;
mod fate;
mod hands;
mod intake;
mod jobs;
mod lane;
mod metrics;
mod observe;
mod ports;
mod storage;
#[cfg(test)]
mod tests;
mod threads;
mod twins;

use std::time::{Duration, Instant as SystemInstant};

use prometheus_client::metrics::counter::Counter as Count;
use quorate_core::{
    effect::{Effects, Input, PeerEvent},
    event::Event,
    mempool::UNCHECKED_BYTES_MAX,
    replica::Replica,
    time::Instant,
    types::{Digest, Height},
};
use tokio::{
    sync::{mpsc::UnboundedReceiver, watch},
    task::yield_now,
    time::sleep_until,
};

use self::{clock::Clock, hands::Hands, intake::Intake, observe::Observer, twins::Twins};
pub(crate) use self::{
    engine::{Engine, Parts},
    fate::Fate,
    intake::Counter,
    lane::StateDesk,
    ports::{Commits, Inlet, Log, Outlet, Reads, Received, Signs},
};
pub use self::{
    intake::Submission,
    lane::Unavailable,
    metrics::{
        Fared, FaredLabel, InputKind, InputLabel, Metrics, Phase, PhaseLabel, Reason, ReasonLabel,
    },
};
use crate::{
    capture::Tape,
    exit::{Exit, Failure},
    published::NodeEvent,
};

/// Inputs taken before the task lets others run and looks whether it should stop.
const INPUTS_PER_WAKE: usize = 256;

/// Clients' transactions taken in a row while bulk messages wait.
const SUBMISSIONS_IN_A_ROW: u32 = 32;

/// Bytes of unchecked transactions above which neither transactions nor bulk messages are taken. Half of
/// what the core holds, because what the tasks of peers have read already still comes.
const UNCHECKED_BYTES: u64 = UNCHECKED_BYTES_MAX / 2;

/// Bytes of final blocks waiting for execution above which no bulk messages are taken.
const UNEXECUTED_BYTES: u64 = 64 * 1024 * 1024;

/// One replica and all that it talks to.
struct Driver<I> {
    replica: Replica,
    clock: Clock,
    answers: UnboundedReceiver<Input>,
    inlet: I,
    intake: Intake,
    hands: Hands,
    observer: Observer,
    twins: Option<Twins>,
    tape: Option<Tape>,
    metrics: Metrics,
    turns: Turns,
}

/// What a driver keeps from one step to the next.
#[derive(Debug)]
struct Turns {
    effects: Effects,
    steps: Steps,
    last_step: Duration,
    height: Height,
    submissions_in_a_row: u32,
    inlet_is_open: bool,
}

/// Steps by kind of input, looked up once.
#[derive(Debug)]
struct Steps {
    tick: Count,
    received: Count,
    submitted: Count,
    written: Count,
    pledged: Count,
    finished: Count,
    peer: Count,
}

impl Turns {
    /// Before the first step.
    fn new(metrics: &Metrics) -> Self {
        let count = |input| metrics.steps.get_or_create(&InputLabel { input }).clone();
        let steps = Steps {
            tick: count(InputKind::Tick),
            received: count(InputKind::Received),
            submitted: count(InputKind::Submitted),
            written: count(InputKind::Written),
            pledged: count(InputKind::Pledged),
            finished: count(InputKind::Finished),
            peer: count(InputKind::Peer),
        };
        Self {
            effects: Effects::new(),
            steps,
            last_step: Duration::ZERO,
            height: Height::ZERO,
            submissions_in_a_row: 0,
            inlet_is_open: true,
        }
    }
}

/// An input, and the transaction's id if it is a client's.
type Taken = (Input, Option<Digest>);

/// What ended a wait.
enum Woken {
    Stop,
    Answer(Input),
    Received(Option<Received>),
    /// There is something to take in the usual order.
    Ready,
}

impl<I: Inlet> Driver<I> {
    /// Runs until it is told to stop or the node's fate is sealed. Dropping what is left makes the threads
    /// finish what they were given.
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !self.hands.fate().is_sealed() && !*stop.borrow() {
            let taken = self.take();
            self.metrics.inputs_per_wake.observe(metrics::measured(taken));
            self.publish();
            if taken == INPUTS_PER_WAKE {
                yield_now().await;
                continue;
            }
            match self.wait(&mut stop).await {
                Woken::Stop => break,
                Woken::Ready => {}
                Woken::Answer(input) => self.step(input, None),
                Woken::Received(Some(received)) => {
                    let (input, id) = self.received(received);
                    self.step(input, id);
                }
                Woken::Received(None) => self.turns.inlet_is_open = false,
            }
        }
        self.publish();
    }

    /// Shows everybody how the replica stands.
    fn publish(&mut self) {
        self.observer.publish(&self.replica, self.turns.last_step, self.hands.waiting());
        let height = self.replica.finalized_height();
        if height != self.turns.height {
            self.turns.height = height;
            self.hands.reached(height);
        }
    }

    /// Takes what is here, up to a limit, and says how much it was.
    fn take(&mut self) -> usize {
        for taken in 0..INPUTS_PER_WAKE {
            let Some((input, id)) = self.next_input() else { return taken };
            self.step(input, id);
            if self.hands.fate().is_sealed() {
                return taken;
            }
        }
        INPUTS_PER_WAKE
    }

    /// The most urgent input that is here.
    fn next_input(&mut self) -> Option<Taken> {
        if let Ok(answer) = self.answers.try_recv() {
            return Some((answer, None));
        }
        if self.replica.next_wakeup().is_some_and(|(at, _)| at <= self.clock.peek()) {
            return Some((Input::Tick, None));
        }
        if self.hands.are_full() {
            self.metrics.congestions.inc();
            return None;
        }
        if let Some(received) = self.inlet.try_next(false) {
            return Some(self.received(received));
        }
        let (submissions, bulk) = self.appetite();
        if submissions
            && self.turns.submissions_in_a_row < SUBMISSIONS_IN_A_ROW
            && let Some(taken) = self.next_submission()
        {
            self.turns.submissions_in_a_row += 1;
            return Some(taken);
        }
        self.turns.submissions_in_a_row = 0;
        if bulk && let Some(received) = self.inlet.try_next(true) {
            return Some(self.received(received));
        }
        if submissions { self.next_submission() } else { None }
    }

    fn next_submission(&mut self) -> Option<Taken> {
        let (id, transaction) = self.intake.try_next()?;
        self.observer.counters().submitted += 1;
        Some((Input::Submitted(transaction), Some(id)))
    }

    /// Whether the replica can take clients' transactions, and bulk messages.
    fn appetite(&self) -> (bool, bool) {
        let backlog = self.replica.backlog();
        let transactions = backlog.transactions < UNCHECKED_BYTES;
        (transactions, transactions && backlog.execution < UNEXECUTED_BYTES)
    }

    fn received(&mut self, received: Received) -> Taken {
        let input = match received {
            Received::Message { from, message } => {
                self.observer.counters().received += 1;
                Input::Received { from, message }
            }
            Received::Peer(event) => {
                self.observer.on_peer(match event {
                    PeerEvent::Connected(peer) => NodeEvent::PeerConnected(peer),
                    PeerEvent::Lost(peer) => NodeEvent::PeerLost(peer),
                });
                Input::Peer(event)
            }
        };
        (input, None)
    }

    /// Waits until there is something to do.
    async fn wait(&mut self, stop: &mut watch::Receiver<bool>) -> Woken {
        let wakeup = self.replica.next_wakeup().map(|(at, _)| self.clock.system(at));
        let from_outside = !self.hands.are_full();
        let (submissions, bulk) = self.appetite();
        let tick = async {
            match wakeup {
                Some(at) => sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = stop.changed() => Woken::Stop,
            _ = self.hands.fate().sealed() => Woken::Stop,
            Some(answer) = self.answers.recv() => Woken::Answer(answer),
            () = tick => Woken::Ready,
            received = self.inlet.next(bulk), if from_outside && self.turns.inlet_is_open => {
                Woken::Received(received)
            }
            () = self.intake.ready(), if from_outside && submissions => Woken::Ready,
        }
    }

    /// One step of the replica, and everything it wants done.
    fn step(&mut self, input: Input, submitted: Option<Digest>) {
        let begun = SystemInstant::now();
        let now = self.clock.read();
        self.count(&input);
        if let Some(failure) =
            self.twins.as_mut().and_then(|twins| twins.on_input(now.mono, &input))
        {
            return self.hands.fate().seal(failure);
        }
        if let Some(tape) = &mut self.tape {
            tape.input(&self.replica, &now, &input);
        }
        let mut effects = std::mem::take(&mut self.turns.effects);
        self.replica.step(now, input, &mut effects);
        if let Some(tape) = &mut self.tape {
            tape.effects(effects.as_slice(), self.replica.finalized_height());
        }
        for effect in effects.drain() {
            self.observer.on_effect(now.mono, &effect);
            if let Some(failure) = self.twins.as_mut().and_then(|twins| twins.on_effect(&effect)) {
                self.hands.fate().seal(failure);
            }
            if let Some(event) = self.hands.perform(effect) {
                self.on_report(now.mono, event, submitted.as_ref());
            }
        }
        self.turns.effects = effects;
        self.turns.last_step = begun.elapsed();
        self.metrics.step_seconds.observe(self.turns.last_step.as_secs_f64());
    }

    fn count(&mut self, input: &Input) {
        self.observer.counters().steps += 1;
        let steps = &self.turns.steps;
        let count = match input {
            Input::Tick => &steps.tick,
            Input::Received { .. } => &steps.received,
            Input::Submitted(_) => &steps.submitted,
            Input::Written { .. } => &steps.written,
            Input::Pledged(_) => &steps.pledged,
            Input::Finished(_) => &steps.finished,
            Input::Peer(_) => &steps.peer,
        };
        count.inc();
    }

    /// `submitted` is the client's transaction that the step took in.
    fn on_report(&mut self, at: Instant, event: Event, submitted: Option<&Digest>) {
        match &event {
            Event::TransactionAdmitted(id) => self.intake.on_admitted(id),
            // An event of this very step about the transaction it took in is the answer to that one.
            Event::TransactionRefused(id, refusal) if submitted == Some(id) => {
                self.intake.on_refused_at_once(id, *refusal);
            }
            Event::TransactionRefused(id, refusal) => self.intake.on_refused(id, *refusal),
            Event::SafetyHalt { height } => self.hands.fate().seal(Failure::new(
                Exit::SafetyHalt,
                format!(
                    "two conflicting chains are final, and height {height} is the last this node had \
                     taken for final: more than a third of the stake broke the rules. Do not restart \
                     it; keep its data and look at the evidence of all validators"
                ),
            )),
            _ => {}
        }
        self.observer.on_report(at, event);
    }
}
