//! `quorate init`: the home of one node.

use quorate_core::config::Genesis;

use super::{
    Console,
    arguments::{InitOptions, ModeChoice},
    genesis::pinned,
    node_home::{NewHome, Past, remove},
};
use crate::{
    config::{self, Config, Mode, Overrides, read_file},
    exit::{Exit, Failure},
    genesis,
    home::failed,
    keys::KeySeed,
    signer::Companion,
};

pub(super) fn init(options: &InitOptions, console: &mut Console<'_>) -> Result<(), Failure> {
    let pinned = pinned(options.genesis_hash.as_deref())?;
    let genesis = genesis::load(&options.genesis, pinned)?;
    let text = read_file(&options.genesis, genesis::FILE_BYTES_MAX)
        .map_err(|error| failed("read", &options.genesis, &error))?;
    let node_key = match &options.node_key {
        Some(path) => KeySeed::read(path)?,
        None => KeySeed::generate()?,
    };
    let (consensus_key, past) = match consensus_key(options, &genesis, &node_key)? {
        None => (None, Past::Fresh),
        Some((key, companion)) => (Some(key), Past::Told(companion)),
    };
    let home = NewHome {
        root: options.home.clone(),
        config: configuration(options)?,
        genesis: &text,
        digest: genesis.digest(),
        node_key: &node_key,
        consensus_key: consensus_key.as_ref(),
        past,
    };
    let home = home.write()?;
    for moved in options.node_key.iter().chain(&options.consensus_key) {
        remove(moved)?;
    }
    console.line(format_args!("home         {}", home.root().display()))?;
    console.line(format_args!("genesis      {}", genesis.digest()))?;
    console.line(format_args!("node key     {}", hex::encode(node_key.peer().get())))?;
    if let Some(key) = &consensus_key {
        console.line(format_args!("votes with   {}", hex::encode(key.public().get())))?;
    }
    console.line(format_args!("next         quorate start --home {}", home.root().display()))
}

/// The key of a validator, if it is one, and what it has promised, after every check that can be made before
/// anything is written.
fn consensus_key(
    options: &InitOptions,
    genesis: &Genesis,
    node_key: &KeySeed,
) -> Result<Option<(KeySeed, Companion)>, Failure> {
    let path = match (options.mode, &options.consensus_key) {
        (ModeChoice::Full, None) => return Ok(None),
        (ModeChoice::Full, Some(_)) => {
            let what = "a full node has no consensus key: leave --consensus-key out";
            return Err(Failure::new(Exit::Usage, what));
        }
        (ModeChoice::Validator, None) => {
            let what =
                "a validator needs the consensus key that the genesis names: --consensus-key FILE";
            return Err(Failure::new(Exit::Usage, what));
        }
        (ModeChoice::Validator, Some(path)) => path,
    };
    let key = KeySeed::read(path)?;
    let member = genesis.validators.iter().find(|member| member.key == key.public());
    match member {
        None => {
            let what = format!(
                "the genesis names no validator with the consensus key {}",
                hex::encode(key.public().get())
            );
            Err(Failure::new(Exit::Genesis, what))
        }
        Some(member) if member.peer != node_key.peer() => {
            let what = format!(
                "the genesis names {} with the node key {}, and this one is {}; give the right one \
                 with --node-key",
                member.validator,
                hex::encode(member.peer.get()),
                hex::encode(node_key.peer().get())
            );
            Err(Failure::new(Exit::Genesis, what))
        }
        Some(_) => {
            let companion = Companion::open(path, key.public(), genesis.digest())?;
            Ok(Some((key, companion)))
        }
    }
}

fn configuration(options: &InitOptions) -> Result<Config, Failure> {
    let peers: Vec<String> = options.peer.iter().map(|peer| format!("{peer:?}")).collect();
    let overrides = Overrides {
        flags: vec![("--peer", "network.peers", format!("[{}]", peers.join(", ")))],
        ..Overrides::default()
    };
    let mut config = config::parse("the built-in values", String::new(), &overrides)
        .map_err(|problems| problems.failure(Exit::Usage))?
        .config;
    config.node.mode = match options.mode {
        ModeChoice::Validator => Mode::Validator,
        ModeChoice::Full => Mode::Full,
    };
    Ok(config)
}
