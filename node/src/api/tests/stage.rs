//! A chain in memory: real blocks, real signatures, a real state, and nobody who decides by themselves.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    num::NonZeroU64,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, ready},
    stream::{self, BoxStream},
};
use quorate_core::{
    block::{Block, Candidate, Header, Payload, root_id},
    certificate::Certificate,
    checkpoint::Checkpoint,
    codec::Bounded,
    committee::Member,
    config::{Genesis, GenesisAccount, Parameters},
    crypto::SecretKey,
    event::TimeoutReason,
    evidence::Evidence,
    execution::{
        ExecutionState, Outcome,
        cell::{Cell, CellPath, Coin},
    },
    mempool::Refusal,
    proof::CommitProof,
    replica::{Backlog, Footprint, Health},
    store::ArchivedBlock,
    time::UnixMillis,
    transaction::{Address, Transaction},
    types::{ChainId, Digest, Epoch, Height, PeerId, Stake, ValidatorId, ValidatorIndex, View},
    vote::{Kind, Signable, SigningContext, Statement, Vote},
};
use tokio::sync::broadcast;

use crate::{
    api::backend::{
        AbsentPeer, AccountView, Backend, Identity, PeerView, Proof, Read, Submission,
        TransactionPlace, now_ms, proof_of,
    },
    driver::Metrics,
    metrics::{ClassReading, NetworkReading, StoreReading},
    published::{
        Counters, Executed, HeightSummary, NodeEvent, Published, Publisher, Snapshot, Waiter,
        published,
    },
    store::BlockSummary,
};

/// The chain.
pub(crate) const CHAIN: ChainId = ChainId::new(7);

/// What every account has at first.
pub(crate) const BALANCE: u64 = 1_000_000_000;

/// Accounts of the genesis, whose keys are [`account_key`].
const ACCOUNTS: u8 = 8;

/// The key of one of the genesis' accounts.
pub(crate) fn account_key(number: u8) -> SecretKey {
    SecretKey::from_seed([100 + number; 32])
}

/// The address of one of the genesis' accounts.
pub(crate) fn address(number: u8) -> Address {
    Address::of_key(&account_key(number).public())
}

/// A node without a replica: somebody else says when there is a block.
pub(crate) struct Stage {
    identity: Identity,
    secrets: BTreeMap<ValidatorIndex, SecretKey>,
    context: SigningContext,
    publisher: Publisher,
    published: Published,
    metrics: Metrics,
    chain: Mutex<Chain>,
}

struct Chain {
    state: ExecutionState,
    archive: BTreeMap<Height, ArchivedBlock>,
    outcomes: BTreeMap<Height, Vec<Outcome>>,
    places: BTreeMap<Digest, TransactionPlace>,
    checkpoints: BTreeMap<Height, Certificate<Checkpoint>>,
    evidence: Vec<Evidence>,
    pending: Vec<Transaction>,
    seen: BTreeSet<Digest>,
    recent: VecDeque<Arc<HeightSummary>>,
    candidate: Option<Candidate>,
    steps: u64,
    timestamp: UnixMillis,
    view: View,
    halted: bool,
    is_busy: bool,
}

impl Stage {
    /// A chain of so many equal validators, before its first block. This node is one of them.
    pub(crate) fn new(validators: u8) -> Arc<Self> {
        let keys: Vec<SecretKey> =
            (1..=validators).map(|number| SecretKey::from_seed([number; 32])).collect();
        let member = |(number, key): (u8, &SecretKey)| Member {
            validator: ValidatorId::new(u32::from(number)),
            key: key.public(),
            peer: PeerId::new([number; 32]),
            weight: Stake::new(10),
        };
        let now = now_ms();
        let account = |number| GenesisAccount { address: address(number), balance: BALANCE };
        let genesis = Genesis {
            chain_id: CHAIN,
            timestamp: now,
            validators: (1..=validators).zip(&keys).map(member).collect(),
            accounts: (0..ACCOUNTS).map(account).collect(),
            parameters: Parameters {
                checkpoint_interval: NonZeroU64::new(4).expect("not zero"),
                ..Parameters::default()
            },
        };
        let own = ValidatorId::new(1);
        let state = ExecutionState::new(&genesis);
        let identity = Identity::new(genesis, Some(own), PeerId::new([1; 32]), now);
        let identity = identity.expect("the genesis has a committee");
        let secrets = keys.into_iter().map(|key| {
            let index = identity.committee.index_of_key(&key.public());
            (index.expect("it is a member's"), key)
        });
        let context = SigningContext {
            chain_id: CHAIN,
            genesis: identity.genesis_digest,
            committee: identity.committee.digest(),
        };
        let chain = Chain {
            state,
            archive: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            places: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            evidence: Vec::new(),
            pending: Vec::new(),
            seen: BTreeSet::new(),
            recent: VecDeque::new(),
            candidate: None,
            steps: 0,
            timestamp: now,
            view: View::new(1),
            halted: false,
            is_busy: false,
        };
        let (publisher, published) = published(snapshot(&identity, &chain));
        Arc::new(Self {
            secrets: secrets.collect(),
            identity,
            context,
            publisher,
            published,
            metrics: Metrics::default(),
            chain: Mutex::new(chain),
        })
    }

    /// Everybody agrees at once on the next block: what was submitted.
    pub(crate) fn grow(&self) -> Height {
        self.grow_after(0)
    }

    /// The same, after so many views were given up.
    pub(crate) fn grow_after(&self, lost_views: u64) -> Height {
        let mut chain = self.chain();
        let chain = &mut *chain;
        let first_view = chain.candidate.map_or(View::ZERO, |one| one.view).next();
        let view = first_view.plus(lost_views);
        let skips: Vec<Certificate> =
            (first_view.get()..view.get()).map(|lost| self.nullify(View::new(lost))).collect();
        self.enter(view);
        let block = self.next_block(chain, view);
        let candidate = self.candidate_of(chain, view, block.digest());
        let certify = |statement| self.certify(statement);
        let proof = CommitProof {
            height: block.header().height,
            candidate,
            notarization: Some(certify(Statement::Notarize(candidate))),
            finalization: Some(certify(Statement::Finalize(candidate))),
            nullifications: Bounded::new(skips),
        };
        for kind in [Kind::Notarize, Kind::Finalize] {
            self.tell(NodeEvent::Certified { kind, view, after: Duration::from_millis(30) });
        }
        chain.candidate = Some(candidate);
        chain.view = view.next();
        self.finalize(chain, block, proof, lost_views + 1)
    }

    fn finalize(
        &self,
        chain: &mut Chain,
        block: Block,
        proof: CommitProof,
        views_used: u64,
    ) -> Height {
        let (header, digest) = (block.header().clone(), block.digest());
        let height = header.height;
        let finalization = proof.finalization.as_ref().expect("it is whole");
        let summary = Arc::new(HeightSummary {
            height,
            digest,
            view: proof.candidate.view,
            views_used,
            leader: header.proposer,
            timestamp: header.timestamp,
            transactions: u32::try_from(block.payload().transactions.len()).expect("few"),
            finalized_after: Duration::from_millis(90 * views_used),
            voters: finalization.signers.iter().collect(),
        });
        chain.recent.push_back(Arc::clone(&summary));
        if chain.recent.len() > crate::published::RECENT_HEIGHTS {
            chain.recent.pop_front();
        }
        let done = chain.state.execute(&block);
        for (place, (id, outcome)) in done.outcomes.iter().enumerate() {
            let index = u32::try_from(place).expect("few");
            chain.places.insert(*id, TransactionPlace { height, index, outcome: *outcome });
        }
        let outcomes = done.outcomes.iter().map(|(_, outcome)| *outcome).collect();
        chain.outcomes.insert(height, outcomes);
        let archived = ArchivedBlock { block: Arc::new(block), proof: Some(proof) };
        chain.archive.insert(height, archived);
        if let Some(checkpoint) = done.checkpoint {
            chain.checkpoints.insert(height, self.certify(checkpoint));
        }
        chain.steps += 1;
        self.publisher.show(snapshot(&self.identity, chain));
        self.tell(NodeEvent::Finalized(summary));
        let (state, outcomes) = (done.state, done.outcomes);
        self.tell(NodeEvent::Executed(Executed { height, state, outcomes }));
        if chain.checkpoints.contains_key(&height) {
            self.tell(NodeEvent::Checkpointed { height, state_root: state });
        }
        height
    }

    fn next_block(&self, chain: &mut Chain, view: View) -> Block {
        let tip = chain.archive.last_key_value();
        let parent = tip.map_or(self.identity.genesis_digest, |(_, one)| one.block.digest());
        let height = tip.map_or(Height::ZERO, |(height, _)| *height).next();
        let payload = Payload {
            transactions: Bounded::new(std::mem::take(&mut chain.pending)),
            evidence: Bounded::default(),
        };
        chain.timestamp = chain.timestamp.plus_millis(1).max(now_ms());
        let header = Header {
            chain_id: CHAIN,
            epoch: Epoch::ZERO,
            height,
            parent,
            origin_view: view,
            proposer: self.leader(view),
            payload_root: payload.root(),
            payload_len: payload.encoded_len(),
            timestamp: chain.timestamp,
            evidence_root: payload.evidence_root(),
            next_committee: None,
        };
        Block::new(header, payload)
    }

    fn candidate_of(&self, chain: &Chain, view: View, block: Digest) -> Candidate {
        let root =
            || root_id(Epoch::ZERO, self.identity.genesis_digest, self.identity.committee.digest());
        let (parent_view, parent_id) =
            chain.candidate.map_or_else(|| (View::ZERO, root()), |one| (one.view, one.id()));
        Candidate { epoch: Epoch::ZERO, view, parent_view, parent_id, block }
    }

    fn nullify(&self, view: View) -> Certificate {
        self.enter(view);
        let (leader, reason) = (self.leader(view), TimeoutReason::NoProposal);
        self.tell(NodeEvent::ViewChange { view, leader, reason });
        let after = Duration::from_millis(500);
        self.tell(NodeEvent::Certified { kind: Kind::Nullify, view, after });
        self.certify(Statement::Nullify { epoch: Epoch::ZERO, view })
    }

    fn enter(&self, view: View) {
        let timeout = Duration::from_millis(500);
        self.tell(NodeEvent::Entered { view, leader: self.leader(view), timeout });
    }

    fn leader(&self, view: View) -> ValidatorIndex {
        let members = u64::try_from(self.secrets.len()).expect("few");
        ValidatorIndex::new(u16::try_from(view.get() % members).expect("few"))
    }

    /// Signed by all but the last member, whom nobody has seen.
    fn certify<S: Signable + Copy + Eq + std::fmt::Debug>(&self, statement: S) -> Certificate<S> {
        let message = self.context.message(&statement);
        let vote = |(signer, key): (&ValidatorIndex, &SecretKey)| Vote {
            statement,
            signer: *signer,
            signature: key.sign(&message),
        };
        let present = self.secrets.len() - 1;
        Certificate::from_votes(statement, self.secrets.iter().take(present).map(vote).collect())
    }

    /// Tells everybody something.
    pub(crate) fn tell(&self, event: NodeEvent) {
        self.publisher.tell(event);
    }

    /// How many wait for a transaction.
    pub(crate) fn waiters(&self) -> usize {
        self.publisher.waiters()
    }

    /// From now on, nothing is taken.
    pub(crate) fn be_busy(&self) {
        self.chain().is_busy = true;
    }

    /// Forgets what is below a height.
    pub(crate) fn prune_below(&self, height: Height) {
        let mut chain = self.chain();
        chain.archive = chain.archive.split_off(&height);
    }

    fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn snapshot(identity: &Identity, chain: &Chain) -> Snapshot {
    let tip = chain.archive.last_key_value().map(|(_, one)| one.block.clone());
    let checkpoint = chain.checkpoints.last_key_value().map_or(Height::ZERO, |(at, _)| *at);
    Snapshot {
        validator: identity.validator,
        index: identity.committee.index_of_peer(&identity.peer),
        peer: identity.peer,
        view: chain.view,
        leader: Some(ValidatorIndex::new(0)),
        finalized_height: tip.as_ref().map_or(Height::ZERO, |one| one.header().height),
        finalized_digest: tip.as_ref().map_or(identity.genesis_digest, |one| one.digest()),
        finalized_timestamp: chain.timestamp,
        executed_height: chain.state.height(),
        state_root: chain.state.digest(),
        checkpoint_height: checkpoint,
        health: Health {
            executed: chain.state.height(),
            checkpoint,
            checkpoints_overdue: chain.halted,
            halted: None,
        },
        footprint: Footprint {
            mempool_transactions: u64::try_from(chain.pending.len()).expect("few"),
            ..Footprint::default()
        },
        backlog: Backlog::default(),
        recent: Arc::new(chain.recent.clone()),
        last_step: Duration::from_micros(40),
        counters: Counters { steps: chain.steps, ..Counters::default() },
    }
}

/// An answer that is there already.
fn now<T: Send + 'static>(answer: T) -> BoxFuture<'static, T> {
    ready(answer).boxed()
}

impl Backend for Stage {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn now(&self) -> Arc<Snapshot> {
        self.published.now()
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<NodeEvent>> {
        self.published.subscribe()
    }

    fn wait(&self, id: Digest) -> Waiter {
        self.published.wait(id)
    }

    fn peers(&self) -> Vec<PeerView> {
        let others = self.identity.committee.members();
        // The last member is away.
        let present = others.take(self.secrets.len() - 1);
        present
            .filter(|(_, member)| member.peer != self.identity.peer)
            .map(|(index, member)| PeerView {
                peer: member.peer,
                validator: Some(index),
                address: format!("10.0.0.{index}:7000"),
                inbound: index.get().is_multiple_of(2),
                round_trip: Some(Duration::from_micros(900)),
                height: self.published.now().finalized_height,
                queued: ClassReading::default(),
                score: 0,
                banned_for: None,
                connected_for: Duration::from_secs(5),
            })
            .collect()
    }

    fn absent_peers(&self) -> Vec<AbsentPeer> {
        let last = self.identity.committee.members().last();
        let absent = |(index, member): (ValidatorIndex, &Member)| AbsentPeer {
            peer: member.peer,
            validator: Some(index),
            address: Some(format!("10.0.0.{index}:7000")),
            score: 100,
            banned_for: Some(Duration::from_secs(90)),
            last_end: Some("the peer hung up".to_owned()),
        };
        last.map(absent).into_iter().collect()
    }

    fn submit(&self, transactions: Vec<Transaction>) -> BoxFuture<'_, Vec<Submission>> {
        let mut chain = self.chain();
        let fates = transactions.into_iter().map(|one| {
            if chain.is_busy {
                return Submission::Busy;
            }
            if one.body.chain_id != CHAIN {
                return Submission::Refused(Refusal::WrongChain);
            }
            if !chain.seen.insert(one.id()) {
                return Submission::Refused(Refusal::Duplicate);
            }
            chain.pending.push(one);
            Submission::Admitted
        });
        now(fates.collect())
    }

    fn block_at(&self, height: Height) -> BoxFuture<'_, Read<Option<ArchivedBlock>>> {
        now(Ok(self.chain().archive.get(&height).cloned()))
    }

    fn summary_at(&self, height: Height) -> BoxFuture<'_, Read<Option<BlockSummary>>> {
        now(Ok(self.chain().archive.get(&height).map(BlockSummary::from)))
    }

    fn summaries(&self, from: Height, limit: u64) -> BoxFuture<'_, Read<Vec<BlockSummary>>> {
        let chain = self.chain();
        let limit = usize::try_from(limit).expect("a page");
        let page = chain.archive.range(..=from).rev().take(limit);
        now(Ok(page.map(|(_, found)| BlockSummary::from(found)).collect()))
    }

    fn height_of(&self, block: Digest) -> BoxFuture<'_, Read<Option<Height>>> {
        let chain = self.chain();
        let found = chain.archive.iter().find(|(_, one)| one.block.digest() == block);
        now(Ok(found.map(|(height, _)| *height)))
    }

    fn outcomes_at(&self, height: Height) -> BoxFuture<'_, Read<Option<Vec<Outcome>>>> {
        now(Ok(self.chain().outcomes.get(&height).cloned()))
    }

    fn transaction(&self, id: Digest) -> BoxFuture<'_, Read<Option<TransactionPlace>>> {
        now(Ok(self.chain().places.get(&id).copied()))
    }

    fn checkpoint_at(
        &self,
        height: Height,
    ) -> BoxFuture<'_, Read<Option<Certificate<Checkpoint>>>> {
        now(Ok(self.chain().checkpoints.get(&height).cloned()))
    }

    fn evidence(&self) -> BoxFuture<'_, Read<Vec<Evidence>>> {
        now(Ok(self.chain().evidence.clone()))
    }

    fn account(&self, address: Address) -> BoxFuture<'_, Option<AccountView>> {
        now(Some(AccountView::of(&self.chain().state, &address)))
    }

    fn cell(&self, path: CellPath) -> BoxFuture<'_, Option<(Height, Option<Cell>)>> {
        let chain = self.chain();
        now(Some((chain.state.height(), chain.state.cell(&path).cloned())))
    }

    fn prove(&self, address: Address) -> BoxFuture<'_, Read<Proof>> {
        let chain = self.chain();
        let Some((height, certificate)) = chain.checkpoints.last_key_value() else {
            return now(Ok(Proof::NoCheckpoint));
        };
        now(Ok(match proof_of(&chain.state, &address, *height) {
            Some(proof) => Proof::Shown(Box::new((proof, certificate.clone()))),
            None => Proof::NotAtHand(*height),
        }))
    }

    fn coins(&self, owner: Address) -> BoxStream<'static, Read<Coin>> {
        let chain = self.chain();
        let coin = |cell: &Cell| match cell {
            Cell::Coin(coin) if coin.owner == owner => Some(*coin),
            _ => None,
        };
        let coins: Vec<Coin> = chain.state.all_cells().filter_map(coin).collect();
        stream::iter(coins).map(Ok).boxed()
    }

    fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn network(&self) -> NetworkReading {
        NetworkReading::default()
    }

    fn store(&self) -> BoxFuture<'_, Option<StoreReading>> {
        now(Some(StoreReading { disk_bytes: 4_096, ..StoreReading::default() }))
    }
}
