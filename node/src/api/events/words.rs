//! Events as JSON.

use quorate_core::{event::TimeoutReason, execution::Outcome};
use serde::Serialize;

use super::id::EventId;
use crate::{
    api::json::{EvidenceJson, HeightJson, Hex32, ReasonJson, kind_name},
    published::{HaltReason, HeightSummary, NodeEvent},
};

#[derive(Serialize)]
struct Executed {
    height: u64,
    state_root: Hex32,
    applied: usize,
    failed: usize,
    skipped: usize,
}

#[derive(Serialize)]
struct Checkpointed {
    height: u64,
    state_root: Hex32,
}

#[derive(Serialize)]
struct Entered {
    view: u64,
    leader: u16,
    timeout_ms: u128,
}

#[derive(Serialize)]
struct ViewChange {
    view: u64,
    leader: u16,
    reason: ReasonJson,
}

#[derive(Serialize)]
struct Certified {
    kind: &'static str,
    view: u64,
    after_ms: u128,
}

#[derive(Serialize)]
struct Peer {
    peer: Hex32,
    connected: bool,
}

#[derive(Serialize)]
struct CatchingUp {
    height: u64,
}

#[derive(Serialize)]
struct Halted {
    why: String,
}

#[derive(Serialize)]
struct Gap {
    from: String,
    to: Option<String>,
    repeated_from: Option<u64>,
    missed: Option<u64>,
}

/// The event's name and data; `None` if it is not told to everybody.
pub(super) fn told(event: &NodeEvent) -> Option<(&'static str, String)> {
    Some(match event {
        NodeEvent::Finalized(summary) => ("finalized", json(&HeightJson::from(&**summary))),
        NodeEvent::Executed(executed) => {
            let count = |wanted: fn(&Outcome) -> bool| {
                executed.outcomes.iter().filter(|(_, outcome)| wanted(outcome)).count()
            };
            let data = Executed {
                height: executed.height.get(),
                state_root: executed.state.into(),
                applied: count(|outcome| matches!(outcome, Outcome::Applied)),
                failed: count(|outcome| matches!(outcome, Outcome::Failed(_))),
                skipped: count(|outcome| matches!(outcome, Outcome::Skipped(_))),
            };
            ("executed", json(&data))
        }
        NodeEvent::Checkpointed { height, state_root } => {
            let data = Checkpointed { height: height.get(), state_root: (*state_root).into() };
            ("checkpointed", json(&data))
        }
        NodeEvent::Entered { view, leader, timeout } => {
            let (view, leader) = (view.get(), leader.get());
            ("entered", json(&Entered { view, leader, timeout_ms: timeout.as_millis() }))
        }
        NodeEvent::ViewChange { view, leader, reason } => {
            let (view, leader, reason) = (view.get(), leader.get(), (*reason).into());
            ("view-change", json(&ViewChange { view, leader, reason }))
        }
        NodeEvent::Certified { kind, view, after } => {
            let (kind, view) = (kind_name(*kind), view.get());
            ("certified", json(&Certified { kind, view, after_ms: after.as_millis() }))
        }
        NodeEvent::Evidence(evidence) => ("evidence", json(&EvidenceJson::from(&**evidence))),
        NodeEvent::PeerConnected(peer) => {
            ("peer", json(&Peer { peer: (*peer).into(), connected: true }))
        }
        NodeEvent::PeerLost(peer) => {
            ("peer", json(&Peer { peer: (*peer).into(), connected: false }))
        }
        NodeEvent::CatchingUp { height } => {
            ("catching-up", json(&CatchingUp { height: height.get() }))
        }
        NodeEvent::Halted(reason) => ("halted", json(&Halted { why: why(reason) })),
        NodeEvent::PeerPenalized(..) => return None,
    })
}

/// Why a node stops a part of its work for good, in words.
pub(crate) fn why(reason: &HaltReason) -> String {
    match reason {
        HaltReason::Execution(divergence) => format!(
            "at height {} this node computed the state root {} and others say {}: nothing is executed any more",
            divergence.ours.height, divergence.ours.state_root, divergence.theirs.state_root,
        ),
        HaltReason::Safety { height } => {
            format!("two conflicting chains are final, at or below height {height}: the node ends")
        }
    }
}

/// A gap on the way from one event to another.
pub(super) fn gap(from: EventId, to: EventId, repeated_from: Option<u64>) -> String {
    let to = Some(to.to_string());
    json(&Gap { from: from.to_string(), to, repeated_from, missed: None })
}

/// A gap for every reader: the node was faster than the API.
pub(super) fn missed(from: EventId, missed: u64) -> String {
    let from = from.to_string();
    json(&Gap { from, to: None, repeated_from: None, missed: Some(missed) })
}

fn json(data: &impl Serialize) -> String {
    serde_json::to_string(data).expect("events are plain data")
}

impl From<TimeoutReason> for ReasonJson {
    fn from(reason: TimeoutReason) -> Self {
        match reason {
            TimeoutReason::NoProposal => Self::NoProposal,
            TimeoutReason::NoCertificate => Self::NoCertificate,
            TimeoutReason::InvalidProposal => Self::InvalidProposal,
            TimeoutReason::LeaderNullified => Self::LeaderNullified,
            TimeoutReason::LeaderInactive => Self::LeaderInactive,
        }
    }
}

impl From<&HeightSummary> for HeightJson {
    fn from(summary: &HeightSummary) -> Self {
        let after = u64::try_from(summary.finalized_after.as_millis()).unwrap_or(u64::MAX);
        Self {
            height: summary.height.get(),
            digest: summary.digest.into(),
            view: summary.view.get(),
            views_used: summary.views_used,
            leader: summary.leader.get(),
            timestamp_ms: summary.timestamp.get(),
            transactions: summary.transactions,
            finalized_after_ms: Some(after),
            voters: summary.voters.iter().map(|index| index.get()).collect(),
        }
    }
}
