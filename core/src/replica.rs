//! One validator, as a value: the core's one door.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    config::Config,
    effect::{Effects, Input, Timer},
    random::Seed,
    store::Recovered,
    time::{Instant, Now},
    types::{Height, View},
};

/// One validator. Equal (config, recovered, seed, inputs) give equal effects.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Replica {
    started: bool,
}

/// How much a replica holds, for the bounded-memory check and for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Views with anything held about them.
    pub views: u64,
    /// Votes held one by one.
    pub votes: u64,
    /// Certificates held.
    pub certificates: u64,
    /// Blocks held, final or not.
    pub blocks: u64,
    /// Requests to peers and jobs not answered yet.
    pub pending: u64,
    /// Transactions waiting.
    pub mempool_transactions: u64,
    /// Bytes of them.
    pub mempool_bytes: u64,
}

/// Bytes queued inside the core, by the class of input that fills the queue; for backpressure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Transactions waiting for a signature check.
    pub transactions: u64,
    /// Finalized blocks waiting for execution.
    pub execution: u64,
}

impl Replica {
    /// Makes a validator from what it is told and what its store holds.
    #[must_use]
    pub fn new(_config: Config, _recovered: Recovered, _seed: Seed) -> Self {
        Self { started: false }
    }

    /// Takes one input, appends what should happen next. Never blocks, never fails: a faulty peer is
    /// an effect, a broken invariant a panic.
    pub fn step(&mut self, _now: Now, _input: Input, _fx: &mut Effects) {
        self.started = true;
    }

    /// When to call `step` with `Input::Tick`, and why. A time that has passed means at once.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<(Instant, Timer)> {
        (!self.started).then_some((Instant::ZERO, Timer::Start))
    }

    /// The view it is in.
    #[must_use]
    pub fn view(&self) -> View {
        View::ZERO
    }

    /// Its finalized height, as far as it is durable.
    #[must_use]
    pub fn finalized_height(&self) -> Height {
        Height::ZERO
    }

    /// How much it holds.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        Footprint::default()
    }

    /// What is queued inside.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        Backlog::default()
    }
}
