//! The tree against its definition, against another implementation of the same rules, and its proofs
//! against every changed byte.

use std::collections::BTreeMap;

use blake2::{Blake2b, digest::consts::U32};
use nomt_core::{
    hasher::BinaryHasher,
    proof::{PathProof as OtherProof, PathProofTerminal},
    trie::LeafData,
    trie_pos::TriePosition,
    update::build_trie,
};
use proptest::prelude::*;

use super::*;
use crate::codec;

mod proofs;

/// The same rules, by others, over another implementation of the hash.
type Oracle = BinaryHasher<Blake2b<U32>>;

type Map = BTreeMap<Path, Digest>;

fn oracle_root(map: &Map) -> Digest {
    let leaves = map.iter().map(|(path, value)| (*path, *value.get()));
    Digest::new(build_trie::<Oracle>(0, leaves, |_| {}))
}

fn definition_root(map: &Map) -> Digest {
    let leaves: Vec<(Path, Digest)> = map.iter().map(|(path, value)| (*path, *value)).collect();
    subtree_root(0, &leaves)
}

/// Paths that lie together: few first bytes, and few of any others.
fn path() -> impl Strategy<Value = Path> {
    let byte = prop_oneof![Just(0u8), Just(1), Just(8), Just(0x80), Just(0xff), any::<u8>()];
    let place = prop_oneof![Just(0usize), Just(1), Just(2), Just(16), Just(31)];
    (byte.clone(), place, byte).prop_map(|(first, place, byte)| {
        let mut path = [0; 32];
        path[0] = first;
        path[place] = byte;
        path
    })
}

fn value() -> impl Strategy<Value = Digest> {
    any::<u8>().prop_map(|byte| Digest::new([byte; 32]))
}

/// Changes of one block: about half of them removals, many of paths without a value.
fn block() -> impl Strategy<Value = BTreeMap<Path, Option<Digest>>> {
    proptest::collection::btree_map(path(), proptest::option::of(value()), 0..24)
}

fn changes(block: &BTreeMap<Path, Option<Digest>>) -> Vec<Change> {
    block.iter().map(|(path, value)| Change { path: *path, value: *value }).collect()
}

fn apply(map: &mut Map, block: &BTreeMap<Path, Option<Digest>>) {
    for (path, value) in block {
        match value {
            Some(value) => drop(map.insert(*path, *value)),
            None => drop(map.remove(path)),
        }
    }
}

/// Nodes that the definition has: those above at least two leaves.
fn nodes_of(depth: u16, paths: &[Path]) -> usize {
    if paths.len() < 2 {
        return 0;
    }
    let (left, right) = paths.split_at(paths.partition_point(|path| bit(path, depth) == 0));
    1 + nodes_of(depth + 1, left) + nodes_of(depth + 1, right)
}

/// Paths as they are in truth: scattered.
fn scattered(count: u32) -> Vec<Path> {
    (0..count)
        .map(|number| *crate::digest::digest_of(crate::digest::Domain::Seed, &number).get())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever is put in, replaced and taken out, in however many blocks, the root is that of the map,
    /// and nothing is kept that the map does not need.
    #[test]
    fn the_root_is_that_of_the_map(blocks in proptest::collection::vec(block(), 1..12)) {
        let (mut tree, mut map) = (Tree::new(), Map::new());
        for block in &blocks {
            apply(&mut map, block);
            tree.update(&changes(block));
            prop_assert_eq!(tree.root(), oracle_root(&map));
            prop_assert_eq!(tree.root(), definition_root(&map));
            prop_assert_eq!(tree.len(), u64::try_from(map.len()).expect("small"));
            let paths: Vec<Path> = map.keys().copied().collect();
            prop_assert_eq!(tree.arena.in_use(), (nodes_of(0, &paths), paths.len()));
        }
        let removals = map.keys().map(|path| Change { path: *path, value: None });
        tree.update(&removals.collect::<Vec<_>>());
        prop_assert_eq!(tree.root(), Digest::ZERO);
        prop_assert_eq!(tree.arena.in_use(), (0, 0));
    }

    /// Every subtree has the root that its own leaves have.
    #[test]
    fn subtrees_are_those_of_their_leaves(block in block(), below in path(), depth in 0u16..=256) {
        let (mut tree, mut map) = (Tree::new(), Map::new());
        apply(&mut map, &block);
        tree.update(&changes(&block));
        for path in map.keys().chain([&below]) {
            let prefix = Prefix::new(path, depth);
            let leaves: Vec<(Path, Digest)> = map
                .iter()
                .filter(|(path, _)| prefix.holds(path))
                .map(|(path, value)| (*path, *value))
                .collect();
            prop_assert_eq!(tree.subtree(&prefix), subtree_root(depth, &leaves));
        }
    }
}

/// More changes than are applied in one turn, and removals that collapse nearly everything.
#[test]
fn many_at_once() {
    let mut paths = scattered(70_000);
    paths.sort_unstable();
    let value = Digest::new([7; 32]);
    let put = |path: &Path| Change { path: *path, value: Some(value) };
    let mut tree = Tree::new();
    tree.update(&paths.iter().map(put).collect::<Vec<_>>());
    let mut map: Map = paths.iter().map(|path| (*path, value)).collect();
    assert_eq!(tree.root(), oracle_root(&map));

    let gone: Vec<Change> = paths
        .iter()
        .filter(|path| path[31] > 3)
        .map(|path| Change { path: *path, value: None })
        .collect();
    tree.update(&gone);
    map.retain(|path, _| path[31] <= 3);
    assert_eq!(tree.root(), oracle_root(&map));
    assert_eq!(tree.arena.in_use().1, map.len());
}

/// An update back to how it was takes the memory that was given back.
#[test]
fn memory_is_used_again() {
    let mut paths = scattered(2_000);
    paths.sort_unstable();
    let set =
        |value| -> Vec<Change> { paths.iter().map(|path| Change { path: *path, value }).collect() };
    let mut tree = Tree::new();
    tree.update(&set(Some(Digest::ZERO)));
    let (root, bytes) = (tree.root(), tree.arena.in_use());
    for _ in 0..5 {
        tree.update(&set(None));
        tree.update(&set(Some(Digest::ZERO)));
        assert_eq!((tree.root(), tree.arena.in_use()), (root, bytes));
    }
    assert!(tree.bytes() < 2_000 * 250, "{} bytes", tree.bytes());
}

#[test]
#[should_panic(expected = "changes are sorted")]
fn changes_out_of_order_are_refused() {
    let change = |byte| Change { path: [byte; 32], value: None };
    Tree::new().update(&[change(2), change(1)]);
}

/// Two paths that differ in their very last bit: the longest way there is.
#[test]
fn the_longest_way() {
    let mut last = [0; 32];
    last[31] = 1;
    let value = Digest::new([9; 32]);
    let mut tree = Tree::new();
    tree.update(&[[0; 32], last].map(|path| Change { path, value: Some(value) }));
    let map: Map = [([0; 32], value), (last, value)].into();
    assert_eq!(tree.root(), oracle_root(&map));
    assert_eq!(tree.arena.in_use(), (256, 2));
    let proof = tree.prove(&last, |_| unreachable!("the path is in the tree"));
    assert_eq!(proof.siblings.len(), 256);
    assert!(proof.verify(&tree.root(), &last, Some(&value)));
    tree.update(&[Change { path: last, value: None }]);
    assert_eq!(tree.arena.in_use(), (0, 1));
    assert_eq!(tree.root(), leaf_hash(&[0; 32], &value));
}

#[test]
fn prefixes_have_one_encoding() {
    let path = [0b1010_1010; 32];
    for depth in 0..=256 {
        let prefix = Prefix::new(&path, depth);
        let bytes = codec::encode(&prefix);
        assert_eq!(codec::decode::<Prefix>(&bytes, 64), Ok(prefix));
        assert!(prefix.holds(&path));
        if depth < 256 {
            let own = bit(&path, depth);
            assert_eq!(prefix.child(own), Prefix::new(&path, depth + 1));
            assert!(!prefix.child(1 - own).holds(&path));
        }
    }
    let spare = [3, 0, 0b1011_0000];
    assert!(codec::decode::<Prefix>(&spare, 64).is_err(), "a bit beyond the third");
    assert!(codec::decode::<Prefix>(&[1, 1], 64).is_err(), "257 bits");
}
