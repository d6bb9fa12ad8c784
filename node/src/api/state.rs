//! What all handlers share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{body::Bytes, http::StatusCode};
use quorate_core::{
    committee::Committee,
    types::{Height, Stake},
};
use tokio::{
    sync::{OnceCell, Semaphore},
    task::spawn_blocking,
};

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
    /// Large bodies that are taken apart or written.
    pub(super) bodies: Arc<Semaphore>,
    /// The genesis as JSON, once somebody has asked for it.
    pub(super) genesis: OnceCell<Bytes>,
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
        let committee = &self.backend.identity().committee;
        let lag = typical_height(committee, &peers, snapshot.finalized_height);
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

/// Where the connected validators say they are, or `own` if there are none: the height that those with half of
/// their weight have at most. A peer's word is a hint; whoever is no validator has no say, because keys cost nothing.
pub(super) fn typical_height(committee: &Committee, peers: &[PeerView], own: Height) -> Height {
    let weight = |peer: &PeerView| Some((peer.height, committee.weight(peer.validator?).get()));
    let mut heights: Vec<(Height, u64)> = peers.iter().filter_map(weight).collect();
    heights.sort_unstable();
    let total: u128 = heights.iter().map(|(_, weight)| u128::from(*weight)).sum();
    let mut below = 0;
    for (height, weight) in heights {
        below += u128::from(weight);
        if below * 2 >= total {
            return height;
        }
    }
    own
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use quorate_core::{
        testing::cast::Cast,
        types::{PeerId, ValidatorIndex},
    };

    use super::*;
    use crate::metrics::ClassReading;

    fn peer(validator: Option<u16>, height: u64) -> PeerView {
        PeerView {
            peer: PeerId::new([1; 32]),
            validator: validator.map(ValidatorIndex::new),
            address: "10.0.0.1:1".to_owned(),
            inbound: true,
            round_trip: None,
            height: Height::new(height),
            queued: ClassReading::default(),
            score: 0,
            banned_for: None,
            connected_for: Duration::ZERO,
        }
    }

    /// Strangers push nothing, one validator pushes nothing up, and weight counts.
    #[test]
    fn only_validators_say_how_far_it_is() {
        let cast = Cast::new(&[1, 1, 1, 5]);
        let typical =
            |peers: &[PeerView]| typical_height(cast.committee(), peers, Height::new(7)).get();
        let crowd: Vec<PeerView> = (0..9).map(|_| peer(None, 1_000_000)).collect();
        assert_eq!(typical(&crowd), 7, "nobody to compare with");
        let heaviest =
            (0..4).find(|index| cast.committee().weight(ValidatorIndex::new(*index)).get() == 5);
        let heaviest = heaviest.expect("one of four");
        let light: Vec<u16> = (0..4).filter(|index| *index != heaviest).collect();
        let mut peers = crowd;
        peers.push(peer(Some(light[0]), 10));
        assert_eq!(typical(&peers), 10);
        peers.push(peer(Some(light[1]), 900));
        assert_eq!(typical(&peers), 10, "one of two may lie");
        peers.push(peer(Some(light[2]), 12));
        assert_eq!(typical(&peers), 12);
        peers.push(peer(Some(heaviest), 30));
        assert_eq!(typical(&peers), 30, "more than half of the weight");
    }
}
