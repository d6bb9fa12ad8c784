//! Whether a transaction may come in, and who has to go for it. Changes nothing, so that one that is
//! refused in the end costs nobody a place.

use std::collections::BTreeMap;

use super::{
    Pool,
    queue::{Held, Queue, Worth, cost, place, rate},
};
use crate::{
    mempool::{refusal::Refusal, slots::Slot},
    transaction::{Address, Transaction},
    types::Digest,
};

/// How often one nonce's transaction may be replaced.
const REPLACEMENTS_MAX: u8 = 8;

/// How to make room for a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Last transactions of queues, in the order they go.
    pub(super) victims: Vec<(Address, u64)>,
    /// Whether the payer's own transaction with this nonce goes.
    pub(super) replaces: bool,
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
        let (payer, nonce) = place(tx);
        let queue = self.queues.get(&payer);
        self.check_nonce(queue, &payer, nonce)?;
        self.signing_at(&payer, nonce).check(tx)?;
        let mut plan = Plan::default();
        let mut goes: Option<&Held> = None;
        if let Some(old) = queue.and_then(|queue| queue.by_nonce.get(&nonce)) {
            let old = self.slots.at(*old);
            check_replacement(old, tx)?;
            plan.replaces = true;
            goes = Some(old);
        } else if let Some((last, slot)) = self.own_overflow(queue) {
            if last < nonce {
                return Err(Refusal::PayerFull);
            }
            plan.victims.push((payer, last));
            goes = Some(self.slots.at(slot));
        }
        self.check_funds(queue, goes, tx)?;
        let (freed, gone) = goes.map_or((0, 0), |held| (u64::from(held.bytes), 1));
        let bytes = self.bytes - freed + u64::from(tx.encoded_len());
        self.make_room(&mut plan, self.len() + 1 - gone, bytes, tx)?;
        Ok(plan)
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

    /// Adds the cheapest other payers' last transactions to the plan until `tx` fits with `count`
    /// transactions and `bytes` in all, as long as each is worth less than `tx`.
    fn make_room(
        &self,
        plan: &mut Plan,
        mut count: u64,
        mut bytes: u64,
        tx: &Transaction,
    ) -> Result<(), Refusal> {
        let (payer, nonce) = place(tx);
        let worth = if self.would_be_ready(&payer, nonce) { rate(tx) } else { 0 };
        let mut tails = self.tails.iter().filter(|tail| tail.payer != payer).peekable();
        // What becomes the last of a queue once the plan's victims are gone.
        let mut exposed: BTreeMap<Worth, u64> = BTreeMap::new();
        while count > self.limits.transactions_max || bytes > self.limits.bytes_max {
            let from_exposed = match (exposed.first_key_value(), tails.peek()) {
                (Some((known, _)), Some(tail)) => known < *tail,
                (exposed, _) => exposed.is_some(),
            };
            let (victim, nonce) = if from_exposed {
                exposed.pop_first().expect("it was just looked at")
            } else {
                let tail = *tails.next().ok_or(Refusal::Full)?;
                (tail, self.last_nonce(&tail.payer).expect("a tail has a queue"))
            };
            if victim.rate >= worth {
                return Err(Refusal::Full);
            }
            let queue = &self.queues[&victim.payer];
            count -= 1;
            bytes -= u64::from(self.slots.at(queue.by_nonce[&nonce]).bytes);
            plan.victims.push((victim.payer, nonce));
            if let Some((before, slot)) = queue.by_nonce.range(..nonce).next_back() {
                let held = self.slots.at(*slot);
                exposed.insert(Worth::of(held, queue.head.is_some()), *before);
            }
        }
        Ok(())
    }

    fn would_be_ready(&self, payer: &Address, nonce: u64) -> bool {
        let first = self.first_nonce(payer).map_or(nonce, |first| first.min(nonce));
        self.accounts.next(payer).is_none_or(|next| next == first)
    }
}

/// A replacement pays a tenth more than what it replaces, rounded up, and at least one token: in all,
/// so that passing it on is paid for, and for each byte, so that the block gains by it.
fn check_replacement(old: &Held, new: &Transaction) -> Result<(), Refusal> {
    let (was, is) = (u128::from(old.transaction.body.fee), u128::from(new.body.fee));
    let (was_bytes, is_bytes) = (u128::from(old.bytes), u128::from(new.encoded_len()));
    let in_all = is >= was + was.div_ceil(10).max(1);
    let by_byte = is * was_bytes * 10 >= was * is_bytes * 11;
    if !in_all || !by_byte {
        return Err(Refusal::Underpriced);
    }
    if old.replaced >= REPLACEMENTS_MAX {
        return Err(Refusal::ReplacedTooOften);
    }
    Ok(())
}
