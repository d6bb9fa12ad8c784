//! What the next block takes from the pool.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Pool,
    queue::{Held, Queue, Rank},
};
use crate::{
    block::Block,
    mempool::{limits::Room, signing::Signing},
    transaction::{Address, Payer, TRANSACTION_BYTES_MIN},
};

/// Bytes of the count before an encoded list.
const COUNT_BYTES: u32 = 4;

/// The nonces of each payer that blocks not executed yet have used.
type Used = BTreeMap<Address, BTreeSet<u64>>;

/// How a payer stands above some blocks that are not executed yet.
struct Branch<'a> {
    /// Its next nonce, if that is known.
    next: Option<u64>,
    signing: Signing<'a>,
    used: BTreeSet<u64>,
}

impl Pool {
    /// Transactions for a block above `ancestors`: of each payer in nonce order without a gap, none
    /// that an ancestor holds, the best paying first, payers within a band taking turns.
    pub(in crate::mempool) fn select<'a>(
        &self,
        ancestors: impl IntoIterator<Item = &'a Arc<Block>>,
        room: Room,
    ) -> Vec<&Held> {
        let used = self.used(ancestors);
        let mut ahead = self.heads_above(&used);
        let mut heads = self.heads.iter().filter(|head| !used.contains_key(&head.payer)).peekable();
        let mut bytes_left = room.bytes_max.saturating_sub(COUNT_BYTES);
        let mut count_left = room.transactions_max;
        let mut taken = Vec::new();
        while count_left > 0 && bytes_left >= TRANSACTION_BYTES_MIN {
            let from_ahead = match (ahead.first_key_value(), heads.peek()) {
                (Some((known, _)), Some(head)) => known < *head,
                (known, _) => known.is_some(),
            };
            let (rank, nonce) = if from_ahead {
                ahead.pop_first().expect("it was just looked at")
            } else {
                let Some(head) = heads.next() else { break };
                (*head, self.first_nonce(&head.payer).expect("a head has a queue"))
            };
            let queue = &self.queues[&rank.payer];
            let held = self.slots.at(queue.by_nonce[&nonce]);
            // Whoever's turn cannot be taken has none later in this block: the rest would be a gap.
            if held.bytes > bytes_left || held.transaction.body.valid_until < room.height {
                continue;
            }
            bytes_left -= held.bytes;
            count_left -= 1;
            taken.push(held);
            let next = nonce.saturating_add(1);
            let is_used = used.get(&rank.payer).is_some_and(|nonces| nonces.contains(&next));
            if let Some(follower) = queue.by_nonce.get(&next).filter(|_| !is_used) {
                let follower = self.slots.at(*follower);
                ahead.insert(Rank::of(follower, rank.round.saturating_add(1)), next);
            }
        }
        taken
    }

    /// The first transactions that follow what the ancestors hold, for payers that they hold any of.
    fn heads_above(&self, used: &Used) -> BTreeMap<Rank, u64> {
        let mut heads = BTreeMap::new();
        for (payer, nonces) in used {
            let Some(queue) = self.queues.get(payer) else { continue };
            let Some(mut next) = self.first_unexecuted(payer, queue, nonces) else { continue };
            while nonces.contains(&next) {
                next = next.saturating_add(1);
            }
            if let Some(slot) = queue.by_nonce.get(&next) {
                heads.insert(Rank::of(self.slots.at(*slot), 0), next);
            }
        }
        heads
    }

    /// The payer's next nonce before the ancestors; if unknown, the lowest anyone has seen.
    fn first_unexecuted(
        &self,
        payer: &Address,
        queue: &Queue,
        used: &BTreeSet<u64>,
    ) -> Option<u64> {
        let lowest = || {
            let held = queue.first().map(|(nonce, _)| nonce);
            held.into_iter().chain(used.first().copied()).min()
        };
        self.accounts.next(payer).or_else(lowest)
    }

    /// What the ancestors use up, as execution would have it: a transaction that others than its payer's
    /// signers signed uses nothing, so that nobody can hold up somebody else's, and neither does one
    /// whose turn it is not.
    fn used<'a>(&self, ancestors: impl IntoIterator<Item = &'a Arc<Block>>) -> Used {
        let mut branches: BTreeMap<Address, Branch<'_>> = BTreeMap::new();
        for tx in ancestors.into_iter().flat_map(|block| &block.payload().transactions) {
            let Payer::Account { address, nonce } = tx.body.payer else { continue };
            let branch = branches.entry(address).or_insert_with(|| Branch {
                next: self.accounts.next(&address),
                signing: self.accounts.signing(&address),
                used: BTreeSet::new(),
            });
            let is_next = branch.next.is_none_or(|next| next == nonce);
            if !is_next || !tx.has_plausible_signers() || branch.signing.check(tx).is_err() {
                continue;
            }
            branch.next = branch.next.map(|next| next.saturating_add(1));
            branch.signing = branch.signing.after(tx);
            branch.used.insert(nonce);
        }
        branches.retain(|_, branch| !branch.used.is_empty());
        branches.into_iter().map(|(payer, branch)| (payer, branch.used)).collect()
    }
}
