//! One validator, as a value: the core's one door.
//!
//! `Replica` owns the machines and passes their notices on. It decides nothing itself: which machine an
//! input or a notice is for is written down here, once, in two exhaustive matches.

use std::{collections::VecDeque, sync::Arc};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::{Block, EVIDENCE_MAX},
    certificate::Certificate,
    checkpoint::{Checkpoint, Checkpoints, Divergence},
    config::Config,
    consensus::Consensus,
    effect::{Effects, Input, PeerEvent, Timer},
    execution::Execution,
    job::{JobIds, JobResult},
    mempool::{Limits, Mempool, Room, Selection},
    message::{BlockWant, Body, Message},
    notice::{Notice, Out},
    random::Seed,
    store::Recovered,
    sync::Sync,
    time::{Instant, Now},
    types::{Height, PeerId, Seq, View},
};

/// Bytes of a payload kept free for evidence: each piece is two votes of 277 bytes at the most.
const EVIDENCE_BYTES: u32 = 16 * 2 * 277;
const _: () = assert!(EVIDENCE_MAX == 16, "EVIDENCE_BYTES is sized for 16 pieces");

/// One validator. Equal (config, recovered, seed, inputs) give equal effects.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Replica {
    peer: PeerId,
    started: bool,
    /// The monotonic clock of the last step, and whether there was one.
    last_step: Option<Instant>,
    jobs: JobIds,
    /// The next place in the log.
    next_seq: Seq,
    consensus: Consensus,
    checkpoints: Checkpoints,
    execution: Execution,
    mempool: Mempool,
    sync: Sync,
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
    /// Transactions waiting for a block.
    pub mempool_transactions: u64,
    /// Bytes of them.
    pub mempool_bytes: u64,
    /// Bytes of those waiting for a signature check.
    pub unchecked_bytes: u64,
}

/// How execution is doing, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// The height executed last, as far as this replica knows.
    pub executed: Height,
    /// The height of the newest certified checkpoint.
    pub checkpoint: Height,
    /// Whether finality has run more than four intervals ahead of it.
    pub checkpoints_overdue: bool,
    /// Why nothing is executed any more, if so.
    pub halted: Option<Divergence>,
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
    ///
    /// # Panics
    /// If the genesis validators are not a committee: check with `Genesis::committee` first.
    #[must_use]
    pub fn new(config: Config, recovered: Recovered, seed: Seed) -> Self {
        let checkpoints = Checkpoints::new(&config, &recovered, seed.fork("checkpoint", 0).rng());
        let consensus = Consensus::new(&config, recovered, seed.fork("consensus", 0).rng());
        let members = consensus.committee().members();
        let peers = members.map(|(_, one)| one.peer).filter(|peer| *peer != config.peer).collect();
        Self {
            peer: config.peer,
            started: false,
            last_step: None,
            jobs: JobIds::new(),
            next_seq: Seq::ZERO.next(),
            checkpoints,
            execution: Execution::new(consensus.delivered_height()),
            mempool: Mempool::new(
                config.genesis.chain_id,
                Limits::of(&config.genesis.parameters),
                consensus.delivered_height(),
                &seed.fork("mempool", 0),
            ),
            sync: Sync::new(peers, seed.fork("sync", 0).rng()),
            consensus,
        }
    }

    /// Takes one input, appends what should happen next. Never blocks, never fails: a faulty peer is
    /// an effect, a broken invariant a panic.
    ///
    /// # Panics
    /// If time does not increase strictly, a driver answers out of order, or an invariant is broken.
    pub fn step(&mut self, now: Now, input: Input, fx: &mut Effects) {
        assert!(
            self.last_step.is_none_or(|last| last < now.mono),
            "I10: time went from {:?} to {:?}",
            self.last_step,
            now.mono
        );
        self.last_step = Some(now.mono);
        let mut notices = VecDeque::new();
        let mut jobs = self.jobs;
        let mut next_seq = self.next_seq;
        let mut out = Out { fx, notices: &mut notices, jobs: &mut jobs, next_seq: &mut next_seq };

        if !self.started {
            self.started = true;
            self.consensus.on_start(now, &mut out);
            self.checkpoints.on_start(&mut out);
        }
        self.dispatch(now, input, &mut out);
        self.settle(now, &mut out);
        self.consensus.on_mempool(now, !self.mempool.has_ready(), &mut out);
        self.settle(now, &mut out);
        self.jobs = jobs;
        self.next_seq = next_seq;
        self.consensus.assert_invariants();
        self.checkpoints.assert_invariants();
    }

    /// Passes on notices until none is left.
    fn settle(&mut self, now: Now, out: &mut Out<'_>) {
        while let Some(notice) = out.notices.pop_front() {
            self.pass_on(now, notice, out);
        }
    }

    /// Which machine an input is for.
    fn dispatch(&mut self, now: Now, input: Input, out: &mut Out<'_>) {
        match input {
            Input::Tick => {
                self.consensus.on_tick(now, out);
                self.checkpoints.on_tick(now, out);
                self.sync.on_tick(now, out);
                self.mempool.on_tick(now, out.fx);
            }
            Input::Received { from, message } => self.on_message(now, from, message, out),
            Input::Submitted(transaction) => {
                self.mempool.on_submitted(now, transaction, out.jobs, out.fx);
            }
            Input::Written { upto } => self.consensus.on_written(upto, out),
            Input::Pledged(vote) => {
                if let Some(vote) = vote.about_view() {
                    self.consensus.on_pledged(now, vote, out);
                }
                if let Some(vote) = vote.about_checkpoint() {
                    self.checkpoints.on_pledged(now, vote, out);
                }
            }
            Input::Finished(result) => self.on_finished(now, result, out),
            Input::Peer(PeerEvent::Connected(peer)) => {
                self.consensus.on_connected(now, peer, out);
            }
            // Silence is judged by timers, not by connections.
            Input::Peer(PeerEvent::Lost(_)) => {}
        }
    }

    fn on_message(&mut self, now: Now, from: PeerId, message: Message, out: &mut Out<'_>) {
        match message {
            Message::BlockRequest(request) => {
                let in_memory = match request.want {
                    BlockWant::Digest(digest) => self.consensus.block(&digest),
                    BlockWant::From(_) => None,
                };
                self.sync.on_request(from, request, in_memory, out);
            }
            Message::BlockResponse(response) => {
                let context = (self.consensus.context(), self.consensus.committee());
                self.sync.on_response(now, from, response, self.consensus.head(), context, out);
            }
            Message::Transactions(transactions) => {
                let transactions = transactions.into_inner();
                self.mempool.on_gossip(now, from, transactions, out.jobs, out.fx);
            }
            // A heartbeat says where a peer is in both.
            Message::Status(status) => {
                self.checkpoints.on_message(now, from, Message::Status(status), out);
                self.consensus.on_message(now, from, Message::Status(status), out);
            }
            message @ (Message::CheckpointVotes(_) | Message::CheckpointCertificate(_)) => {
                self.checkpoints.on_message(now, from, message, out);
            }
            message @ (Message::Proposal(_)
            | Message::Vote(_)
            | Message::Votes(_)
            | Message::Certificates(_)
            | Message::CertificateRequest(_)
            | Message::Evidence(_)
            | Message::TransactionsRequest(_)
            | Message::TransactionsResponse(_)) => {
                self.consensus.on_message(now, from, message, out)
            }
        }
    }

    fn on_finished(&mut self, now: Now, result: JobResult, out: &mut Out<'_>) {
        match result {
            JobResult::Verified { id, good } => {
                self.consensus.on_verified(now, id, &good, out);
                self.sync.on_verified(now, id, &good, out);
                self.checkpoints.on_verified(now, id, &good, out);
            }
            JobResult::BlockChecked { id, good, fault } => {
                self.consensus.on_block_checked(now, id, &good, fault, out);
                self.sync.on_block_checked(now, id, fault, out);
            }
            JobResult::TransactionsChecked { id, good } => {
                self.mempool.on_checked(now, id, good, out.jobs, out.fx);
            }
            JobResult::Executed(block) => {
                if let Some(done) = self.execution.on_executed(block, out.fx) {
                    out.notice(Notice::Executed(done));
                }
            }
            JobResult::BlocksRead { id, found } => self.sync.on_blocks_read(id, found, out),
            JobResult::CertificatesRead { id, found } => {
                self.sync.on_certificates_read(id, found, out);
            }
        }
    }

    /// Which machine a notice is for.
    fn pass_on(&mut self, now: Now, notice: Notice, out: &mut Out<'_>) {
        match notice {
            Notice::PayloadWanted { view, height, ancestors, empty } => {
                let selection = match empty {
                    true => Selection::default(),
                    false => self.payload(height, &ancestors),
                };
                self.consensus.on_payload(now, view, selection, out);
            }
            Notice::BlockProposed { view, body: Body::Full(block) } => {
                let unchecked = self.mempool.unchecked_of(&block.payload().transactions);
                self.consensus.on_screened(now, view, block, unchecked, out);
            }
            Notice::BlockProposed { view, body: Body::Compact(compact) } => {
                let parts = self.mempool.gather(&compact);
                self.consensus.on_gathered(now, view, parts, out);
            }
            Notice::BlockForgone(digest) => self.sync.on_block_forgone(&digest),
            Notice::BlockWanted { digest, hint } => {
                self.sync.on_block_wanted(now, digest, hint, out);
            }
            Notice::BlocksWanted { from } => self.sync.on_blocks_wanted(now, from, out),
            Notice::CertificatesWanted { by, view, kind } => {
                self.sync.on_certificates_wanted(by, view, kind, out);
            }
            Notice::Delivered(blocks) => {
                if let Some(last) = blocks.last() {
                    self.checkpoints.on_finalized(last.header().height, out);
                }
                for block in blocks {
                    self.execution.on_delivered(block, out.fx);
                }
            }
            Notice::BlockFetched(block) => self.consensus.on_block_fetched(now, block, out),
            Notice::BlocksFetched { blocks, finalization, proofs } => {
                self.consensus.on_blocks_fetched(now, blocks, finalization, proofs, out);
            }
            Notice::Executed(block) => {
                self.consensus.on_executed(block.height);
                self.mempool.on_executed(&block, out.fx);
                if let Some(checkpoint) = block.checkpoint {
                    self.checkpoints.on_computed(checkpoint, out);
                }
            }
            Notice::Suspected { evidence, from } => {
                self.consensus.on_suspected(*evidence, from, out);
            }
            Notice::Checkpointed(height) => self.consensus.on_checkpointed(height),
            Notice::ExecutionHalted => {
                self.execution.halt();
                self.consensus.on_execution_halted();
            }
        }
    }

    /// What the mempool has for a block on these ancestors and whatever is not executed below them.
    fn payload(&self, height: Height, ancestors: &[Arc<Block>]) -> Selection {
        let parameters = self.consensus.parameters();
        let room = Room {
            height,
            bytes_max: parameters.payload_bytes_max.saturating_sub(EVIDENCE_BYTES),
            transactions_max: parameters.transactions_max,
        };
        self.mempool.build(self.execution.queued().chain(ancestors), room)
    }

    /// When to call `step` with `Input::Tick`, and why. A time that has passed means at once.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<(Instant, Timer)> {
        if !self.started {
            return Some((Instant::ZERO, Timer::Start));
        }
        [
            self.consensus.next_deadline(),
            self.checkpoints.next_deadline(),
            self.sync.next_deadline(),
            self.mempool.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Its name on the network.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// The view it is in.
    #[must_use]
    pub fn view(&self) -> View {
        self.consensus.view()
    }

    /// Its finalized height, as far as it is durable.
    #[must_use]
    pub fn finalized_height(&self) -> Height {
        self.consensus.delivered_height()
    }

    /// How execution is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        Health {
            executed: self.execution.executed_height(),
            checkpoint: self.checkpoints.certified_height(),
            checkpoints_overdue: self.checkpoints.is_overdue(),
            halted: self.checkpoints.divergence().copied(),
        }
    }

    /// The newest certified checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> Option<&Certificate<Checkpoint>> {
        self.checkpoints.certificate()
    }

    /// How much it holds.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let count = |held: usize| u64::try_from(held).expect("a count of things in memory");
        let [views, votes, certificates, blocks, pending] = self.consensus.footprint();
        let [heights, checkpoint_votes, checks] = self.checkpoints.footprint();
        Footprint {
            views: count(views),
            votes: count(votes) + count(checkpoint_votes),
            certificates: count(certificates),
            blocks: count(blocks) + count(self.execution.queued().count()),
            pending: count(pending) + count(self.sync.pending()) + count(heights) + count(checks),
            mempool_transactions: self.mempool.len(),
            mempool_bytes: self.mempool.bytes(),
            unchecked_bytes: self.mempool.unchecked_bytes(),
        }
    }

    /// What is queued inside.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        Backlog {
            transactions: self.mempool.unchecked_bytes(),
            execution: self.execution.queued_bytes(),
        }
    }
}
