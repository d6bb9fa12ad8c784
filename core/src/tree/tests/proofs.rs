//! What proofs show, and that nothing else is shown by them.

use super::*;
use crate::codec::Bounded;

fn tree_of(map: &Map) -> Tree {
    let mut tree = Tree::new();
    let all: Vec<Change> =
        map.iter().map(|(path, value)| Change { path: *path, value: Some(*value) }).collect();
    tree.update(&all);
    tree
}

/// Our proof in the words of the other implementation.
fn translated(proof: &PathProof, path: &Path) -> OtherProof {
    let depth = u16::try_from(proof.siblings.len()).expect("at most 256");
    let terminal = match proof.terminal {
        Terminal::Own => None,
        Terminal::Other { path, value } => {
            Some(LeafData { key_path: path, value_hash: *value.get() })
        }
        Terminal::Empty => {
            let position = match depth {
                0 => TriePosition::new(),
                _ => TriePosition::from_path_and_depth(*path, depth),
            };
            return OtherProof {
                terminal: PathProofTerminal::Terminator(position),
                siblings: siblings(proof),
            };
        }
    };
    let terminal = terminal.expect("only asked for paths without a value");
    OtherProof { terminal: PathProofTerminal::Leaf(terminal), siblings: siblings(proof) }
}

fn siblings(proof: &PathProof) -> Vec<[u8; 32]> {
    proof.siblings.iter().map(|one| *one.unwrap_or(Digest::ZERO).get()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// With changes that are not made, a proof is the one that the tree would give if they were.
    #[test]
    fn with_changes_not_made(
        before in block(),
        change in block(),
        asked in proptest::collection::vec(path(), 1..8),
    ) {
        let (mut map, mut later) = (Map::new(), Map::new());
        apply(&mut map, &before);
        let tree = tree_of(&map);
        later.clone_from(&map);
        apply(&mut later, &change);
        let changed = tree_of(&later);
        for path in map.keys().chain(later.keys()).chain(&asked) {
            let proof = tree.prove_with(&changes(&change), path, |other| later[other]);
            prop_assert_eq!(proof, changed.prove(path, |other| later[other]));
        }
    }

    /// A proof convinces us and the verifier of the other implementation, of nothing but the truth.
    #[test]
    fn one_path(block in block(), asked in path(), wrong in value()) {
        let mut map = Map::new();
        apply(&mut map, &block);
        let tree = tree_of(&map);
        let root = tree.root();
        for path in map.keys().chain([&asked]) {
            let truth = map.get(path);
            let proof = tree.prove(path, |other| map[other]);
            prop_assert!(proof.verify(&root, path, truth));
            for claim in [None, Some(&wrong)] {
                prop_assert_eq!(proof.verify(&root, path, claim), claim == truth);
            }
            let other = match truth {
                None => translated(&proof, path),
                Some(value) => OtherProof {
                    terminal: PathProofTerminal::Leaf(LeafData {
                        key_path: *path,
                        value_hash: *value.get(),
                    }),
                    siblings: siblings(&proof),
                },
            };
            let whole = TriePosition::from_path_and_depth(*path, DEPTH_MAX);
            let verified = other.verify::<Oracle>(whole.path(), *root.get()).expect("a good proof");
            match truth {
                None => prop_assert!(verified.confirm_nonexistence(path).expect("in scope")),
                Some(value) => {
                    let leaf = LeafData { key_path: *path, value_hash: *value.get() };
                    prop_assert!(verified.confirm_value(&leaf).expect("in scope"));
                }
            }
        }
    }

    /// One proof of many paths, present or not, convinces of exactly what is so.
    #[test]
    fn many_paths(
        block in block(),
        asked in proptest::collection::vec(path(), 0..8),
        wrong in value(),
    ) {
        let mut map = Map::new();
        apply(&mut map, &block);
        let tree = tree_of(&map);
        let root = tree.root();
        let asked: Vec<Path> =
            map.keys().take(6).copied().chain(asked).collect();
        let proof = tree.prove_many(&asked, |other| map[other]);
        let truth: BTreeMap<Path, Option<Digest>> =
            asked.iter().map(|path| (*path, map.get(path).copied())).collect();
        prop_assert!(proof.verify(&root, &truth));
        for path in &asked {
            for claim in [None, Some(wrong)] {
                let mut lie = truth.clone();
                lie.insert(*path, claim);
                prop_assert_eq!(proof.verify(&root, &lie), lie == truth);
            }
            let mut fewer = truth.clone();
            fewer.remove(path);
            // Of nothing and of paths without a value, a shorter walk may be the same.
            if truth[path].is_some() {
                prop_assert!(!proof.verify(&root, &fewer));
            }
        }
    }
}

fn sample() -> (Map, Tree) {
    let map: Map = scattered(40).into_iter().map(|path| (path, Digest::new(path))).collect();
    let tree = tree_of(&map);
    (map, tree)
}

/// Every bit of every kind of proof matters.
#[test]
fn a_path_proof_with_any_bit_changed_is_refused() {
    let (map, tree) = sample();
    let present = *map.keys().nth(11).expect("forty paths");
    let mut ends = [0; 3];
    for path in scattered(90).into_iter().skip(40).chain([present]) {
        let truth = map.get(&path);
        let proof = tree.prove(&path, |other| map[other]);
        let kind = match proof.terminal {
            Terminal::Empty => 0,
            Terminal::Own => 1,
            Terminal::Other { .. } => 2,
        };
        ends[kind] += 1;
        if ends[kind] > 2 {
            continue;
        }
        let bytes = codec::encode(&proof);
        for at in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            let Ok(changed) = codec::decode::<PathProof>(&bytes, 1 << 14) else { continue };
            assert!(!changed.verify(&tree.root(), &path, truth), "bit {at}: {changed:?}");
        }
    }
    assert!(ends.iter().all(|count| *count > 0), "{ends:?}");
}

#[test]
fn a_multi_proof_with_any_bit_changed_is_refused() {
    let (map, tree) = sample();
    let asked: Vec<Path> = scattered(48).into_iter().skip(34).collect();
    let proof = tree.prove_many(&asked, |other| map[other]);
    let truth: BTreeMap<Path, Option<Digest>> =
        asked.iter().map(|path| (*path, map.get(path).copied())).collect();
    assert!(proof.verify(&tree.root(), &truth));
    let bytes = codec::encode(&proof);
    for at in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        let Ok(changed) = codec::decode::<MultiProof>(&bytes, 1 << 16) else { continue };
        assert!(!changed.verify(&tree.root(), &truth), "bit {at}: {changed:?}");
    }
    let singles: usize =
        asked.iter().map(|path| codec::encode(&tree.prove(path, |other| map[other])).len()).sum();
    assert!(bytes.len() * 4 < singles * 3, "{} bytes against {singles}", bytes.len());
}

/// A leaf far from the path proves nothing about it, though its hash fits.
#[test]
fn a_leaf_elsewhere_proves_no_absence() {
    let value = Digest::new([5; 32]);
    let map: Map = [([0; 32], value), ([0xff; 32], value)].into();
    let tree = tree_of(&map);
    let proof = tree.prove(&[0x01; 32], |other| map[other]);
    assert!(proof.verify(&tree.root(), &[0x01; 32], None));
    assert!(!proof.verify(&tree.root(), &[0x81; 32], None));
    assert!(!proof.verify(&tree.root(), &[0; 32], None), "it is there");
}

/// A walk deeper than paths have bits, or with nothing asked, ends.
#[test]
fn nonsense_walks_are_refused() {
    let deep = MultiProof { steps: Bounded::new(vec![Step::Node; 600]) };
    assert!(!deep.verify(&Digest::ZERO, &BTreeMap::from([([0; 32], None)])));
    assert!(!deep.verify(&Digest::ZERO, &BTreeMap::new()));
    let empty = MultiProof { steps: Bounded::default() };
    assert!(!empty.verify(&Digest::ZERO, &BTreeMap::from([([0; 32], None)])));
}
