//! What all handlers share.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::http::StatusCode;
use quorate_core::types::Stake;
use tokio::sync::Semaphore;

use super::{
    backend::{Backend, PeerView, ReadFailed, Submission},
    events::Hub,
    json::{Decimal, ModeJson, QuorumJson},
    limits::Limits,
    problem::Problem,
    rate::Rates,
    server::Census,
};
use crate::metrics::{ApiReading, PeerReading, ProcessReading, Readings, Registry};

/// Shared by all handlers; clones are cheap.
#[derive(Clone)]
pub(super) struct Api(pub(super) Arc<Shared>);

/// What the API counts.
#[derive(Debug, Default)]
pub(super) struct Counts {
    answers: [AtomicU64; 4],
    submissions: [AtomicU64; 3],
}

impl Counts {
    /// An answer with this status.
    pub(super) fn answered(&self, status: StatusCode) {
        let place = usize::from(status.as_u16() / 100).saturating_sub(2);
        if let Some(answers) = self.answers.get(place) {
            answers.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What became of transactions.
    pub(super) fn submitted(&self, fates: &[Submission]) {
        let [admitted, refused, busy] = &self.submissions;
        for fate in fates {
            let one = match fate {
                Submission::Admitted => admitted,
                Submission::Refused(_) => refused,
                Submission::Busy => busy,
            };
            one.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What is shared.
pub(super) struct Shared {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) hub: Hub,
    pub(super) limits: Arc<Limits>,
    /// Requests under way.
    pub(super) requests: Semaphore,
    /// Requests that wait for a transaction.
    pub(super) waits: Semaphore,
    /// Event streams.
    pub(super) streams: Census,
    /// Requests by address.
    pub(super) rates: Rates,
    /// All metrics.
    pub(super) registry: Registry,
    /// What was counted.
    pub(super) counted: Counts,
    /// Where metrics are served.
    pub(super) metrics_address: std::net::SocketAddr,
}

impl std::ops::Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Shared {
    /// What this node does.
    pub(super) fn mode(&self) -> ModeJson {
        match self.backend.identity().validator {
            Some(_) => ModeJson::Validator,
            None => ModeJson::Full,
        }
    }

    /// The quorum, and who is there for it.
    pub(super) fn quorum(&self, peers: &[PeerView]) -> QuorumJson {
        let identity = self.backend.identity();
        let committee = &identity.committee;
        let is_there = |peer| peer == identity.peer || peers.iter().any(|one| one.peer == peer);
        let there: Vec<_> = committee.members().filter(|(_, one)| is_there(one.peer)).collect();
        let online = there.iter().fold(Stake::ZERO, |sum, (_, member)| sum.plus(member.weight));
        QuorumJson {
            total: Decimal(committee.total().get()),
            needed: Decimal(committee.quorum().get()),
            online: Decimal(online.get()),
            members: there.iter().map(|(index, _)| index.get()).collect(),
        }
    }
}

impl Shared {
    /// Everything that metrics are made from, at this moment.
    pub(super) async fn readings(&self) -> Readings {
        let peers = self.backend.peers();
        let peers = peers.iter().map(|one| PeerReading {
            validator: one.validator,
            inbound: one.inbound,
            round_trip: one.round_trip,
            queued_bytes: one.queued,
        });
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Readings {
            snapshot: self.backend.now(),
            committee: Arc::clone(&self.backend.identity().committee),
            peers: peers.collect(),
            network: self.backend.network(),
            store: self.backend.store().await,
            api: ApiReading {
                answers: self.counted.answers.each_ref().map(load),
                submissions: self.counted.submissions.each_ref().map(load),
                streams: u64::try_from(self.streams.count()).unwrap_or(u64::MAX),
            },
            process: ProcessReading::now(),
        }
    }
}

impl From<ReadFailed> for Problem {
    fn from(failed: ReadFailed) -> Self {
        match failed {
            ReadFailed::Busy | ReadFailed::Stopping => Self::busy(failed.to_string()),
            ReadFailed::Failed(_) => Self::internal(failed.to_string()),
        }
    }
}
