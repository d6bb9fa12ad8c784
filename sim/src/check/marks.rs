//! Situations worth reaching: what a scenario may demand to have seen, and how each is recognised.
//!
//! A mark proves that a test did what it was written for. It never judges.

use std::collections::{BTreeMap, BTreeSet};

use quorate_core::{
    effect::{PeerFault, Timer},
    event::{Event, TimeoutReason},
    execution::Outcome,
    mempool::Refusal,
    message::Message,
    store::Record,
    types::{Digest, Height, ValidatorIndex, View},
    vote::{Kind, Promise},
};

use super::{Scene, votes};
use crate::{
    scenario::Mark,
    trace::{DownReason, NodeIndex, Observation, What},
};

/// Digests of fetched blocks, and views asked for, remembered per node.
const FETCHED_MAX: usize = 256;

/// What a validator can only say one thing about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    View(View, Kind),
    Height(Height),
}

/// What was seen, and how often.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    counts: BTreeMap<Mark, u64>,
    /// Nodes in a second or later life, with the height they came back at.
    restarted: BTreeMap<NodeIndex, Height>,
    given_up: BTreeSet<View>,
    /// Blocks proposed by restarted nodes and not yet final.
    second_proposals: BTreeSet<Digest>,
    /// Blocks that arrived in answers, per node.
    fetched: BTreeMap<NodeIndex, BTreeSet<Digest>>,
    /// Views whose certificates were asked for and have not come, per node.
    asked: BTreeMap<NodeIndex, BTreeSet<View>>,
    /// What dishonest validators were heard to say, per listener.
    heard: BTreeMap<(NodeIndex, ValidatorIndex, Place), Promise>,
}

impl Marks {
    /// How often each situation was seen.
    #[must_use]
    pub fn counts(&self) -> &BTreeMap<Mark, u64> {
        &self.counts
    }

    /// Takes in one observation. Only what happens at honest validators counts.
    pub fn observe(&mut self, scene: &Scene, observation: &Observation) {
        let node = observation.node;
        match &observation.what {
            What::Dropped { .. } => self.see(Mark::MessageDropped),
            What::Duplicated { .. } => self.see(Mark::MessageDuplicated),
            What::Started { life, height, torn_bytes, amnesiac, .. } => {
                if *life > 0 {
                    self.restarted.insert(node, *height);
                }
                if *torn_bytes > 0 {
                    self.see(Mark::TornTailTruncated);
                }
                if *amnesiac {
                    self.see(Mark::SignerLost);
                }
            }
            What::WriteFailed => self.see(Mark::WriteFailed),
            What::WentDown(DownReason::CorruptLog) => self.see(Mark::CorruptionDetected),
            _ if !scene.honesty.is_honest_node(node) => {}
            What::Penalized { fault: PeerFault::BadResponse, .. } => {
                self.see(Mark::BadSyncResponseRejected);
            }
            What::Woke(Timer::Timestamp) => self.see(Mark::TimestampWait),
            What::Sent { parcel, .. } => match parcel.message().as_ref() {
                Message::Votes(_) => self.see(Mark::StandstillResend),
                Message::CertificateRequest(request) => {
                    let asked = self.asked.entry(node).or_default();
                    asked.insert(request.view);
                    if asked.len() > FETCHED_MAX {
                        asked.pop_first();
                    }
                }
                _ => {}
            },
            What::Delivered { parcel, .. } => self.on_delivered(scene, node, parcel.message()),
            What::Wrote { records, .. } => {
                for record in records.iter() {
                    if let Record::Finalized(advance) = record {
                        self.on_final(node, &advance.blocks);
                    }
                }
            }
            What::Executed { block, result, .. } => {
                if !block.payload().evidence.is_empty() {
                    self.see(Mark::EvidenceInBlock);
                }
                for (_, outcome) in &result.outcomes {
                    match outcome {
                        Outcome::Applied => {}
                        Outcome::Failed(_) => self.see(Mark::TransactionFailed),
                        Outcome::Skipped(_) => self.see(Mark::TransactionSkipped),
                    }
                }
            }
            What::Reported(event) => self.on_event(node, event),
            _ => {}
        }
    }

    fn on_event(&mut self, node: NodeIndex, event: &Event) {
        match event {
            Event::Started { repeated, .. } => {
                if *repeated > 0 && self.restarted.contains_key(&node) {
                    self.see(Mark::VoteRecoveredFromLog);
                }
            }
            Event::Certified { kind: Kind::Nullify, view, .. } => {
                self.given_up.insert(*view);
            }
            Event::Finalized { height, view, block } => {
                if self.given_up.first().is_some_and(|given_up| given_up < view) {
                    self.given_up = self.given_up.split_off(view);
                    self.see(Mark::ViewChangeCompleted);
                }
                if self.restarted.get(&node).is_some_and(|start| height > start) {
                    self.see(Mark::RestartedAndFinalized);
                }
                if self.second_proposals.remove(block) {
                    self.see(Mark::ProposalAfterRestart);
                }
            }
            Event::Proposed { candidate, .. } => {
                if self.restarted.contains_key(&node) {
                    self.second_proposals.insert(candidate.block);
                }
            }
            Event::Fetched { .. } => self.see(Mark::BlockFetched),
            Event::Announced { .. } => self.see(Mark::BlockAnnounced),
            Event::TransactionsGiven { .. } => self.see(Mark::TransactionsGiven),
            Event::Evidence(_) => self.see(Mark::EvidenceHeld),
            Event::Checkpointed { .. } => self.see(Mark::CheckpointCertified),
            Event::CheckpointDissent { .. } => self.see(Mark::CheckpointDissent),
            Event::CheckpointsOverdue { .. } => self.see(Mark::CheckpointsOverdue),
            Event::ExecutionHalted(_) => self.see(Mark::ExecutionHalted),
            Event::TimedOut { reason: TimeoutReason::LeaderInactive, .. } => {
                self.see(Mark::LeaderSkipped);
            }
            Event::TimedOut { .. }
            | Event::Entered { .. }
            | Event::TransactionsMissing { .. }
            | Event::ProposalAccepted { .. }
            | Event::Certified { .. }
            | Event::Executed { .. }
            | Event::CheckpointsResumed { .. }
            | Event::SafetyHalt { .. }
            | Event::Fetching { .. }
            | Event::TransactionAdmitted(_) => {}
            Event::TransactionRefused(_, refusal) => {
                self.see(Mark::TransactionRefused);
                if matches!(refusal, Refusal::Full | Refusal::Evicted) {
                    self.see(Mark::MempoolFull);
                }
                if *refusal == Refusal::Replaced {
                    self.see(Mark::TransactionReplaced);
                }
            }
        }
    }

    fn on_delivered(&mut self, scene: &Scene, node: NodeIndex, message: &Message) {
        if let (Message::Certificates(certificates), Some(asked)) =
            (message, self.asked.get_mut(&node))
        {
            let got = certificates.iter().filter(|one| asked.remove(&one.view())).count();
            if got > 0 {
                self.see(Mark::CertificateFetched);
            }
        }
        if let Message::BlockResponse(response) = message {
            let fetched = self.fetched.entry(node).or_default();
            fetched.extend(response.blocks.iter().map(|block| block.digest()));
            while fetched.len() > FETCHED_MAX {
                fetched.pop_first();
            }
        }
        if scene.honesty.lapses().next().is_none() {
            return;
        }
        let certified = votes::certificates_in(message).into_iter().flat_map(|one| one.votes());
        let certified = certified.map(|vote| vote.widened());
        let proven = match message {
            Message::Evidence(evidence) => evidence.votes().to_vec(),
            _ => Vec::new(),
        };
        let proven = proven.into_iter().copied();
        for vote in votes::cast_in(message).chain(certified).chain(proven) {
            if scene.is_honest_at(vote.signer) {
                continue;
            }
            let place = match &vote.statement {
                Promise::View(statement) => Place::View(statement.view(), statement.kind()),
                Promise::Checkpoint(checkpoint) => Place::Height(checkpoint.height),
            };
            let heard = self.heard.entry((node, vote.signer, place)).or_insert(vote.statement);
            if *heard != vote.statement {
                self.see(Mark::EquivocationObserved);
            }
        }
    }

    fn on_final(&mut self, node: NodeIndex, blocks: &[(Height, Digest)]) {
        let Some(fetched) = self.fetched.get_mut(&node) else { return };
        let by_sync = blocks.iter().filter(|(_, block)| fetched.remove(block)).count();
        if by_sync > 0 {
            self.see(Mark::CaughtUpBySync);
        }
    }

    fn see(&mut self, mark: Mark) {
        *self.counts.entry(mark).or_default() += 1;
    }
}

#[cfg(test)]
mod tests;
