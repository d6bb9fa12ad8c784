//! The capture: everything that goes into the replica, kept for a while, so that an incident can be
//! replayed where there are debuggers.
//!
//! The replica's task hands each input and its effects to a thread, which encodes, hashes and writes them;
//! it clones what it hands over, in which blocks are shared, and never waits. If the thread falls behind,
//! there is a gap: inputs are left out until it has caught up, and then a new segment opens with the whole
//! replica. The files are a ring: the oldest whole segment goes first. The format is
//! `quorate_core::capture`; every segment's file is a capture by itself. A capture is a help and never a
//! condition: if it cannot be written, the node goes on without. It holds clients' transactions and what
//! this node signed, and no keys.

mod export;
mod ring;
#[cfg(test)]
pub(crate) mod tests;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
};

use quorate_core::{
    capture::{Head, Opening, build_id, write_effects, write_head, write_input},
    config::Config,
    effect::{Effect, Input},
    job::{Job, JobResult},
    message::{Body, Message},
    random::Seed,
    replica::Replica,
    store::Recovered,
    time::Now,
    transaction::Transaction,
    types::Height,
};

pub use self::export::{ExportError, Exported, export};
use self::ring::Ring;
use crate::{
    driver::{Fate, Metrics},
    exit::Failure,
};

/// Bytes of inputs and effects that may wait for the thread, blocks that others hold as well included.
const WAITING_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Inputs that may wait for the thread.
const WAITING_MAX: u64 = 8_192;

/// Bytes gathered before they are written, unless there is nothing more to gather.
const BUFFER_BYTES: usize = 256 * 1024;

/// A segment is at least so many times as long as the replica it opens with, so that opening segments is
/// never most of the work.
const OPENING_SHARE: u64 = 4;

/// Where captures are kept, and how much of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureOptions {
    /// The folder; made if it is not there.
    pub folder: PathBuf,
    /// Bytes of all segments together.
    pub bytes_max: u64,
    /// Bytes of a segment before the next one opens.
    pub segment_bytes: u64,
}

impl CaptureOptions {
    /// 256 MiB in segments of 16 MiB.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder, bytes_max: 256 * 1024 * 1024, segment_bytes: 16 * 1024 * 1024 }
    }
}

enum Item {
    Segment(Box<(Head, Opening)>),
    Input(Now, Box<Input>),
    Effects(Vec<Effect>, Height),
}

/// What the thread and the replica's task know of each other.
#[derive(Debug, Default)]
struct Shared {
    waiting: AtomicU64,
    waiting_bytes: AtomicU64,
    /// The segment is long enough.
    is_long: AtomicBool,
    /// Nothing can be written any more.
    is_broken: AtomicBool,
}

/// The replica's side.
pub(crate) struct Tape {
    items: Sender<(Item, u64)>,
    shared: Arc<Shared>,
    seed: Seed,
    inputs: u64,
    /// What the life begins with, until its first input.
    recovered: Option<Recovered>,
    state: State,
    metrics: Metrics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The input before was taken down.
    Recording,
    /// It was not.
    Gap,
}

/// Starts the thread, and gives the replica's side of it. Seed and what it recovered are the replica's.
pub(crate) fn start(
    options: &CaptureOptions,
    config: &Config,
    seed: Seed,
    recovered: Recovered,
    fate: &Fate,
    metrics: &Metrics,
) -> Result<(Tape, JoinHandle<()>), Failure> {
    let (items, queue) = channel();
    let shared = Arc::new(Shared::default());
    let writer = Writer {
        ring: Ring::new(options),
        config: config.clone(),
        segment_bytes: options.segment_bytes,
        long_at: None,
        buffer: Vec::new(),
        shared: Arc::clone(&shared),
        metrics: metrics.clone(),
    };
    let thread = fate.spawn("capture", move || writer.run(&queue))?;
    let tape = Tape {
        items,
        shared,
        seed,
        inputs: 0,
        recovered: Some(recovered),
        state: State::Gap,
        metrics: metrics.clone(),
    };
    Ok((tape, thread))
}

impl Tape {
    /// Takes down an input, before the replica takes it.
    pub(crate) fn input(&mut self, replica: &Replica, now: &Now, input: &Input) {
        if self.shared.is_broken.load(Ordering::Relaxed) {
            self.state = State::Gap;
            return;
        }
        self.open_if_due(replica);
        if self.state == State::Gap {
            self.metrics.capture_gaps.inc();
            return;
        }
        self.push(Item::Input(*now, Box::new(input.clone())), weight_of_input(input));
    }

    /// Takes down what came of it.
    pub(crate) fn effects(&mut self, effects: &[Effect], height: Height) {
        self.inputs += 1;
        if self.state == State::Gap {
            return;
        }
        let weight = effects.iter().map(weight_of_effect).sum();
        self.push(Item::Effects(effects.to_vec(), height), weight);
        // Looked at here and not before an input, so that inputs and effects stay pairs.
        let waiting = self.shared.waiting.load(Ordering::Relaxed);
        let bytes = self.shared.waiting_bytes.load(Ordering::Relaxed);
        if waiting > WAITING_MAX || bytes > WAITING_BYTES_MAX {
            self.state = State::Gap;
        }
    }

    /// Opens a segment at the very beginning, after a gap once there is room again, and when the one
    /// before is long.
    fn open_if_due(&mut self, replica: &Replica) {
        let opening = match (self.recovered.take(), self.state) {
            (Some(recovered), _) => Opening::Recovered(Box::new(recovered)),
            (None, State::Gap) if self.shared.waiting.load(Ordering::Relaxed) > 0 => return,
            (None, State::Gap) => Opening::Replica(Box::new(replica.clone())),
            (None, State::Recording) if self.shared.is_long.swap(false, Ordering::Relaxed) => {
                Opening::Replica(Box::new(replica.clone()))
            }
            (None, State::Recording) => return,
        };
        let head = Head {
            build: build_id().to_owned(),
            seed: self.seed,
            inputs_before: self.inputs,
            height: replica.finalized_height(),
        };
        self.state = State::Recording;
        self.push(Item::Segment(Box::new((head, opening))), 0);
    }

    fn push(&self, item: Item, weight: u64) {
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        self.shared.waiting_bytes.fetch_add(weight, Ordering::Relaxed);
        // The thread goes before this only by a panic, which ends the node.
        let _ = self.items.send((item, weight));
    }
}

/// The thread's side.
struct Writer {
    ring: Ring,
    config: Config,
    segment_bytes: u64,
    /// Where the current segment is long enough, until the replica's side was told so.
    long_at: Option<u64>,
    buffer: Vec<u8>,
    shared: Arc<Shared>,
    metrics: Metrics,
}

impl Writer {
    fn run(mut self, queue: &Receiver<(Item, u64)>) {
        while let Ok(first) = queue.recv() {
            let mut next = Some(first);
            while let Some((item, weight)) = next {
                self.take(item);
                self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
                self.shared.waiting_bytes.fetch_sub(weight, Ordering::Relaxed);
                if self.buffer.len() >= BUFFER_BYTES {
                    self.flush();
                }
                next = queue.try_recv().ok();
            }
            self.flush();
        }
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::Segment(segment) => {
                let (head, opening) = &*segment;
                self.flush();
                let opened = self.ring.open();
                self.check(opened);
                write_head(&mut self.buffer, head, &self.config, opening);
                let length = bytes_of(&self.buffer);
                self.long_at = Some(self.segment_bytes.max(length.saturating_mul(OPENING_SHARE)));
                self.shared.is_long.store(false, Ordering::Relaxed);
            }
            Item::Input(now, input) => write_input(&mut self.buffer, &now, &input),
            Item::Effects(effects, height) => write_effects(&mut self.buffer, &effects, height),
        }
        // What is gathered counts: a thread that is always a little behind may not write for long. Told once
        // a segment, or each input until the next one opens would ask for another.
        let length = self.ring.segment_bytes().saturating_add(bytes_of(&self.buffer));
        if self.long_at.take_if(|at| length >= *at).is_some() {
            self.shared.is_long.store(true, Ordering::Relaxed);
        }
    }

    fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        if !self.shared.is_broken.load(Ordering::Relaxed) {
            let written = self.ring.write(&self.buffer);
            self.metrics.capture_bytes.inc_by(bytes_of(&self.buffer));
            self.check(written);
        }
        self.buffer.clear();
    }

    fn check(&self, done: std::io::Result<()>) {
        if let Err(error) = done {
            let folder = self.ring.folder().display();
            tracing::warn!("nothing is captured any more: {folder} cannot be written: {error}");
            self.shared.is_broken.store(true, Ordering::Relaxed);
        }
    }
}

fn bytes_of(buffer: &[u8]) -> u64 {
    u64::try_from(buffer.len()).unwrap_or(u64::MAX)
}

/// About how many bytes an input keeps in memory.
fn weight_of_input(input: &Input) -> u64 {
    match input {
        Input::Received { message, .. } => weight_of_message(message),
        Input::Submitted(transaction) => u64::from(transaction.encoded_len()),
        Input::Finished(JobResult::BlocksRead { found, .. }) => {
            found.blocks.iter().map(|block| u64::from(block.header().payload_len)).sum()
        }
        _ => 256,
    }
}

fn weight_of_message(message: &Message) -> u64 {
    let of_all = |transactions: &[Transaction]| -> u64 {
        transactions.iter().map(|one| u64::from(one.encoded_len())).sum()
    };
    match message {
        Message::Proposal(proposal) => match &proposal.body {
            Body::Full(block) => u64::from(block.header().payload_len),
            Body::Compact(compact) => 64 * u64::try_from(compact.transactions()).unwrap_or(1),
        },
        Message::BlockResponse(response) => {
            let blocks = response.blocks.iter().map(|one| u64::from(one.header().payload_len));
            blocks.sum::<u64>() + 512 * u64::try_from(response.links.len()).unwrap_or(1)
        }
        Message::Transactions(transactions) => of_all(transactions),
        _ => 1_024,
    }
}

/// About how many bytes an effect keeps in memory that nobody else does: blocks in writes are shared.
fn weight_of_effect(effect: &Effect) -> u64 {
    match effect {
        Effect::Send { message, .. } => weight_of_message(message),
        Effect::Run(Job::CheckTransactions { transactions, .. }) => {
            transactions.iter().map(|one| u64::from(one.encoded_len())).sum()
        }
        _ => 256,
    }
}
