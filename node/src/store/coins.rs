//! The coins of an owner, one page after the other, however many there are.
//!
//! Read from a pinned view of the database, so that all pages are of one state while blocks go on being
//! committed; handed out through a bounded channel, so that a slow reader costs a page of memory and not a
//! list. Coins lie by hash, not by owner: all coins are looked at.

use quorate_core::{
    execution::cell::{Cell, CellKind, Coin},
    transaction::Address,
    types::Height,
};
use rocksdb::ReadOptions;
use tokio::sync::mpsc::Sender;

use super::{Store, columns::Column, error::StoreError, guard, keys::Key, values::Committed};

/// Between two looks at whether anybody still listens.
const LOOK_EVERY: u32 = 1_000;

/// Coins of one owner, from one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoinPage {
    /// The height that all pages of one reading are of.
    pub height: Height,
    /// Ascending by the path of their cells. Only the last page may be short or empty.
    pub coins: Vec<Coin>,
    /// Whether there are no more.
    pub is_last: bool,
}

impl Store {
    /// Sends all coins of `owner` in pages of `page` coins. Returns early if the receiver is gone.
    ///
    /// Blocks, also while the channel is full: to be run where that is allowed.
    ///
    /// # Errors
    /// If the disk fails or a cell is damaged; pages that were sent are good.
    ///
    /// # Panics
    /// If `page` is zero, or this is an async context.
    pub fn stream_coins(
        &self,
        owner: &Address,
        page: usize,
        out: &Sender<CoinPage>,
    ) -> Result<(), StoreError> {
        guard::check();
        assert!(page > 0, "pages hold something");
        let database = &self.0.database;
        let pinned = database.raw().snapshot();
        let key = Key::committed();
        let bytes = pinned.get_cf(database.handle(key.column), &key.bytes);
        let bytes = bytes.map_err(|error| database.error(error))?;
        let missing = || database.damage(key.column, &key.bytes, "is missing");
        let committed: Committed =
            database.decode(key.column, &key.bytes, &bytes.ok_or_else(missing)?)?;

        let mut options = ReadOptions::default();
        // A long walk over what is read once would drive everything else out of the cache.
        options.fill_cache(false);
        options.set_readahead_size(2 << 20);
        let prefix = [CellKind::Coin.code()];
        let mut rows = pinned.raw_iterator_cf_opt(database.handle(Column::Cells), options);
        rows.seek(prefix);
        let mut coins = Vec::with_capacity(page.min(4_096));
        let send = |coins: Vec<Coin>, is_last| {
            out.blocking_send(CoinPage { height: committed.height, coins, is_last }).is_ok()
        };
        let mut since_look = 0;
        while let Some((key, value)) = rows.item() {
            if !key.starts_with(&prefix) {
                break;
            }
            since_look += 1;
            if since_look == LOOK_EVERY {
                since_look = 0;
                // The coins of an owner may be far apart, or there may be none at all.
                if out.is_closed() {
                    return Ok(());
                }
            }
            match database.decode(Column::Cells, key, value)? {
                Cell::Coin(coin) if coin.owner == *owner => coins.push(coin),
                Cell::Coin(_) => {}
                _ => return Err(database.damage(Column::Cells, key, "is no coin")),
            }
            if coins.len() == page && !send(std::mem::take(&mut coins), false) {
                return Ok(());
            }
            rows.next();
        }
        rows.status().map_err(|error| database.error(error))?;
        send(coins, true);
        Ok(())
    }
}
