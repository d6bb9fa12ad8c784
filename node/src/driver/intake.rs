//! Transactions from this node's own clients, on their way to the replica and their answers on the way back.
//!
//! The way in is a queue of [`WAITING_MAX`] transactions; who finds it full is told so at once. Every
//! transaction gets one answer: what the mempool makes of it, unless that takes too long, and one that is late
//! holds up no other. Answers are matched by id, and where several
//! clients hand in the same transaction each event of the core answers the one that came first.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use quorate_core::{mempool::Refusal, transaction::Transaction, types::Digest};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::timeout,
};

use super::metrics::Metrics;

/// Transactions that may wait for the replica.
const WAITING_MAX: usize = 8_192;

/// Batches of them; a client may send one transaction at a time.
const BATCHES_MAX: usize = 4_096;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers awaited above which those that nobody waits for any more are looked for and dropped.
const AWAITED_MAX: usize = 32_768;

/// What came of handing in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submission {
    /// It waits for a block. That promises nothing across a crash.
    Admitted,
    /// It does not.
    Refused(Refusal),
    /// Too much waits already: it is not taken.
    Busy,
    /// No answer came in time: it may still be admitted.
    Unanswered,
    /// The node is stopping: nobody has looked at it.
    Stopping,
}

impl From<Answer> for Submission {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Admitted => Self::Admitted,
            Answer::Refused(Refusal::Busy) => Self::Busy,
            Answer::Refused(refusal) => Self::Refused(refusal),
        }
    }
}

/// The way in.
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    batches: mpsc::Sender<Handed>,
    places: Arc<Semaphore>,
    metrics: Metrics,
}

/// Transactions handed in together.
#[derive(Debug)]
struct Handed {
    transactions: Vec<(Digest, Transaction)>,
    reply: Reply,
    /// Their places in the queue, given back when they leave it.
    places: OwnedSemaphorePermit,
}

/// Where the answers of a batch are put, for a client that does not wait for the last one.
type Answers = Arc<Mutex<Vec<(usize, Answer)>>>;

/// The way back.
#[derive(Debug)]
struct Reply {
    answers: Answers,
    /// Told when all are there.
    complete: oneshot::Sender<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Admitted,
    Refused(Refusal),
}

impl Counter {
    /// Hands in transactions and waits for the answers, in their order.
    pub(crate) async fn submit(&self, transactions: Vec<Transaction>) -> Vec<Submission> {
        let length = transactions.len();
        let all = |answer| vec![answer; length];
        let Ok(count) = u32::try_from(length) else { return all(Submission::Busy) };
        if count == 0 {
            return Vec::new();
        }
        let places = Arc::clone(&self.places).try_acquire_many_owned(count);
        let Ok(places) = places else { return all(Submission::Busy) };
        let (complete, completed) = oneshot::channel();
        let answers = Answers::default();
        let reply = Reply { answers: Arc::clone(&answers), complete };
        let transactions = transactions.into_iter().map(|one| (one.id(), one)).collect();
        match self.batches.try_send(Handed { transactions, reply, places }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return all(Submission::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => return all(Submission::Stopping),
        }
        let waiting = WAITING_MAX.saturating_sub(self.places.available_permits());
        self.metrics.submissions_waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let mut submissions = all(Submission::Unanswered);
        // Complete, late, or given up: what is there by now is the answer.
        let _complete = timeout(PATIENCE, completed).await;
        for (place, answer) in lock(&answers).drain(..) {
            submissions[place] = answer.into();
        }
        submissions
    }
}

/// A panic elsewhere leaves plain data behind.
fn lock(answers: &Answers) -> MutexGuard<'_, Vec<(usize, Answer)>> {
    answers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The replica's end of it.
#[derive(Debug)]
pub(crate) struct Intake {
    batches: mpsc::Receiver<Handed>,
    /// The batch that is being taken, as far as it is not.
    current: Option<Taking>,
    /// Answers awaited, by transaction, in the order they were handed in.
    awaited: HashMap<Digest, VecDeque<Awaited>>,
    awaited_count: usize,
    open: HashMap<u64, Open>,
    next_batch: u64,
}

#[derive(Debug)]
struct Taking {
    batch: u64,
    transactions: std::vec::IntoIter<(Digest, Transaction)>,
    place: usize,
    places: OwnedSemaphorePermit,
}

#[derive(Clone, Copy, Debug)]
struct Awaited {
    batch: u64,
    place: usize,
}

/// A batch whose answers are not complete.
#[derive(Debug)]
struct Open {
    missing: usize,
    reply: Reply,
}

/// A queue and its two ends.
pub(crate) fn intake(metrics: &Metrics) -> (Counter, Intake) {
    let (sender, batches) = mpsc::channel(BATCHES_MAX);
    let places = Arc::new(Semaphore::new(WAITING_MAX));
    let counter = Counter { batches: sender, places, metrics: metrics.clone() };
    let intake = Intake {
        batches,
        current: None,
        awaited: HashMap::new(),
        awaited_count: 0,
        open: HashMap::new(),
        next_batch: 0,
    };
    (counter, intake)
}

impl Intake {
    /// The next transaction that is here. Its answer is awaited from now on.
    pub(crate) fn try_next(&mut self) -> Option<(Digest, Transaction)> {
        loop {
            if let Some(taking) = &mut self.current {
                if let Some((id, transaction)) = taking.transactions.next() {
                    let awaited = Awaited { batch: taking.batch, place: taking.place };
                    taking.place += 1;
                    // Gives one place back; the last goes with the permit itself.
                    drop(taking.places.split(1));
                    self.awaited.entry(id).or_default().push_back(awaited);
                    self.awaited_count += 1;
                    return Some((id, transaction));
                }
                self.current = None;
            }
            let handed = self.batches.try_recv().ok()?;
            self.begin(handed);
        }
    }

    /// Waits until there is a next one. Dropped unfinished, it loses nothing.
    pub(crate) async fn ready(&mut self) {
        if self.current.is_some() {
            return;
        }
        match self.batches.recv().await {
            Some(handed) => self.begin(handed),
            None => std::future::pending().await,
        }
    }

    fn begin(&mut self, handed: Handed) {
        let Handed { transactions, reply, places } = handed;
        if self.awaited_count > AWAITED_MAX {
            self.forget_abandoned();
        }
        let batch = self.next_batch;
        self.next_batch += 1;
        let open = Open { missing: transactions.len(), reply };
        self.open.insert(batch, open);
        let transactions = transactions.into_iter();
        self.current = Some(Taking { batch, transactions, place: 0, places });
    }

    /// The mempool admitted a transaction, this node's client's or another's.
    pub(crate) fn on_admitted(&mut self, id: &Digest) {
        if let Some(awaited) = self.awaited_first(id) {
            self.answer(awaited, Answer::Admitted);
        }
    }

    /// The mempool refused or dropped a transaction.
    pub(crate) fn on_refused(&mut self, id: &Digest, refusal: Refusal) {
        if let Some(awaited) = self.awaited_first(id) {
            self.answer(awaited, Answer::Refused(refusal));
        }
    }

    /// The mempool refused a transaction in the very step in which it was handed in.
    pub(crate) fn on_refused_at_once(&mut self, id: &Digest, refusal: Refusal) {
        let Some(queue) = self.awaited.get_mut(id) else { return };
        let Some(awaited) = queue.pop_back() else { return };
        self.forget_empty(id);
        self.answer(awaited, Answer::Refused(refusal));
    }

    fn awaited_first(&mut self, id: &Digest) -> Option<Awaited> {
        let awaited = self.awaited.get_mut(id)?.pop_front();
        self.forget_empty(id);
        awaited
    }

    fn forget_empty(&mut self, id: &Digest) {
        self.awaited_count = self.awaited_count.saturating_sub(1);
        if self.awaited.get(id).is_some_and(VecDeque::is_empty) {
            self.awaited.remove(id);
        }
    }

    fn answer(&mut self, awaited: Awaited, answer: Answer) {
        let Some(open) = self.open.get_mut(&awaited.batch) else { return };
        lock(&open.reply.answers).push((awaited.place, answer));
        open.missing -= 1;
        if open.missing > 0 {
            return;
        }
        if let Some(open) = self.open.remove(&awaited.batch) {
            // Whoever asked may have gone away.
            let _ = open.reply.complete.send(());
        }
    }

    /// Drops batches whose client is gone, and what they await.
    fn forget_abandoned(&mut self) {
        self.open.retain(|_, open| !open.reply.complete.is_closed());
        let open = &self.open;
        self.awaited.retain(|_, queue| {
            queue.retain(|awaited| open.contains_key(&awaited.batch));
            !queue.is_empty()
        });
        self.awaited_count = self.awaited.values().map(VecDeque::len).sum();
    }
}
