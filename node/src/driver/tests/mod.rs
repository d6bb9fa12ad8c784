//! The driver with disks in memory: the contract of all drivers, a committee of one, restarts, and ends.

mod alone;
mod contract;
mod disks;
mod ends;
mod faults;
mod intake;
mod memory;
mod single;

use std::{path::PathBuf, sync::Arc, time::Duration};

use quorate_core::{
    config::Parameters,
    execution::{Options, Scheduler},
    random::Seed,
    testing::cast::{Cast, account_key},
    time::Span,
    transaction::{Address, Output, Transaction, TransactionBody, TransactionKind},
    types::{ChainId, Height},
};

use self::{
    alone::Alone,
    memory::{Memory, MemorySigner},
};
use super::{Commits, Engine, Fate, Log, Metrics, Parts, Signs};
use crate::capture::CaptureOptions;

/// A committee of one that hurries.
fn alone() -> Cast {
    let hurry = Parameters {
        idle_block_interval: Span::from_millis(20),
        delay_min: Span::from_millis(20),
        ..Parameters::default()
    };
    Cast::with_parameters(&[1], hurry)
}

/// The `nonce`th transfer of an account to the next one.
fn transfer(account: u64, nonce: u64) -> Transaction {
    let address = |number| Address::of_key(&account_key(number).public());
    let kind = TransactionKind::transfer(vec![Output::native(address((account + 1) % 4), 3)]);
    let valid_until = Height::new(1_000_000);
    let body = TransactionBody::new(ChainId::new(7), address(account), nonce, 1, valid_until, kind);
    Transaction::signed(body, &account_key(account))
}

/// The parts of an engine on a disk in memory, without a network.
fn parts(
    cast: &Cast,
    disk: &Memory,
    life: u64,
    capture: Option<CaptureOptions>,
) -> Parts<Memory, Memory, Alone> {
    let signer: Box<dyn Signs> = Box::new(MemorySigner::new(cast, disk));
    parts_with(cast, disk, life, capture, disk.clone(), disk.clone(), signer)
}

/// The same, on other ways to the disk.
fn parts_with<L: Log, C: Commits>(
    cast: &Cast,
    disk: &Memory,
    life: u64,
    capture: Option<CaptureOptions>,
    log: L,
    commits: C,
    signer: Box<dyn Signs>,
) -> Parts<L, C, Alone> {
    let (recovered, state) = disk.recover(cast.genesis());
    Parts {
        config: cast.config(0),
        seed: Seed::from_number(life),
        recovered,
        state,
        log,
        signer: Some(signer),
        listen: Duration::ZERO,
        commits,
        reads: Arc::new(disk.clone()),
        inlet: Alone,
        outlet: Arc::new(Alone),
        threads: 2,
        execution: Options { scheduler: Scheduler::Waves, ..Options::default() },
        dumps: PathBuf::from("never-written"),
        capture,
        metrics: Metrics::default(),
    }
}

/// Starts an engine on a disk in memory.
fn start(cast: &Cast, disk: &Memory, life: u64) -> Engine {
    Engine::start(parts(cast, disk, life, None), Fate::open()).expect("threads")
}
