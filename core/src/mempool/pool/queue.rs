//! One transaction that waits, one payer's queue, and what queues are ranked by.

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    mempool::{signing::changes_signers, slots::Slot},
    transaction::{Address, Payer, Transaction},
    types::{Digest, Height},
};

/// A transaction that waits.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(in crate::mempool) struct Held {
    pub(in crate::mempool) transaction: Transaction,
    pub(in crate::mempool) id: Digest,
    /// Names it together with its signatures, which were checked.
    pub(in crate::mempool) sealed: Digest,
    pub(super) bytes: u32,
    /// Fee per 1024 bytes, for ranking.
    pub(super) rate: u64,
    /// What it takes from the payer's native tokens if all goes well.
    pub(super) cost: u64,
    /// When it came, as a count.
    pub(super) order: u64,
    /// How many transactions it has replaced, one after the other.
    pub(super) replaced: u8,
    /// It is dropped once this height is executed.
    pub(super) expires: Height,
}

impl Held {
    /// Whether it stands where what this payer pays for would stand: in one account's queue, or among
    /// one owner's coins.
    pub(super) fn shares_queue_with(&self, payer: &Payer) -> bool {
        let own = &self.transaction.body.payer;
        own.address() == payer.address() && own.nonce().is_some() == payer.nonce().is_some()
    }
}

/// Ascending: what a block takes first.
///
/// Fees are compared by band, a band being all rates of one bit length, so within a factor of two
/// payers take turns: one that pays a little more gets its turn earlier, not all the turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub(super) struct Rank {
    /// Leading zeros of the rate: fewer pay more.
    band: u32,
    /// How many the block has taken from this payer already.
    pub(super) round: u32,
    /// The complement of the rate.
    cheapness: u64,
    /// When it came.
    order: u64,
    pub(super) slot: Slot,
}

impl Rank {
    pub(super) fn of(held: &Held, slot: Slot, round: u32) -> Self {
        Self {
            band: held.rate.leading_zeros(),
            round,
            cheapness: !held.rate,
            order: held.order,
            slot,
        }
    }

    /// The same in another round.
    pub(super) fn in_round(self, round: u32) -> Self {
        Self { round, ..self }
    }
}

/// Ascending: what has to go first when there is no room. Of equals, the one that came last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub(super) struct Worth {
    /// The rate; zero if the queue, or what coins pay for, is not ready.
    pub(super) rate: u64,
    /// The complement of when it came.
    lateness: u64,
    pub(super) slot: Slot,
}

impl Worth {
    pub(super) fn of(held: &Held, slot: Slot, ready: bool) -> Self {
        Self { rate: if ready { held.rate } else { 0 }, lateness: !held.order, slot }
    }
}

/// One payer's transactions, and where its entries in the two rankings are.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Queue {
    pub(super) by_nonce: BTreeMap<u64, Slot>,
    /// The nonces of those that change whose signatures the payer takes.
    pub(super) changes: BTreeSet<u64>,
    /// The sum of their costs: what the payer must own for all of them to succeed.
    pub(super) reserved: u128,
    pub(super) head: Option<Rank>,
    pub(super) tail: Option<Worth>,
}

impl Queue {
    pub(super) fn insert(&mut self, held: &Held, slot: Slot) {
        let (_, nonce) = place(&held.transaction);
        self.by_nonce.insert(nonce, slot);
        self.reserved += u128::from(held.cost);
        if changes_signers(&held.transaction) {
            self.changes.insert(nonce);
        }
    }

    pub(super) fn remove(&mut self, nonce: u64, cost: u64) {
        self.changes.remove(&nonce);
        self.by_nonce.remove(&nonce).expect("only what is held is removed");
        self.reserved -= u128::from(cost);
    }

    pub(super) fn first(&self) -> Option<(u64, Slot)> {
        self.by_nonce.first_key_value().map(|(nonce, slot)| (*nonce, *slot))
    }

    pub(super) fn last(&self) -> Option<(u64, Slot)> {
        self.by_nonce.last_key_value().map(|(nonce, slot)| (*nonce, *slot))
    }

    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.by_nonce.len()).expect("a usize fits")
    }

    /// The first nonce from `from` that is not held.
    pub(super) fn end_of_run(&self, from: u64) -> u64 {
        let mut end = from;
        for nonce in self.by_nonce.range(from..).map(|(nonce, _)| *nonce) {
            if nonce != end {
                break;
            }
            end = end.saturating_add(1);
        }
        end
    }
}

/// Fee per 1024 bytes, rounded down.
pub(super) fn rate(tx: &Transaction) -> u64 {
    let wide = u128::from(tx.body.fee) * 1024 / u128::from(tx.encoded_len());
    u64::try_from(wide).unwrap_or(u64::MAX)
}

/// What a transaction takes from its payer's native tokens if all goes well; if it can only fail, its
/// fee.
pub(super) fn cost(tx: &Transaction) -> u64 {
    tx.body.native_debit().unwrap_or_else(|_| tx.body.native_fee())
}

/// The queue that a transaction belongs in, and its place there.
///
/// # Panics
/// If no account pays for it.
pub(super) fn place(tx: &Transaction) -> (Address, u64) {
    let nonce = tx.body.payer.nonce().expect("only what accounts pay for has a queue");
    (tx.body.payer.address(), nonce)
}
