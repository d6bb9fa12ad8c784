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
    mempool::limits::Room,
    transaction::{Address, Payer, TRANSACTION_BYTES_MIN},
};

/// Bytes of the count before an encoded list.
const COUNT_BYTES: u32 = 4;

/// The nonces of each payer that blocks not executed yet have used.
type Used = BTreeMap<Address, BTreeSet<u64>>;

impl Pool {
    /// Transactions for a block above `ancestors`: of each payer in nonce order without a gap, none
    /// that an ancestor holds, the best paying first, payers within a band taking turns.
    pub(in crate::mempool) fn select<'a>(
        &self,
        ancestors: impl IntoIterator<Item = &'a Arc<Block>>,
        room: Room,
    ) -> Vec<&Held> {
        let used = used(ancestors);
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
}

/// What the ancestors use up. A transaction that its payer did not sign uses nothing, so that nobody
/// can hold up somebody else's.
fn used<'a>(ancestors: impl IntoIterator<Item = &'a Arc<Block>>) -> Used {
    let mut used = Used::new();
    for block in ancestors {
        for tx in block.payload().transactions.iter().filter(|tx| tx.is_signed_by_payer()) {
            if let Payer::Account { address, nonce } = tx.body.payer {
                used.entry(address).or_default().insert(nonce);
            }
        }
    }
    used
}
