//! One worker: a request at a time, as many transfers in it as are due.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use quorate_core::{
    codec::{self, Bounded},
    transaction::Transaction,
    types::Digest,
};

use super::{
    Load,
    account::{Accounts, Taken},
    measure::Measured,
};
use crate::{
    api::{
        TXS_BYTES_MAX, TXS_MAX,
        json::{AdmissionJson, SubmissionJson, SubmittedJson},
    },
    cli::{
        client::{Answer, Client},
        tx,
    },
    exit::{Exit, Failure},
};

/// Pause after the node was too busy for everything in a request.
const PAUSE: Duration = Duration::from_millis(20);

/// From one request of a worker to its next, times the workers: half of what a node takes from one address.
const SPACING: Duration = Duration::from_millis(2);

/// How long a transfer is waited for until it is final.
pub(super) const FINAL_PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of a transfer with one output.
const TRANSFER_BYTES: usize = 256;

/// Sends the transfers of its accounts.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) client: Client,
    pub(super) accounts: Accounts,
    pub(super) begun: Instant,
    /// The transfer admitted last.
    pub(super) last: Option<Digest>,
    pub(super) load: Load,
    pub(super) measured: Arc<Mutex<Measured>>,
}

impl Worker {
    /// Sends until the time is over. Gives itself back, and its accounts know what was admitted.
    pub(super) async fn run(mut self) -> Result<Self, Failure> {
        let mut sent: u64 = 0;
        let mut watching: Option<tokio::task::JoinHandle<()>> = None;
        let workers = u32::try_from(self.load.workers).unwrap_or(u32::MAX);
        let (mut next, spacing) = (self.begun, SPACING.saturating_mul(workers));
        while self.begun.elapsed() < self.load.time {
            let due = self.due();
            let wanted = due.saturating_sub(sent).min(self.batch_max());
            if wanted == 0 {
                tokio::time::sleep_until(self.due_at(sent).into()).await;
                continue;
            }
            // A node takes only so many requests; what becomes due meanwhile goes along.
            if wanted < self.batch_max() {
                tokio::time::sleep_until(next.into()).await;
            }
            let wanted = self.due().saturating_sub(sent).min(self.batch_max());
            next = Instant::now() + spacing;
            let taken = self.accounts.take(wanted);
            let first_due = self.due_at(sent);
            let admitted = self.send(taken, first_due, &mut watching).await?;
            sent += admitted;
            if admitted == 0 {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(self)
    }

    /// Transfers that this worker should have sent by now.
    fn due(&self) -> u64 {
        let Some(rate) = self.load.rate else { return u64::MAX };
        let micros = self.begun.elapsed().as_micros();
        let due = u128::from(rate) * micros / (1_000_000 * u128::from(self.load.workers));
        u64::try_from(due).unwrap_or(u64::MAX)
    }

    /// When a transfer is due, counted from 0.
    fn due_at(&self, place: u64) -> Instant {
        let Some(rate) = self.load.rate else { return Instant::now() };
        let micros = (u128::from(place) + 1) * 1_000_000 * u128::from(self.load.workers);
        let micros = micros.div_ceil(u128::from(rate.max(1)));
        self.begun + Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    fn batch_max(&self) -> u64 {
        let by_bytes = u64::try_from(TXS_BYTES_MAX / TRANSFER_BYTES).unwrap_or(u64::MAX);
        let by_count = u64::try_from(TXS_MAX).unwrap_or(u64::MAX);
        self.load.batch.min(by_bytes).min(by_count).max(1)
    }

    /// Sends one request. Says how many transfers were admitted.
    async fn send(
        &mut self,
        taken: Vec<Taken>,
        first_due: Instant,
        watching: &mut Option<tokio::task::JoinHandle<()>>,
    ) -> Result<u64, Failure> {
        let list: Vec<Transaction> = taken.iter().map(|one| one.transaction.clone()).collect();
        let body = codec::encode(&Bounded::<Transaction, TXS_MAX>::new(list));
        let answer: Answer<SubmittedJson> = self.client.post("/v1/txs", body).await?;
        let answered = Instant::now();
        let outcomes = match answer {
            Answer::Good(submitted) => submitted.outcomes,
            // Too many requests, or no time: all of it later.
            Answer::No(problem) if matches!(problem.status, 429 | 503) => Vec::new(),
            no @ Answer::No(_) => no.good(self.client.base())?.outcomes,
        };
        Ok(self.account_for(taken, &outcomes, first_due, answered, watching))
    }

    fn account_for(
        &mut self,
        taken: Vec<Taken>,
        outcomes: &[SubmissionJson],
        first_due: Instant,
        answered: Instant,
        watching: &mut Option<tokio::task::JoinHandle<()>>,
    ) -> u64 {
        let mut later = Vec::new();
        let mut admitted = 0;
        let mut behind = BTreeSet::new();
        let measured = Arc::clone(&self.measured);
        let mut measured = measured.lock().expect("no worker panicked");
        for (place, one) in taken.into_iter().enumerate() {
            let address = one.transaction.body.payer.address();
            let outcome = outcomes.get(place);
            let is_in = outcome.is_some_and(|outcome| outcome.outcome == AdmissionJson::Admitted);
            if is_in && !behind.contains(&address) {
                admitted += 1;
                self.accounts.admit(&one);
                self.last = Some(one.transaction.id());
                measured.admitted(answered.saturating_duration_since(first_due));
                if watching.as_ref().is_none_or(tokio::task::JoinHandle::is_finished) {
                    *watching = Some(self.watch(&one.transaction, first_due));
                }
                continue;
            }
            match outcome.and_then(|outcome| outcome.refusal.as_ref()) {
                // It is known already: an answer to an earlier request was lost.
                Some(refusal) if matches!(&*refusal.reason, "duplicate" | "nonce-used") => {
                    self.accounts.admit(&one);
                    admitted += 1;
                }
                refusal => {
                    // Of what was not answered nobody knows; if it is sent again, a refusal will tell.
                    let is_open =
                        outcome.is_some_and(|one| one.outcome == AdmissionJson::Unanswered);
                    let otherwise = if is_open { "unanswered" } else { "busy" };
                    let reason = refusal.map_or(otherwise, |refusal| &*refusal.reason);
                    measured.turned_away(reason);
                    behind.insert(address);
                    later.push(one);
                }
            }
        }
        drop(measured);
        self.accounts.put_back(later);
        admitted
    }

    /// Waits for one transfer of many until it is final, to know how long that takes.
    fn watch(&self, transaction: &Transaction, due: Instant) -> tokio::task::JoinHandle<()> {
        let (client, id) = (self.client.clone(), transaction.id());
        let measured = Arc::clone(&self.measured);
        tokio::spawn(async move {
            let found = tx::wait(&client, id, FINAL_PATIENCE).await;
            let after = due.elapsed();
            let mut measured = measured.lock().expect("no worker panicked");
            match found {
                Ok(_) => measured.finalized(after),
                Err(failure) if failure.exit == Exit::Unreachable => {
                    measured.turned_away("not final")
                }
                Err(_) => measured.turned_away("lost sight of"),
            }
        })
    }
}
