//! A home as it is first written: the same for `init`, for `testnet generate` and for `dev`.

use std::path::{Path, PathBuf};

use quorate_core::types::Digest;

use crate::{
    config::{self, Config, Mode},
    durable,
    exit::Failure,
    home::{self, Home},
    keys::KeySeed,
    signer::{Companion, Signer, SignerError},
    store::StoreOptions,
};

/// Everything that goes into a new home.
#[derive(Debug)]
pub(super) struct NewHome<'a> {
    /// The directory to make.
    pub(super) root: PathBuf,
    /// What the node is, and where it listens.
    pub(super) config: Config,
    /// The genesis file's text.
    pub(super) genesis: &'a str,
    /// Its digest.
    pub(super) digest: Digest,
    /// The key that names it.
    pub(super) node_key: &'a KeySeed,
    /// The key that votes, for a validator.
    pub(super) consensus_key: Option<&'a KeySeed>,
    /// What that key has promised.
    pub(super) past: Past,
}

/// What a consensus key has signed before it came into its home.
#[derive(Debug)]
pub(super) enum Past {
    /// Nothing: whoever says so has just made it.
    Fresh,
    /// What lies beside it says.
    Told(Companion),
}

impl NewHome<'_> {
    /// Writes it, durably. What the key has promised arrives last: without that the home cannot vote, and
    /// where it was before it has gone by then.
    ///
    /// # Errors
    /// If the directory is not empty, or cannot be written.
    pub(super) fn write(mut self) -> Result<Home, Failure> {
        let is_validator = self.config.node.mode == Mode::Validator;
        assert_eq!(is_validator, self.consensus_key.is_some(), "a validator is who has the key");
        let home = Home::create(self.root)?;
        self.config.genesis.hash = config::Pinned(Some(self.digest));
        home::create_new(&home.genesis_file(), self.genesis.as_bytes(), 0o644)?;
        self.node_key.write(&home.resolve(&self.config.secrets.node_key))?;
        if let Some(key) = self.consensus_key {
            key.write(&home.resolve(&self.config.secrets.consensus_key))?;
        }
        home::create_new(&home.config_file(), config::file(&self.config).as_bytes(), 0o640)?;
        if let Some(key) = self.consensus_key {
            let sign_state = home.resolve(&self.config.secrets.sign_state);
            self.past.arrive(&sign_state, key, self.digest)?;
        }
        Ok(home)
    }
}

impl Past {
    fn arrive(self, sign_state: &Path, key: &KeySeed, genesis: Digest) -> Result<(), SignerError> {
        match self {
            Self::Fresh => Signer::create(sign_state, &key.public(), genesis),
            Self::Told(companion) => companion.move_to(sign_state),
        }
    }
}

/// What a configuration says about the store.
pub(super) fn store_options(config: &Config) -> StoreOptions {
    StoreOptions {
        cache_bytes: usize::try_from(config.store.cache.get()).unwrap_or(usize::MAX),
        wal_bytes_max: config.store.wal_max.get(),
        blocks_kept: config.store.blocks_kept.limit(),
        ..StoreOptions::default()
    }
}

/// Removes a key file that has been copied: a consensus key must exist once.
pub(super) fn remove(path: &Path) -> Result<(), Failure> {
    durable::remove(path).map_err(|error| home::failed("remove", path, &error))
}
