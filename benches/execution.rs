//! Execution and the mempool without signatures: what a block of a thousand transfers costs.
//!
//! `p2p/N` executes transfers between N accounts, so few accounts means few cells to hash and many
//! touches of each. `build` fills a block from a mempool with ten thousand transactions, `admit` is one
//! transaction from offer to place. Divide by a thousand for the cost of one transaction.
//!
//! Before that, tables: the schedulers over the named workloads, the stages of a block from bytes to
//! root, reads behind a slow database. They take the best of some rounds, so that the arms of a
//! comparison do not suffer differently from what else the machine does.

#[path = "execution/measure.rs"]
mod measure;
#[path = "../core/tests/pool/mod.rs"]
mod pool;
#[path = "execution/stages.rs"]
mod stages;
#[path = "execution/workloads.rs"]
mod workloads;

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use quorate_core::{
    block::{Block, Header, Payload},
    codec::Bounded,
    committee::Member,
    config::{Genesis, GenesisAccount, Parameters},
    crypto::{PublicKey, Signature},
    effect::Effects,
    execution::ExecutionState,
    job::{JobId, JobIds},
    mempool::{Limits, Mempool, Room},
    random::Seed,
    time::{Now, UnixMillis},
    transaction::{
        Address, Output, Transaction, TransactionBody, TransactionKind, TransactionSignature,
    },
    types::{ChainId, Digest, Epoch, Height, PeerId, Stake, ValidatorId, ValidatorIndex, View},
};

/// As in the programs: workers' results are freed by another thread, which allocators do very differently.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHAIN: ChainId = ChainId::new(1);
const BLOCK: u32 = 1_000;

fn key(account: u32) -> PublicKey {
    let mut raw = [0; 32];
    raw[..4].copy_from_slice(&account.to_le_bytes());
    PublicKey::new(raw)
}

fn genesis(accounts: u32) -> Genesis {
    let account =
        |number| GenesisAccount { address: Address::of_key(&key(number)), balance: 1 << 40 };
    Genesis {
        chain_id: CHAIN,
        timestamp: UnixMillis::new(0),
        validators: vec![Member {
            validator: ValidatorId::new(0),
            key: PublicKey::new([0; 32]),
            peer: PeerId::new([0; 32]),
            weight: Stake::new(1),
        }],
        accounts: (0..accounts).map(account).collect(),
        parameters: Parameters::default(),
    }
}

/// The `number`th transfer of a workload in which accounts take turns to pay a distant other.
fn transfer(number: u32, accounts: u32) -> Transaction {
    let payer = number % accounts;
    let to = (payer + accounts / 2) % accounts;
    let output = Output::native(Address::of_key(&key(to)), 1);
    let body = TransactionBody::new(
        CHAIN,
        Address::of_key(&key(payer)),
        u64::from(number / accounts),
        1_000 + u64::from(payer % 977),
        Height::new(1_000),
        TransactionKind::transfer(vec![output]),
    );
    let signature = Signature::new([0; 64]);
    let signatures = Bounded::new(vec![TransactionSignature { key: key(payer), signature }]);
    Transaction { body, signatures }
}

fn block(transactions: Vec<Transaction>) -> Arc<Block> {
    let payload = Payload { transactions: Bounded::new(transactions), ..Payload::default() };
    let header = Header {
        chain_id: CHAIN,
        epoch: Epoch::ZERO,
        height: Height::new(1),
        parent: Digest::ZERO,
        origin_view: View::new(1),
        proposer: ValidatorIndex::new(0),
        payload_root: payload.root(),
        payload_len: payload.encoded_len(),
        timestamp: UnixMillis::new(1),
        evidence_root: payload.evidence_root(),
        next_committee: None,
    };
    Arc::new(Block::new(header, payload))
}

/// A mempool that was given these transactions.
fn mempool(transactions: impl Iterator<Item = Transaction>) -> Mempool {
    let limits = Limits::of(&Parameters::default());
    let mut mempool = Mempool::new(CHAIN, limits, Height::ZERO, &Seed::from_number(1));
    let (mut jobs, mut fx) = (JobIds::default(), Effects::new());
    for (id, transaction) in (0..).zip(transactions) {
        mempool.on_submitted(Now::default(), transaction, &mut jobs, &mut fx);
        mempool.on_checked(Now::default(), JobId::new(id), vec![true], &mut jobs, &mut fx);
    }
    mempool
}

fn execute(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("p2p");
    group.throughput(Throughput::Elements(u64::from(BLOCK)));
    for accounts in [2, 10, 100, 1_000, 10_000] {
        let state = ExecutionState::new(&genesis(accounts));
        let block = block((0..BLOCK).map(|number| transfer(number, accounts)).collect());
        group.bench_function(accounts.to_string(), |bencher| {
            let run = |mut state: ExecutionState| black_box(state.execute(&block));
            bencher.iter_batched(|| state.clone(), run, BatchSize::LargeInput);
        });
    }
    group.finish();
}

fn tables(_: &mut Criterion) {
    workloads::table();
    workloads::contracts();
    workloads::latencies();
    stages::table();
}

fn mempool_stages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mempool");
    group.throughput(Throughput::Elements(u64::from(BLOCK)));
    let held = mempool((0..10_000).map(|number| transfer(number, 2_000)));
    assert_eq!(held.len(), 10_000);
    let room = Room { height: Height::new(1), bytes_max: 1 << 20, transactions_max: BLOCK };
    group.bench_function("build", |bencher| {
        bencher.iter(|| black_box(held.build(&[], room)));
    });
    let parents = [block(held.build(&[], room).transactions.into_inner())];
    group.bench_function("build above a full block", |bencher| {
        bencher.iter(|| black_box(held.build(&parents, room)));
    });
    let offers: Vec<Transaction> = (0..BLOCK).map(|number| transfer(number, 500)).collect();
    group.bench_function("admit", |bencher| {
        bencher.iter(|| black_box(mempool(offers.iter().cloned())));
    });
    let done = ExecutionState::new(&genesis(2_000)).execute(&parents[0]);
    group.bench_function("executed", |bencher| {
        let run = |mut held: Mempool| {
            held.on_executed(&done, &mut Effects::new());
            held
        };
        bencher.iter_batched(|| held.clone(), run, BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, tables, execute, mempool_stages);
criterion_main!(benches);
