//! Snapshots that come in any order are the state; those that lie are refused, and where they lie is
//! known.

use std::collections::BTreeMap;

use super::*;
use crate::{
    codec,
    config::Genesis,
    digest::{Domain, digest_of},
    evidence::Offence,
    execution::{
        AssetSupply, ExecutionState, RestoreError,
        cell::{Account, element},
        fixtures::{self, address, block, evidence, genesis, transfer},
    },
    transaction::{AssetId, Issue, TransactionKind},
    tree::subtree_root,
};

/// A few hundred cells of two kinds, and the genesis they come from.
fn sample() -> (Genesis, ExecutionState) {
    let genesis = genesis(&[1_000; 200], &[10, 20, 30, 40]);
    let mut state = ExecutionState::new(&genesis);
    let pays = (0..50).map(|payer| transfer(payer, 0, 3, &[(payer + 150, 20)])).collect();
    state.execute(&block(1, pays, vec![evidence(2, 0, Offence::ConflictingNotarize)]));
    (genesis, state)
}

fn chunks(state: &ExecutionState, manifest: &Manifest) -> Vec<Vec<u8>> {
    let chunk = |part: &Part| state.chunk(&part.prefix).expect("a part of this state");
    manifest.parts.iter().map(chunk).collect()
}

fn cells_of(bytes: &[u8]) -> Vec<(CellPath, Cell)> {
    codec::decode::<Chunk>(bytes, CHUNK_BYTES_MAX).expect("our own chunk").cells.into_inner()
}

fn encoded(cells: Vec<(CellPath, Cell)>) -> Vec<u8> {
    codec::encode(&Chunk { cells: Bounded::new(cells) })
}

#[test]
fn a_small_state_is_one_part_per_kind() {
    let (genesis, state) = sample();
    let manifest = state.manifest();
    let prefixes: Vec<(u8, u16)> =
        manifest.parts.iter().map(|part| (part.prefix.path()[0], part.prefix.depth())).collect();
    assert_eq!(prefixes, [(1, 8), (8, 8)]);
    let mut importer = Importer::new(manifest.clone(), state.digest()).expect("an honest manifest");
    for (number, chunk) in (0..).zip(chunks(&state, &manifest)) {
        importer.on_chunk(number, &chunk).expect("an honest chunk");
    }
    assert_eq!(importer.finish(&genesis), Ok(state));
}

/// Chunks of every size, in any order, some twice, give the state, which then goes on like the other.
#[test]
fn chunks_in_any_order_are_the_state() {
    let (genesis, mut state) = sample();
    for (seed, bytes_target) in (0..).zip([1, 60, 500, 3_000, 1 << 20]) {
        let manifest = state.manifest_cut_at(bytes_target);
        let chunks = chunks(&state, &manifest);
        for chunk in &chunks {
            let cells = cells_of(chunk).len();
            assert!(cells == 1 || u64::try_from(chunk.len()).unwrap() <= bytes_target + 4);
        }
        let mut importer = Importer::new(manifest, state.digest()).expect("an honest manifest");
        let mut order: Vec<u32> = importer.missing().chain(importer.missing().take(3)).collect();
        order.sort_by_key(|number| digest_of(Domain::Seed, &(seed, number)));
        for number in order {
            let missing = u32::try_from(importer.missing().count()).expect("few");
            let early = importer.clone().finish(&genesis);
            if missing > 0 {
                assert_eq!(early.err(), Some(ImportError::Incomplete(missing)));
            }
            let place = usize::try_from(number).expect("few");
            importer.on_chunk(number, &chunks[place]).expect("an honest chunk");
        }
        let mut copy = importer.finish(&genesis).expect("everything is there");
        assert_eq!((&copy, copy.recomputed()), (&state, *state.commitment()));
        assert!(copy.rollback(Height::ZERO).is_err(), "what came before is not known");
        let next =
            block(state.height().next().get(), vec![transfer(60, seed, 1, &[(61, 2)])], vec![]);
        assert_eq!(copy.execute(&next), state.execute(&next));
    }
}

/// A restart in the middle of an import needs only what was missing.
#[test]
fn an_interrupted_import_goes_on() {
    let (genesis, state) = sample();
    let manifest = state.manifest_cut_at(700);
    let chunks = chunks(&state, &manifest);
    let stored = codec::encode(&manifest);
    let count = u32::try_from(chunks.len()).expect("few");
    for kept in 0..count {
        let manifest = codec::decode(&stored, MANIFEST_BYTES_MAX).expect("our own manifest");
        let mut importer = Importer::new(manifest, state.digest()).expect("an honest manifest");
        for number in (0..kept).rev().chain(kept..count) {
            assert!(importer.missing().any(|missing| missing == number));
            importer.on_chunk(number, &chunks[usize::try_from(number).unwrap()]).expect("honest");
        }
        assert_eq!(importer.missing().count(), 0);
        assert_eq!(importer.finish(&genesis).as_ref(), Ok(&state));
    }
}

#[test]
fn every_changed_byte_of_a_chunk_is_noticed() {
    let (_, state) = sample();
    let manifest = state.manifest_cut_at(300);
    let chunks = chunks(&state, &manifest);
    let mut importer = Importer::new(manifest, state.digest()).expect("an honest manifest");
    for (number, chunk) in (0..).zip(&chunks) {
        for at in 0..chunk.len() {
            let mut changed = chunk.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(importer.on_chunk(number, &changed).is_err(), "byte {at} of chunk {number}");
        }
        importer.on_chunk(number, chunk).expect("a refused chunk leaves nothing behind");
    }
}

/// Lies that are valid encodings, each refused for what it is.
#[test]
fn lying_chunks_are_told_apart() {
    let (_, state) = sample();
    let manifest = state.manifest_cut_at(1_000);
    let chunks = chunks(&state, &manifest);
    let mut importer = Importer::new(manifest, state.digest()).expect("an honest manifest");
    let honest = cells_of(&chunks[0]);
    assert!(honest.len() > 3, "{} cells", honest.len());
    let mut lie = |change: fn(&mut Vec<(CellPath, Cell)>)| {
        let mut cells = honest.clone();
        change(&mut cells);
        importer.on_chunk(0, &encoded(cells)).expect_err("a lie")
    };
    let kind = Cell::System(crate::execution::cell::System::Fees(1));
    assert!(matches!(lie(|cells| cells.truncate(2)), ChunkFault::Root { .. }));
    assert!(matches!(lie(|cells| cells.clear()), ChunkFault::Root { .. }));
    assert!(matches!(lie(|cells| cells.swap(0, 1)), ChunkFault::Order(_)));
    assert!(matches!(
        lie(|cells| cells.push(cells[cells.len() - 1].clone())),
        ChunkFault::Order(_)
    ));
    assert!(matches!(
        lie(|cells| cells[1].1 = Cell::Account(Account::with_balance(7))),
        ChunkFault::Root { .. }
    ));
    let mut cells = honest.clone();
    cells[1].1 = kind;
    assert_eq!(importer.on_chunk(0, &encoded(cells)), Err(ChunkFault::Kind(honest[1].0)));
    let other = cells_of(&chunks[1]);
    let mut cells = honest.clone();
    cells.push(other[0].clone());
    assert_eq!(importer.on_chunk(0, &encoded(cells)), Err(ChunkFault::Foreign(other[0].0)));
    assert!(importer.on_chunk(0, &chunks[1]).is_err());
    assert_eq!(importer.on_chunk(9_999, &chunks[0]), Err(ChunkFault::NoSuchPart(9_999)));
    importer.on_chunk(0, &chunks[0]).expect("the honest one");
}

#[test]
fn lying_manifests_are_refused() {
    let (_, state) = sample();
    let honest = state.manifest_cut_at(1_000);
    let root = state.digest();
    assert_eq!(honest.check(&root), Ok(()));
    let lie = |change: fn(&mut Vec<Part>)| {
        let mut parts = honest.parts.to_vec();
        change(&mut parts);
        Manifest { parts: Bounded::new(parts), ..honest.clone() }.check(&root).expect_err("a lie")
    };
    assert!(matches!(lie(|parts| parts.truncate(parts.len() - 1)), ManifestFault::Root { .. }));
    assert!(matches!(
        lie(|parts| parts[0].root = Digest::new([1; 32])),
        ManifestFault::Root { .. }
    ));
    assert!(matches!(lie(|parts| parts[0].root = Digest::ZERO), ManifestFault::Empty(_)));
    assert!(matches!(lie(|parts| parts.swap(0, 1)), ManifestFault::Order(_)));
    assert!(matches!(lie(|parts| parts[1] = parts[0]), ManifestFault::Order(_)));
    assert!(matches!(lie(|parts| parts[0].prefix = Prefix::ROOT), ManifestFault::Depth(0)));
    // A part within another would let cells be there twice.
    assert!(matches!(
        lie(|parts| {
            let inner = Part { prefix: parts[0].prefix.child(1), root: parts[0].root };
            parts.insert(1, inner);
        }),
        ManifestFault::Order(_)
    ));
    let bytes = codec::encode(&honest);
    for at in 8..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let Ok(changed) = codec::decode::<Manifest>(&changed, MANIFEST_BYTES_MAX) else { continue };
        assert!(changed.check(&root).is_err(), "byte {at}");
    }
}

/// A state that was certified may still not be one of this chain.
#[test]
fn another_genesis_is_noticed() {
    let (_, state) = sample();
    let manifest = state.manifest();
    let mut importer = Importer::new(manifest.clone(), state.digest()).expect("honest");
    for (number, chunk) in (0..).zip(chunks(&state, &manifest)) {
        importer.on_chunk(number, &chunk).expect("honest");
    }
    let other = genesis(&[1_000; 199], &[10, 20, 30, 40]);
    assert!(matches!(importer.finish(&other), Err(ImportError::Restore(_))));
}

/// Tokens of an asset that nobody issued make no state, though all chunks are those of the root.
#[test]
fn an_asset_out_of_balance_is_noticed() {
    let create = Issue::Create { decimals: 0, cap: 50, amount: 40 };
    let mut body = fixtures::body(3, 0, 1, &[]);
    body.kind = TransactionKind::Issue(create);
    let create = fixtures::signed(body, 3);
    let asset = AssetId::of_transaction(create.id());
    let genesis = genesis(&[1_000; 20], &[10]);
    let mut state = ExecutionState::new(&genesis);
    state.execute(&block(1, vec![create], vec![]));
    let parts = state.manifest().parts;
    let cells = |part: &Part| cells_of(&state.chunk(&part.prefix).expect("a part of this state"));
    let all: Vec<(CellPath, Cell)> = parts.iter().flat_map(cells).collect();
    let finish = |change: &dyn Fn(&mut Cell)| {
        let mut chunks = BTreeMap::<u8, Vec<(CellPath, Cell)>>::new();
        for (path, cell) in &all {
            let mut cell = cell.clone();
            change(&mut cell);
            chunks.entry(path.kind_code()).or_default().push((*path, cell));
        }
        let part = |(kind, cells): (&u8, &Vec<(CellPath, Cell)>)| {
            let leaf = |(path, cell): &(CellPath, Cell)| (*path.get(), element(path, cell));
            let leaves: Vec<_> = cells.iter().map(leaf).collect();
            let prefix = Prefix::new(&[*kind; 32], PART_DEPTH_MIN);
            Part { prefix, root: subtree_root(PART_DEPTH_MIN, &leaves) }
        };
        let parts: Vec<Part> = chunks.iter().map(part).collect();
        let root = fold(&parts, 0);
        let manifest = Manifest { height: Height::new(1), parts: Bounded::new(parts) };
        let mut importer = Importer::new(manifest, root).expect("of its own root");
        for (number, cells) in (0..).zip(chunks.into_values()) {
            importer.on_chunk(number, &encoded(cells)).expect("of its own part");
        }
        importer.finish(&genesis)
    };
    assert_eq!(finish(&|_| {}).as_ref(), Ok(&state));
    let sound = AssetSupply { balances: 40, coins: 0, issued: 40, burned: 0 };
    let refused = |supply| Err(ImportError::Restore(RestoreError::Asset(asset, supply)));
    let more = |cell: &mut Cell| {
        if let Cell::Balance(balance) = cell {
            balance.amount += 1;
        }
    };
    assert_eq!(finish(&more), refused(AssetSupply { balances: 41, ..sound }));
    let burned = |cell: &mut Cell| {
        if let Cell::Asset(asset) = cell {
            asset.burned += 1;
        }
    };
    assert_eq!(finish(&burned), refused(AssetSupply { burned: 1, ..sound }));
}

#[test]
fn parts_that_nobody_cuts_are_not_served() {
    let (_, state) = sample();
    let nowhere = Prefix::new(&[0xff; 32], 8);
    assert_eq!(state.chunk(&nowhere), None);
    let account = CellPath::account(&address(3));
    let alone = Prefix::new(account.get(), 256);
    assert_eq!(cells_of(&state.chunk(&alone).expect("one cell")).len(), 1);
}
