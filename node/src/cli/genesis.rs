//! `quorate genesis`: the document that a chain starts from.

use std::time::{SystemTime, UNIX_EPOCH};

use quorate_core::{
    committee::Member,
    config::{Genesis, GenesisAccount, Parameters},
    crypto::PublicKey,
    time::UnixMillis,
    types::{ChainId, Digest, PeerId, Stake, ValidatorId},
};

use super::{
    Console,
    arguments::{GenesisCheckOptions, GenesisCommand, GenesisMakeOptions},
};
use crate::{
    config::hex32,
    exit::{Exit, Failure},
    genesis, home,
    keys::address,
};

pub(super) fn genesis(command: &GenesisCommand, console: &mut Console<'_>) -> Result<(), Failure> {
    match command {
        GenesisCommand::Check(options) => check(options, console),
        GenesisCommand::Make(options) => make(options, console),
    }
}

/// The digest that was typed, if one was.
pub(super) fn pinned(text: Option<&str>) -> Result<Option<Digest>, Failure> {
    let parse = |text: &str| {
        let what = format!("`{text}` is no digest: expected 64 hexadecimal digits");
        hex32(text).map(Digest::new).ok_or_else(|| Failure::new(Exit::Usage, what))
    };
    text.map(parse).transpose()
}

/// The wall clock, for documents that say when a chain starts.
pub(super) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn check(options: &GenesisCheckOptions, console: &mut Console<'_>) -> Result<(), Failure> {
    let pinned = pinned(options.genesis_hash.as_deref())?;
    let genesis = genesis::load(&options.file, pinned)?;
    let committee =
        genesis.committee().map_err(|error| Failure::new(Exit::Genesis, error.to_string()))?;
    console.line(format_args!("digest      {}", genesis.digest()))?;
    console.line(format_args!("chain       {}", genesis.chain_id.get()))?;
    console.line(format_args!(
        "validators  {}, of which {} may fail",
        committee.size(),
        committee.faults_max()
    ))?;
    console.line(format_args!(
        "weight      {}, a quorum is {}",
        committee.total().get(),
        committee.quorum().get()
    ))?;
    console.line(format_args!("accounts    {}", genesis.accounts.len()))
}

fn make(options: &GenesisMakeOptions, console: &mut Console<'_>) -> Result<(), Failure> {
    let members = (0..).zip(&options.validator).map(|(id, text)| {
        member(id, text).ok_or_else(|| {
            let what = format!(
                "`{text}` is no validator: expected a consensus key, `:`, a node key, each of 64 \
                 hexadecimal digits, and perhaps `:` and a weight"
            );
            Failure::new(Exit::Usage, what)
        })
    });
    let accounts = options.account.iter().map(|text| {
        account(text).ok_or_else(|| {
            let what = format!("`{text}` is no opening balance: expected ADDRESS:BALANCE");
            Failure::new(Exit::Usage, what)
        })
    });
    let made = Genesis {
        chain_id: ChainId::new(options.chain_id),
        timestamp: now(),
        validators: members.collect::<Result<_, _>>()?,
        accounts: accounts.collect::<Result<_, _>>()?,
        parameters: Parameters::default(),
    };
    let text = genesis::to_json(&made);
    // What we write we must be able to read: this finds duplicates and balances too large.
    genesis::parse(&options.out.display().to_string(), &text)?;
    home::create_new(&options.out, text.as_bytes(), 0o644)?;
    console.line(format_args!("digest {}", made.digest()))
}

fn member(id: u32, text: &str) -> Option<Member> {
    let mut parts = text.split(':');
    let (key, peer) = (hex32(parts.next()?)?, hex32(parts.next()?)?);
    let weight = parts.next().map_or(Some(1), |weight| weight.parse().ok())?;
    let is_whole = parts.next().is_none();
    is_whole.then(|| Member {
        validator: ValidatorId::new(id),
        key: PublicKey::new(key),
        peer: PeerId::new(peer),
        weight: Stake::new(weight),
    })
}

fn account(text: &str) -> Option<GenesisAccount> {
    let (name, balance) = text.split_once(':')?;
    Some(GenesisAccount { address: address(name)?, balance: balance.parse().ok()? })
}
