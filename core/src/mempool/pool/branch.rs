//! How payers stand above blocks that are not executed yet.
//!
//! Those blocks may hold tens of thousands of transactions, and every proposal looks at all of them, so payers are
//! found by hashing, what they used is kept in one piece where it is one, and what waits here as well is not looked
//! at twice.

use std::{collections::BTreeSet, ops::Range};

use super::{
    Pool,
    queue::{Held, Queue},
};
use crate::{
    mempool::{
        id_map::{IdMap, MapKey},
        signing::Signing,
        slots::Slots,
    },
    transaction::{Address, Payer, Transaction},
};

/// How a payer stands above some blocks that are not executed yet.
pub(super) struct Branch<'a> {
    /// Its next nonce before those blocks, if that is known.
    pub(super) executed: Option<u64>,
    /// Its next nonce above those looked at so far, if that is known.
    next: Option<u64>,
    signing: Signing<'a>,
    /// What waits of it.
    pub(super) queue: Option<&'a Queue>,
    /// The nonces that those blocks use.
    pub(super) used: Nonces,
}

impl<'a> Branch<'a> {
    /// Whether those blocks use any of its nonces.
    pub(super) fn is_used(&self) -> bool {
        !self.used.is_empty()
    }

    /// Whether execution would take a transaction, as far as its keys and its nonce go.
    pub(super) fn takes(&self, tx: &Transaction, slots: &Slots<Held>) -> bool {
        let in_turn = match (self.next, tx.body.payer.nonce()) {
            (Some(next), Some(nonce)) => next == nonce,
            _ => true,
        };
        // Only what has plausible signers gets to wait, and comparing costs less than hashing keys.
        let is_plausible = || self.waits(tx, slots) || tx.has_plausible_signers();
        in_turn && is_plausible() && self.signing.check(tx).is_ok()
    }

    /// Whether the very same transaction waits.
    fn waits(&self, tx: &Transaction, slots: &Slots<Held>) -> bool {
        let slot = self.queue.zip(tx.body.payer.nonce());
        let slot = slot.and_then(|(queue, nonce)| queue.by_nonce.get(&nonce));
        slot.is_some_and(|slot| slots.at(*slot).transaction == *tx)
    }

    /// Executes a transaction, as far as its nonce and the payer's signers go.
    pub(super) fn take(&mut self, tx: &'a Transaction) {
        if let Payer::Account { nonce, .. } = tx.body.payer {
            self.next = self.next.map(|next| next.saturating_add(1));
            self.signing = self.signing.after(tx);
            self.used.insert(nonce);
        }
    }
}

/// The payers of some blocks, in the order in which they were met.
pub(super) struct Branches<'a> {
    places: IdMap<usize>,
    list: Vec<Branch<'a>>,
}

impl<'a> Branches<'a> {
    /// Of no blocks.
    pub(super) fn new(key: MapKey) -> Self {
        Self { places: IdMap::new(key), list: Vec::new() }
    }

    /// How a payer stands, if the blocks have anything of it.
    pub(super) fn of(&self, payer: &Address) -> Option<&Branch<'a>> {
        self.places.find(payer.digest()).map(|place| &self.list[place])
    }

    /// How a payer stands, if need be before all blocks.
    pub(super) fn of_or_begin(&mut self, payer: Address, pool: &'a Pool) -> &mut Branch<'a> {
        let place = self.places.find(payer.digest()).unwrap_or_else(|| {
            let (executed, signing) = pool.accounts.standing(&payer);
            let (queue, used) = (pool.queues.get(&payer), Nonces::default());
            self.list.push(Branch { executed, next: executed, signing, queue, used });
            let place = self.list.len() - 1;
            self.places.insert(*payer.digest(), place);
            place
        });
        &mut self.list[place]
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Branch<'a>> {
        self.list.iter()
    }
}

/// Some nonces, most often one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Nonces {
    run: Range<u64>,
    others: BTreeSet<u64>,
}

impl Nonces {
    fn is_empty(&self) -> bool {
        self.run.is_empty() && self.others.is_empty()
    }

    fn insert(&mut self, nonce: u64) {
        let after = nonce.saturating_add(1);
        if self.run.is_empty() && after > nonce {
            self.run = nonce..after;
        } else if nonce == self.run.end && after > nonce {
            self.run.end = after;
        } else if !self.contains(nonce) {
            self.others.insert(nonce);
        }
    }

    /// Whether it is one of them.
    pub(super) fn contains(&self, nonce: u64) -> bool {
        self.run.contains(&nonce) || self.others.contains(&nonce)
    }

    /// The lowest.
    pub(super) fn first(&self) -> Option<u64> {
        let run = (!self.run.is_empty()).then_some(self.run.start);
        run.into_iter().chain(self.others.first().copied()).min()
    }

    /// The first from one on that is none of them.
    pub(super) fn end_of_run(&self, from: u64) -> u64 {
        let mut next = from;
        while next < u64::MAX && self.contains(next) {
            next = if self.run.contains(&next) { self.run.end } else { next + 1 };
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::{BTreeSet, Nonces};

    proptest! {
        /// The same as a set, in whatever order they come.
        #[test]
        fn nonces_are_a_set(
            nonces in vec(prop_oneof![0_u64..12, u64::MAX - 3..=u64::MAX], 0..20),
            from in prop_oneof![0_u64..12, u64::MAX - 3..=u64::MAX],
        ) {
            let mut own = Nonces::default();
            let mut plain = BTreeSet::new();
            for nonce in nonces {
                own.insert(nonce);
                plain.insert(nonce);
                prop_assert!(plain.iter().all(|one| own.contains(*one)));
            }
            prop_assert_eq!(own.first(), plain.first().copied());
            prop_assert_eq!(own.is_empty(), plain.is_empty());
            prop_assert_eq!(own.contains(from), plain.contains(&from));
            let mut end = from;
            while end < u64::MAX && plain.contains(&end) {
                end += 1;
            }
            prop_assert_eq!(own.end_of_run(from), end);
        }
    }
}
