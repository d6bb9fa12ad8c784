//! A planted mistake, for a test build only: the world looks something up in an unordered map.
//!
//! With the feature `planted-unordered-map` who pays for a transfer depends on the order in which a
//! `HashMap` is iterated, which another process does not share. `prove` has to find that.

use std::{
    collections::{HashMap, hash_map::RandomState},
    sync::LazyLock,
};

/// Made once per process. Within a run the runtime's own randomness, which follows the seed, would take
/// the place of the operating system's, and the map would be in the same order everywhere.
static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Draws this process's hash keys. To be called before the thread of a run begins.
pub fn prepare() {
    LazyLock::force(&STATE);
}

/// The account that comes at this place when a map of so many accounts is iterated.
#[must_use]
pub fn account_at(place: usize, accounts: usize) -> usize {
    let mut unordered = HashMap::with_hasher(STATE.clone());
    unordered.extend((0..accounts).map(|account| (account, ())));
    unordered.into_keys().nth(place).unwrap_or(place)
}
