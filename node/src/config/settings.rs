//! The settings themselves. What is written here is the reference page `docs/configuration.md`.
//!
//! Only what operators must choose is here. What all nodes of a chain have to agree about (timers,
//! limits of blocks) is in the genesis, and the rest is a named constant beside the code it rules.

use std::{net::SocketAddr, path::PathBuf};

use super::{
    table::settings,
    value::{Count, Kept, LogFilter, LogFormat, Mode, Peer, Pinned, Setting, Size, Time},
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

settings! {
    /// What this node is.
    node: NodeSettings {
        /// Whether it holds a consensus key and votes, or only follows the chain and serves it.
        mode: Mode = Mode::Full;
    }
    /// The document that the chain starts from, and the check that it is the right one.
    genesis: GenesisSettings {
        /// The file.
        file: PathBuf = PathBuf::from("config/genesis.json");
        /// Its digest, as `quorate init` prints it. With another genesis the node does not start.
        hash: Pinned = Pinned(None);
    }
    /// The files that nobody else may read: mode 0600, in a directory of mode 0700. Secrets are given
    /// as paths only, never as values.
    secrets: SecretsSettings {
        /// The key that names this node on the network.
        node_key: PathBuf = PathBuf::from("secrets/node.key");
        /// The key that votes. Only a validator has one.
        consensus_key: PathBuf = PathBuf::from("secrets/consensus.key");
        /// What the consensus key has promised so far. It belongs to the key and moves with it, never
        /// without it; without it the key does not sign.
        sign_state: PathBuf = PathBuf::from("secrets/sign-state");
    }
    /// How it votes.
    consensus: ConsensusSettings {
        /// Time at the start in which a key that has signed before signs nothing, and the node looks for
        /// votes that another process makes with it. It looks for them later as well; `0s` is no wait.
        doppelganger_wait: Time<0, 600_000> = Time::from_millis(2_000);
    }
    /// Other nodes.
    network: NetworkSettings {
        /// Where other nodes connect to.
        listen: SocketAddr = SocketAddr::from(([0, 0, 0, 0], 7400));
        /// Nodes to connect to: the other validators, as `KEY@HOST:PORT`. An entry for this node
        /// itself is ignored, so that all nodes may share one list.
        peers: Vec<Peer> = Vec::new();
        /// Connections accepted from nodes that are not validators.
        full_slots: Count<0, 4096> = Count::new(64);
    }
    /// The HTTP interface for clients, and the page to look at.
    api: ApiSettings {
        /// Where it listens. Nobody has to log in: think before opening it to other machines.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8400));
        /// Connections at a time.
        connections: Count<1, 65_536> = Count::new(1_024);
        /// Connections at a time of one address: of one /64 network, with IPv6. Behind a proxy everybody
        /// has the proxy's address.
        connections_per_address: Count<1, 65_536> = Count::new(128);
        /// Requests a second of one address, after a burst of twice as many.
        requests_per_address: Count<1, 1_000_000> = Count::new(1_000);
        /// Event streams at a time.
        streams: Count<1, 65_536> = Count::new(128);
        /// Event streams at a time of one address.
        streams_per_address: Count<1, 65_536> = Count::new(16);
    }
    /// Metrics and health, for machines that watch this one.
    metrics: MetricsSettings {
        /// Where it listens.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 9400));
    }
    /// The database, in `data/` of the home.
    store: StoreSettings {
        /// Memory for what is read often.
        cache: Size<MIB, { 1024 * GIB }> = Size::new(256 * MIB);
        /// Size of its write-ahead log before memory is flushed to tables.
        wal_max: Size<{ 8 * MIB }, { 64 * GIB }> = Size::new(256 * MIB);
        /// Finalized blocks kept, counted from the newest.
        blocks_kept: Kept = Kept::All;
    }
    /// The recording of everything that the protocol core is told, for replay in the simulator.
    capture: CaptureSettings {
        /// Whether it is made.
        enabled: bool = true;
        /// Size at which the oldest part is dropped.
        size_max: Size<MIB, { 1024 * GIB }> = Size::new(256 * MIB);
    }
    /// Threads. Zero is as many as the machine has processors.
    threads: ThreadsSettings {
        /// For networks and timers. Clients are answered on two of their own.
        workers: Count<0, 256> = Count::new(0);
        /// For executing blocks and checking signatures.
        jobs: Count<0, 256> = Count::new(0);
    }
    /// What the program says about itself, on standard error.
    log: LogSettings {
        /// How a line looks.
        format: LogFormat = LogFormat::Text;
        /// Which lines are written.
        filter: LogFilter = LogFilter::level("info");
    }
    /// How the program ends.
    shutdown: ShutdownSettings {
        /// Time for all parts to end by themselves after a signal; then the process ends anyway, which
        /// loses nothing that was acknowledged.
        grace: Time<100, 600_000> = Time::from_millis(10_000);
    }
}
