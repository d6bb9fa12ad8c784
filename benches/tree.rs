//! The tree of the state: what changing a cell costs, beside `jmt` and beside the bare hashing.
//!
//! A table first: for trees of 10 thousand, 100 thousand and a million cells, batches of two thousand of
//! which 85 % change a value, 10 % add one and 5 % remove one; nanoseconds per cell, hashes per cell, the
//! time these hashes take by themselves (the limit), and the same batches given to `jmt` with the same hash
//! and a store in memory. Then memory per cell, and the time to build it all again from a sorted scan.
//! Nothing is written to disk. `QUORATE_BENCH_CELLS` names other sizes.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a bench prints, looks at the clock and is told sizes"
)]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::Result;
use blake2::{Blake2b, digest::consts::U32};
use blake2b_simd::{
    Params,
    many::{HashManyJob, hash_many},
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jmt::{
    JellyfishMerkleTree, KeyHash, OwnedValue, Version,
    storage::{LeafNode, Node, NodeKey, TreeReader, TreeUpdateBatch},
};
use quorate_core::{
    codec,
    digest::{Domain, Hasher, digest_of},
    random::{Rng, Seed},
    tree::{Change, Path, Tree},
    types::Digest,
};

const BATCH: u64 = 2_000;
const ROUNDS: u64 = 40;
const JMT_ROUNDS: u64 = 8;

/// A path as the state has them: one kind byte, and a hash.
fn path(number: u64) -> Path {
    let mut path = *digest_of(Domain::CellPath, &number).get();
    path[0] = 1;
    path
}

fn value(number: u64, round: u64) -> Digest {
    Hasher::new(Domain::CellValue).value(&number).value(&round).finish()
}

/// The batches that a tree of `cells` cells is given.
struct Workload {
    rng: Rng,
    live: Vec<u64>,
    next: u64,
    round: u64,
}

impl Workload {
    fn new(cells: u64) -> Self {
        let rng = Seed::from_number(cells).rng();
        Self { rng, live: (0..cells).collect(), next: cells, round: 0 }
    }

    fn initial(&self) -> Vec<Change> {
        let put = |number: &u64| Change { path: path(*number), value: Some(value(*number, 0)) };
        sorted(self.live.iter().map(put))
    }

    fn batch(&mut self) -> Vec<Change> {
        self.round += 1;
        let mut touched = BTreeSet::new();
        let mut changes = Vec::new();
        for _ in 0..BATCH {
            let dice = self.rng.below(100);
            if dice < 10 {
                changes.push((self.next, true));
                self.live.push(self.next);
                touched.insert(self.next);
                self.next += 1;
                continue;
            }
            let bound = u64::try_from(self.live.len()).expect("a length fits");
            let at = usize::try_from(self.rng.below(bound)).expect("an index");
            let number = self.live[at];
            if touched.insert(number) {
                let keeps = dice < 95;
                if !keeps {
                    self.live.swap_remove(at);
                }
                changes.push((number, keeps));
            }
        }
        let round = self.round;
        sorted(changes.into_iter().map(|(number, keeps)| Change {
            path: path(number),
            value: keeps.then(|| value(number, round)),
        }))
    }
}

fn sorted(changes: impl Iterator<Item = Change>) -> Vec<Change> {
    let map: BTreeMap<Path, Change> = changes.map(|change| (change.path, change)).collect();
    map.into_values().collect()
}

/// What `jmt` reads and writes, in memory.
#[derive(Default)]
struct Store {
    nodes: HashMap<NodeKey, Node>,
    values: HashMap<KeyHash, (Version, Option<OwnedValue>)>,
}

impl Store {
    fn apply(&mut self, batch: TreeUpdateBatch) {
        self.nodes
            .extend(batch.node_batch.nodes().iter().map(|(key, node)| (key.clone(), node.clone())));
        for ((version, key), value) in batch.node_batch.values() {
            self.values.insert(*key, (*version, value.clone()));
        }
        for stale in batch.stale_node_index_batch {
            self.nodes.remove(&stale.node_key);
        }
    }
}

impl TreeReader for Store {
    fn get_node_option(&self, key: &NodeKey) -> Result<Option<Node>> {
        Ok(self.nodes.get(key).cloned())
    }

    fn get_value_option(&self, _: Version, key: KeyHash) -> Result<Option<OwnedValue>> {
        Ok(self.values.get(&key).and_then(|(_, value)| value.clone()))
    }

    fn get_rightmost_leaf(&self) -> Result<Option<(NodeKey, LeafNode)>> {
        Ok(None)
    }
}

fn jmt_batch(changes: &[Change]) -> Vec<(KeyHash, Option<OwnedValue>)> {
    let one =
        |change: &Change| (KeyHash(change.path), change.value.map(|value| value.get().to_vec()));
    changes.iter().map(one).collect()
}

fn per(time: Duration, count: u64) -> u128 {
    time.as_nanos() / u128::from(count.max(1))
}

/// Nodes and leaves that one batch makes anew, by the rules and not by the code.
fn hashes(changes: &[Change], tree_paths: &[Path]) -> u64 {
    fn count(depth: u16, changes: &[Path], all: &[Path]) -> u64 {
        if changes.is_empty() || all.is_empty() {
            return 0;
        }
        if all.len() == 1 {
            return 1;
        }
        let side = |path: &Path| quorate_core::tree::bit(path, depth) == 0;
        let (left, right) = changes.split_at(changes.partition_point(side));
        let (all_left, all_right) = all.split_at(all.partition_point(side));
        1 + count(depth + 1, left, all_left) + count(depth + 1, right, all_right)
    }
    let paths: Vec<Path> = changes.iter().map(|change| change.path).collect();
    count(0, &paths, tree_paths)
}

/// Picoseconds for one hash of 64 bytes when nothing else is done, eight at a time.
fn hash_time() -> u128 {
    let inputs = vec![[7u8; 64]; 8];
    let mut params = Params::new();
    params.hash_length(32);
    let mut best = u128::MAX;
    // Many short rounds, so that some are undisturbed on a busy machine.
    for _ in 0..400 {
        let begin = Instant::now();
        for _ in 0..250 {
            let mut jobs: [HashManyJob<'_>; 8] =
                std::array::from_fn(|at| HashManyJob::new(&params, black_box(&inputs[at])));
            hash_many(jobs.iter_mut());
            black_box(jobs[7].to_hash());
        }
        best = best.min(begin.elapsed().as_nanos() * 1_000 / 2_000);
    }
    best
}

fn measure(cells: u64, picos_per_hash: u128) {
    let mut workload = Workload::new(cells);
    let initial = workload.initial();
    let begin = Instant::now();
    let mut tree = Tree::new();
    tree.update(&initial);
    let build = begin.elapsed();
    let bytes = tree.bytes();

    let mut paths: BTreeSet<Path> = initial.iter().map(|change| change.path).collect();
    let (mut best, mut total, mut changed, mut hashed) = (u128::MAX, Duration::ZERO, 0, 0);
    for round in 0..ROUNDS {
        let changes = workload.batch();
        let count = u64::try_from(changes.len()).expect("a length fits");
        let begin = Instant::now();
        tree.update(black_box(&changes));
        let time = begin.elapsed();
        best = best.min(per(time, count));
        total += time;
        changed += count;
        for change in &changes {
            if change.value.is_some() {
                paths.insert(change.path)
            } else {
                paths.remove(&change.path)
            };
        }
        if round == 0 {
            let all: Vec<Path> = paths.iter().copied().collect();
            hashed = hashes(&changes, &all) * 100 / count;
        }
    }
    let limit = picos_per_hash * u128::from(hashed) / 100_000;

    let mut workload = Workload::new(cells);
    let mut store = Store::default();
    let (mut other_best, mut other_total, mut other_changed) = (u128::MAX, Duration::ZERO, 0);
    let mut version = 0;
    for chunk in initial.chunks(20_000) {
        let jmt = JellyfishMerkleTree::<_, Blake2b<U32>>::new(&store);
        let (_, batch) = jmt.put_value_set(jmt_batch(chunk), version).expect("a store in memory");
        store.apply(batch);
        version += 1;
    }
    for _ in 0..JMT_ROUNDS {
        let changes = workload.batch();
        let count = u64::try_from(changes.len()).expect("a length fits");
        let batch = jmt_batch(&changes);
        let begin = Instant::now();
        let jmt = JellyfishMerkleTree::<_, Blake2b<U32>>::new(&store);
        let (_, batch) = jmt.put_value_set(black_box(batch), version).expect("a store in memory");
        let time = begin.elapsed();
        store.apply(batch);
        version += 1;
        other_best = other_best.min(per(time, count));
        other_total += time;
        other_changed += count;
    }
    let (own, other) = (per(total, changed), per(other_total, other_changed));
    println!(
        "{cells:>9} | {own:>6} {best:>6} | {:>3}.{:02} {limit:>6} | {other:>7} {other_best:>7} | \
         {:>3}.{} | {:>5} | {:>6} ms",
        hashed / 100,
        hashed % 100,
        other / own.max(1),
        other * 10 / own.max(1) % 10,
        bytes / cells,
        build.as_millis(),
    );
    proofs(&tree, &paths);
}

fn proofs(tree: &Tree, paths: &BTreeSet<Path>) {
    let step = paths.len() / 500;
    let some: Vec<Path> = paths.iter().step_by(step).copied().take(500).collect();
    let root = tree.root();
    let value_of = |path: &Path| Digest::new(*path);
    let begin = Instant::now();
    let made: Vec<_> = some.iter().map(|path| tree.prove(path, value_of)).collect();
    let making = begin.elapsed();
    let size: usize = made.iter().map(|proof| codec::encode(proof).len()).sum();
    let begin = Instant::now();
    for (path, proof) in some.iter().zip(&made) {
        black_box(proof.verify(&root, path, Some(&Digest::ZERO)));
    }
    let checking = begin.elapsed();
    let many = codec::encode(&tree.prove_many(&some, value_of)).len();
    println!(
        "          | proof {} B, made in {} ns, checked in {} ns; of {} paths at once {} B each",
        size / some.len(),
        making.as_nanos() / 500,
        checking.as_nanos() / 500,
        some.len(),
        many / some.len(),
    );
}

fn table(_: &mut Criterion) {
    let sizes = std::env::var("QUORATE_BENCH_CELLS").unwrap_or("10000,100000,1000000".into());
    let picos = hash_time();
    println!("one hash of 64 bytes, eight at a time: {} ns", picos / 1_000);
    println!(
        "    cells |    ns per cell | hashes, limit |   jmt, ns per cell | ratio | B/cell | rebuild"
    );
    println!("          |   mean   best |   per cell ns |     mean    best  |");
    for cells in sizes.split(',') {
        measure(cells.trim().parse().expect("a number of cells"), picos);
    }
}

/// The small batches of small states: what the simulator does all day.
fn small(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tree");
    for (cells, batch) in [(20, 3), (1_000, 20), (100_000, 200)] {
        let mut workload = Workload::new(cells);
        let mut tree = Tree::new();
        tree.update(&workload.initial());
        let mut changes = workload.batch();
        changes.truncate(batch);
        group.bench_function(format!("{batch} of {cells}"), |bencher| {
            bencher.iter(|| tree.update(black_box(&changes)));
        });
    }
    let small = {
        let mut tree = Tree::new();
        tree.update(&Workload::new(20).initial());
        tree
    };
    group.bench_function("clone of 20", |bencher| {
        bencher.iter_batched(|| (), |()| black_box(small.clone()), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, table, small);
criterion_main!(benches);
