//! The world of one validator: a clock, a disk that may be slow, and jobs that may be late.
//!
//! By default every write, signature and job is answered at once. A script can hold the disk or the
//! jobs back and let them go one by one; whatever is not on disk is lost in a crash.

use std::collections::VecDeque;

use super::names::Names;
use crate::{
    checkpoint::Checkpoint,
    config::Config,
    crypto::Ed25519,
    effect::{Effect, Effects, Input, Recipients},
    execution::ExecutionState,
    job::{self, Job},
    message::{Message, TransactionsRequest},
    random::Seed,
    replica::Replica,
    signer::{Pledge, SignState},
    store::{Batch, Recovered, SignerRecord, Stored},
    testing::cast::Cast,
    time::{Instant, Now, UnixMillis},
    types::{Height, PeerId, Seq, ValidatorIndex},
};

/// Wakeups in one `tick` of a script; more mean that a deadline that passed is never cleared.
const WAKEUPS_MAX: u64 = 10_000;

/// One entry of the log that is not durable yet.
#[derive(Clone, Debug)]
enum Entry {
    Write(Seq, Batch),
    Pledge(Pledge),
}

/// What a crash leaves of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crash {
    /// What was durable, and so many of the entries that were on their way.
    Keeping(usize),
    /// The sign-state alone.
    DataLost,
    /// The data alone.
    SignStateLost,
}

/// One validator and what its driver keeps.
pub(super) struct Driver {
    config: Config,
    index: Option<ValidatorIndex>,
    replica: Option<Replica>,
    clock: u64,
    wall_offset: u64,
    stored: Stored,
    /// Durable; `None` once it is lost.
    sign_state: Option<SignState>,
    /// With what is on its way to disk.
    promised: SignState,
    log: VecDeque<Entry>,
    state: ExecutionState,
    jobs: Vec<Job>,
    /// Whether the disk is held back.
    pub(super) disk_held: bool,
    /// Whether jobs are held back.
    pub(super) jobs_held: bool,
    /// Whether heartbeats show.
    pub(super) heartbeats: bool,
    /// The last request for blocks, and who was asked.
    pub(super) asked: Option<(PeerId, u64)>,
    /// The last request for transactions, and who was asked.
    pub(super) lacking: Option<(PeerId, TransactionsRequest)>,
    lives: u64,
}

impl Driver {
    pub(super) fn new(config: Config, index: Option<ValidatorIndex>) -> Self {
        Self {
            state: ExecutionState::new(&config.genesis),
            config,
            index,
            replica: None,
            clock: 0,
            wall_offset: 0,
            stored: Stored::default(),
            sign_state: Some(SignState::default()),
            promised: SignState::default(),
            log: VecDeque::new(),
            jobs: Vec::new(),
            disk_held: false,
            jobs_held: false,
            heartbeats: false,
            asked: None,
            lacking: None,
            lives: 0,
        }
    }

    /// The replica, if it is up.
    pub(super) fn replica(&self) -> Result<&Replica, String> {
        self.replica.as_ref().ok_or_else(|| "the validator is down".to_owned())
    }

    /// What the driven validator computed at a height.
    pub(super) fn computed(&self, height: Height) -> Option<Checkpoint> {
        self.state.checkpoints().into_iter().find(|one| one.height == height)
    }

    /// What the wall clock shows.
    pub(super) fn wall(&self) -> u64 {
        self.config.genesis.timestamp.get() + self.clock / 1_000_000 + self.wall_offset
    }

    /// Puts the wall clock forward.
    pub(super) fn shift_wall(&mut self, millis: u64) {
        self.wall_offset += millis;
    }

    /// Starts the validator from what the disk holds.
    pub(super) fn start(&mut self, cast: &Cast, names: &mut Names) -> Result<Vec<String>, String> {
        if self.replica.is_some() {
            return Err("the validator is up".to_owned());
        }
        let signer = match &self.sign_state {
            Some(state) => SignerRecord::Intact(state.clone()),
            None => SignerRecord::Lost,
        };
        self.state = ExecutionState::new(&self.config.genesis);
        for archived in self.stored.archive.values() {
            let _ = self.state.execute(&archived.block);
        }
        let recovered: Recovered = self.stored.recover(signer, self.state.checkpoints());
        let seed = Seed::from_number(self.lives);
        self.lives += 1;
        self.replica = Some(Replica::new(self.config.clone(), recovered, seed));
        self.step(Input::Tick, cast, names)
    }

    /// Ends the validator without warning.
    pub(super) fn crash(&mut self, how: Crash) -> Result<(), String> {
        if self.replica.take().is_none() {
            return Err("the validator is down".to_owned());
        }
        if let Crash::Keeping(count) = how {
            for _ in 0..count {
                let entry = self.log.pop_front().ok_or("nothing more is on its way to disk")?;
                let _ = self.make_durable(entry);
            }
        }
        self.log.clear();
        self.jobs.clear();
        self.asked = None;
        self.lacking = None;
        match how {
            Crash::Keeping(_) => {}
            Crash::DataLost => self.stored = Stored::default(),
            Crash::SignStateLost => self.sign_state = None,
        }
        self.promised = self.sign_state.clone().unwrap_or_default();
        Ok(())
    }

    /// Takes one input and everything that follows from it at once.
    pub(super) fn step(
        &mut self,
        input: Input,
        cast: &Cast,
        names: &mut Names,
    ) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.step_once(input, names, &mut lines)?;
            if !self.disk_held {
                while let Some(entry) = self.log.pop_front() {
                    inputs.extend(self.durable(entry, cast));
                }
            }
            if !self.jobs_held {
                for job in std::mem::take(&mut self.jobs) {
                    inputs.push_back(self.finished(&job));
                }
            }
        }
        Ok(lines)
    }

    fn step_once(
        &mut self,
        input: Input,
        names: &mut Names,
        lines: &mut Vec<String>,
    ) -> Result<(), String> {
        self.clock += 1;
        let now = Now { mono: Instant::from_nanos(self.clock), wall: UnixMillis::new(self.wall()) };
        let replica = self.replica.as_mut().ok_or("the validator is down")?;
        let mut fx = Effects::new();
        replica.step(now, input, &mut fx);
        names.learn(fx.as_slice());
        for effect in fx.drain().collect::<Vec<_>>() {
            let heartbeat = matches!(&effect, Effect::Send { message: Message::Status(_), .. });
            if !heartbeat || self.heartbeats {
                lines.extend(names.effect(&effect));
            }
            self.perform(effect);
        }
        Ok(())
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Write { seq, batch } => self.log.push_back(Entry::Write(seq, batch)),
            Effect::Pledge { pledge, .. } => {
                // P53: checked when appended, in log order, by rules of the signer's own.
                let checked = self.promised.record(&pledge);
                checked.expect("I3: the core never asks for a signature the signer refuses");
                self.log.push_back(Entry::Pledge(pledge));
            }
            Effect::Run(job) => self.jobs.push(job),
            Effect::Send { to: Recipients::One(peer), message: Message::BlockRequest(request) } => {
                self.asked = Some((peer, request.id));
            }
            Effect::Send {
                to: Recipients::One(peer),
                message: Message::TransactionsRequest(request),
            } => self.lacking = Some((peer, request)),
            Effect::Send { .. } | Effect::Peer(_) | Effect::Report(_) => {}
        }
    }

    fn make_durable(&mut self, entry: Entry) -> Result<Seq, Pledge> {
        match entry {
            Entry::Write(seq, batch) => {
                for record in &batch {
                    self.stored.apply(record);
                }
                Ok(seq)
            }
            Entry::Pledge(pledge) => {
                let state = self.sign_state.as_mut().expect("nobody signs without a sign-state");
                state.record(&pledge).expect("checked when appended");
                Err(pledge)
            }
        }
    }

    fn durable(&mut self, entry: Entry, cast: &Cast) -> Option<Input> {
        Some(match self.make_durable(entry) {
            Ok(upto) => Input::Written { upto },
            Err(pledge) => {
                let signer = self.index.expect("an observer pledges nothing");
                Input::Pledged(cast.vote(signer.get(), pledge.promise()))
            }
        })
    }

    fn finished(&mut self, job: &Job) -> Input {
        Input::Finished(job::run(job, &mut Ed25519, &mut self.state, &self.stored))
    }

    /// Lets so many entries of the held log become durable, and answers them.
    pub(super) fn flush(
        &mut self,
        count: Option<usize>,
        cast: &Cast,
        names: &mut Names,
    ) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let mut left = count;
        while left != Some(0) {
            let Some(entry) = self.log.pop_front() else {
                // All of it was asked for; so many were not.
                return left.map_or(Ok(lines), |_| Err("nothing is on its way to disk".to_owned()));
            };
            left = left.map(|left| left - 1);
            let input = self.durable(entry, cast).expect("every entry has an answer");
            lines.extend(self.step(input, cast, names)?);
        }
        Ok(lines)
    }

    /// Finishes a held job, by its place in the order they were asked for, or all of them.
    pub(super) fn finish(
        &mut self,
        place: Option<usize>,
        again: bool,
        cast: &Cast,
        names: &mut Names,
    ) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let jobs = match place {
            None => std::mem::take(&mut self.jobs),
            Some(place) if place < self.jobs.len() => vec![self.jobs.remove(place)],
            Some(place) => return Err(format!("no job {place}")),
        };
        for job in jobs {
            let input = self.finished(&job);
            lines.extend(self.step(input.clone(), cast, names)?);
            if again {
                lines.extend(self.step(input, cast, names)?);
            }
        }
        Ok(lines)
    }

    /// Entries not durable and jobs not finished.
    pub(super) fn held(&self, names: &Names) -> Vec<String> {
        let entry = |entry: &Entry| match entry {
            Entry::Write(seq, batch) => {
                let effect = Effect::Write { seq: *seq, batch: batch.clone() };
                format!("held {}", names.effect(&effect).expect("shown"))
            }
            Entry::Pledge(pledge) => format!("held pledge {}", names.promise(&pledge.promise())),
        };
        let jobs = (0..).zip(&self.jobs);
        let jobs = jobs.map(|(place, job): (u32, _)| format!("job {place}: {}", names.job(job)));
        self.log.iter().map(entry).chain(jobs).collect()
    }

    /// Lets time pass, waking the validator whenever it asked for it.
    pub(super) fn pass(
        &mut self,
        millis: u64,
        cast: &Cast,
        names: &mut Names,
    ) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let end = self.clock + millis * 1_000_000;
        let mut wakeups: u64 = 0;
        while let Some((at, timer)) = self.replica()?.next_wakeup() {
            if at.nanos() > end {
                break;
            }
            wakeups += 1;
            assert!(wakeups <= WAKEUPS_MAX, "{timer:?} at {at:?} is due again and again");
            self.clock = self.clock.max(at.nanos().saturating_sub(1));
            let answers = self.step(Input::Tick, cast, names)?;
            if !answers.is_empty() {
                lines.push(format!("t+{}ms {timer:?}", self.clock / 1_000_000));
                lines.extend(answers.into_iter().map(|line| format!("  {line}")));
            }
        }
        self.clock = self.clock.max(end);
        Ok(lines)
    }

    /// When the validator wants to be woken, and why.
    pub(super) fn wakeup(&self) -> Result<String, String> {
        Ok(match self.replica()?.next_wakeup() {
            Some((at, timer)) => format!("wakes at t+{}ms for {timer:?}", at.nanos() / 1_000_000),
            None => "sleeps for ever".to_owned(),
        })
    }
}
