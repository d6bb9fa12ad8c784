//! Transactions waiting for a block: a sans-IO machine.
//!
//! Clients and peers offer transactions; whatever could be refused without looking at a signature is,
//! the rest goes through one signature check and into the pool. It never sees the state: results of
//! blocks tell it which nonces are used and what payers own, and of what a payer owns all it has waiting
//! must be paid. It never holds more than its [`Limits`], and a block it fills has each payer's
//! transactions in nonce order without a gap or a duplicate, and spends no coin twice. docs/mempool.md describes it.

mod accounts;
mod id_map;
mod intake;
mod limits;
mod outbox;
mod pool;
mod ration;
mod recent;
mod refusal;
mod signing;
mod slots;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use borsh::{BorshDeserialize, BorshSerialize};

use self::{
    id_map::MapKey,
    intake::{Intake, Offer},
    outbox::Outbox,
    pool::{Dropped, Pool},
    ration::Ration,
    recent::Recent,
};
pub use self::{
    limits::{Limits, Room, UNCHECKED_BYTES_MAX},
    refusal::Refusal,
};
use crate::{
    block::{Block, TRANSACTIONS_MAX},
    codec::Bounded,
    compact::{CompactBlock, Parts, Wanted, sealed_id},
    effect::{Effects, PeerFault, Recipients, Timer},
    event::Event,
    execution::{ExecutedBlock, Outcome},
    job::{JobId, JobIds},
    message::{Message, TRANSACTIONS_GOSSIP_MAX},
    planted::planted,
    random::Seed,
    time::{Instant, Now},
    transaction::{Transaction, VERSION},
    types::{ChainId, Digest, Height, PeerId},
};

/// Bytes of transactions in one gossip message.
const GOSSIP_BYTES_MAX: u32 = 512 * 1024;

/// What a block takes from the mempool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// In the order of the block.
    pub transactions: Bounded<Transaction, TRANSACTIONS_MAX>,
    /// Their sealed ids.
    pub sealed: Vec<Digest>,
    /// Places, ascending, of those that no other node was told of yet.
    pub fresh: Vec<u16>,
}

/// A transaction that an announcement names.
struct Found<'a> {
    transaction: &'a Transaction,
    sealed: &'a Digest,
    checked: bool,
    /// Whether no other has its short id.
    alone: bool,
}

/// Transactions waiting for a block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Mempool {
    chain_id: ChainId,
    transaction_bytes_max: u32,
    ration: Ration,
    intake: Intake,
    pool: Pool,
    recent: Recent,
    outbox: Outbox,
}

impl Mempool {
    /// An empty mempool of a node whose state is the one after `executed`.
    ///
    /// At height zero every payer's next nonce is known to be zero, and that only its own key signs for it.
    /// Above, both are unknown until a block with one of its transactions is executed; until then its
    /// lowest held nonce is taken to be the next one and any keys are taken to be its signers', and if
    /// they are not, execution skips it and the result tells. `seed` keys the table of ids.
    #[must_use]
    pub fn new(chain_id: ChainId, limits: Limits, executed: Height, seed: &Seed) -> Self {
        let key = MapKey::of(seed);
        Self {
            chain_id,
            transaction_bytes_max: limits.transaction_bytes_max,
            intake: Intake::new(&limits),
            ration: Ration::new(limits.peer_bytes_per_second, limits.peer_bytes_burst),
            pool: Pool::new(limits, executed, key),
            recent: Recent::new(key, limits.recent_max),
            outbox: Outbox::default(),
        }
    }

    /// Upon a transaction from a client of this node: has its signature checked, or reports why it is
    /// refused.
    pub fn on_submitted(
        &mut self,
        _now: Now,
        transaction: Transaction,
        jobs: &mut JobIds,
        fx: &mut Effects,
    ) {
        let offer = Offer::new(transaction, None);
        let id = offer.id;
        if let Err(refusal) = self.offer(offer) {
            fx.report(Event::TransactionRefused(id, refusal));
        }
        self.intake.run(jobs, fx);
    }

    /// Upon transactions from a peer: has their signatures checked. Complains about a peer that passes
    /// on what no honest node does; anything else that is refused is no news and no fault. What exceeds
    /// the peer's ration is not looked at.
    pub fn on_gossip(
        &mut self,
        now: Now,
        from: PeerId,
        transactions: Vec<Transaction>,
        jobs: &mut JobIds,
        fx: &mut Effects,
    ) {
        let mut faulty = false;
        for transaction in transactions {
            if !self.ration.take(now.mono, from, u64::from(transaction.encoded_len())) {
                break;
            }
            let offer = Offer::new(transaction, Some(from));
            faulty |= self.offer(offer).is_err_and(Refusal::is_senders_fault);
        }
        if faulty {
            fx.penalize(from, PeerFault::BadTransaction);
        }
        self.intake.run(jobs, fx);
    }

    /// Upon `JobResult::TransactionsChecked`: admits what is good and still fits. A client's bad
    /// transaction is reported, a peer's is held against it. An unknown id changes nothing.
    ///
    /// # Panics
    /// If `good` has not one answer per transaction of the job.
    pub fn on_checked(
        &mut self,
        now: Now,
        id: JobId,
        good: Vec<bool>,
        jobs: &mut JobIds,
        fx: &mut Effects,
    ) {
        let mut faulty = BTreeSet::new();
        for (offer, good) in self.intake.finish(id, good) {
            match (good || planted!(UncheckedAdmitted), offer.from) {
                (true, _) => self.admit(now, offer, fx),
                (false, Some(peer)) => {
                    faulty.insert(peer);
                }
                (false, None) => {
                    fx.report(Event::TransactionRefused(offer.id, Refusal::BadSignature));
                }
            }
        }
        for peer in faulty {
            fx.penalize(peer, PeerFault::BadTransaction);
        }
        self.intake.run(jobs, fx);
    }

    /// Upon the result of the next block: drops what it executed and what it made pointless, and
    /// learns its payers' next nonces.
    ///
    /// # Panics
    /// If the height is not above the last one.
    pub fn on_executed(&mut self, done: &ExecutedBlock, fx: &mut Effects) {
        for (id, outcome) in &done.outcomes {
            if matches!(outcome, Outcome::Applied | Outcome::Failed(_)) {
                self.recent.insert(*id);
            }
        }
        if planted!(ExecutedKept) {
            return;
        }
        let dropped = self.pool.on_executed(done);
        self.tell_dropped(dropped, fx);
    }

    /// Upon the passing of time: passes on transactions of this node's own clients that are due.
    pub fn on_tick(&mut self, now: Now, fx: &mut Effects) {
        let mut batch = Vec::new();
        let mut bytes = 0u32;
        for id in self.outbox.take_due(now.mono) {
            let Some(held) = self.pool.held(&id) else { continue };
            let transaction = held.transaction.clone();
            self.outbox.again(now.mono, id);
            let more = transaction.encoded_len();
            if batch.len() == TRANSACTIONS_GOSSIP_MAX || bytes + more > GOSSIP_BYTES_MAX {
                send(std::mem::take(&mut batch), fx);
                bytes = 0;
            }
            bytes += more;
            batch.push(transaction);
        }
        send(batch, fx);
    }

    /// When to call [`Self::on_tick`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<(Instant, Timer)> {
        self.outbox.due().map(|due| (due, Timer::Gossip))
    }

    /// Fills a block: each payer's transactions in nonce order without a gap, best paying payers first,
    /// payers that pay about the same taking turns.
    ///
    /// `ancestors` are the blocks between the executed height and the new block, ascending: those that
    /// are final but not executed as well as those that are not final. Nothing they hold is taken
    /// again, and what follows on it may be.
    #[must_use]
    pub fn build<'a>(
        &self,
        ancestors: impl IntoIterator<Item = &'a Arc<Block>>,
        room: Room,
    ) -> Selection {
        let most = u32::try_from(TRANSACTIONS_MAX).expect("ten thousand fits");
        let room = Room { transactions_max: room.transactions_max.min(most), ..room };
        let taken = self.pool.select(ancestors, room);
        let fresh: BTreeSet<&Digest> = self.outbox.fresh().collect();
        let places = (0..).zip(&taken).filter(|(_, held)| fresh.contains(&held.id));
        Selection {
            fresh: places.map(|(place, _)| place).collect(),
            sealed: taken.iter().map(|held| held.sealed).collect(),
            transactions: Bounded::new(
                taken.into_iter().map(|held| held.transaction.clone()).collect(),
            ),
        }
    }

    /// Finds the transactions that a well-formed announcement names (P27). Where two have the same short
    /// id neither is taken, so what is found does not depend on the order of looking.
    #[must_use]
    pub fn gather(&self, compact: &CompactBlock) -> Parts {
        let wanted = Wanted::of(compact);
        let mut found: BTreeMap<u16, Found<'_>> = BTreeMap::new();
        let held = self.pool.all().map(|held| (&held.transaction, &held.sealed, true));
        let offered = self.intake.all().map(|one| (&one.transaction, &one.sealed, false));
        for (transaction, sealed, checked) in held.chain(offered) {
            let Some(place) = wanted.place(sealed) else { continue };
            let new = Found { transaction, sealed, checked, alone: true };
            let known = found.entry(place).or_insert(new);
            known.alone &= known.sealed == sealed;
            known.checked |= checked;
        }
        let mut parts = Parts::of(compact, |transaction| self.was_checked(transaction));
        for (place, one) in found.into_iter().filter(|(_, one)| one.alone) {
            parts.put(place, one.transaction.clone(), one.checked);
        }
        parts
    }

    /// The places of those transactions that are not held, with the same signatures, and so were never
    /// checked here.
    #[must_use]
    pub fn unchecked_of(&self, transactions: &[Transaction]) -> Vec<u16> {
        let unchecked = (0..).zip(transactions).filter(|(_, one)| !self.was_checked(one));
        unchecked.map(|(place, _)| place).collect()
    }

    fn was_checked(&self, transaction: &Transaction) -> bool {
        let id = transaction.id();
        let held = self.pool.held(&id);
        held.is_some_and(|held| held.sealed == sealed_id(&id, &transaction.signatures))
    }

    /// Whether some payer's next transaction is here: whether it is worth hurrying to propose. A
    /// transaction with an earlier one missing does not count; one in a block not executed yet does.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        self.pool.has_ready()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pool.len() == 0
    }

    /// Whether the transaction with this id is held.
    #[must_use]
    pub fn holds(&self, id: &Digest) -> bool {
        self.pool.held(id).is_some()
    }

    /// Transactions held.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.pool.len()
    }

    /// Bytes of the encodings of those held.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.pool.bytes()
    }

    /// Transactions not checked yet.
    #[must_use]
    pub fn unchecked(&self) -> u64 {
        self.intake.len()
    }

    /// Bytes of the encodings of those not checked yet.
    #[must_use]
    pub fn unchecked_bytes(&self) -> u64 {
        self.intake.bytes()
    }

    fn offer(&mut self, offer: Offer) -> Result<(), Refusal> {
        self.check_alone(&offer.transaction)?;
        if self.recent.contains(&offer.id) {
            return Err(Refusal::Duplicate);
        }
        self.pool.check_admissible(&offer.id, &offer.transaction)?;
        self.intake.offer(offer)
    }

    /// What every honest node refuses, whatever it holds.
    fn check_alone(&self, transaction: &Transaction) -> Result<(), Refusal> {
        if transaction.body.version != VERSION {
            return Err(Refusal::UnknownVersion);
        }
        if transaction.body.chain_id != self.chain_id {
            return Err(Refusal::WrongChain);
        }
        if transaction.encoded_len() > self.transaction_bytes_max {
            return Err(Refusal::TooLarge);
        }
        if transaction.body.check().is_err() || !transaction.body.has_fit_payer() {
            return Err(Refusal::Malformed);
        }
        if !transaction.has_plausible_signers() {
            return Err(Refusal::WrongKeys);
        }
        Ok(())
    }

    fn admit(&mut self, now: Now, offer: Offer, fx: &mut Effects) {
        let Offer { transaction, id, sealed, from } = offer;
        // A block may have executed it while its signature was checked.
        let admitted = if self.recent.contains(&id) {
            Err(Refusal::Duplicate)
        } else {
            self.pool.admit(id, sealed, transaction)
        };
        match admitted {
            Ok(dropped) => {
                fx.report(Event::TransactionAdmitted(id));
                self.tell_dropped(dropped, fx);
                if from.is_none() {
                    self.outbox.add(now.mono, id);
                }
            }
            Err(refusal) if from.is_none() => {
                fx.report(Event::TransactionRefused(id, refusal));
            }
            Err(_) => {}
        }
    }

    fn tell_dropped(&mut self, dropped: Vec<Dropped>, fx: &mut Effects) {
        for (id, reason) in dropped {
            self.outbox.forget(&id);
            if let Some(refusal) = reason {
                fx.report(Event::TransactionRefused(id, refusal));
            }
        }
    }
}

fn send(batch: Vec<Transaction>, fx: &mut Effects) {
    if !batch.is_empty() {
        fx.send(Recipients::Committee, Message::Transactions(Bounded::new(batch)));
    }
}

#[cfg(test)]
mod tests;
