//! What the mempool's size costs: finding a transaction by its id, taking one in, and putting an
//! announced block together, with a thousand to a million transactions held.
//!
//! `find` is the figure to look at: it should hardly grow. What growth there is are the caches of the
//! machine. Ids are looked up in an order unrelated to the one they came in.

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use quorate_core::{
    block::{Block, Header, Payload},
    codec::Bounded,
    compact::{CompactBlock, sealed_id},
    config::Parameters,
    crypto::{PublicKey, Signature},
    effect::Effects,
    job::{JobId, JobIds},
    mempool::{Limits, Mempool, Room},
    random::Seed,
    time::{Instant, Now, Span, UnixMillis},
    transaction::{
        Address, Output, Transaction, TransactionBody, TransactionKind, TransactionSignature,
    },
    types::{ChainId, Digest, Epoch, Height, ValidatorIndex, View},
};

const CHAIN: ChainId = ChainId::new(1);
/// Transactions held.
const SIZES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Transactions of one payer: as many as it may have waiting.
const PER_PAYER: u32 = 64;
/// Transactions in the block that is announced.
const BLOCK: u32 = 1_000;

fn key(account: u32) -> PublicKey {
    let mut raw = [0; 32];
    raw[..4].copy_from_slice(&account.to_le_bytes());
    PublicKey::new(raw)
}

/// Transfer number so-and-so; nothing checks its signature.
fn transfer(number: u32) -> Transaction {
    let payer = key(number / PER_PAYER);
    let output = Output::native(Address::of_key(&key(1)), 1);
    let body = TransactionBody::new(
        CHAIN,
        Address::of_key(&payer),
        u64::from(number % PER_PAYER),
        10,
        Height::new(1_000),
        TransactionKind::transfer(vec![output]),
    );
    let signature = TransactionSignature { key: payer, signature: Signature::new([0; 64]) };
    Transaction { body, signatures: Bounded::new(vec![signature]) }
}

fn filled(size: u32) -> Mempool {
    let limits = Limits {
        bytes_max: 1 << 40,
        transactions_max: 1 << 30,
        ..Limits::of(&Parameters::default())
    };
    let mut mempool = Mempool::new(CHAIN, limits, Height::ZERO, &Seed::from_number(1));
    let (mut jobs, mut fx) = (JobIds::default(), Effects::new());
    for number in 0..size {
        take_in(&mut mempool, number, &mut jobs, &mut fx);
    }
    assert_eq!(mempool.len(), u64::from(size));
    mempool
}

fn take_in(mempool: &mut Mempool, number: u32, jobs: &mut JobIds, fx: &mut Effects) {
    let mut next = *jobs;
    let id: JobId = next.next();
    mempool.on_submitted(Now::default(), transfer(number), jobs, fx);
    mempool.on_checked(Now::default(), id, vec![true], jobs, fx);
    fx.drain();
}

/// An announcement of transactions spread over everything held.
fn announced(size: u32) -> CompactBlock {
    let transactions: Vec<Transaction> =
        (0..BLOCK).map(|number| transfer(number * (size / BLOCK))).collect();
    let sealed: Vec<Digest> =
        transactions.iter().map(|one| sealed_id(&one.id(), &one.signatures)).collect();
    CompactBlock::of(&block(1, transactions), &sealed, &[]).expect("different short ids")
}

fn block(height: u64, transactions: Vec<Transaction>) -> Block {
    let payload =
        Payload { transactions: Bounded::new(transactions), evidence: Bounded::default() };
    let header = Header {
        chain_id: CHAIN,
        epoch: Epoch::ZERO,
        height: Height::new(height),
        parent: Digest::ZERO,
        origin_view: View::new(1),
        proposer: ValidatorIndex::new(0),
        payload_root: payload.root(),
        payload_len: payload.encoded_len(),
        timestamp: UnixMillis::new(1),
        evidence_root: payload.evidence_root(),
        next_committee: None,
    };
    Block::new(header, payload)
}

/// Blocks that are not executed yet.
const UNEXECUTED: u32 = 20;

/// Transactions in each of them, and taken for the next.
const PROPOSED: u32 = 500;

/// A proposal above blocks that are not executed yet, which hold the first two transactions of each of 5,000
/// payers; those have two more waiting.
fn build(criterion: &mut Criterion) {
    let payers = UNEXECUTED * PROPOSED / 2;
    let place = |round: u32, payer: u32| payer * PER_PAYER + round;
    let mut mempool = filled(0);
    let (mut jobs, mut fx) = (JobIds::default(), Effects::new());
    for round in 0..4 {
        for payer in 0..payers {
            take_in(&mut mempool, place(round, payer), &mut jobs, &mut fx);
        }
    }
    // What was never passed on is marked in a proposal, and there is hardly any of it at a time.
    mempool.on_tick(
        Now { mono: Instant::ZERO.plus(Span::from_millis(10)), ..Now::default() },
        &mut fx,
    );
    fx.drain();
    let held: Vec<u32> =
        (0..2).flat_map(|round| (0..payers).map(move |payer| place(round, payer))).collect();
    let size = usize::try_from(PROPOSED).expect("a small number");
    let ancestors: Vec<Arc<Block>> = (1..)
        .zip(held.chunks(size))
        .map(|(height, part)| Arc::new(block(height, part.iter().copied().map(transfer).collect())))
        .collect();
    let room = Room {
        height: Height::new(u64::from(UNEXECUTED) + 1),
        bytes_max: 1 << 20,
        transactions_max: PROPOSED,
    };
    let mut group = criterion.benchmark_group("build");
    for depth in [0, 5, ancestors.len()] {
        let ancestors = &ancestors[..depth];
        let first = mempool.build(ancestors, room);
        assert_eq!(first.transactions.len(), size, "the block is full");
        group.bench_function(BenchmarkId::from_parameter(depth), |bencher| {
            bencher.iter(|| black_box(mempool.build(ancestors, room)));
        });
    }
    group.finish();
}

fn by_size(criterion: &mut Criterion) {
    for size in SIZES {
        let mempool = filled(size);
        let mut group = criterion.benchmark_group("find");
        // A prime step visits all of them in an order far from the one they came in.
        let mut ids: Vec<Digest> =
            (0..1_024u32).map(|step| transfer(step.wrapping_mul(7_919) % size).id()).collect();
        ids.sort_unstable();
        group.throughput(Throughput::Elements(1_024));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| ids.iter().filter(|id| mempool.holds(black_box(id))).count());
        });
        group.finish();

        let mut group = criterion.benchmark_group("gather");
        let compact = announced(size);
        assert!(mempool.gather(&compact).missing().is_empty(), "all of it is held");
        group.throughput(Throughput::Elements(u64::from(size)));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| black_box(mempool.gather(&compact)));
        });
        group.finish();
    }
}

fn admit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("admit");
    group.throughput(Throughput::Elements(u64::from(BLOCK)));
    // A copy of a million for each sample would measure the copying.
    for size in &SIZES[..3] {
        let held = filled(*size);
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            let run = |mut mempool: Mempool| {
                let (mut jobs, mut fx) = (JobIds::default(), Effects::new());
                for number in *size..*size + BLOCK {
                    take_in(&mut mempool, number, &mut jobs, &mut fx);
                }
                mempool
            };
            bencher.iter_batched(|| held.clone(), run, BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(benches, build, by_size, admit);
criterion_main!(benches);
