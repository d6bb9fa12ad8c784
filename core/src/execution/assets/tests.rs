//! The supplies that are kept are those of the cells at every height, also after blocks were taken
//! back, and a block in which the two accounts of an asset differ does not pass.

use std::collections::BTreeMap;

use super::*;
use crate::{
    codec::{self, Bounded},
    execution::{
        ExecutionState, Supply,
        cell::{AssetRecord, Balance, CellPath},
        cells::Cells,
        fixtures::{CHAIN, address, block, genesis, signed},
    },
    transaction::{
        Burn, CoinId, CoinOutput, Coins, Issue, Mint, Output, Transaction, TransactionBody,
        TransactionKind,
    },
    types::{Digest, Height},
};

fn asset() -> AssetId {
    AssetId::of_transaction(Digest::new([7; 32]))
}

fn record(issued: u64, burned: u64) -> (CellPath, Option<Cell>) {
    let issuer = address(0);
    let record = AssetRecord { id: asset(), issuer, decimals: 0, cap: u64::MAX, issued, burned };
    (CellPath::asset(&asset()), Some(Cell::Asset(record)))
}

fn balance(account: u8, amount: u64) -> (CellPath, Option<Cell>) {
    let path = CellPath::balance(&address(account), &Asset::Issued(asset()));
    (path, (amount > 0).then_some(Cell::Balance(Balance { asset: asset(), amount })))
}

/// Cells in which account 0 has all ten tokens there are, after height 1.
fn ten() -> Cells {
    let mut cells = Cells::default();
    commit(&mut cells, 1, vec![balance(0, 10), record(10, 0)], flow(0, 10, 10, 0));
    cells
}

fn flow(debited: u128, credited: u128, issued: u64, burned: u64) -> Flow {
    Flow { debited, credited, issued, burned }
}

fn commit(cells: &mut Cells, height: u64, mut cs: Vec<(CellPath, Option<Cell>)>, flow: Flow) {
    cs.sort_by_key(|(path, _)| *path);
    cells.commit_block(Height::new(height), cs, &BTreeMap::from([(asset(), flow)]));
}

#[test]
fn what_adds_up_passes() {
    let mut cells = ten();
    commit(&mut cells, 2, vec![balance(0, 4), balance(1, 6)], flow(10, 10, 0, 0));
    commit(&mut cells, 3, vec![balance(0, 0), record(10, 4)], flow(4, 0, 0, 4));
    let supply = AssetSupply { balances: 6, coins: 0, issued: 10, burned: 4 };
    assert_eq!(*cells.asset_supplies(), BTreeMap::from([(asset(), supply)]));
    cells.rollback(Height::new(1)).expect("remembered");
    assert_eq!(cells, ten());
    cells.rollback(Height::ZERO).expect("remembered");
    assert_eq!(cells.asset_supplies().len(), 0, "of an asset that is gone nothing is kept");
}

#[test]
#[should_panic(expected = "was counted, but")]
fn cells_that_nobody_counted_stop_the_program() {
    commit(&mut ten(), 2, vec![balance(1, 3)], Flow::default());
}

#[test]
#[should_panic(expected = "was counted, but")]
fn counts_without_cells_stop_the_program() {
    commit(&mut ten(), 2, vec![], flow(0, 3, 0, 0));
}

#[test]
#[should_panic(expected = "was counted, but")]
fn an_issue_that_nobody_counted_stops_the_program() {
    commit(&mut ten(), 2, vec![balance(0, 13), record(13, 0)], flow(10, 13, 0, 0));
}

#[test]
#[should_panic(expected = "was counted, but")]
fn a_burn_that_nobody_counted_stops_the_program() {
    commit(&mut ten(), 2, vec![balance(0, 7), record(10, 3)], flow(10, 7, 0, 0));
}

/// Both accounts agree that tokens were given which nobody issued.
#[test]
#[should_panic(expected = "leaks")]
fn tokens_from_nowhere_stop_the_program() {
    commit(&mut ten(), 2, vec![balance(1, 3)], flow(0, 3, 0, 0));
}

#[test]
#[should_panic(expected = "leaks")]
fn tokens_to_nowhere_stop_the_program() {
    commit(&mut ten(), 2, vec![balance(0, 7)], flow(10, 7, 0, 0));
}

/// What is kept is stored, and what is stored is believed only if the cells come to the same.
#[test]
fn stored_supplies_of_other_cells_are_refused() {
    let cells = ten();
    let bytes = codec::encode(&cells);
    assert_eq!(codec::decode::<Cells>(&bytes, 1 << 20), Ok(cells.clone()));
    let kept = codec::encode(&AssetLedger::of(cells.values()));
    let place = bytes.windows(kept.len()).position(|window| window == kept);
    let place = place.expect("a state holds its supplies");
    // Behind the number of entries and the asset's name: four amounts.
    for at in place + 4..place + kept.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(codec::decode::<Cells>(&changed, 1 << 20).is_err(), "byte {at}");
    }
}

/// A stored state whose cells and supplies were changed alike: no leak is older than its restart.
#[test]
fn a_stored_state_that_leaks_is_refused() {
    let mut leaking = Cells::default();
    let mut cs = vec![balance(0, 11), record(10, 0)];
    cs.sort_by_key(|(path, _)| *path);
    leaking.commit(cs);
    let bytes = codec::encode(&leaking);
    assert!(codec::decode::<Cells>(&bytes, 1 << 20).is_err());
}

fn of(payer: u8, nonce: u64, kind: TransactionKind) -> Transaction {
    let height = Height::new(u64::MAX);
    signed(TransactionBody::new(CHAIN, address(payer), nonce, 1, height, kind), payer)
}

/// Created, paid, minted, put into coins, burned: at every height the supplies are those of the cells,
/// and going back brings back those of before.
#[test]
fn supplies_are_kept_and_taken_back() {
    let create =
        of(0, 0, TransactionKind::Issue(Issue::Create { decimals: 2, cap: 90, amount: 30 }));
    let asset = AssetId::of_transaction(create.id());
    let amount = |amount| Amount { asset: Asset::Issued(asset), amount };
    let out = |to, amount| Output { to: address(to), asset: Asset::Issued(asset), amount };
    let mint = |to, much| Mint { to: address(to), amount: much };
    let pay = TransactionKind::transfer(vec![out(1, 12), out(2, 1)]);
    let more = Issue::Mint { asset, mints: Bounded::new(vec![mint(2, 4), mint(3, 5)]) };
    let to_coins = Coins {
        outputs: Bounded::new(vec![CoinOutput { owner: address(2), amount: amount(5) }]),
        funds: Bounded::new(vec![amount(5)]),
        inputs: Bounded::new(vec![]),
        credits: Bounded::new(vec![]),
    };
    let blocks = vec![
        vec![create],
        vec![],
        vec![of(0, 1, pay), of(1, 0, TransactionKind::Burn(Burn { burned: amount(2) }))],
        vec![of(0, 2, TransactionKind::Issue(more)), of(2, 0, TransactionKind::Coins(to_coins))],
        vec![of(3, 0, TransactionKind::Burn(Burn { burned: amount(5) }))],
    ];
    let mut state = ExecutionState::new(&genesis(&[1_000; 4], &[10]));
    let mut past = vec![state.clone()];
    for (height, transactions) in (1..).zip(blocks) {
        let done = state.execute(&block(height, transactions, vec![]));
        assert_eq!((done.counts().failed, done.counts().skipped), (0, 0), "{:?}", done.outcomes);
        assert_eq!(*state.asset_supplies(), state.recounted_assets());
        past.push(state.clone());
    }
    let supply = AssetSupply { balances: 27, coins: 5, issued: 39, burned: 7 };
    assert_eq!(*state.asset_supplies(), BTreeMap::from([(asset, supply)]));
    let native: Supply = state.supply();
    assert_eq!(native.burned, 0, "native tokens are counted elsewhere");
    for height in (0..5u8).rev() {
        state.rollback(Height::new(height.into())).expect("remembered");
        let then = &past[usize::from(height)];
        assert_eq!(state.asset_supplies(), then.asset_supplies(), "height {height}");
        assert_eq!(&state, then);
    }
    assert_eq!(past[0].asset_supplies().len(), 0);
}

#[test]
fn parts_are_of_issued_assets_only() {
    let coin = |asset| {
        let amount = Amount { asset, amount: 3 };
        let id = CoinId { transaction: Digest::ZERO, index: 0 };
        Cell::Coin(Coin { id, owner: address(0), amount, height: Height::ZERO })
    };
    assert_eq!(part(&coin(Asset::Native)), None);
    let coins = AssetSupply { coins: 3, ..AssetSupply::default() };
    assert_eq!(part(&coin(Asset::Issued(asset()))), Some((asset(), coins)));
}
