//! The production node, as the API sees it.
//!
//! Reads of the store run where blocking is no harm, as many at a time as the node allows; questions about the
//! state are asked on the thread that owns it. Either may be busy, which the client is told.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use quorate_core::{
    certificate::Certificate,
    checkpoint::Checkpoint,
    committee::Committee,
    evidence::Evidence,
    execution::{
        ExecutionState, Outcome,
        cell::{Cell, CellPath, Coin},
    },
    store::ArchivedBlock,
    transaction::{Address, Transaction},
    types::{Digest, Height},
};
use tokio::{
    sync::{Mutex, broadcast, mpsc, oneshot},
    time::sleep,
};

use super::backend::{
    AbsentPeer, AccountView, Backend, Identity, PeerView, Proof, Read, ReadFailed, Submission,
    TransactionPlace, now_ms, proof_of,
};
use crate::{
    driver::{Metrics, Unavailable},
    exit::{Exit, Failure},
    metrics::{ClassReading, NetworkReading, StoreReading, TrafficReading},
    network::{Direction, PeerStatus, PerClass, Traffic},
    node::NodeHandle,
    published::{NodeEvent, Snapshot, Waiter},
    store::{BlockSummary, Store, StoreError},
};

/// Coins that are read at a time.
const COINS_PAGE: usize = 256;

/// Pages of coins that may wait for the client.
const COINS_PAGES: usize = 2;

/// How many times as long as a proof took the lane has for itself before the next one.
const PROOF_REST: u32 = 4;

/// A running node.
pub(super) struct Live {
    handle: NodeHandle,
    identity: Identity,
    /// Held while a proof is made, and for a while after that if it took long: however many ask, the lane
    /// has its time for blocks.
    proving: Arc<Mutex<()>>,
}

impl Live {
    /// Of a node's handle.
    ///
    /// # Errors
    /// If the genesis has no committee, with which no node starts.
    pub(super) fn new(handle: NodeHandle) -> Result<Self, Failure> {
        let snapshot = handle.published.now();
        let genesis = (*handle.genesis).clone();
        let identity = Identity::new(genesis, snapshot.validator, snapshot.peer, now_ms())
            .ok_or_else(|| Failure::new(Exit::Genesis, "the genesis has no committee"))?;
        Ok(Self { handle, identity, proving: Arc::default() })
    }

    /// Reads from the store.
    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> BoxFuture<'_, Read<T>> {
        async move {
            match self.handle.read(read).await {
                Ok(Ok(found)) => Ok(found),
                Ok(Err(error)) => Err(ReadFailed::Failed(error.to_string())),
                Err(unavailable) => Err(refused(unavailable)),
            }
        }
        .boxed()
    }
}

impl Backend for Live {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn now(&self) -> Arc<Snapshot> {
        self.handle.published.now()
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<NodeEvent>> {
        self.handle.published.subscribe()
    }

    fn wait(&self, id: Digest) -> Waiter {
        self.handle.published.wait(id)
    }

    fn peers(&self) -> Vec<PeerView> {
        let view = |status: PeerStatus| peer(&self.identity.committee, status);
        self.handle.network.peers().into_iter().filter_map(view).collect()
    }

    fn absent_peers(&self) -> Vec<AbsentPeer> {
        let absent = |status: PeerStatus| AbsentPeer {
            peer: status.peer,
            validator: self.identity.committee.index_of_peer(&status.peer),
            address: status.address,
            score: u64::from(status.score),
            banned_for: status.banned_for,
            last_end: status.last_end,
        };
        let all = self.handle.network.peers().into_iter();
        all.filter(|status| status.connection.is_none()).map(absent).collect()
    }

    fn submit(&self, transactions: Vec<Transaction>) -> BoxFuture<'_, Vec<Submission>> {
        self.handle.submit(transactions).boxed()
    }

    fn block_at(&self, height: Height) -> BoxFuture<'_, Read<Option<ArchivedBlock>>> {
        self.read(move |store| store.block_at(height))
    }

    fn summary_at(&self, height: Height) -> BoxFuture<'_, Read<Option<BlockSummary>>> {
        self.read(move |store| store.summary_at(height))
    }

    fn summaries(&self, from: Height, limit: u64) -> BoxFuture<'_, Read<Vec<BlockSummary>>> {
        self.read(move |store| {
            let mut page = Vec::new();
            let lowest = store.lowest().unwrap_or(Height::ZERO).max(Height::new(1));
            let mut at = from;
            while at >= lowest && u64::try_from(page.len()).is_ok_and(|count| count < limit) {
                page.extend(store.summary_at(at)?);
                at = at.minus(1);
            }
            Ok(page)
        })
    }

    fn height_of(&self, block: Digest) -> BoxFuture<'_, Read<Option<Height>>> {
        self.read(move |store| store.height_of(&block))
    }

    fn outcomes_at(&self, height: Height) -> BoxFuture<'_, Read<Option<Vec<Outcome>>>> {
        self.read(move |store| {
            let receipts = store.receipts(height)?;
            Ok(receipts.map(|all| all.into_iter().map(|(_, outcome)| outcome).collect()))
        })
    }

    fn transaction(&self, id: Digest) -> BoxFuture<'_, Read<Option<TransactionPlace>>> {
        self.read(move |store| store.transaction(&id))
    }

    fn checkpoint_at(
        &self,
        height: Height,
    ) -> BoxFuture<'_, Read<Option<Certificate<Checkpoint>>>> {
        self.read(move |store| store.checkpoint_at(height))
    }

    fn evidence(&self) -> BoxFuture<'_, Read<Vec<Evidence>>> {
        self.read(Store::evidence)
    }

    fn account(&self, address: Address) -> BoxFuture<'_, Option<AccountView>> {
        async move { self.handle.state(move |state| AccountView::of(state, &address)).await.ok() }
            .boxed()
    }

    fn cell(&self, path: CellPath) -> BoxFuture<'_, Option<(Height, Option<Cell>)>> {
        let found = move |state: &ExecutionState| (state.height(), state.cell(&path).cloned());
        async move { self.handle.state(found).await.ok() }.boxed()
    }

    fn prove(&self, address: Address) -> BoxFuture<'_, Read<Proof>> {
        async move {
            let newest = self.now().executed_height;
            let certificate = self.read(move |store| store.newest_checkpoint(newest)).await?;
            let Some(certificate) = certificate else { return Ok(Proof::NoCheckpoint) };
            let height = certificate.statement.height;
            let turn = Arc::clone(&self.proving).lock_owned().await;
            let (tell, told) = oneshot::channel();
            let handle = self.handle.clone();
            // A task of its own, so that nobody shortens the rest by hanging up.
            tokio::spawn(async move {
                let asked = handle.state(move |state| {
                    let begun = Instant::now();
                    (proof_of(state, &address, height), begun.elapsed())
                });
                let (proof, took) = match asked.await {
                    Ok((proof, took)) => (Ok(proof), took),
                    Err(unavailable) => (Err(unavailable), Duration::ZERO),
                };
                // Whoever asked may have gone away.
                let _ = tell.send(proof);
                sleep(took * PROOF_REST).await;
                drop(turn);
            });
            let proof = told.await.unwrap_or(Err(Unavailable::Stopping)).map_err(refused)?;
            Ok(match proof {
                Some(proof) => Proof::Shown(Box::new((proof, certificate))),
                None => Proof::NotAtHand(height),
            })
        }
        .boxed()
    }

    fn coins(&self, owner: Address) -> BoxStream<'static, Read<Coin>> {
        let (out, pages) = mpsc::channel(COINS_PAGES);
        let handle = self.handle.clone();
        // The reading ends when the client has gone away and nobody takes its pages, or at the end.
        let reading = tokio::spawn(async move {
            handle.walk(move |store| store.stream_coins(&owner, COINS_PAGE, &out)).await
        });
        let coins = stream::unfold(pages, |mut pages| async move {
            let page = pages.recv().await?;
            Some((stream::iter(page.coins.into_iter().map(Ok)), pages))
        });
        let end = stream::once(async move {
            match reading.await {
                Ok(Ok(Ok(()))) => None,
                Ok(Ok(Err(error))) => Some(Err(ReadFailed::Failed(error.to_string()))),
                Ok(Err(Unavailable::Busy)) => Some(Err(ReadFailed::Busy)),
                Ok(Err(Unavailable::Stopping)) | Err(_) => Some(Err(ReadFailed::Stopping)),
            }
        });
        coins.flatten().chain(end.filter_map(std::future::ready)).boxed()
    }

    fn metrics(&self) -> &Metrics {
        &self.handle.metrics
    }

    fn network(&self) -> NetworkReading {
        let counters = self.handle.network.counters();
        NetworkReading {
            sent: traffic(&counters.sent),
            received: traffic(&counters.received),
            wire_sent_bytes: counters.bytes_written,
            wire_received_bytes: counters.bytes_read,
            connected: counters.connected,
            lost: counters.lost,
            turned_away: counters.turned_away,
            handshakes_failed: counters.handshakes_failed,
            offences: counters.offences,
            bans: counters.banned,
            throttled: counters.throttled,
        }
    }

    fn store(&self) -> BoxFuture<'_, Option<StoreReading>> {
        async move {
            let stats = self.read(Store::stats).await.ok()?;
            let sum = |part: fn(&crate::store::ColumnStats) -> u64| {
                stats.columns.iter().fold(0_u64, |sum, one| sum.saturating_add(part(one)))
            };
            Some(StoreReading {
                disk_bytes: stats.disk_bytes(),
                wal_bytes: stats.wal_bytes,
                memory_bytes: sum(|one| one.memory_bytes),
                cache_bytes: stats.cache_bytes,
                table_bytes: stats.table_bytes,
                compaction_pending_bytes: sum(|one| one.compaction_pending_bytes),
                is_write_stopped: stats.is_write_stopped,
                lowest: stats.lowest.map_or(0, Height::get),
            })
        }
        .boxed()
    }
}

/// Why nothing was read.
fn refused(unavailable: Unavailable) -> ReadFailed {
    match unavailable {
        Unavailable::Busy => ReadFailed::Busy,
        Unavailable::Stopping => ReadFailed::Stopping,
    }
}

/// A connected peer; `None` if it is only wanted.
fn peer(committee: &Committee, status: PeerStatus) -> Option<PeerView> {
    let connection = status.connection?;
    let bytes = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let queued = connection.queued_bytes;
    Some(PeerView {
        peer: status.peer,
        validator: committee.index_of_peer(&status.peer),
        address: status.address.unwrap_or_else(|| connection.remote.to_string()),
        inbound: connection.direction == Direction::Inbound,
        round_trip: connection.round_trip,
        height: connection.height,
        queued: ClassReading {
            votes: bytes(queued.votes),
            proposals: bytes(queued.proposals),
            bulk: bytes(queued.bulk),
        },
        score: u64::from(status.score),
        banned_for: status.banned_for,
        connected_for: connection.lasted,
    })
}

fn traffic(counted: &PerClass<Traffic>) -> TrafficReading {
    let part = |part: fn(&Traffic) -> u64| ClassReading {
        votes: part(&counted.votes),
        proposals: part(&counted.proposals),
        bulk: part(&counted.bulk),
    };
    TrafficReading {
        messages: part(|one| one.messages),
        bytes: part(|one| one.bytes),
        dropped: part(|one| one.dropped),
    }
}
