//! What the next block takes from the pool.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Pool,
    branch::{Branch, Branches},
    queue::{Held, Queue, Rank},
    spends::{Turns, inputs},
};
use crate::{
    block::Block,
    mempool::limits::Room,
    planted::planted,
    transaction::{Address, CoinId, Payer, TRANSACTION_BYTES_MIN, TransactionKind},
    types::Digest,
};

/// Bytes of the count before an encoded list.
const COUNT_BYTES: u32 = 4;

/// What blocks not executed yet use up.
struct Below<'a> {
    payers: Branches<'a>,
    /// Coins, and who spends them.
    spent: BTreeSet<(CoinId, Address)>,
    /// What makes coins.
    made: BTreeSet<Digest>,
}

impl Pool {
    /// Transactions for a block above `ancestors`: of each payer in nonce order without a gap, none
    /// that an ancestor holds, what makes a coin before what spends it, the best paying first, payers
    /// within a band taking turns.
    pub(in crate::mempool) fn select<'a>(
        &self,
        ancestors: impl IntoIterator<Item = &'a Arc<Block>>,
        room: Room,
    ) -> Vec<&Held> {
        let Below { payers, spent, made } = match planted!(AncestorsRepeated) {
            true => self.below([]),
            false => self.below(ancestors),
        };
        let mut ahead = self.heads_above(&payers);
        let mut turns = Turns::new(self, spent, made, &mut ahead);
        let mut heads = self.heads.iter().peekable();
        let mut bytes_left = room.bytes_max.saturating_sub(COUNT_BYTES);
        let mut count_left = room.transactions_max;
        let mut taken = Vec::new();
        while count_left > 0 && bytes_left >= TRANSACTION_BYTES_MIN {
            while heads.next_if(|head| self.is_overtaken(head, &payers, &turns)).is_some() {}
            let from_ahead = match (ahead.first(), heads.peek()) {
                (Some(known), Some(head)) => known < *head,
                (known, _) => known.is_some(),
            };
            let rank = if from_ahead {
                ahead.pop_first().expect("it was just looked at")
            } else {
                let Some(head) = heads.next() else { break };
                *head
            };
            let held = self.slots.at(rank.slot);
            let fits = held.bytes <= bytes_left && held.transaction.body.valid_until >= room.height;
            if fits {
                bytes_left -= held.bytes;
                count_left -= 1;
                taken.push(held);
            }
            match held.transaction.body.payer {
                // Whoever's turn cannot be taken has none later in this block: the rest would be a gap.
                Payer::Account { address, nonce } if fits => {
                    ahead.extend(self.follower(&address, nonce, rank.round, &payers));
                }
                Payer::Account { .. } => {}
                Payer::Coins { .. } => turns.on_turn(held, rank.slot, fits, &mut ahead),
            }
            if fits {
                turns.on_made(held, &mut ahead);
            }
        }
        taken
    }

    /// Whether what blocks below hold, or this one, makes a head another than it is.
    fn is_overtaken(&self, head: &Rank, below: &Branches<'_>, turns: &Turns<'_>) -> bool {
        match self.slots.at(head.slot).transaction.body.payer {
            Payer::Account { address, .. } => below.of(&address).is_some_and(Branch::is_used),
            Payer::Coins { owner } => turns.has(&owner),
        }
    }

    /// What a payer offers after the one with this nonce.
    fn follower(
        &self,
        payer: &Address,
        nonce: u64,
        round: u32,
        below: &Branches<'_>,
    ) -> Option<Rank> {
        let next = nonce.saturating_add(1);
        let is_used = below.of(payer).is_some_and(|branch| branch.used.contains(next));
        let slot = self.queues.get(payer)?.by_nonce.get(&next).filter(|_| !is_used)?;
        Some(Rank::of(self.slots.at(*slot), *slot, round.saturating_add(1)))
    }

    /// The first transactions that follow what the ancestors hold, for payers that they hold any of.
    fn heads_above(&self, below: &Branches<'_>) -> BTreeSet<Rank> {
        let head = |branch: &Branch<'_>| {
            let queue = branch.queue?;
            let next = branch.used.end_of_run(first_unexecuted(branch, queue)?);
            let slot = queue.by_nonce.get(&next)?;
            Some(Rank::of(self.slots.at(*slot), *slot, 0))
        };
        below.iter().filter(|branch| branch.is_used()).filter_map(head).collect()
    }

    /// What the ancestors use up, as execution would have it: a transaction that others than its payer's
    /// signers signed uses nothing, so that nobody can hold up somebody else's, and neither does one
    /// whose turn it is not.
    fn below<'b, 'a: 'b>(
        &'b self,
        ancestors: impl IntoIterator<Item = &'a Arc<Block>>,
    ) -> Below<'b> {
        let payers = Branches::new(self.ids.key());
        let mut below = Below { payers, spent: BTreeSet::new(), made: BTreeSet::new() };
        for tx in ancestors.into_iter().flat_map(|block| &block.payload().transactions) {
            let payer = tx.body.payer.address();
            let branch = below.payers.of_or_begin(payer, self);
            if !branch.takes(tx, &self.slots) {
                continue;
            }
            branch.take(tx);
            if self.spends.len() > 0 && matches!(tx.body.kind, TransactionKind::Coins(_)) {
                below.spent.extend(inputs(tx).iter().map(|coin| (*coin, payer)));
                below.made.insert(tx.id());
            }
        }
        below
    }
}

/// The payer's next nonce before the ancestors; if unknown, the lowest anyone has seen.
fn first_unexecuted(branch: &Branch<'_>, queue: &Queue) -> Option<u64> {
    let lowest = || {
        let held = queue.first().map(|(nonce, _)| nonce);
        held.into_iter().chain(branch.used.first()).min()
    };
    branch.executed.or_else(lowest)
}
