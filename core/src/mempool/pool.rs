//! The transactions that wait, and the order in which blocks take them.
//!
//! One queue per account that pays, by nonce. A queue is *ready* when its first transaction carries the payer's
//! next nonce, or that nonce is unknown. Ready queues are ranked by what their first transaction pays;
//! all queues are ranked by what their last one pays, which is what has to go first. Removing a last
//! one leaves no gap. What coins pay for has no queue: it is ranked by itself, in both rankings, and is
//! ready unless what makes its coins waits here too. A transaction is found by its id in a time that does not depend on how many are
//! held; adding, removing and taking one costs the logarithm of it. Signatures were checked before.

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    execution::{ExecutedBlock, Outcome, Skip, Standing},
    mempool::{
        accounts::{Accounts, Forgotten},
        id_map::{IdMap, MapKey},
        limits::Limits,
        refusal::Refusal,
        signing::{Signing, changes_signers},
        slots::{Slot, Slots},
    },
    planted::planted,
    transaction::{Address, Payer, Transaction},
    types::{Digest, Height},
};

mod branch;
mod plan;
mod queue;
mod select;
mod spends;

pub(super) use self::queue::Held;
use self::{
    queue::{Queue, Rank, Worth, cost, rate},
    spends::Spends,
};

/// A transaction that is not held any more, and why; no reason if a block had it.
pub(super) type Dropped = (Digest, Option<Refusal>);

/// Everything that waits.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Pool {
    limits: Limits,
    slots: Slots<Held>,
    ids: IdMap<Slot>,
    /// Never holds an empty queue.
    queues: BTreeMap<Address, Queue>,
    spends: Spends,
    heads: BTreeSet<Rank>,
    tails: BTreeSet<Worth>,
    expiries: BTreeSet<(Height, Slot)>,
    accounts: Accounts,
    executed: Height,
    bytes: u64,
    order: u64,
}

impl Pool {
    pub(super) fn new(limits: Limits, executed: Height, key: MapKey) -> Self {
        Self {
            limits,
            slots: Slots::new(),
            ids: IdMap::new(key),
            queues: BTreeMap::new(),
            spends: Spends::default(),
            heads: BTreeSet::new(),
            tails: BTreeSet::new(),
            expiries: BTreeSet::new(),
            accounts: Accounts::new(limits.accounts_max, executed == Height::ZERO),
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

    /// What is held under an id.
    pub(super) fn held(&self, id: &Digest) -> Option<&Held> {
        self.ids.find(id).map(|slot| self.slots.at(slot))
    }

    /// Everything held, in no order that means anything.
    pub(super) fn all(&self) -> impl Iterator<Item = &Held> {
        self.slots.iter()
    }

    /// Whether [`Self::admit`] would take it.
    pub(super) fn check_admissible(&self, id: &Digest, tx: &Transaction) -> Result<(), Refusal> {
        self.plan(id, tx).map(|_| ())
    }

    /// Takes a transaction in, and returns those that had to go for it.
    pub(super) fn admit(
        &mut self,
        id: Digest,
        sealed: Digest,
        tx: Transaction,
    ) -> Result<Vec<Dropped>, Refusal> {
        let plan = self.plan(&id, &tx)?;
        let payer = tx.body.payer.address();
        let mut dropped = Vec::new();
        for slot in plan.victims {
            dropped.push((self.remove(slot).id, Some(Refusal::Evicted)));
        }
        let mut replaced = 0;
        let mut changes = changes_signers(&tx);
        for slot in plan.replaced {
            let old = self.remove(slot);
            replaced = replaced.max(old.replaced + 1);
            changes |= changes_signers(&old.transaction);
            dropped.push((old.id, Some(Refusal::Replaced)));
        }
        let order = self.order;
        self.order = order.checked_add(1).expect("2^64 transactions outlast any process");
        let held = Held {
            id,
            sealed,
            bytes: tx.encoded_len(),
            rate: rate(&tx),
            cost: cost(&tx),
            order,
            replaced,
            expires: tx.body.valid_until.min(self.executed.plus(self.limits.age_max)),
            transaction: tx,
        };
        self.add(held);
        if changes {
            self.judge_signers(&payer, &mut dropped);
        }
        self.check_bounds();
        Ok(dropped)
    }

    /// Learns what a block did, and drops what it made pointless: what it executed, what has a used
    /// nonce or spends what is spent, what others than the payer's signers signed, what cannot be paid
    /// with everything behind it, what has waited too long, and what could not be done.
    ///
    /// What was skipped because of its keys is not dropped for that. Ids leave signatures out, so a
    /// leader may put somebody's body with other keys into a block; the copy that waits here, with the
    /// right ones, must not suffer. Its payer's standing comes with the block, and by that it is judged.
    /// What was skipped because nobody pays was signed by the right keys: they are looked at first.
    pub(super) fn on_executed(&mut self, done: &ExecutedBlock) -> Vec<Dropped> {
        assert!(done.height > self.executed, "{} executed after {}", done.height, self.executed);
        self.executed = done.height;
        let ran = |outcome: &Outcome| matches!(outcome, Outcome::Applied | Outcome::Failed(_));
        let included: BTreeSet<Digest> =
            done.outcomes.iter().filter(|(_, outcome)| ran(outcome)).map(|(id, _)| *id).collect();
        let mut dropped = Vec::new();
        for standing in &done.payers {
            let Standing { address, nonce: next, signers, .. } = standing;
            let mut changes = self.accounts.signing(address) != Signing::of(signers.as_ref());
            self.learn(standing);
            while let Some((_, slot)) = self.first(address).filter(|(first, _)| first < next) {
                let Held { id, transaction, .. } = self.remove(slot);
                changes |= changes_signers(&transaction);
                let reason = (!included.contains(&id)).then_some(Refusal::NonceUsed);
                dropped.push((id, reason));
            }
            if changes {
                self.judge_signers(address, &mut dropped);
                self.judge_spends(address, &mut dropped);
            }
        }
        self.drop_spent(done, &mut dropped);
        for (id, outcome) in &done.outcomes {
            match outcome {
                Outcome::Skipped(Skip::CannotPay) => {
                    self.drop_from(id, Refusal::CannotPay, &mut dropped);
                }
                Outcome::Skipped(Skip::NoEnergy) => {
                    self.drop_from(id, Refusal::NoEnergy, &mut dropped);
                }
                _ => {}
            }
        }
        for (path, balance) in &done.balances {
            self.accounts.learn_balance(path, *balance);
        }
        self.drop_overdrawn(done, &mut dropped);
        self.drop_expired(&mut dropped);
        self.drop_skipped(done, &mut dropped);
        dropped
    }

    /// A payer that spent elsewhere, through another node say, keeps what it can still pay.
    fn drop_overdrawn(&mut self, done: &ExecutedBlock, dropped: &mut Vec<Dropped>) {
        let changed = done.balances.iter().filter_map(|(path, _)| self.accounts.payer_at(path));
        let payers = done.payers.iter().map(|standing| standing.address);
        let touched: BTreeSet<Address> = payers.chain(changed).collect();
        for payer in touched {
            let Some(balance) = self.accounts.balance(&payer) else { continue };
            while self.queues.get(&payer).is_some_and(|one| one.reserved > u128::from(balance)) {
                let (_, last) = self.last(&payer).expect("queues are not empty");
                dropped.push((self.remove(last).id, Some(Refusal::CannotPay)));
            }
        }
    }

    fn drop_expired(&mut self, dropped: &mut Vec<Dropped>) {
        let mut changed = BTreeSet::new();
        while let Some(&(expires, slot)) = self.expiries.first() {
            if expires > self.executed {
                break;
            }
            let held = self.slots.at(slot);
            let expired = held.transaction.body.valid_until <= self.executed;
            let reason = if expired { Refusal::Expired } else { Refusal::TooOld };
            let Held { id, transaction, .. } = self.remove(slot);
            dropped.push((id, Some(reason)));
            if changes_signers(&transaction) {
                changed.insert(transaction.body.payer.address());
            }
        }
        for payer in changed {
            self.judge_signers(&payer, dropped);
        }
    }

    /// Drops a transaction that cannot be paid and, last first, those that can only run after it.
    fn drop_from(&mut self, id: &Digest, reason: Refusal, dropped: &mut Vec<Dropped>) {
        let Some(held) = self.held(id) else { return };
        let Payer::Account { address, nonce } = held.transaction.body.payer else { return };
        while let Some((_, slot)) = self.last(&address).filter(|(last, _)| *last >= nonce) {
            dropped.push((self.remove(slot).id, Some(reason)));
        }
    }

    /// Whose signatures a payer takes at a nonce: those the account takes, as changed by what waits
    /// before.
    fn signing_at(&self, payer: &Address, nonce: u64) -> Signing<'_> {
        let signing = self.accounts.signing(payer);
        let Some(queue) = self.queues.get(payer) else { return signing };
        let change = queue.changes.range(..nonce).next_back();
        change.map_or(signing, |at| signing.after(&self.slots.at(queue.by_nonce[at]).transaction))
    }

    /// Judges a payer's transactions in order by whose signatures it takes, and drops those that do not
    /// fit. What comes behind one of them stays: it may be somebody else's that took the payer's nonce
    /// while nobody here knew its signers.
    fn judge_signers(&mut self, payer: &Address, dropped: &mut Vec<Dropped>) {
        let Some(queue) = self.queues.get(payer) else { return };
        let mut signing = self.accounts.signing(payer);
        let mut unfit = Vec::new();
        for slot in queue.by_nonce.values() {
            let tx = &self.slots.at(*slot).transaction;
            match signing.check(tx) {
                Ok(()) => signing = signing.after(tx),
                Err(reason) => unfit.push((*slot, reason)),
            }
        }
        for (slot, reason) in unfit {
            dropped.push((self.remove(slot).id, Some(reason)));
        }
    }

    fn learn(&mut self, standing: &Standing) {
        match self.accounts.learn(standing) {
            Forgotten::Nobody => {}
            Forgotten::Payer(other) => self.relink(&other),
            Forgotten::AllUnseen => {
                let all: Vec<Address> = self.queues.keys().copied().collect();
                all.iter().for_each(|other| self.relink(other));
            }
        }
        self.relink(&standing.address);
    }

    /// Puts a transaction where nothing is.
    fn add(&mut self, held: Held) {
        let slot = self.slots.insert(held);
        self.link(slot);
    }

    /// Has what lies at a place found wherever it is looked for.
    fn link(&mut self, slot: Slot) {
        let held = self.slots.at(slot);
        let id = held.id;
        self.bytes += u64::from(held.bytes);
        self.ids.insert(id, slot);
        self.expiries.insert((held.expires, slot));
        match held.transaction.body.payer {
            Payer::Account { address, .. } => {
                self.queues.entry(address).or_default().insert(held, slot);
                self.relink(&address);
            }
            Payer::Coins { .. } => self.add_spend(slot),
        }
        self.relink_heirs(&id);
    }

    fn remove(&mut self, slot: Slot) -> Held {
        let held = self.slots.at(slot);
        match held.transaction.body.payer {
            Payer::Account { address, nonce } => {
                let queue = self.queues.get_mut(&address).expect("only what is held is removed");
                queue.remove(nonce, held.cost);
                self.relink(&address);
            }
            Payer::Coins { .. } => self.remove_spend(slot),
        }
        let held = self.slots.remove(slot);
        self.bytes -= u64::from(held.bytes);
        self.ids.remove(&held.id);
        self.expiries.remove(&(held.expires, slot));
        self.relink_heirs(&held.id);
        held
    }

    /// Brings a queue's places in the rankings up to date, and forgets an empty queue.
    fn relink(&mut self, payer: &Address) {
        let next = self.accounts.next(payer);
        let Some(queue) = self.queues.get_mut(payer) else { return };
        queue.head.take().map(|head| self.heads.remove(&head));
        queue.tail.take().map(|tail| self.tails.remove(&tail));
        let (Some((first, head)), Some((_, tail))) = (queue.first(), queue.last()) else {
            self.queues.remove(payer);
            return;
        };
        let ready = next.is_none_or(|next| next == first);
        let tail = Worth::of(self.slots.at(tail), tail, ready);
        self.tails.insert(tail);
        let head = ready.then(|| Rank::of(self.slots.at(head), head, 0));
        self.heads.extend(head);
        queue.head = head;
        queue.tail = Some(tail);
    }

    fn payer_at(&self, slot: Slot) -> Address {
        self.slots.at(slot).transaction.body.payer.address()
    }

    fn first(&self, payer: &Address) -> Option<(u64, Slot)> {
        self.queues.get(payer)?.first()
    }

    fn last(&self, payer: &Address) -> Option<(u64, Slot)> {
        self.queues.get(payer)?.last()
    }

    fn check_bounds(&self) {
        if planted!(PoolUnbounded) {
            return;
        }
        let (held, limits) = (self.len(), &self.limits);
        assert!(held <= limits.transactions_max, "{held} held of {}", limits.transactions_max);
        assert!(self.bytes <= limits.bytes_max, "{} bytes of {}", self.bytes, limits.bytes_max);
        let tails = self.queues.len() + self.spends.len();
        assert_eq!(self.tails.len(), tails, "one per queue, and what coins pay for");
        assert_eq!(self.expiries.len(), self.ids.len(), "one expiry per transaction");
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
