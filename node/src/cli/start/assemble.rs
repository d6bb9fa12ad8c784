//! What a node is made of, read from its home and checked before anything runs.

use quorate_core::{committee::Member, config::Genesis, types::PeerId};
use tracing::{info, warn};

use crate::{
    capture::CaptureOptions,
    cli::node_home::store_options,
    config::{Config, Mode},
    exit::{Exit, Failure},
    genesis,
    home::Home,
    keys::KeySeed,
    network::{NetworkOptions, PeerAddress, SecretKeyBytes},
    node::NodeOptions,
    signer::Signer,
    store::Store,
};

/// Everything that a node needs.
pub(super) struct Parts {
    /// For whoever starts it.
    pub(super) options: NodeOptions,
}

impl Parts {
    /// Reads and opens everything. Blocks, so not for a worker of the runtime.
    pub(super) fn load(home: &Home, config: &Config) -> Result<Self, Failure> {
        let genesis = genesis::load(&home.resolve(&config.genesis.file), config.genesis.hash.0)?;
        info!(
            genesis = %genesis.digest(),
            chain = genesis.chain_id.get(),
            home = %home.root().display(),
            "starting quorate {}",
            env!("CARGO_PKG_VERSION")
        );
        let node_key = KeySeed::read(&home.resolve(&config.secrets.node_key))?;
        let signer = signer(home, config, &genesis, &node_key)?;
        let store = Store::open(&home.data(), &genesis, &store_options(config))?;
        let network = network(config, &genesis, &node_key)?;
        let capture = config.capture.enabled.then(|| {
            let defaults = CaptureOptions::in_folder(home.capture());
            let bytes_max = config.capture.size_max.get();
            let segment_bytes = defaults.segment_bytes.min(bytes_max / 4);
            CaptureOptions { bytes_max, segment_bytes, ..defaults }
        });
        let threads = usize::try_from(config.threads.jobs.get()).unwrap_or_default();
        let options = NodeOptions::new(genesis, store, network);
        let doppelganger_wait = config.consensus.doppelganger_wait.get();
        let options = NodeOptions { signer, doppelganger_wait, threads, capture, ..options };
        Ok(Self { options })
    }
}

/// The key that votes, with what it promised; `None` for a node that follows.
fn signer(
    home: &Home,
    config: &Config,
    genesis: &Genesis,
    node_key: &KeySeed,
) -> Result<Option<Signer>, Failure> {
    let path = home.resolve(&config.secrets.consensus_key);
    if config.node.mode == Mode::Full {
        if path.exists() {
            warn!(key = %path.display(), "a consensus key lies here and is not used: the mode is `full`");
        }
        return Ok(None);
    }
    let key = KeySeed::read(&path)?;
    let member = genesis.validators.iter().find(|member| member.key == key.public());
    let member = member.ok_or_else(|| {
        let what = format!(
            "{} is not the key of a validator of this chain: the genesis does not name {}. Set \
             `node.mode = \"full\"` to follow the chain without voting",
            path.display(),
            hex::encode(key.public().get())
        );
        Failure::new(Exit::Key, what)
    })?;
    if member.peer != node_key.peer() {
        let what = format!(
            "the genesis names {} with the node key {}, and {} is {}",
            member.validator,
            hex::encode(member.peer.get()),
            home.resolve(&config.secrets.node_key).display(),
            hex::encode(node_key.peer().get())
        );
        return Err(Failure::new(Exit::Key, what));
    }
    let sign_state = home.resolve(&config.secrets.sign_state);
    let signer = Signer::open(key.secret(), &sign_state, genesis)
        .map_err(|error| Failure::new(error.exit(), error.to_string()))?;
    info!(validator = %member.validator, weight = member.weight.get(), "this node votes");
    Ok(Some(signer))
}

/// Who may do what follows from the genesis; the list of peers only says where they are.
fn network(
    config: &Config,
    genesis: &Genesis,
    node_key: &KeySeed,
) -> Result<NetworkOptions, Failure> {
    let own = node_key.peer();
    let others = config.network.peers.iter().filter(|peer| peer.peer != own);
    let peers: Vec<PeerAddress> =
        others.map(|peer| PeerAddress { peer: peer.peer, address: peer.address.clone() }).collect();
    for member in unlisted(config, genesis, Some(own)) {
        warn!(
            validator = %member.validator,
            peer = hex::encode(member.peer.get()),
            "a validator has no address in `network.peers`: this node waits until it calls",
        );
    }
    let key = SecretKeyBytes::new(**node_key.expose());
    let full_slots = u16::try_from(config.network.full_slots.get());
    let full_slots = full_slots.map_err(|_| Failure::new(Exit::Config, "too many full slots"))?;
    Ok(NetworkOptions {
        committee: genesis.validators.iter().map(|member| member.peer).collect(),
        peers,
        full_slots,
        ..NetworkOptions::new(config.network.listen, key, genesis.chain_id, genesis.digest())
    })
}

/// Validators that this node cannot call. A node that follows needs one that it can.
pub(in crate::cli) fn unlisted<'a>(
    config: &Config,
    genesis: &'a Genesis,
    own: Option<PeerId>,
) -> Vec<&'a Member> {
    let is_listed =
        |member: &&Member| config.network.peers.iter().any(|peer| peer.peer == member.peer);
    let others = genesis.validators.iter().filter(|member| Some(member.peer) != own);
    let (listed, unlisted): (Vec<_>, Vec<_>) = others.partition(is_listed);
    let is_enough = config.node.mode == Mode::Full && !listed.is_empty();
    if is_enough { Vec::new() } else { unlisted }
}

#[cfg(test)]
mod tests {
    use quorate_core::testing::cast::Cast;

    use super::*;
    use crate::config::Peer;

    /// A validator wants to be able to call all others; a node that follows is content with one.
    #[test]
    fn who_cannot_be_called_is_named() {
        let cast = Cast::equal(4);
        let members = &cast.genesis().validators;
        let listed = |places: &[usize], mode| {
            let mut config = Config::default();
            config.node.mode = mode;
            let peer = |place: &usize| Peer {
                peer: members[*place].peer,
                address: "10.0.0.1:7400".to_owned(),
            };
            config.network.peers = places.iter().map(peer).collect();
            let own = (mode == Mode::Validator).then(|| members[0].peer);
            let unlisted = unlisted(&config, cast.genesis(), own);
            unlisted.iter().map(|member| member.validator).collect::<Vec<_>>()
        };
        let of = |places: &[usize]| {
            places.iter().map(|place| members[*place].validator).collect::<Vec<_>>()
        };
        assert_eq!(listed(&[0, 1, 2, 3], Mode::Validator), of(&[]));
        assert_eq!(listed(&[1, 3], Mode::Validator), of(&[2]));
        assert_eq!(listed(&[2], Mode::Full), of(&[]));
        assert_eq!(listed(&[], Mode::Full), of(&[0, 1, 2, 3]));
    }
}
