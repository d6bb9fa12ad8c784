//! The node's store: what its writes and reads cost, beside the bare disk and the bare database.
//!
//! Every figure stands beside one for the same bytes without the store, taken in the same run on the same
//! disk: an append with its fsync beside a plain file's, a committed block beside a plain `WriteBatch` of as
//! many rows. Blocks hold a thousand transfers between ten thousand accounts. The directory is the system's temporary one; `TMPDIR` names another disk.

use std::{
    fs::File,
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quorate_core::{
    block::{Block, Candidate},
    certificate::Certificate,
    codec,
    config::Genesis,
    execution::{Done, ExecutionState, Executor, Options, prefetch::read_all},
    store::{Batch, Finalized, Record},
    testing::{
        cast::nullify,
        workload::{Keys, Stage, Workload},
    },
    types::{Digest, Epoch, View},
    vote::{Statement, Vote},
};
use quorate_node::store::{Store, StoreOptions};
use rocksdb::{DB, WriteBatch, WriteOptions};

const TRANSACTIONS: usize = 1_000;

fn open(dir: &tempfile::TempDir, genesis: &Genesis) -> Store {
    Store::open(&dir.path().join("db"), genesis, &StoreOptions::default()).expect("a new store")
}

fn plain(dir: &tempfile::TempDir) -> DB {
    DB::open_default(dir.path().join("plain")).expect("a new database")
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

/// A certificate without signatures: its size is that of its statement, which is what a quorum of few has.
fn certificate(statement: Statement) -> Certificate {
    Certificate::from_votes(statement, Vec::<Vote>::new())
}

/// The record that makes a block final.
fn finalized(block: &Block) -> Record {
    let height = block.header().height;
    let candidate = Candidate {
        epoch: Epoch::ZERO,
        view: View::new(height.get()),
        parent_view: View::new(height.get() - 1),
        parent_id: Digest::ZERO,
        block: block.digest(),
    };
    Record::Finalized(Finalized {
        tip: candidate,
        certificate: certificate(Statement::Finalize(candidate)),
        blocks: vec![(height, block.digest())],
    })
}

/// One certificate made durable: what a validator waits for before it votes on.
fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    let stage = Stage::new(Workload::P2p(10), Keys::Blank, 10, 1);
    let dir = directory();
    let store = open(&dir, &stage.genesis());
    let mut view = 0;
    let mut batch = || -> Batch {
        view += 1;
        vec![Record::Certificate(certificate(nullify(view)))]
    };
    let length = codec::encode(&batch()).len();
    group.bench_function("store, one batch", |bencher| {
        bencher.iter(|| store.append(&[batch()]).expect("a disk that works"));
    });
    group.bench_function("store, sixteen batches at once", |bencher| {
        bencher.iter(|| {
            let batches: Vec<Batch> = (0..16).map(|_| batch()).collect();
            store.append(&batches).expect("a disk that works");
        });
    });
    let db = plain(&dir);
    let mut synced = WriteOptions::default();
    synced.set_sync(true);
    let mut key = 0u64;
    group.bench_function("bare WriteBatch, synced", |bencher| {
        bencher.iter(|| {
            key += 1;
            let mut batch = WriteBatch::default();
            batch.put(key.to_be_bytes(), vec![7; length]);
            db.write_opt(batch, &synced).expect("a disk that works");
        });
    });
    let mut file = File::create(dir.path().join("file")).expect("a file");
    group.bench_function("bare file, fdatasync", |bencher| {
        bencher.iter(|| {
            file.write_all(&vec![7; length]).expect("a disk that works");
            file.sync_data().expect("a disk that works");
        });
    });
    group.finish();
}

/// A chain that is executed block by block, with everything a commit needs made beforehand.
struct Line {
    stage: Stage,
    state: ExecutionState,
}

impl Line {
    fn new() -> Self {
        let stage = Stage::new(Workload::P2p(10_000), Keys::Blank, 10_000, 1);
        let state = ExecutionState::new(&stage.genesis());
        Self { stage, state }
    }

    fn next(&mut self) -> (Arc<Block>, Done) {
        let block = self.stage.block(TRANSACTIONS);
        let mut executor = Executor::inline(Options::default());
        let work = self.state.begin(&block, &executor);
        let cells = read_all(&mut self.state.source(), work.paths()).expect("held in memory");
        let done = self.state.finish(&work, cells, &mut executor);
        (block, done)
    }
}

/// Everything that one executed block of a thousand transfers changes.
fn commit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("block of 1000 transfers");
    group.throughput(Throughput::Elements(1_000)).sample_size(20);
    group.bench_function("record and finalize, synced", |bencher| {
        bencher.iter_custom(|rounds| {
            let (dir, mut line) = (directory(), Line::new());
            let store = open(&dir, &line.stage.genesis());
            timed(
                rounds,
                || line.stage.block(TRANSACTIONS),
                |block| {
                    store
                        .append(&[vec![Record::Block(Arc::clone(&block))]])
                        .expect("a disk that works");
                    store.append(&[vec![finalized(&block)]]).expect("a disk that works");
                },
            )
        });
    });
    group.bench_function("commit, not synced", |bencher| {
        bencher.iter_custom(|rounds| {
            let (dir, mut line) = (directory(), Line::new());
            let store = open(&dir, &line.stage.genesis());
            let mut spent = Duration::ZERO;
            for _ in 0..rounds {
                let (block, done) = line.next();
                let decided = vec![Record::Block(Arc::clone(&block)), finalized(&block)];
                store.append(&[decided]).expect("a disk that works");
                let begin = Instant::now();
                store.commit(&block, &done, &line.state).expect("a disk that works");
                spent += begin.elapsed();
            }
            spent
        });
    });
    group.bench_function("bare WriteBatch of as many rows", |bencher| {
        bencher.iter_custom(|rounds| {
            let (dir, mut line) = (directory(), Line::new());
            let db = plain(&dir);
            timed(
                rounds,
                || {
                    // The other one is measured with an empty log behind it too.
                    db.flush_wal(true).expect("a disk that works");
                    rows(&line.next().1)
                },
                |rows| {
                    let mut batch = WriteBatch::default();
                    rows.iter().for_each(|(key, value)| batch.put(key, value));
                    db.write(batch).expect("a disk that works");
                },
            )
        });
    });
    group.finish();
}

/// The rows of a commit, as bytes: cells, undo, receipts and one index entry for each transaction.
fn rows(done: &Done) -> Vec<(Vec<u8>, Vec<u8>)> {
    let cells = done.writes.iter();
    let cells = cells.map(|(path, cell)| (path.get().to_vec(), codec::encode(cell)));
    let place = |(id, outcome)| (codec::encode(id), codec::encode(&(0u64, 0u32, outcome)));
    let places = done.executed.outcomes.iter().map(|(id, outcome)| place((id, outcome)));
    let whole = [codec::encode(&done.undo), codec::encode(&done.executed.outcomes)];
    let whole = (0u8..).zip(whole).map(|(number, value)| (vec![number], value));
    cells.chain(places).chain(whole).collect()
}

fn timed<T>(rounds: u64, mut make: impl FnMut() -> T, mut run: impl FnMut(T)) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..rounds {
        let input = make();
        let begin = Instant::now();
        run(input);
        spent += begin.elapsed();
    }
    spent
}

criterion_group!(benches, append, commit);
criterion_main!(benches);
