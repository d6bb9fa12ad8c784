//! A node put together: store, signer, network and replica, and what everybody else may do with it.
//!
//! Starting one executes again whatever the store has decided and not yet computed, and then opens the
//! network. A node that comes to its end by itself says why ([`Running::finished`]); one that is stopped
//! takes nothing in any more, lets its threads finish, makes everything durable and says goodbye.

mod ports;
mod pruner;
mod reads;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use quorate_core::{
    config::{Config, Genesis},
    execution::{ExecutionState, Options, Scheduler},
    random::Seed,
    signer::SignState,
    store::SignerRecord,
    transaction::Transaction,
    types::{Height, PeerId},
};
use tokio::{net::TcpListener, task::spawn_blocking};

use self::{pruner::Pruner, reads::ReadDesk};
use crate::{
    capture::CaptureOptions,
    driver::{Counter, Engine, Fate, Metrics, Parts, Signs, StateDesk, Submission, Unavailable},
    exit::{Exit, Failure},
    network::{InboundLimits, Mode, Network, NetworkOptions, inbound},
    published::Published,
    signer::Signer,
    store::{Recovery, Store, StoreError, guard},
};

/// What a node is made of.
#[derive(Debug)]
pub struct NodeOptions {
    /// What everybody shares.
    pub genesis: Genesis,
    /// The validator's signer; none for a node that only follows.
    pub signer: Option<Signer>,
    /// Its name on the network: the public half of the node key.
    pub peer: PeerId,
    /// How long to listen for another user of the key before it signs, if it has signed before.
    pub doppelganger_wait: Duration,
    /// What it keeps.
    pub store: Store,
    /// How it talks to others. What it does for the chain and its height are filled in here.
    pub network: NetworkOptions,
    /// Threads for signatures, and as many for execution; as many as there are cores if zero.
    pub threads: usize,
    /// How blocks are executed.
    pub execution: Options,
    /// Where its inputs are captured, if they are.
    pub capture: Option<CaptureOptions>,
}

impl NodeOptions {
    /// A node that only follows, on as many threads as there are cores, without a capture.
    #[must_use]
    pub fn new(genesis: Genesis, store: Store, network: NetworkOptions) -> Self {
        let peer = network.key.peer();
        let execution = Options { scheduler: Scheduler::Waves, ..Options::default() };
        Self {
            genesis,
            signer: None,
            peer,
            doppelganger_wait: Duration::ZERO,
            store,
            network,
            threads: 0,
            execution,
            capture: None,
        }
    }
}

/// A node that runs.
#[derive(Debug)]
pub struct Running {
    engine: Engine,
    pruner: Option<Pruner>,
    handle: NodeHandle,
}

/// What readers and clients of a node may do. Cloning shares.
#[derive(Clone, Debug)]
pub struct NodeHandle {
    /// What it shows.
    pub published: Published,
    /// What it keeps. Blocks: see [`Self::read`].
    pub store: Store,
    /// Whom it talks to.
    pub network: Network,
    /// What it measures.
    pub metrics: Metrics,
    /// What everybody shares.
    pub genesis: Arc<Genesis>,
    counter: Counter,
    desk: StateDesk,
    reads: ReadDesk,
    fate: Fate,
}

/// Starts a node on the runtime this is called on.
///
/// # Errors
/// If the store is damaged or its state is another than was certified, the network cannot listen, or the
/// system has no threads to give.
pub async fn start(options: NodeOptions) -> Result<Running, Failure> {
    run(options, None).await
}

/// Starts a node on the runtime this is called on, with a listener that somebody else has opened.
///
/// # Errors
/// As [`start`].
pub async fn start_on(listener: TcpListener, options: NodeOptions) -> Result<Running, Failure> {
    run(options, Some(listener)).await
}

async fn run(options: NodeOptions, listener: Option<TcpListener>) -> Result<Running, Failure> {
    let NodeOptions { genesis, signer, store, mut network, .. } = options;
    let recovery = recover(store.clone(), genesis.clone()).await?;
    tracing::info!(
        height = recovery.execution.height().get(),
        executed_again = recovery.executed_again,
        "the state is there"
    );
    let validator = signer.as_ref().map(Signer::validator);
    let record =
        signer.as_ref().map_or_else(|| SignerRecord::Intact(SignState::default()), Signer::record);
    let recovered = recovery.recovered(record);
    network.mode = if validator.is_some() { Mode::Validator } else { Mode::Full };
    network.height = recovered.head.as_ref().map_or(Height::ZERO, |block| block.header().height);
    let (entrance, inlet) = inbound(InboundLimits::default());
    let network = match listener {
        None => Network::start(network, entrance).await?,
        Some(listener) => Network::start_on(listener, network, entrance)?,
    };
    let (fate, metrics) = (Fate::open(), Metrics::default());
    let dumps = store.dir().with_file_name("dumps");
    let parts = Parts {
        config: Config { genesis: genesis.clone(), validator, peer: options.peer },
        seed: draw()?,
        recovered,
        state: recovery.execution,
        log: store.clone(),
        signer: signer.map(boxed),
        listen: options.doppelganger_wait,
        commits: store.clone(),
        reads: Arc::new(store.clone()),
        inlet,
        outlet: Arc::new(network.clone()),
        threads: threads(options.threads),
        execution: options.execution,
        dumps,
        capture: options.capture,
        metrics: metrics.clone(),
    };
    let engine = Engine::start(parts, fate.clone())?;
    let pruner = Pruner::start(&store, &fate)?;
    let handle = NodeHandle {
        published: engine.published().clone(),
        reads: ReadDesk::new(store.clone()),
        store,
        network,
        metrics,
        genesis: Arc::new(genesis),
        counter: engine.counter().clone(),
        desk: engine.desk().clone(),
        fate,
    };
    Ok(Running { engine, pruner, handle })
}

/// Puts the state together, where blocking is no harm.
async fn recover(store: Store, genesis: Genesis) -> Result<Recovery, Failure> {
    let recovery = spawn_blocking(move || guard::permit(|| store.recover(&genesis)));
    match recovery.await {
        Ok(recovery) => Ok(recovery?),
        Err(error) => Err(Failure::new(
            Exit::Storage,
            format!(
                "the store holds something that cannot be: {error}; follow the chain anew (quorate recover)"
            ),
        )),
    }
}

fn boxed(signer: Signer) -> Box<dyn Signs> {
    Box::new(signer)
}

/// As many as asked for, or as there are cores.
fn threads(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        asked => asked,
    }
}

/// A seed for one life of a replica.
fn draw() -> Result<Seed, Failure> {
    let mut raw = [0; 32];
    getrandom::fill(&mut raw)
        .map_err(|error| Failure::new(Exit::Restart, format!("no randomness: {error}")))?;
    Ok(Seed::new(raw))
}

impl Running {
    /// What readers and clients get.
    #[must_use]
    pub fn handle(&self) -> NodeHandle {
        self.handle.clone()
    }

    /// Waits until the node comes to its end by itself, and says why.
    pub async fn finished(&mut self) -> Failure {
        self.engine.finished().await
    }

    /// Ends the node: takes nothing in any more, finishes and makes durable what is under way.
    ///
    /// # Errors
    /// If it had come to its end by itself, or does so meanwhile.
    pub async fn stop(self) -> Result<(), Failure> {
        let ended = self.engine.stop().await;
        if let Some(pruner) = self.pruner {
            pruner.stop().await;
        }
        self.handle.network.shutdown().await;
        ended
    }
}

impl NodeHandle {
    /// Hands in transactions and waits, within bounds, for what the mempool makes of each.
    pub async fn submit(&self, transactions: Vec<Transaction>) -> Vec<Submission> {
        self.counter.submit(transactions).await
    }

    /// Reads from the store, where blocking is no harm, when it is this read's turn. Damage that is met ends the
    /// node, whoever reads.
    ///
    /// # Errors
    /// If too many wait, or the node ends; within, what the store says.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Result<T, StoreError>, Unavailable> {
        self.reads.read(self.judged(read)).await
    }

    /// Walks over much of the store, beside all other reads. Damage that is met ends the node.
    ///
    /// # Errors
    /// If others do already, or the node ends; within, what the store says.
    pub async fn walk<T: Send + 'static>(
        &self,
        walk: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Result<T, StoreError>, Unavailable> {
        self.reads.walk(self.judged(walk)).await
    }

    /// A read in which damage is the node's end: what is damaged for a client is so for a peer.
    fn judged<T>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static {
        let fate = self.fate.clone();
        move |store| {
            read(store).inspect_err(|error| {
                if error.is_damage() {
                    fate.seal(error.clone().into());
                }
            })
        }
    }

    /// Asks about the state after the block executed last, on the thread that owns it.
    ///
    /// # Errors
    /// If too many ask, or the node ends.
    pub async fn state<T: Send + 'static>(
        &self,
        question: impl FnOnce(&ExecutionState) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        self.desk.ask(question).await
    }
}
