//! What all handlers share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::http::StatusCode;
use quorate_core::types::{Height, Stake};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{
    backend::{Backend, PeerView, ReadFailed, Submission},
    events::Hub,
    json::{Decimal, ModeJson, QuorumJson},
    limits::Limits,
    problem::{Answer, Problem},
    rate::Rates,
    server::Census,
};
pub(super) use crate::metrics::Refused;
use crate::metrics::{ApiReading, HttpMetrics, PeerReading, ProcessReading, Readings, Registry};

/// Shared by all handlers; clones are cheap.
#[derive(Clone)]
pub(super) struct Api(pub(super) Arc<Shared>);

/// What the API counts.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// What is measured as it goes.
    pub(super) http: HttpMetrics,
    answers: [AtomicU64; 4],
    submissions: [AtomicU64; 4],
}

impl Counts {
    /// An answer with this status.
    pub(super) fn answered(&self, status: StatusCode) {
        let place = usize::from(status.as_u16() / 100).saturating_sub(2);
        if let Some(answers) = self.answers.get(place) {
            answers.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Somebody was turned away.
    pub(super) fn refused(&self, reason: Refused) {
        self.http.refused(reason);
    }

    /// How long an answer took to make.
    pub(super) fn took(&self, time: Duration) {
        self.http.seconds.observe(time.as_secs_f64());
    }

    /// What became of transactions.
    pub(super) fn submitted(&self, fates: &[Submission]) {
        let [admitted, refused, busy, unanswered] = &self.submissions;
        for fate in fates {
            let one = match fate {
                Submission::Admitted => admitted,
                Submission::Refused(_) => refused,
                Submission::Busy | Submission::Stopping => busy,
                Submission::Unanswered => unanswered,
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
    /// Large bodies that are taken apart.
    pub(super) bodies: Arc<Semaphore>,
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
        let snapshot = self.backend.now();
        let lag = typical_height(&peers, snapshot.finalized_height);
        let lag = lag.delta_from(snapshot.finalized_height);
        let peers = peers.iter().map(|one| PeerReading {
            validator: one.validator,
            inbound: one.inbound,
            round_trip: one.round_trip,
            queued_bytes: one.queued,
        });
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Readings {
            snapshot,
            lag,
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

/// Where peers say they are, or `own` if there are none. A peer's word is a hint, and the median of them is
/// one that no single peer can push up.
pub(super) fn typical_height(peers: &[PeerView], own: Height) -> Height {
    let mut heights: Vec<_> = peers.iter().map(|peer| peer.height).collect();
    heights.sort_unstable();
    heights.get(heights.len() / 2).copied().unwrap_or(own)
}

impl Shared {
    /// Does what takes long where it keeps nobody else waiting, a few at a time.
    pub(super) async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Answer<T> {
        let stopping = || Problem::busy("the node is stopping");
        let place = Arc::clone(&self.bodies).acquire_owned().await.map_err(|_| stopping())?;
        let done = spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        done.await.map_err(|_| stopping())
    }
}

impl From<ReadFailed> for Problem {
    fn from(failed: ReadFailed) -> Self {
        match failed {
            ReadFailed::Busy => Self::busy(failed.to_string()).because(Refused::Reads),
            ReadFailed::Stopping => Self::busy(failed.to_string()),
            ReadFailed::Failed(_) => Self::internal(failed.to_string()),
        }
    }
}
