//! Transactions on their way to a signature check and back.
//!
//! At most a few jobs are under way; what comes meanwhile shares the next one, so checks are batched
//! exactly when there is much to check. Jobs end in any order, and what they checked comes out in the order
//! it came in: a client that sends its nonces in order must not see a later one proposed first. Each source
//! of transactions has a quota, so no peer crowds out the others or this node's own clients.

use std::collections::{BTreeMap, BTreeSet, VecDeque, btree_map::OccupiedEntry};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    compact::sealed_id,
    effect::{Effect, Effects},
    job::{Job, JobId, JobIds},
    mempool::{limits::Limits, refusal::Refusal},
    transaction::Transaction,
    types::{Digest, PeerId},
};

/// Transactions in one job.
const BATCH_MAX: usize = 256;

/// Jobs under way.
const JOBS_MAX: usize = 4;

/// A transaction that somebody offers.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Offer {
    pub(super) transaction: Transaction,
    pub(super) id: Digest,
    /// Names it together with its signatures. Ids leave those out, so an offer with the same id and a
    /// bad signature must not stand in the way of a good one.
    pub(super) sealed: Digest,
    /// The peer that passed it on; `None` for a client of this node.
    pub(super) from: Option<PeerId>,
}

impl Offer {
    pub(super) fn new(transaction: Transaction, from: Option<PeerId>) -> Self {
        let id = transaction.id();
        Self { sealed: sealed_id(&id, &transaction.signatures), id, transaction, from }
    }
}

/// A job's offers.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Checking {
    offers: Vec<Offer>,
    /// Its answers, while a job before it has none.
    good: Option<Vec<bool>>,
}

/// Offers that wait for a check, are being checked or wait for those before them.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Intake {
    waiting: VecDeque<Offer>,
    checking: BTreeMap<JobId, Checking>,
    names: BTreeSet<Digest>,
    bytes_of: BTreeMap<Option<PeerId>, u64>,
    bytes: u64,
    bytes_max: u64,
    source_bytes_max: u64,
}

impl Intake {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            waiting: VecDeque::new(),
            checking: BTreeMap::new(),
            names: BTreeSet::new(),
            bytes_of: BTreeMap::new(),
            bytes: 0,
            bytes_max: limits.unchecked_bytes_max,
            source_bytes_max: limits.unchecked_source_bytes_max,
        }
    }

    /// Bytes of everything not checked yet.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Everything not checked yet.
    pub(super) fn all(&self) -> impl Iterator<Item = &Offer> {
        self.checking.values().flat_map(|job| &job.offers).chain(&self.waiting)
    }

    /// How many are not checked yet.
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.names.len()).expect("a usize fits")
    }

    /// Takes an offer in.
    pub(super) fn offer(&mut self, offer: Offer) -> Result<(), Refusal> {
        if self.names.contains(&offer.sealed) {
            return Err(Refusal::Duplicate);
        }
        let bytes = u64::from(offer.transaction.encoded_len());
        let of_source = self.bytes_of.get(&offer.from).copied().unwrap_or(0) + bytes;
        if of_source > self.source_bytes_max || self.bytes + bytes > self.bytes_max {
            return Err(Refusal::Busy);
        }
        self.bytes_of.insert(offer.from, of_source);
        self.bytes += bytes;
        self.names.insert(offer.sealed);
        self.waiting.push_back(offer);
        Ok(())
    }

    /// Asks for checks of what waits, as far as jobs are free.
    pub(super) fn run(&mut self, jobs: &mut JobIds, fx: &mut Effects) {
        while self.checking.len() < JOBS_MAX && !self.waiting.is_empty() {
            let count = self.waiting.len().min(BATCH_MAX);
            let batch: Vec<Offer> = self.waiting.drain(..count).collect();
            let transactions = batch.iter().map(|offer| offer.transaction.clone()).collect();
            let id = jobs.next();
            self.checking.insert(id, Checking { offers: batch, good: None });
            fx.push(Effect::Run(Job::CheckTransactions { id, transactions }));
        }
    }

    /// Takes a job's answers, and gives all offers with their answers before which none is without; nothing
    /// if the job was answered before.
    ///
    /// # Panics
    /// If there are not as many answers as questions.
    pub(super) fn finish(&mut self, id: JobId, good: Vec<bool>) -> Vec<(Offer, bool)> {
        let unanswered = self.checking.get_mut(&id).filter(|job| job.good.is_none());
        let Some(job) = unanswered else { return Vec::new() };
        assert_eq!(good.len(), job.offers.len(), "answers of {id:?} do not match its questions");
        job.good = Some(good);
        let mut done = Vec::new();
        let is_answered = |first: &OccupiedEntry<'_, JobId, Checking>| first.get().good.is_some();
        while let Some(first) = self.checking.first_entry().filter(is_answered) {
            let Checking { offers, good } = first.remove();
            done.extend(offers.into_iter().zip(good.into_iter().flatten()));
        }
        for (offer, _) in &done {
            self.release(offer);
        }
        done
    }

    fn release(&mut self, offer: &Offer) {
        let bytes = u64::from(offer.transaction.encoded_len());
        let of_source = self.bytes_of.get_mut(&offer.from).expect("counted when it came");
        *of_source -= bytes;
        if *of_source == 0 {
            self.bytes_of.remove(&offer.from);
        }
        self.bytes -= bytes;
        self.names.remove(&offer.sealed);
    }
}
