//! What the replica does, as people and programs see it: metrics, events, snapshots.
//!
//! Reads effects on their way and the replica between steps; changes neither. What it holds is bounded:
//! blocks above finality, which the core bounds, a few recent views, and the last heights.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use quorate_core::{
    block::Block,
    config::Config,
    effect::{Effect, PeerCommand},
    event::Event,
    leader::LeaderSchedule,
    replica::Replica,
    store::{Record, Recovered},
    time::{Instant, Span},
    types::{Digest, Height, ValidatorIndex, View},
    vote::Kind,
};

use super::metrics::{Metrics, PhaseLabel, ReasonLabel};
use crate::published::{
    Counters, HaltReason, HeightSummary, NodeEvent, Publisher, RECENT_HEIGHTS, Snapshot,
};

/// Views whose beginning is remembered, to measure how long their quorums took.
const VIEWS_REMEMBERED: usize = 64;

/// Watches one replica.
pub(crate) struct Observer {
    publisher: Publisher,
    metrics: Metrics,
    schedule: LeaderSchedule,
    /// As it will be published next.
    snapshot: Snapshot,
    /// Blocks that may become final, and when they were first held.
    blocks: HashMap<Digest, (Arc<Block>, Instant)>,
    /// Who finalized heights that are not durable yet.
    voters: BTreeMap<Height, Vec<ValidatorIndex>>,
    /// When recent views were entered.
    entered: VecDeque<(View, Instant)>,
    /// The view of the block finalized last.
    parent_view: View,
    changed: bool,
}

/// The snapshot of a node that is about to start.
///
/// # Panics
/// If the genesis validators are not a committee.
pub(crate) fn first_snapshot(config: &Config, recovered: &Recovered, state: Digest) -> Snapshot {
    let committee = config.genesis.committee().expect("the genesis was checked");
    let own = |validator| committee.members().find(|(_, one)| one.validator == validator);
    let tip = recovered.head.as_ref();
    let height = tip.map_or(Height::ZERO, |block| block.header().height);
    let checkpoint = recovered.checkpoint.as_ref().map(|one| one.statement.height);
    Snapshot {
        validator: config.validator,
        index: config.validator.and_then(own).map(|(index, _)| index),
        peer: config.peer,
        view: View::ZERO,
        leader: None,
        finalized_height: height,
        finalized_digest: tip.map_or(config.genesis.digest(), |block| block.digest()),
        finalized_timestamp: tip.map_or(config.genesis.timestamp, |one| one.header().timestamp),
        executed_height: height,
        state_root: state,
        checkpoint_height: checkpoint.unwrap_or(Height::ZERO),
        health: quorate_core::replica::Health {
            executed: height,
            checkpoint: checkpoint.unwrap_or(Height::ZERO),
            checkpoints_overdue: false,
            halted: None,
        },
        footprint: quorate_core::replica::Footprint::default(),
        backlog: quorate_core::replica::Backlog::default(),
        recent: Arc::default(),
        last_step: Duration::ZERO,
        counters: Counters::default(),
    }
}

impl Observer {
    /// # Panics
    /// If the genesis validators are not a committee.
    pub(crate) fn new(
        config: &Config,
        recovered: &Recovered,
        first: Snapshot,
        publisher: Publisher,
        metrics: Metrics,
    ) -> Self {
        let committee = config.genesis.committee().expect("the genesis was checked");
        let held = |block: &Arc<Block>| (block.digest(), (Arc::clone(block), Instant::ZERO));
        let tip = recovered.head.as_ref();
        Self {
            publisher,
            metrics,
            schedule: LeaderSchedule::new(&committee, &config.genesis.epoch_seed()),
            snapshot: first,
            blocks: recovered.blocks.iter().map(held).collect(),
            voters: BTreeMap::new(),
            entered: VecDeque::new(),
            parent_view: tip.map_or(View::ZERO, |block| block.header().origin_view),
            changed: true,
        }
    }

    /// Looks at an effect before it is seen to.
    pub(crate) fn on_effect(&mut self, at: Instant, effect: &Effect) {
        match effect {
            Effect::Write { batch, .. } => batch.iter().for_each(|one| self.on_record(at, one)),
            Effect::Peer(PeerCommand::Penalize(peer, fault)) => {
                self.publisher.tell(NodeEvent::PeerPenalized(*peer, *fault));
            }
            Effect::Send { .. } | Effect::Pledge { .. } | Effect::Run(_) | Effect::Report(_) => {}
        }
    }

    fn on_record(&mut self, at: Instant, record: &Record) {
        match record {
            Record::Block(block) => {
                let held = (Arc::clone(block), at);
                self.blocks.entry(block.digest()).or_insert(held);
            }
            Record::Finalized(advance) => {
                let voters: Vec<ValidatorIndex> = advance.certificate.signers.iter().collect();
                let heights = advance.blocks.iter().map(|(height, _)| *height);
                self.voters.extend(heights.map(|height| (height, voters.clone())));
            }
            Record::Certificate(_)
            | Record::Proof(_)
            | Record::Evidence(_)
            | Record::Checkpoint(_) => {}
        }
    }

    /// Takes what the replica tells people.
    pub(crate) fn on_report(&mut self, at: Instant, event: Event) {
        match event {
            Event::Started { view, height, repeated, votes } => tracing::info!(
                view = view.get(),
                height = height.get(),
                repeated,
                votes,
                "the replica starts"
            ),
            Event::Entered { view, leader, timeout, .. } => {
                self.on_entered(at, view, leader, timeout)
            }
            Event::TimedOut { view, reason, .. } => {
                let leader = self.schedule.leader(view);
                tracing::debug!(
                    view = view.get(),
                    leader = leader.get(),
                    ?reason,
                    "gives up on a view"
                );
                self.metrics
                    .view_changes
                    .get_or_create(&ReasonLabel { reason: reason.into() })
                    .inc();
                self.snapshot.counters.view_changes += 1;
                self.publisher.tell(NodeEvent::ViewChange { view, leader, reason });
            }
            Event::Certified { kind, view, .. } => self.on_certified(at, kind, view),
            Event::Finalized { height, view, block } => self.on_finalized(at, height, view, block),
            Event::Executed { state, .. } => self.snapshot.state_root = state,
            Event::Checkpointed { height, state_root, .. } => {
                self.publisher.tell(NodeEvent::Checkpointed { height, state_root });
            }
            Event::CheckpointDissent { signer, height, certified, theirs } => tracing::warn!(
                %signer, height = height.get(), %certified, %theirs,
                "a validator signed another state than a quorum did"
            ),
            Event::CheckpointsOverdue { certified, finalized } => tracing::warn!(
                certified = certified.get(),
                finalized = finalized.get(),
                "finality runs ahead, and no checkpoint is certified"
            ),
            Event::CheckpointsResumed { certified } => {
                tracing::info!(certified = certified.get(), "checkpoints keep up again");
            }
            Event::ExecutionHalted(divergence) => {
                tracing::error!(?divergence, "results differ: nothing is executed any more");
                self.publisher.tell(NodeEvent::Halted(HaltReason::Execution(divergence)));
            }
            Event::SafetyHalt { height } => {
                self.publisher.tell(NodeEvent::Halted(HaltReason::Safety { height }));
            }
            Event::Evidence(evidence) => {
                tracing::warn!(?evidence, "a validator broke the rules, and it can be proven");
                self.metrics.evidence.inc();
                self.snapshot.counters.evidence += 1;
                self.publisher.tell(NodeEvent::Evidence(evidence));
            }
            Event::Fetching { height } => {
                self.publisher.tell(NodeEvent::CatchingUp { height });
            }
            Event::TransactionAdmitted(_)
            | Event::TransactionRefused(..)
            | Event::Proposed { .. }
            | Event::Announced { .. }
            | Event::TransactionsMissing { .. }
            | Event::TransactionsGiven { .. }
            | Event::ProposalAccepted { .. }
            | Event::Fetched { .. } => {}
        }
    }

    fn on_entered(&mut self, at: Instant, view: View, leader: ValidatorIndex, timeout: Span) {
        if self.entered.len() == VIEWS_REMEMBERED {
            self.entered.pop_front();
        }
        self.entered.push_back((view, at));
        self.snapshot.view = view;
        self.snapshot.leader = Some(leader);
        self.publisher.tell(NodeEvent::Entered { view, leader, timeout: duration(timeout) });
    }

    fn on_certified(&mut self, at: Instant, kind: Kind, view: View) {
        let entered = self.entered.iter().rev().find(|(one, _)| *one == view);
        let after = entered.map(|(_, entered)| duration(at.since(*entered)));
        if let Some(after) = after {
            let label = PhaseLabel { phase: kind.into() };
            self.metrics.quorum_seconds.get_or_create(&label).observe(after.as_secs_f64());
        }
        let after = after.unwrap_or_default();
        self.publisher.tell(NodeEvent::Certified { kind, view, after });
    }

    fn on_finalized(&mut self, at: Instant, height: Height, view: View, digest: Digest) {
        let held = self.blocks.remove(&digest);
        let (block, first) = held.map_or((None, at), |(block, first)| (Some(block), first));
        let header = block.as_ref().map(|block| block.header());
        let transactions = block.as_ref().map_or(0, |one| one.payload().transactions.len());
        let summary = Arc::new(HeightSummary {
            height,
            digest,
            view,
            views_used: view.delta_from(self.parent_view).max(1),
            leader: self.schedule.leader(view),
            timestamp: header.map_or(self.snapshot.finalized_timestamp, |one| one.timestamp),
            transactions: u32::try_from(transactions).unwrap_or(u32::MAX),
            finalized_after: duration(at.since(first)),
            voters: self.voters.remove(&height).unwrap_or_default(),
        });
        self.voters = self.voters.split_off(&height);
        self.blocks.retain(|_, (block, _)| block.header().height > height);
        self.parent_view = view;
        self.metrics.finality_seconds.observe(summary.finalized_after.as_secs_f64());
        self.metrics.transactions_per_block.observe(f64::from(summary.transactions));
        let views = u32::try_from(summary.views_used).unwrap_or(u32::MAX);
        self.metrics.views_per_height.observe(f64::from(views));
        let snapshot = &mut self.snapshot;
        snapshot.finalized_height = height;
        snapshot.finalized_digest = digest;
        snapshot.finalized_timestamp = summary.timestamp;
        snapshot.counters.finalized += 1;
        snapshot.counters.transactions += u64::from(summary.transactions);
        let recent = Arc::make_mut(&mut snapshot.recent);
        if recent.len() == RECENT_HEIGHTS {
            recent.pop_front();
        }
        recent.push_back(Arc::clone(&summary));
        self.publisher.tell(NodeEvent::Finalized(summary));
    }

    /// A connection came or went.
    pub(crate) fn on_peer(&self, event: NodeEvent) {
        self.publisher.tell(event);
    }

    /// What is counted by input.
    pub(crate) fn counters(&mut self) -> &mut Counters {
        self.changed = true;
        &mut self.snapshot.counters
    }

    /// Publishes how the replica stands, if anything happened since the last time.
    pub(crate) fn publish(&mut self, replica: &Replica, last_step: Duration, waiting: (u64, u64)) {
        let metrics = &self.metrics;
        metrics.log_entries_waiting.set(i64::try_from(waiting.0).unwrap_or(i64::MAX));
        metrics.jobs_waiting.set(i64::try_from(waiting.1).unwrap_or(i64::MAX));
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let snapshot = &mut self.snapshot;
        snapshot.health = replica.health();
        snapshot.executed_height = snapshot.health.executed;
        snapshot.checkpoint_height = snapshot.health.checkpoint;
        snapshot.footprint = replica.footprint();
        snapshot.backlog = replica.backlog();
        snapshot.last_step = last_step;
        (snapshot.counters.log_waiting, snapshot.counters.jobs_waiting) = waiting;
        self.publisher.show(snapshot.clone());
    }
}

fn duration(span: Span) -> Duration {
    Duration::from_nanos(span.nanos())
}
