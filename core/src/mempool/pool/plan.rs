//! Whether a transaction may come in, and who has to go for it. Changes nothing, so that one that is
//! refused in the end costs nobody a place.

use std::collections::BTreeSet;

use super::{
    Pool,
    queue::{Held, Queue, Worth, cost, rate},
    spends::inputs,
};
use crate::{
    mempool::{refusal::Refusal, slots::Slot},
    planted::planted,
    transaction::{Address, Payer, Transaction},
    types::Digest,
};

/// How often a transaction may be replaced.
const REPLACEMENTS_MAX: u8 = 8;

/// How many transactions may be replaced by one.
const REPLACED_MAX: usize = 8;

/// How to make room for a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Last transactions of queues, and what coins pay for, in the order they go.
    pub(super) victims: Vec<Slot>,
    /// Those of the same payer that exclude the new one.
    pub(super) replaced: Vec<Slot>,
}

impl Pool {
    /// Decides what has to go for a transaction, or why it may not come in.
    pub(super) fn plan(&self, id: &Digest, tx: &Transaction) -> Result<Plan, Refusal> {
        let body = &tx.body;
        if self.ids.contains(id) {
            return Err(Refusal::Duplicate);
        }
        if body.valid_until <= self.executed {
            return Err(Refusal::Expired);
        }
        let (mut plan, ready) = match body.payer {
            Payer::Account { address, nonce } => {
                let plan = self.plan_payment(&address, nonce, tx)?;
                (plan, self.would_be_ready(&address, nonce))
            }
            Payer::Coins { owner } => (self.plan_spend(&owner, tx)?, self.is_made(tx)),
        };
        let (mut count, mut bytes) = (self.len() + 1, self.bytes + u64::from(tx.encoded_len()));
        for slot in plan.replaced.iter().chain(&plan.victims) {
            count -= 1;
            bytes -= u64::from(self.slots.at(*slot).bytes);
        }
        let worth = if ready { rate(tx) } else { 0 };
        self.make_room(&mut plan, count, bytes, &body.payer, worth)?;
        Ok(plan)
    }

    /// What has to go of the payer's own queue.
    fn plan_payment(&self, payer: &Address, nonce: u64, tx: &Transaction) -> Result<Plan, Refusal> {
        let queue = self.queues.get(payer);
        self.check_nonce(queue, payer, nonce)?;
        self.signing_at(payer, nonce).check(tx)?;
        let mut plan = Plan::default();
        let mut goes: Option<&Held> = None;
        if let Some(old) = queue.and_then(|queue| queue.by_nonce.get(&nonce)) {
            self.check_replacement(&[*old], tx)?;
            plan.replaced.push(*old);
            goes = Some(self.slots.at(*old));
        } else if let Some((last, slot)) = self.own_overflow(queue) {
            if last < nonce {
                return Err(Refusal::PayerFull);
            }
            plan.victims.push(slot);
            goes = Some(self.slots.at(slot));
        }
        self.check_funds(queue, goes, tx)?;
        Ok(plan)
    }

    /// What has to go of what waits to spend the same coins of the same owner.
    fn plan_spend(&self, owner: &Address, tx: &Transaction) -> Result<Plan, Refusal> {
        self.accounts.signing(owner).check(tx)?;
        let spender = |coin| self.spends.spender(coin, *owner);
        let replaced: BTreeSet<Slot> =
            inputs(tx).iter().filter_map(|coin| spender(*coin)).collect();
        if replaced.len() > REPLACED_MAX {
            return Err(Refusal::ReplacesTooMany);
        }
        let replaced: Vec<Slot> = replaced.into_iter().collect();
        self.check_replacement(&replaced, tx)?;
        let max = self.limits.payer_transactions_max;
        if replaced.is_empty() && self.spends.count_of(owner) >= max {
            return Err(Refusal::PayerFull);
        }
        Ok(Plan { victims: Vec::new(), replaced })
    }

    /// The payer's last transaction, if the payer may not have one more.
    fn own_overflow(&self, queue: Option<&Queue>) -> Option<(u64, Slot)> {
        queue.filter(|queue| queue.len() >= self.limits.payer_transactions_max)?.last()
    }

    /// A nonce must be near the payer's next one, and nearer still to the end of what can run: some
    /// transactions overtake others on their way, but those that cannot run are a cheap way to fill
    /// the pool.
    fn check_nonce(
        &self,
        queue: Option<&Queue>,
        payer: &Address,
        nonce: u64,
    ) -> Result<(), Refusal> {
        if nonce == u64::MAX {
            // Execution never uses the last nonce, since none could follow it.
            return Err(Refusal::NonceTooFar);
        }
        let held = |end: fn(&Queue) -> Option<(u64, Slot)>| {
            queue.and_then(end).map_or(nonce, |(nonce, _)| nonce)
        };
        let (first, last) = match self.accounts.next(payer) {
            Some(next) if nonce < next => return Err(Refusal::NonceUsed),
            Some(next) => (next, nonce),
            None => (held(Queue::first).min(nonce), held(Queue::last).max(nonce)),
        };
        let end = queue.map_or(first, |queue| queue.end_of_run(first));
        let parked = nonce.saturating_sub(end);
        if last - first >= self.limits.nonce_window || parked > self.limits.parked_max {
            return Err(Refusal::NonceTooFar);
        }
        Ok(())
    }

    /// All a payer has waiting must be paid from what it owned after the last block. What a payer owns
    /// may be unknown; then a block will tell.
    fn check_funds(
        &self,
        queue: Option<&Queue>,
        goes: Option<&Held>,
        tx: &Transaction,
    ) -> Result<(), Refusal> {
        let Some(balance) = self.accounts.balance(&tx.body.payer.address()) else { return Ok(()) };
        let reserved = queue.map_or(0, |queue| queue.reserved);
        let others = reserved - goes.map_or(0, |held| u128::from(held.cost));
        if others + u128::from(cost(tx)) > u128::from(balance) {
            return Err(Refusal::Overdrawn);
        }
        Ok(())
    }

    /// Adds the cheapest of what other payers can lose to the plan until all fits with `count`
    /// transactions and `bytes`, as long as each is worth less than the new one is.
    fn make_room(
        &self,
        plan: &mut Plan,
        mut count: u64,
        mut bytes: u64,
        payer: &Payer,
        worth: u64,
    ) -> Result<(), Refusal> {
        let is_own = |tail: &Worth| self.slots.at(tail.slot).shares_queue_with(payer);
        let mut tails = self.tails.iter().filter(|tail| !is_own(tail)).peekable();
        // What becomes the last of a queue once the plan's victims are gone.
        let mut exposed: BTreeSet<Worth> = BTreeSet::new();
        let full =
            |count, bytes| count > self.limits.transactions_max || bytes > self.limits.bytes_max;
        while full(count, bytes) && !planted!(PoolUnbounded) {
            let from_exposed = match (exposed.first(), tails.peek()) {
                (Some(known), Some(tail)) => known < *tail,
                (exposed, _) => exposed.is_some(),
            };
            let victim = if from_exposed {
                exposed.pop_first().expect("it was just looked at")
            } else {
                *tails.next().ok_or(Refusal::Full)?
            };
            if victim.rate >= worth {
                return Err(Refusal::Full);
            }
            let held = self.slots.at(victim.slot);
            count -= 1;
            bytes -= u64::from(held.bytes);
            plan.victims.push(victim.slot);
            let Payer::Account { address, nonce } = held.transaction.body.payer else { continue };
            let queue = &self.queues[&address];
            if let Some((_, slot)) = queue.by_nonce.range(..nonce).next_back() {
                let ready = queue.head.is_some();
                exposed.insert(Worth::of(self.slots.at(*slot), *slot, ready));
            }
        }
        Ok(())
    }

    fn would_be_ready(&self, payer: &Address, nonce: u64) -> bool {
        let first = self.first(payer).map_or(nonce, |(first, _)| first.min(nonce));
        self.accounts.next(payer).is_none_or(|next| next == first)
    }

    /// A replacement pays a tenth more than all it replaces, rounded up, and at least one token: in all,
    /// so that passing it on is paid for, and for each byte than each of them, so that the block gains
    /// by it.
    fn check_replacement(&self, replaced: &[Slot], new: &Transaction) -> Result<(), Refusal> {
        let olds = || replaced.iter().map(|slot| self.slots.at(*slot));
        let fee = |held: &Held| u128::from(held.transaction.body.fee);
        let (was, is) = (olds().map(fee).sum::<u128>(), u128::from(new.body.fee));
        let is_bytes = u128::from(new.encoded_len());
        let in_all = is >= was + was.div_ceil(10).max(1);
        let by_byte = |old: &Held| is * u128::from(old.bytes) * 10 >= fee(old) * is_bytes * 11;
        let pays = replaced.is_empty() || (in_all && olds().all(by_byte));
        if !pays && !planted!(ReplacedForNothing) {
            return Err(Refusal::Underpriced);
        }
        if olds().any(|old| old.replaced >= REPLACEMENTS_MAX) {
            return Err(Refusal::ReplacedTooOften);
        }
        Ok(())
    }
}
