//! The homes of a whole network, written at once.

use std::{fs, net::SocketAddr, path::PathBuf};

use quorate_core::{
    committee::Member,
    config::{Genesis, GenesisAccount, Parameters},
    types::{ChainId, Digest, Stake, ValidatorId},
};

use crate::{
    cli::{
        genesis::now,
        node_home::{NewHome, Past},
    },
    config::{Config, Mode, Peer},
    durable,
    exit::{Exit, Failure},
    genesis,
    home::{self, failed},
    keys::KeySeed,
};

/// A network to be written.
#[derive(Debug)]
pub(in crate::cli) struct Plan {
    /// The directory of all homes.
    pub(in crate::cli) root: PathBuf,
    /// Number of the chain.
    pub(in crate::cli) chain_id: u32,
    /// Funded accounts.
    pub(in crate::cli) accounts: u32,
    /// What each of them holds.
    pub(in crate::cli) balance: u64,
    /// Parameters of the chain that are not the built-in ones, as `NAME=VALUE`.
    pub(in crate::cli) parameters: Vec<String>,
    /// The nodes.
    pub(in crate::cli) nodes: Vec<Placed>,
}

/// One node, and where it is.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Placed {
    /// Its name, and that of its home.
    pub(in crate::cli) name: String,
    /// Whether it votes.
    pub(in crate::cli) mode: Mode,
    /// Where it listens for nodes.
    pub(in crate::cli) network: SocketAddr,
    /// Where others find it.
    pub(in crate::cli) address: String,
    /// Where it listens for clients.
    pub(in crate::cli) api: SocketAddr,
    /// Where it shows metrics.
    pub(in crate::cli) metrics: SocketAddr,
}

/// What was written.
#[derive(Debug)]
pub(in crate::cli) struct Written {
    /// Of the genesis.
    pub(in crate::cli) digest: Digest,
}

impl Plan {
    /// The home of a node.
    pub(in crate::cli) fn home_of(&self, node: &Placed) -> PathBuf {
        self.root.join(&node.name)
    }

    /// The key that gives all funded accounts.
    pub(in crate::cli) fn accounts_key(&self) -> PathBuf {
        self.root.join("accounts.key")
    }

    /// Makes every key, the genesis and all homes.
    ///
    /// # Errors
    /// If the directory is not empty, or cannot be written, or the balances are too large.
    pub(in crate::cli) fn write(&self) -> Result<Written, Failure> {
        let keys = self
            .nodes
            .iter()
            .map(|_| Ok((KeySeed::generate()?, KeySeed::generate()?)))
            .collect::<Result<Vec<_>, Failure>>()?;
        let accounts_key = KeySeed::generate()?;
        let genesis = self.genesis(&keys, &accounts_key);
        let genesis = genesis::with_parameters(&genesis, &self.parameters)?;
        let text = genesis::to_json(&genesis);
        self.make_root()?;
        home::create_new(&self.root.join("genesis.json"), text.as_bytes(), 0o644)?;
        accounts_key.write(&self.accounts_key())?;
        let peers = self.peers(&keys);
        let digest = genesis.digest();
        for (node, (node_key, consensus_key)) in self.nodes.iter().zip(&keys) {
            let mut config = Config::default();
            config.node.mode = node.mode;
            config.network.listen = node.network;
            config.network.peers.clone_from(&peers);
            config.api.listen = node.api;
            config.metrics.listen = node.metrics;
            let consensus_key = (node.mode == Mode::Validator).then_some(consensus_key);
            let root = self.home_of(node);
            let past = Past::Fresh;
            NewHome { root, config, genesis: &text, digest, node_key, consensus_key, past }
                .write()?;
        }
        Ok(Written { digest })
    }

    fn make_root(&self) -> Result<(), Failure> {
        let is_taken = fs::read_dir(&self.root).is_ok_and(|mut entries| entries.next().is_some());
        if is_taken {
            let root = self.root.display();
            let what = format!("{root} is not empty, and nothing in it was changed; name another");
            return Err(Failure::new(Exit::Usage, what));
        }
        durable::ensure_directory(&self.root).map_err(|error| failed("create", &self.root, &error))
    }

    /// The validators: who everybody connects to.
    fn peers(&self, keys: &[(KeySeed, KeySeed)]) -> Vec<Peer> {
        let validators =
            self.nodes.iter().zip(keys).filter(|(node, _)| node.mode == Mode::Validator);
        validators
            .map(|(node, (key, _))| Peer { peer: key.peer(), address: node.address.clone() })
            .collect()
    }

    fn genesis(&self, keys: &[(KeySeed, KeySeed)], accounts: &KeySeed) -> Genesis {
        let validators =
            self.nodes.iter().zip(keys).filter(|(node, _)| node.mode == Mode::Validator);
        let member =
            |(id, (_, (node_key, consensus_key))): (u32, (&Placed, &(KeySeed, KeySeed)))| Member {
                validator: ValidatorId::new(id),
                key: consensus_key.public(),
                peer: node_key.peer(),
                weight: Stake::new(1),
            };
        let account = |index: u32| GenesisAccount {
            address: accounts.derived(u64::from(index)).address(),
            balance: self.balance,
        };
        Genesis {
            chain_id: ChainId::new(self.chain_id),
            timestamp: now(),
            validators: (0..).zip(validators).map(member).collect(),
            accounts: (0..self.accounts).map(account).collect(),
            parameters: Parameters::default(),
        }
    }
}
