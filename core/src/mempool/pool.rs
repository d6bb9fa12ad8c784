//! The transactions that wait, and the order in which blocks take them.
//!
//! One queue per payer, by nonce. A queue is *ready* when its first transaction carries the payer's
//! next nonce, or that nonce is unknown. Ready queues are ranked by what their first transaction pays;
//! all queues are ranked by what their last one pays, which is what has to go first. Removing a last
//! one leaves no gap. Every operation costs the logarithm of what is held for each transaction it adds,
//! removes or takes. Signatures were checked before.

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    execution::{ExecutedBlock, Outcome, Skip},
    mempool::{
        limits::Limits,
        nonces::{Forgotten, Nonces},
        refusal::Refusal,
    },
    transaction::{Address, Transaction},
    types::{Digest, Height},
};

/// How often one nonce's transaction may be replaced.
const REPLACEMENTS_MAX: u8 = 8;

mod select;

/// A transaction that waits.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Held {
    transaction: Transaction,
    id: Digest,
    bytes: u32,
    /// Fee per 1024 bytes.
    rate: u64,
    /// When it came, as a count.
    order: u64,
    /// How many transactions with its nonce it has replaced.
    replaced: u8,
}

/// Ascending: what a block takes first.
///
/// Fees are compared by band, a band being all rates of one bit length, so within a factor of two
/// payers take turns: one that pays a little more gets its turn earlier, not all the turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
struct Rank {
    /// Leading zeros of the rate: fewer pay more.
    band: u32,
    /// How many the block has taken from this payer already.
    round: u32,
    /// The complement of the rate.
    cheapness: u64,
    /// When it came.
    order: u64,
    payer: Address,
}

impl Rank {
    fn of(held: &Held, round: u32) -> Self {
        Self {
            band: held.rate.leading_zeros(),
            round,
            cheapness: !held.rate,
            order: held.order,
            payer: held.transaction.body.payer,
        }
    }
}

/// Ascending: what has to go first when there is no room. Of equals, the one that came last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
struct Worth {
    /// The rate of the last transaction; zero if the queue is not ready.
    rate: u64,
    /// The complement of when it came.
    lateness: u64,
    payer: Address,
}

impl Worth {
    fn of(held: &Held, ready: bool) -> Self {
        Self {
            rate: if ready { held.rate } else { 0 },
            lateness: !held.order,
            payer: held.transaction.body.payer,
        }
    }
}

/// One payer's transactions, and where its entries in the two rankings are.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Queue {
    by_nonce: BTreeMap<u64, Held>,
    head: Option<Rank>,
    tail: Option<Worth>,
}

/// A transaction that is not held any more, and why; no reason if a block had it.
pub(super) type Dropped = (Digest, Option<Refusal>);

/// How to make room for a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Plan {
    /// Last transactions of queues, in the order they go.
    victims: Vec<(Address, u64)>,
    /// Whether the payer's own transaction with this nonce goes.
    replaces: bool,
}

/// Everything that waits.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Pool {
    limits: Limits,
    /// Never holds an empty queue.
    queues: BTreeMap<Address, Queue>,
    ids: BTreeMap<Digest, (Address, u64)>,
    heads: BTreeSet<Rank>,
    tails: BTreeSet<Worth>,
    expiries: BTreeSet<(Height, Address, u64)>,
    nonces: Nonces,
    executed: Height,
    bytes: u64,
    order: u64,
}

impl Pool {
    pub(super) fn new(limits: Limits, executed: Height) -> Self {
        Self {
            limits,
            queues: BTreeMap::new(),
            ids: BTreeMap::new(),
            heads: BTreeSet::new(),
            tails: BTreeSet::new(),
            expiries: BTreeSet::new(),
            nonces: Nonces::new(limits.nonces_max, executed == Height::ZERO),
            executed,
            bytes: 0,
            order: 0,
        }
    }

    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.ids.len()).expect("a usize fits")
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.heads.is_empty()
    }

    pub(super) fn transaction(&self, id: &Digest) -> Option<&Transaction> {
        let (payer, nonce) = self.ids.get(id)?;
        Some(&self.queues[payer].by_nonce[nonce].transaction)
    }

    /// Whether [`Self::admit`] would take it.
    pub(super) fn check_admissible(&self, id: &Digest, tx: &Transaction) -> Result<(), Refusal> {
        self.plan(id, tx).map(|_| ())
    }

    /// Takes a transaction in, and returns those that had to go for it.
    pub(super) fn admit(&mut self, id: Digest, tx: Transaction) -> Result<Vec<Dropped>, Refusal> {
        let plan = self.plan(&id, &tx)?;
        let (payer, nonce) = (tx.body.payer, tx.body.nonce);
        let mut dropped = Vec::new();
        for (other, last) in plan.victims {
            dropped.push((self.remove(&other, last), Some(Refusal::Evicted)));
        }
        let mut replaced = 0;
        if plan.replaces {
            replaced = self.queues[&payer].by_nonce[&nonce].replaced + 1;
            dropped.push((self.remove(&payer, nonce), Some(Refusal::Replaced)));
        }
        let (bytes, order) = (tx.encoded_len(), self.order);
        self.order = order.checked_add(1).expect("2^64 transactions outlast any process");
        self.bytes += u64::from(bytes);
        self.ids.insert(id, (payer, nonce));
        self.expiries.insert((tx.body.valid_until, payer, nonce));
        let held = Held { id, bytes, rate: rate(&tx), order, replaced, transaction: tx };
        self.queues.entry(payer).or_default().by_nonce.insert(nonce, held);
        self.relink(&payer);
        self.check_bounds();
        Ok(dropped)
    }

    /// Learns what a block did, and drops what it made pointless: what it executed, what has a used
    /// nonce, what cannot be paid with everything behind it, and what has expired.
    pub(super) fn on_executed(&mut self, done: &ExecutedBlock) -> Vec<Dropped> {
        assert!(done.height > self.executed, "{} executed after {}", done.height, self.executed);
        self.executed = done.height;
        let ran = |outcome: &Outcome| matches!(outcome, Outcome::Applied | Outcome::Failed(_));
        let included: BTreeSet<Digest> =
            done.outcomes.iter().filter(|(_, outcome)| ran(outcome)).map(|(id, _)| *id).collect();
        let mut dropped = Vec::new();
        for (payer, next) in &done.nonces {
            self.learn(payer, *next);
            while let Some(nonce) = self.first_nonce(payer).filter(|first| first < next) {
                let id = self.remove(payer, nonce);
                let reason = (!included.contains(&id)).then_some(Refusal::NonceUsed);
                dropped.push((id, reason));
            }
        }
        let unpaid = Outcome::Skipped(Skip::CannotPay);
        for (id, _) in done.outcomes.iter().filter(|(_, outcome)| *outcome == unpaid) {
            self.drop_from(id, &mut dropped);
        }
        while let Some(&(valid_until, payer, nonce)) = self.expiries.first() {
            if valid_until > self.executed {
                break;
            }
            dropped.push((self.remove(&payer, nonce), Some(Refusal::Expired)));
        }
        dropped
    }

    /// Drops a transaction that cannot be paid and, last first, those that can only run after it.
    fn drop_from(&mut self, id: &Digest, dropped: &mut Vec<Dropped>) {
        let Some(&(payer, nonce)) = self.ids.get(id) else { return };
        while let Some(last) = self.last_nonce(&payer).filter(|last| *last >= nonce) {
            dropped.push((self.remove(&payer, last), Some(Refusal::CannotPay)));
        }
    }

    /// Decides whether a transaction may come in and who has to go for it. Changes nothing, so that a
    /// transaction that is refused in the end costs nobody a place.
    fn plan(&self, id: &Digest, tx: &Transaction) -> Result<Plan, Refusal> {
        let body = &tx.body;
        if self.ids.contains_key(id) {
            return Err(Refusal::Duplicate);
        }
        if body.valid_until <= self.executed {
            return Err(Refusal::Expired);
        }
        let queue = self.queues.get(&body.payer);
        self.check_nonce(queue, &body.payer, body.nonce)?;
        let mut plan = Plan::default();
        let mut freed = 0;
        if let Some(old) = queue.and_then(|queue| queue.by_nonce.get(&body.nonce)) {
            check_replacement(old, tx)?;
            plan.replaces = true;
            freed = u64::from(old.bytes);
        } else if let Some((last, held)) = self.own_overflow(queue) {
            if *last < body.nonce {
                return Err(Refusal::PayerFull);
            }
            plan.victims.push((body.payer, *last));
            freed = u64::from(held.bytes);
        }
        let gone = u64::from(freed > 0);
        let bytes = self.bytes - freed + u64::from(tx.encoded_len());
        self.make_room(&mut plan, self.len() + 1 - gone, bytes, tx)?;
        Ok(plan)
    }

    /// The payer's last transaction, if the payer may not have one more.
    fn own_overflow<'a>(&self, queue: Option<&'a Queue>) -> Option<(&'a u64, &'a Held)> {
        let queue = queue?;
        let held = u64::try_from(queue.by_nonce.len()).expect("a usize fits");
        queue.by_nonce.last_key_value().filter(|_| held >= self.limits.payer_transactions_max)
    }

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
        let spread = if let Some(next) = self.nonces.next(payer) {
            nonce.checked_sub(next).ok_or(Refusal::NonceUsed)?
        } else {
            let held = queue.map(|queue| &queue.by_nonce);
            let first = held.and_then(BTreeMap::first_key_value).map_or(nonce, |(first, _)| *first);
            let last = held.and_then(BTreeMap::last_key_value).map_or(nonce, |(last, _)| *last);
            last.max(nonce) - first.min(nonce)
        };
        if spread >= self.limits.nonce_window {
            return Err(Refusal::NonceTooFar);
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
        let payer = &tx.body.payer;
        let worth = if self.would_be_ready(payer, tx.body.nonce) { rate(tx) } else { 0 };
        let mut tails = self.tails.iter().filter(|tail| tail.payer != *payer).peekable();
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
            bytes -= u64::from(queue.by_nonce[&nonce].bytes);
            plan.victims.push((victim.payer, nonce));
            if let Some((before, held)) = queue.by_nonce.range(..nonce).next_back() {
                exposed.insert(Worth::of(held, queue.head.is_some()), *before);
            }
        }
        Ok(())
    }

    fn would_be_ready(&self, payer: &Address, nonce: u64) -> bool {
        let first = self.first_nonce(payer).map_or(nonce, |first| first.min(nonce));
        self.nonces.next(payer).is_none_or(|next| next == first)
    }

    fn learn(&mut self, payer: &Address, next: u64) {
        match self.nonces.learn(*payer, next) {
            Forgotten::Nobody => {}
            Forgotten::Payer(other) => self.relink(&other),
            Forgotten::AllUnseen => {
                let all: Vec<Address> = self.queues.keys().copied().collect();
                all.iter().for_each(|other| self.relink(other));
            }
        }
        self.relink(payer);
    }

    fn remove(&mut self, payer: &Address, nonce: u64) -> Digest {
        let queue = self.queues.get_mut(payer).expect("only what is held is removed");
        let held = queue.by_nonce.remove(&nonce).expect("only what is held is removed");
        self.bytes -= u64::from(held.bytes);
        self.ids.remove(&held.id);
        self.expiries.remove(&(held.transaction.body.valid_until, *payer, nonce));
        self.relink(payer);
        held.id
    }

    /// Brings a queue's places in the rankings up to date, and forgets an empty queue.
    fn relink(&mut self, payer: &Address) {
        let next = self.nonces.next(payer);
        let Some(queue) = self.queues.get_mut(payer) else { return };
        queue.head.take().map(|head| self.heads.remove(&head));
        queue.tail.take().map(|tail| self.tails.remove(&tail));
        let (Some((first, head)), Some((_, tail))) =
            (queue.by_nonce.first_key_value(), queue.by_nonce.last_key_value())
        else {
            self.queues.remove(payer);
            return;
        };
        let ready = next.is_none_or(|next| next == *first);
        let tail = Worth::of(tail, ready);
        self.tails.insert(tail);
        let head = ready.then(|| Rank::of(head, 0));
        self.heads.extend(head);
        queue.head = head;
        queue.tail = Some(tail);
    }

    fn first_nonce(&self, payer: &Address) -> Option<u64> {
        self.queues.get(payer)?.by_nonce.first_key_value().map(|(nonce, _)| *nonce)
    }

    fn last_nonce(&self, payer: &Address) -> Option<u64> {
        self.queues.get(payer)?.by_nonce.last_key_value().map(|(nonce, _)| *nonce)
    }

    fn check_bounds(&self) {
        let (held, limits) = (self.len(), &self.limits);
        assert!(held <= limits.transactions_max, "{held} held of {}", limits.transactions_max);
        assert!(self.bytes <= limits.bytes_max, "{} bytes of {}", self.bytes, limits.bytes_max);
        assert_eq!(self.tails.len(), self.queues.len(), "one tail per queue");
        assert_eq!(self.expiries.len(), self.ids.len(), "one expiry per transaction");
    }
}

/// A replacement pays a tenth more than what it replaces, rounded up, and at least one token.
fn check_replacement(old: &Held, new: &Transaction) -> Result<(), Refusal> {
    let paid = u128::from(old.transaction.body.fee);
    let wanted = paid + paid.div_ceil(10).max(1);
    if u128::from(new.body.fee) < wanted {
        return Err(Refusal::Underpriced);
    }
    if old.replaced >= REPLACEMENTS_MAX {
        return Err(Refusal::ReplacedTooOften);
    }
    Ok(())
}

/// Fee per 1024 bytes, rounded down.
fn rate(tx: &Transaction) -> u64 {
    let wide = u128::from(tx.body.fee) * 1024 / u128::from(tx.encoded_len());
    u64::try_from(wide).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
