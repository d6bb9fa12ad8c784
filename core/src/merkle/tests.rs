//! Roots against the definition of RFC 6962 written down again, and proofs against every change of
//! every byte.

use std::collections::BTreeSet;

use super::*;
use crate::codec;

fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|number| Hasher::new(Domain::Seed).value(&number).finish()).collect()
}

/// RFC 6962, section 2.1, as it is written: split at the largest power of two below the length.
fn by_definition(leaves: &[Digest]) -> Option<Digest> {
    match leaves {
        [] => None,
        [one] => Some(leaf_of(one)),
        _ => {
            let mut half = 1;
            while half * 2 < leaves.len() {
                half *= 2;
            }
            let (left, right) = leaves.split_at(half);
            Some(node_of(&by_definition(left)?, &by_definition(right)?))
        }
    }
}

#[test]
fn roots_are_those_of_the_definition() {
    for count in 0..70 {
        let list = leaves(count);
        assert_eq!(root(&list), bind(count, by_definition(&list).as_ref()), "{count} leaves");
    }
}

/// The classic mistake: a list whose last leaf is repeated has the root of the list itself.
#[test]
fn lists_have_different_roots() {
    let mut seen = BTreeSet::new();
    for count in 0..20 {
        let mut list = leaves(count);
        assert!(seen.insert(root(&list)), "{count} leaves");
        if count > 0 {
            list.extend(list.last().copied());
            assert!(seen.insert(root(&list)), "{count} leaves and the last again");
        }
    }
}

#[test]
fn every_place_is_proven_and_no_other() {
    for count in 1..34 {
        let list = leaves(count);
        let root = root(&list);
        for index in 0..count {
            let proof = prove(&list, index).expect("a place in the list");
            for (place, leaf) in (0..).zip(&list) {
                assert_eq!(proof.verify(&root, leaf), place == index, "{index} of {count}");
            }
            // The same path at another place, or in a list of another length, proves nothing.
            for other in 0..40 {
                let moved = Proof { index: other, ..proof.clone() };
                let place = usize::try_from(index).expect("a small number");
                assert_eq!(moved.verify(&root, &list[place]), other == index);
                let longer = Proof { count: other, ..proof.clone() };
                assert_eq!(longer.verify(&root, &list[place]), other == count);
            }
        }
        assert_eq!(prove(&list, count), None);
    }
}

#[test]
fn a_proof_with_any_byte_changed_is_refused() {
    let list = leaves(21);
    let root = root(&list);
    for index in [0, 13, 16, 20] {
        let proof = prove(&list, index).expect("a place in the list");
        let leaf = list[usize::try_from(index).expect("a small number")];
        let bytes = codec::encode(&proof);
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[place] ^= 1 << bit;
                let Ok(changed) = codec::decode::<Proof>(&bytes, 4_096) else { continue };
                assert!(!changed.verify(&root, &leaf), "byte {place} bit {bit} of {index}");
            }
        }
    }
}

#[test]
fn a_proof_with_more_or_fewer_siblings_is_refused() {
    let list = leaves(8);
    let root = root(&list);
    let proof = prove(&list, 3).expect("a place in the list");
    let mut more = proof.siblings.to_vec();
    more.push(Digest::ZERO);
    let mut fewer = proof.siblings.to_vec();
    fewer.pop();
    for siblings in [more, fewer, Vec::new()] {
        let changed = Proof { siblings: Bounded::new(siblings), ..proof.clone() };
        assert!(!changed.verify(&root, &list[3]));
    }
}

/// Nothing about a proof's size is trusted.
#[test]
fn enormous_counts_are_harmless() {
    let siblings = Bounded::new(vec![Digest::ZERO; LEVELS_MAX]);
    for (index, count) in [(0, 0), (0, u64::MAX), (u64::MAX, u64::MAX), (u64::MAX - 1, u64::MAX)] {
        let proof = Proof { index, count, siblings: siblings.clone() };
        assert!(!proof.verify(&Digest::ZERO, &Digest::ZERO));
    }
}
