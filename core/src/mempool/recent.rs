//! Ids of transactions that were executed lately, so that late gossip does not bring them back.

use std::collections::VecDeque;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    mempool::id_map::{IdMap, MapKey},
    types::Digest,
};

/// A bounded memory that forgets the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Recent {
    ids: IdMap<()>,
    order: VecDeque<Digest>,
    max: u64,
}

impl Recent {
    pub(super) fn new(key: MapKey, max: u64) -> Self {
        Self { ids: IdMap::new(key), order: VecDeque::new(), max }
    }

    pub(super) fn contains(&self, id: &Digest) -> bool {
        self.ids.contains(id)
    }

    pub(super) fn insert(&mut self, id: Digest) {
        if self.ids.insert(id, ()).is_some() {
            return;
        }
        self.order.push_back(id);
        while self.order.len() > usize::try_from(self.max).unwrap_or(usize::MAX) {
            let oldest = self.order.pop_front().expect("more than the maximum are remembered");
            self.ids.remove(&oldest);
        }
    }
}
