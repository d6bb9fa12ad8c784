//! What the next block takes from the pool.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Pool,
    queue::{Held, Queue, Rank},
    spends::{Turns, inputs},
};
use crate::{
    block::Block,
    mempool::{limits::Room, signing::Signing},
    planted::planted,
    transaction::{Address, CoinId, Payer, TRANSACTION_BYTES_MIN, Transaction, TransactionKind},
    types::Digest,
};

/// Bytes of the count before an encoded list.
const COUNT_BYTES: u32 = 4;

/// The nonces of each payer that blocks not executed yet have used.
type Used = BTreeMap<Address, BTreeSet<u64>>;

/// What blocks not executed yet use up.
#[derive(Default)]
struct Below {
    used: Used,
    /// Coins, and who spends them.
    spent: BTreeSet<(CoinId, Address)>,
    /// What makes coins.
    made: BTreeSet<Digest>,
}

/// How a payer stands above some blocks that are not executed yet.
struct Branch<'a> {
    /// Its next nonce, if that is known.
    next: Option<u64>,
    signing: Signing<'a>,
    used: BTreeSet<u64>,
}

impl Branch<'_> {
    /// Whether execution would take a transaction, as far as its keys and its nonce go.
    fn takes(&self, tx: &Transaction) -> bool {
        let in_turn = match (self.next, tx.body.payer.nonce()) {
            (Some(next), Some(nonce)) => next == nonce,
            _ => true,
        };
        in_turn && tx.has_plausible_signers() && self.signing.check(tx).is_ok()
    }
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
        let Below { used, spent, made } = match planted!(AncestorsRepeated) {
            true => Below::default(),
            false => self.below(ancestors),
        };
        let mut ahead = self.heads_above(&used);
        let mut turns = Turns::new(self, spent, made, &mut ahead);
        let mut heads = self.heads.iter().peekable();
        let mut bytes_left = room.bytes_max.saturating_sub(COUNT_BYTES);
        let mut count_left = room.transactions_max;
        let mut taken = Vec::new();
        while count_left > 0 && bytes_left >= TRANSACTION_BYTES_MIN {
            while heads.next_if(|head| self.is_overtaken(head, &used, &turns)).is_some() {}
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
                    ahead.extend(self.follower(&address, nonce, rank.round, &used));
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
    fn is_overtaken(&self, head: &Rank, used: &Used, turns: &Turns<'_>) -> bool {
        match self.slots.at(head.slot).transaction.body.payer {
            Payer::Account { address, .. } => used.contains_key(&address),
            Payer::Coins { owner } => turns.has(&owner),
        }
    }

    /// What a payer offers after the one with this nonce.
    fn follower(&self, payer: &Address, nonce: u64, round: u32, used: &Used) -> Option<Rank> {
        let next = nonce.saturating_add(1);
        let is_used = used.get(payer).is_some_and(|nonces| nonces.contains(&next));
        let slot = self.queues.get(payer)?.by_nonce.get(&next).filter(|_| !is_used)?;
        Some(Rank::of(self.slots.at(*slot), *slot, round.saturating_add(1)))
    }

    /// The first transactions that follow what the ancestors hold, for payers that they hold any of.
    fn heads_above(&self, used: &Used) -> BTreeSet<Rank> {
        let mut heads = BTreeSet::new();
        for (payer, nonces) in used {
            let Some(queue) = self.queues.get(payer) else { continue };
            let Some(mut next) = self.first_unexecuted(payer, queue, nonces) else { continue };
            while nonces.contains(&next) {
                next = next.saturating_add(1);
            }
            if let Some(slot) = queue.by_nonce.get(&next) {
                heads.insert(Rank::of(self.slots.at(*slot), *slot, 0));
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
    fn below<'a>(&self, ancestors: impl IntoIterator<Item = &'a Arc<Block>>) -> Below {
        let mut below = Below::default();
        let mut branches: BTreeMap<Address, Branch<'_>> = BTreeMap::new();
        for tx in ancestors.into_iter().flat_map(|block| &block.payload().transactions) {
            let payer = tx.body.payer.address();
            let branch = branches.entry(payer).or_insert_with(|| Branch {
                next: self.accounts.next(&payer),
                signing: self.accounts.signing(&payer),
                used: BTreeSet::new(),
            });
            if !branch.takes(tx) {
                continue;
            }
            if let Payer::Account { nonce, .. } = tx.body.payer {
                branch.next = branch.next.map(|next| next.saturating_add(1));
                branch.signing = branch.signing.after(tx);
                branch.used.insert(nonce);
            }
            if self.spends.len() > 0 && matches!(tx.body.kind, TransactionKind::Coins(_)) {
                below.spent.extend(inputs(tx).iter().map(|coin| (*coin, payer)));
                below.made.insert(tx.id());
            }
        }
        branches.retain(|_, branch| !branch.used.is_empty());
        below.used = branches.into_iter().map(|(payer, branch)| (payer, branch.used)).collect();
        below
    }
}
