//! All coins of an owner, from one state, through a channel that holds two pages.

use std::collections::BTreeSet;

use quorate_core::{
    execution::cell::{Cell, CellPath, Coin},
    transaction::{Amount, Asset, CoinId},
};
use tokio::sync::mpsc;

use super::*;
use crate::store::{coins::CoinPage, database::Durability, keys::Key};

const COINS: u64 = 5_000;

fn owner(number: u64) -> Address {
    Address::of_key(&account_key(number).public())
}

/// Coins straight into the column, every third of somebody else.
fn put_coins(store: &Store, first: u64, count: u64) -> BTreeSet<CoinId> {
    let mut changes = store.0.database.changes();
    let mut own = BTreeSet::new();
    for number in first..first + count {
        let mut raw = [0; 32];
        raw[..8].copy_from_slice(&number.to_le_bytes());
        let id = CoinId { transaction: Digest::new(raw), index: 0 };
        let amount = Amount { asset: Asset::Native, amount: number };
        let owner = if number % 3 == 0 { owner(2) } else { owner(1) };
        let coin = Coin { id, owner, amount, height: Height::new(1) };
        changes.put(&Key::cell(&CellPath::coin(&id)), &Cell::Coin(coin));
        if number % 3 != 0 {
            own.insert(id);
        }
    }
    changes.write(Durability::Synced).expect("a disk that works");
    own
}

/// Reads in another thread, as a node does. `during` is called with every page.
fn read(store: &Store, page: usize, mut during: impl FnMut(&CoinPage)) -> Vec<CoinPage> {
    let (out, mut pages) = mpsc::channel(2);
    let reader = store.clone();
    let reading = std::thread::spawn(move || reader.stream_coins(&owner(1), page, &out));
    let mut all = Vec::new();
    while let Some(page) = pages.blocking_recv() {
        during(&page);
        all.push(page);
    }
    reading.join().expect("no panic").expect("a good store");
    all
}

#[test]
fn every_coin_comes_once_and_in_order() {
    let stage = Stage::new(0);
    let store = stage.open();
    let own = put_coins(&store, 0, COINS);
    let pages = read(&store, 64, |_| {});
    let coins: Vec<CoinId> =
        pages.iter().flat_map(|page| &page.coins).map(|coin| coin.id).collect();
    assert_eq!(coins.len(), own.len());
    assert_eq!(coins.iter().copied().collect::<BTreeSet<_>>(), own);
    assert!(coins.is_sorted_by_key(CellPath::coin), "in the order of their cells");
    let (last, full) = pages.split_last().expect("a last page");
    assert!(last.is_last && full.iter().all(|page| page.coins.len() == 64 && !page.is_last));
}

/// What is written while pages are read belongs to a later state.
#[test]
fn all_pages_are_of_one_state() {
    let stage = Stage::new(0);
    let store = stage.open();
    let own = put_coins(&store, 0, COINS);
    let mut pages_seen = 0;
    let pages = read(&store, 100, |_| {
        pages_seen += 1;
        if pages_seen == 3 {
            put_coins(&store, COINS, 300);
        }
    });
    let count: usize = pages.iter().map(|page| page.coins.len()).sum();
    assert_eq!(count, own.len());
    assert!(pages.iter().all(|page| page.height == Height::ZERO));
}

/// A reader that goes away ends the reading.
#[test]
fn nobody_listening_is_no_error() {
    let stage = Stage::new(0);
    let store = stage.open();
    put_coins(&store, 0, COINS);
    let (out, pages) = mpsc::channel(1);
    drop(pages);
    assert_eq!(store.stream_coins(&owner(1), 10, &out), Ok(()));
}

/// Also one whose coins never come: the damage far behind is not reached.
#[test]
fn nobody_waiting_for_nothing() {
    let stage = Stage::new(0);
    let store = stage.open();
    put_coins(&store, 0, COINS);
    let mut changes = store.0.database.changes();
    let path = CellPath::coin(&CoinId { transaction: Digest::new([255; 32]), index: 9 });
    let last = [&path.get()[..1], [255; 31].as_slice()].concat();
    changes.put(&Key { column: Column::Cells, bytes: last }, &77_u8);
    changes.write(Durability::Synced).expect("a disk that works");
    let (out, pages) = mpsc::channel(1);
    assert!(store.stream_coins(&owner(3), 10, &out).is_err(), "somebody waits for the end");
    drop(pages);
    assert_eq!(store.stream_coins(&owner(3), 10, &out), Ok(()));
}

#[test]
fn an_owner_without_coins_gets_an_empty_page() {
    let stage = Stage::new(0);
    let pages = read(&stage.open(), 10, |_| {});
    assert_eq!(pages, [CoinPage { height: Height::ZERO, coins: vec![], is_last: true }]);
}
