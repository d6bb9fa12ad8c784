//! The transport: authenticated connections between nodes, and messages of three classes over them.
//!
//! TCP and TLS 1.3 with raw ed25519 keys; frames as in `docs/wire.md`; everything an operator needs to know is in
//! `docs/network.md`. Messages may be lost, late or reordered, never changed, and never from anybody else than they
//! say. Nothing here waits for the replica and nothing a peer does can take more than its share: every queue is
//! bounded, and every task belongs to the network and ends with it.

mod accept;
mod connection;
mod control;
mod counters;
mod dial;
mod end;
mod inbound;
mod link;
mod options;
mod outbox;
mod pack;
mod probe;
mod random;
mod rates;
mod reader;
mod receive;
mod registry;
mod score;
mod site;
mod status;
mod tls;
mod transmit;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use quorate_core::{
    effect::PeerFault,
    frame::Class,
    message::Message,
    types::{Height, PeerId},
};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

pub(crate) use self::site::site;
use self::{
    control::Hello, counters::Cells, pack::Outgoing, receive::is_for_all, registry::Registry,
    score::Offence, tls::Tls,
};
pub use self::{
    counters::{NetworkCounters, Traffic},
    inbound::{Arrival, Inbound, InboundLimits, InboundReceiver, inbound},
    link::{Direction, Role},
    options::{
        Bound, Mode, NetworkLimits, NetworkOptions, PeerAddress, PerClass, Rate, Rates, Room,
        SecretKeyBytes,
    },
    probe::{Probed, probe},
    status::{ConnectionStatus, PeerStatus},
};
use crate::exit::{Exit, Failure};

/// How long connections may take to end.
const FAREWELLS: Duration = Duration::from_secs(5);

/// What all tasks of a network share.
#[derive(Debug)]
pub(crate) struct Shared {
    limits: NetworkLimits,
    pack: bool,
    tls: Tls,
    hello: Hello,
    height: AtomicU64,
    registry: Registry,
    inbound: Inbound,
    cells: Arc<Cells>,
    stop: watch::Receiver<bool>,
}

impl Shared {
    /// Waits until the network stops.
    async fn stopped(&self) {
        // An error means that whoever could stop it is gone.
        let mut stop = self.stop.clone();
        let _stopped = stop.wait_for(|stop| *stop).await;
    }

    fn height(&self) -> Height {
        Height::new(self.height.load(Ordering::Relaxed))
    }
}

/// A running network. Clones are the same one; it stops with [`Network::shutdown`], or when the last is dropped.
#[derive(Clone, Debug)]
pub struct Network {
    shared: Arc<Shared>,
    local: SocketAddr,
    owner: Arc<Owner>,
}

/// Ends the tasks of a network.
#[derive(Debug)]
struct Owner {
    stop: watch::Sender<bool>,
    root: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl Network {
    /// Listens, and begins to connect to the nodes in the list.
    ///
    /// # Errors
    /// If the address is taken or cannot be listened on, or the key cannot be used.
    pub async fn start(options: NetworkOptions, inbound: Inbound) -> Result<Self, Failure> {
        let listen = options.listen;
        let listener = TcpListener::bind(listen).await;
        let listener = listener.map_err(|error| cannot_listen(listen, &error))?;
        Self::start_on(listener, options, inbound)
    }

    /// Begins to connect to the nodes in the list, with a listener that somebody else has opened. Needs a Tokio runtime.
    ///
    /// # Errors
    /// If the key or the listener cannot be used.
    pub fn start_on(
        listener: TcpListener,
        options: NetworkOptions,
        inbound: Inbound,
    ) -> Result<Self, Failure> {
        let tls = Tls::new(&options.key, &options.genesis)
            .map_err(|error| Failure::new(Exit::Key, format!("the node key: {error}")))?;
        let local = listener.local_addr();
        let local = local.map_err(|error| cannot_listen(options.listen, &error))?;
        let own = options.key.peer();
        let cells = Arc::new(Cells::default());
        let instance = getrandom::u64()
            .map_err(|error| Failure::new(Exit::Restart, format!("no randomness: {error}")))?;
        let (stop, stopped) = watch::channel(false);
        let full_slots = options.full_slots;
        let shared = Arc::new(Shared {
            limits: options.limits,
            pack: options.pack,
            hello: Hello::new(options.chain, options.genesis, options.mode, instance),
            height: AtomicU64::new(options.height.get()),
            tls,
            registry: Registry::new(own, options, inbound.clone(), Arc::clone(&cells)),
            inbound,
            cells,
            stop: stopped,
        });
        tracing::info!(
            peer = hex::encode(own.get()),
            %local,
            protocol = %String::from_utf8_lossy(shared.tls.protocol()),
            peers = shared.registry.wanted.len(),
            members_without_address = shared.registry.unlisted(),
            full_slots,
            "listening",
        );
        let root = tokio::spawn(root(Arc::clone(&shared), listener));
        let owner = Arc::new(Owner { stop, root: Mutex::new(Some(root)) });
        Ok(Self { shared, local, owner })
    }

    /// Sends a message to those of `to` that are connected: encoded once, never waiting. What a peer's queue has no
    /// room for is dropped and counted.
    pub fn send(&self, to: &[PeerId], message: &Message) {
        let shared = &self.shared;
        // Members take no more than that of a node that is none of them, and hold the rest against it.
        if shared.registry.role(&shared.registry.own()) == Role::Full && !is_for_all(message) {
            return;
        }
        let live = shared.registry.live();
        let mut links = to.iter().filter_map(|peer| live.get(peer)).peekable();
        if links.peek().is_none() {
            return;
        }
        let bytes = message.encode();
        let length = bytes.len();
        let class = Class::of(message, length);
        let cells = shared.cells.sent.of(class);
        if length > class.bytes_max() {
            tracing::error!(length, message = message.name(), "a message too long to send");
            cells.drop_some(1);
            return;
        }
        let outgoing = Arc::new(Outgoing::new(class, bytes, shared.pack));
        for link in links {
            let dropped = link.outbox.push(&outgoing);
            let own = link.sent.of(class);
            if dropped > 0 {
                cells.drop_some(dropped);
                own.drop_some(dropped);
            }
            cells.add(length);
            own.add(length);
        }
    }

    /// Lowers a peer's score for what the replica complains about.
    pub fn penalize(&self, peer: PeerId, fault: PeerFault) {
        self.shared.registry.offend(peer, Offence::Core(fault));
    }

    /// Moves the height told to peers.
    pub fn set_height(&self, height: Height) {
        self.shared.height.store(height.get(), Ordering::Relaxed);
    }

    /// Nodes in the list, connected or not, and whoever else is connected.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerStatus> {
        status::peers(&self.shared.registry)
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// What it has counted.
    #[must_use]
    pub fn counters(&self) -> NetworkCounters {
        self.shared.cells.read()
    }

    /// Ends all connections, tells peers so, and waits until every task has ended. Again: does nothing.
    pub async fn shutdown(&self) {
        self.owner.stop.send_replace(true);
        let root = self.owner.root.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(root) = root
            && let Err(error) = root.await
        {
            tracing::error!(%error, "the network failed");
        }
    }
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> Failure {
    let exit = match error.kind() {
        io::ErrorKind::AddrInUse => Exit::Busy,
        _ => Exit::Config,
    };
    Failure::new(exit, format!("cannot listen for peers on {address}: {error}"))
}

/// Owns every other task.
async fn root(shared: Arc<Shared>, listener: TcpListener) {
    let mut tasks = JoinSet::new();
    tasks.spawn(accept::accept(Arc::clone(&shared), listener));
    for peer in shared.registry.wanted.keys() {
        tasks.spawn(dial::keep(Arc::clone(&shared), *peer));
    }
    shared.stopped().await;
    shared.registry.stop();
    let farewells = async {
        while let Some(done) = tasks.join_next().await {
            if let Err(error) = done {
                tracing::error!(%error, "a task of the network failed");
            }
        }
    };
    if timeout(FAREWELLS, farewells).await.is_err() {
        tasks.shutdown().await;
    }
    shared.inbound.close();
    tracing::info!("no longer listening");
}

#[cfg(test)]
mod tests;
