//! What the API asks of a node, and what it is told.
//!
//! Everything here is either at hand at once, or a future that ends within bounds the node sets. Nothing
//! that is asked can hold up the replica. The production node implements it in `live`; tests do with a
//! chain in memory.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{future::BoxFuture, stream::BoxStream};
use quorate_core::{
    certificate::Certificate,
    checkpoint::Checkpoint,
    committee::Committee,
    config::Genesis,
    evidence::Evidence,
    execution::{
        Account, CellProof, ExecutionState, Outcome,
        cell::{Cell, CellPath, Coin},
        energy::Energy,
    },
    store::ArchivedBlock,
    time::UnixMillis,
    transaction::{Address, Signers, Transaction},
    types::{Digest, Height, PeerId, ValidatorId, ValidatorIndex},
};
use tokio::sync::broadcast;

use crate::{
    driver::Metrics,
    metrics::{ClassReading, NetworkReading, StoreReading},
    published::{NodeEvent, Snapshot, Waiter},
    store::BlockSummary,
};
pub use crate::{driver::Submission, store::TransactionPlace};

/// Who a node is: never changes while it runs.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The document the chain starts from.
    pub genesis: Arc<Genesis>,
    /// Its digest.
    pub genesis_digest: Digest,
    /// The committee.
    pub committee: Arc<Committee>,
    /// The validator whose key this node holds.
    pub validator: Option<ValidatorId>,
    /// Its name on the network.
    pub peer: PeerId,
    /// When it started.
    pub started: UnixMillis,
}

impl Identity {
    /// Of a node on a chain. `None` if the genesis has no committee.
    #[must_use]
    pub fn new(
        genesis: Genesis,
        validator: Option<ValidatorId>,
        peer: PeerId,
        started: UnixMillis,
    ) -> Option<Self> {
        let committee = Arc::new(genesis.committee().ok()?);
        let genesis_digest = genesis.digest();
        Some(Self {
            genesis: Arc::new(genesis),
            genesis_digest,
            committee,
            validator,
            peer,
            started,
        })
    }
}

/// An account as the newest state has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// The height of the state.
    pub height: Height,
    /// The account; `None` if there is none.
    pub account: Option<Account>,
    /// Its signers, if it takes several.
    pub signers: Option<Signers>,
    /// Its frozen tokens.
    pub energy: Option<Energy>,
}

impl AccountView {
    /// An account in a state.
    #[must_use]
    pub fn of(state: &ExecutionState, address: &Address) -> Self {
        let account = match state.cell(&CellPath::account(address)) {
            Some(Cell::Account(account)) => Some(*account),
            _ => None,
        };
        let energy = match state.cell(&CellPath::energy(address)) {
            Some(Cell::Energy(energy)) => Some(energy.clone()),
            _ => None,
        };
        let signers = state.signers(address).cloned();
        Self { height: state.height(), account, signers, energy }
    }
}

/// Cells replaced since a checkpoint beyond which its proofs are not given: a tenth of a second's work.
const REPLACED_MAX: usize = 50_000;

/// An account's cell after `height`, with its proof, from the newest state.
///
/// `None` if the state has not been there, or so much has happened since that the next checkpoint is the
/// better question.
#[must_use]
pub fn proof_of(state: &ExecutionState, address: &Address, height: Height) -> Option<CellProof> {
    state.prove_cell_after(height, &CellPath::account(address), REPLACED_MAX)
}

/// The clock, in milliseconds since 1970.
#[must_use]
pub fn now_ms() -> UnixMillis {
    // A clock before 1970 has other troubles.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::new(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

/// What came of asking for a proof.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Here it is, and what it is judged by.
    Shown(Box<(CellProof, Certificate<Checkpoint>)>),
    /// No checkpoint is certified yet.
    NoCheckpoint,
    /// The state of the newest certified checkpoint's height is not at hand.
    NotAtHand(Height),
}

/// One connected peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerView {
    /// Its name.
    pub peer: PeerId,
    /// The validator it is, if it is one.
    pub validator: Option<ValidatorIndex>,
    /// Host and port.
    pub address: String,
    /// Whether it connected to this node, rather than the other way round.
    pub inbound: bool,
    /// Round trip, once measured.
    pub round_trip: Option<Duration>,
    /// The height it says it has.
    pub height: Height,
    /// Bytes waiting to be sent.
    pub queued: ClassReading,
    /// Offences held against it, decayed.
    pub score: u64,
    /// How long it is banned still.
    pub banned_for: Option<Duration>,
    /// Since when.
    pub connected_for: Duration,
}

/// A peer that should be connected, or was, and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsentPeer {
    /// Its name.
    pub peer: PeerId,
    /// The validator it is, if it is one.
    pub validator: Option<ValidatorIndex>,
    /// Where it is called, if that is known.
    pub address: Option<String>,
    /// Offences held against it, decayed.
    pub score: u64,
    /// How long it is banned still.
    pub banned_for: Option<Duration>,
    /// Why the last try or connection ended.
    pub last_end: Option<String>,
}

/// Why nothing was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadFailed {
    /// Too many read at once.
    #[error("too many ask at once: ask again in a moment")]
    Busy,
    /// The node is about to end.
    #[error("the node is stopping")]
    Stopping,
    /// The store failed: what happened, for a person.
    #[error("the store cannot be read: {0}")]
    Failed(String),
}

/// What reading gives.
pub type Read<T> = Result<T, ReadFailed>;

/// A node, as the API sees it.
pub trait Backend: Send + Sync + 'static {
    /// Who it is.
    fn identity(&self) -> &Identity;
    /// What was published last.
    fn now(&self) -> Arc<Snapshot>;
    /// What happens from now on. Ends when the node does.
    fn subscribe(&self) -> broadcast::Receiver<Arc<NodeEvent>>;
    /// Waits for a transaction to be executed, from now on.
    fn wait(&self, id: Digest) -> Waiter;
    /// Who is connected.
    fn peers(&self) -> Vec<PeerView>;
    /// Who should be connected and is not.
    fn absent_peers(&self) -> Vec<AbsentPeer>;
    /// Offers transactions: one answer each, in order.
    fn submit(&self, transactions: Vec<Transaction>) -> BoxFuture<'_, Vec<Submission>>;
    /// A final block.
    fn block_at(&self, height: Height) -> BoxFuture<'_, Read<Option<ArchivedBlock>>>;
    /// A final block without its transactions.
    fn summary_at(&self, height: Height) -> BoxFuture<'_, Read<Option<BlockSummary>>>;
    /// Final blocks without their transactions, from a height downwards.
    fn summaries(&self, from: Height, limit: u64) -> BoxFuture<'_, Read<Vec<BlockSummary>>>;
    /// The height of a final block.
    fn height_of(&self, block: Digest) -> BoxFuture<'_, Read<Option<Height>>>;
    /// The fates of a block's transactions, if it was executed.
    fn outcomes_at(&self, height: Height) -> BoxFuture<'_, Read<Option<Vec<Outcome>>>>;
    /// A transaction that is final and executed.
    fn transaction(&self, id: Digest) -> BoxFuture<'_, Read<Option<TransactionPlace>>>;
    /// The certified checkpoint of a height.
    fn checkpoint_at(&self, height: Height)
    -> BoxFuture<'_, Read<Option<Certificate<Checkpoint>>>>;
    /// Offences seen.
    fn evidence(&self) -> BoxFuture<'_, Read<Vec<Evidence>>>;
    /// An account in the newest state; `None` if the lane has no time.
    fn account(&self, address: Address) -> BoxFuture<'_, Option<AccountView>>;
    /// A cell of the newest state, and the height of that; `None` if the lane has no time.
    fn cell(&self, path: CellPath) -> BoxFuture<'_, Option<(Height, Option<Cell>)>>;
    /// An account, proven against the newest certified checkpoint.
    fn prove(&self, address: Address) -> BoxFuture<'_, Read<Proof>>;
    /// All coins of an owner, as one state has them, ascending by path.
    fn coins(&self, owner: Address) -> BoxStream<'static, Read<Coin>>;
    /// What the driver measures.
    fn metrics(&self) -> &Metrics;
    /// The network since the start.
    fn network(&self) -> NetworkReading;
    /// The store; `None` if it cannot be read.
    fn store(&self) -> BoxFuture<'_, Option<StoreReading>>;
}
