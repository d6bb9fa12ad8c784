//! The commitment after changes is that of the cells, however they came about; and what is taken back
//! was never there.

use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::{
    codec,
    execution::{
        ExecutionState, UNDO_HEIGHTS,
        cell::{Account, SystemKey},
        fixtures::{address, block, genesis, transfer},
        verify_cell,
    },
    merkle,
    tree::{leaf_hash, node_hash},
};

fn account(balance: u64) -> Cell {
    Cell::Account(Account::with_balance(balance))
}

fn paths() -> [CellPath; 6] {
    let mut paths = [
        CellPath::account(&address(0)),
        CellPath::account(&address(1)),
        CellPath::account(&address(2)),
        CellPath::account(&address(3)),
        CellPath::account(&address(4)),
        CellPath::account(&address(5)),
    ];
    paths.sort_unstable();
    paths
}

/// What a block does to each of six cells: nothing, remove it, or set its balance.
fn blocks() -> impl Strategy<Value = Vec<[Option<Option<u64>>; 6]>> {
    let one = prop_oneof![
        3 => Just(None),
        1 => Just(Some(None)),
        2 => (0u64..3).prop_map(|balance| Some(Some(balance))),
    ];
    let block = prop_oneof![2 => Just([None; 6]), 3 => proptest::array::uniform6(one)];
    proptest::collection::vec(block, 1..90)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Going back to any height that is remembered restores cells, root, lanes and supply exactly, and
    /// going forth again gives what was there before.
    #[test]
    fn taken_back_is_as_if_it_had_not_happened(blocks in blocks(), back in 0u64..100) {
        let mut cells = Cells::default();
        let mut past = vec![cells.clone()];
        for (height, block) in (1..).zip(&blocks) {
            let changes = paths().into_iter().zip(block);
            let changes = changes.filter_map(|(path, change)| change.map(|new| (path, new.map(account))));
            cells.commit_block(Height::new(height), changes.collect(), &BTreeMap::new());
            prop_assert_eq!(cells.commitment(), &cells.recomputed());
            past.push(cells.clone());
        }
        let top = u64::try_from(blocks.len()).expect("few");
        let to = top.saturating_sub(back);
        let kept = top.min(UNDO_HEIGHTS);
        if back.min(top) > kept {
            let before = cells.clone();
            let oldest = Height::new(top - kept);
            let proven = cells.prove_past(&paths()[0], Height::new(to), usize::MAX);
            prop_assert_eq!(proven, None);
            prop_assert_eq!(cells.rollback(Height::new(to)), Err(RollbackError { oldest }));
            prop_assert_eq!(&cells, &before);
            return Ok(());
        }
        // Proofs of then can be given without going back.
        let then = &past[usize::try_from(to).expect("few")];
        for path in paths() {
            let way = then.tree().prove(path.get(), |other| then.element_at(other));
            let proven = cells.prove_past(&path, Height::new(to), usize::MAX);
            prop_assert_eq!(proven, Some((then.read(&path).cloned(), way)));
        }
        prop_assert_eq!(cells.rollback(Height::new(to)), Ok(()));
        prop_assert_eq!(&cells, &past[usize::try_from(to).expect("few")]);
        prop_assert_eq!(cells.commitment(), &cells.recomputed());
        let copy: Cells = codec::decode(&codec::encode(&cells), usize::MAX).expect("our own bytes");
        prop_assert_eq!(&copy, &cells);
        for (height, block) in (1..).zip(&blocks).skip(usize::try_from(to).expect("few")) {
            let changes = paths().into_iter().zip(block);
            let changes = changes.filter_map(|(path, change)| change.map(|new| (path, new.map(account))));
            cells.commit_block(Height::new(height), changes.collect(), &BTreeMap::new());
        }
        prop_assert_eq!(Some(&cells), past.last());
    }
}

/// The whole state goes back, and executes the same blocks again with the same results.
#[test]
fn a_state_taken_back_repeats_itself() {
    let mut state = ExecutionState::new(&genesis(&[1_000, 50], &[10]));
    let blocks: Vec<_> = (1..=80)
        .map(|height| {
            // Two of three blocks are empty.
            let pays = (height % 3 == 0).then(|| transfer(0, height / 3 - 1, 1, &[(7, 2)]));
            block(height, pays.into_iter().collect(), vec![])
        })
        .collect();
    let mut past = vec![state.clone()];
    let mut results = Vec::new();
    for block in &blocks {
        results.push(state.execute(block));
        past.push(state.clone());
    }
    for to in [79, 70, 33, 16] {
        state.rollback(Height::new(to)).expect("within the last 64 heights");
        let from = usize::try_from(to).expect("small");
        assert_eq!(state, past[from]);
        if to == 70 {
            for (block, result) in blocks[from..].iter().zip(&results[from..]) {
                assert_eq!(&state.execute(block), result);
            }
        }
    }
    // Seventy was executed up to eighty again; sixteen is as far as eighty remembers.
    let refused = past[80].clone().rollback(Height::new(15));
    assert_eq!(refused, Err(RollbackError { oldest: Height::new(16) }));
}

/// The example of `docs/state.md`: three accounts and one system cell.
#[test]
fn the_root_by_hand() {
    let cells = [
        (CellPath::account(&address(0)), account(100)),
        (CellPath::account(&address(1)), account(50)),
        (CellPath::system(&SystemKey::Fees), Cell::System(System::Fees(3))),
    ];
    let mut sorted = cells.to_vec();
    sorted.sort_by_key(|(path, _)| *path);
    let own: Cells = sorted.into_iter().collect();

    let [first, second, fees] = &cells;
    let leaf = |(path, cell): &(CellPath, Cell)| leaf_hash(path.get(), &element(path, cell));
    // Both accounts begin with the bits 00000001; which is the left one is decided below.
    let (mut left, mut right, mut depth) = (first, second, 8u16);
    if left.0 > right.0 {
        std::mem::swap(&mut left, &mut right);
    }
    while crate::tree::bit(left.0.get(), depth) == crate::tree::bit(right.0.get(), depth) {
        depth += 1;
    }
    let mut node = node_hash(&leaf(left), &leaf(right));
    for level in (5..depth).rev() {
        node = match crate::tree::bit(left.0.get(), level) {
            0 => node_hash(&node, &Digest::ZERO),
            _ => node_hash(&Digest::ZERO, &node),
        };
    }
    // At depth 4 the ways part: 00000.. are the accounts, 00001.. is the system cell, risen to here.
    node = node_hash(&node, &leaf(fees));
    for _ in 0..4 {
        node = node_hash(&node, &Digest::ZERO);
    }
    assert_eq!(own.digest(), node);
    let shown = format!(
        "account 0  path  {}\n           value {}\naccount 1  path  {}\n           value {}\n\
         fees       path  {}\n           value {}\naccounts part at bit {depth}\nroot {}\nlanes {}\n",
        hex(first.0.get()),
        element(&first.0, &first.1),
        hex(second.0.get()),
        element(&second.0, &second.1),
        hex(fees.0.get()),
        element(&fees.0, &fees.1),
        own.digest(),
        own.commitment().lanes,
    );
    expect![[r#"
        account 0  path  010f9a8b7d75e66cfb5924682b51ec00641c2e39215c80fc4d0a795e876c4776
                   value 860b7a837cb1dfe095dd20c5def440bca7d79c4c15ee7ab8d2b32ed27a1bd5c7
        account 1  path  012fda7dc8953a9fead56a61ecef8a76934bc161b46f45d09096114a4ef2068b
                   value e7ae7e81cf41a2d7702e635d51a65cc7583bb41823ac989eb55fc5d9409746b9
        fees       path  08950f9c33b7ab1b49d19cb318151b2c67e4ed03d98b55f8ae235f13cd649af4
                   value d54c0508ec236cee71b479aa8499c927641c1e5837b1e5c1d060c8e16efcd8c3
        accounts part at bit 10
        root 5e433ff7447137b5a8b8b4f790983a62c7e0bc24ff89fc66e57394c4d947a1e1
        lanes 90e114573349af49abc5b37f302393c062d7fc6f63e2b1a2e67033fb33164436
    "#]]
    .assert_eq(&shown);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A client that knows the root believes a cell, or that there is none, and nothing else.
#[test]
fn cells_are_proven() {
    let mut state = ExecutionState::new(&genesis(&[100, 50, 9], &[10]));
    let done = state.execute(&block(1, vec![transfer(0, 0, 3, &[(1, 20)])], vec![]));
    for (who, balance) in [(0, Some(77)), (1, Some(70)), (2, Some(9)), (9, None)] {
        let path = CellPath::account(&address(who));
        let (cell, proof) = state.prove(&path);
        let Some(cell) = cell else {
            assert_eq!(balance, None);
            assert!(verify_cell(&done.state, &path, None, &proof));
            continue;
        };
        assert_eq!(Some(state.balance(&address(who))), balance);
        assert!(verify_cell(&done.state, &path, Some(&cell), &proof));
        assert!(!verify_cell(&done.state, &path, None, &proof));
        assert!(!verify_cell(&done.state, &path, Some(&account(1)), &proof));
        assert!(!verify_cell(&done.lanes, &path, Some(&cell), &proof));
    }
}

/// What became of a transaction is proven by the block's list of receipts.
#[test]
fn receipts_are_proven() {
    let mut state = ExecutionState::new(&genesis(&[100, 50], &[10]));
    let pays = vec![transfer(0, 0, 3, &[(1, 20)]), transfer(1, 5, 1, &[(0, 1)])];
    let done = state.execute(&block(1, pays, vec![]));
    let receipts = done.receipts();
    for (index, receipt) in (0..).zip(&receipts) {
        let proof = merkle::prove(&receipts, index).expect("a receipt");
        assert!(proof.verify(&done.receipts_root, receipt));
        assert!(!proof.verify(&done.outbox_root, receipt));
    }
    assert_eq!(done.outbox_root, merkle::root(&[]));
}

/// A block that changes nothing leaves nothing to remember.
#[test]
fn empty_blocks_are_not_remembered() {
    let mut cells = Cells::default();
    let same = || vec![(paths()[0], Some(account(3)))];
    cells.commit_block(Height::new(1), same(), &BTreeMap::new());
    let remembered = codec::encode(&cells).len();
    for height in 2..50 {
        let changes = if height % 2 == 0 { same() } else { vec![] };
        cells.commit_block(Height::new(height), changes, &BTreeMap::new());
        assert_eq!(codec::encode(&cells).len(), remembered);
    }
    cells.rollback(Height::ZERO).expect("within the last 64 heights");
    assert_eq!(cells, Cells::default());
}
