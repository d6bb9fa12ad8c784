//! The log lane: one thread that makes writes and promises durable, in the order they were asked for.
//!
//! It takes everything that waits, appends all writes with one fsync, and only then records and signs all
//! promises with one more (P52 to P54). Answers come in the order of the log. After a failure nothing more
//! is appended, signed or answered, and the whole node ends: a write that failed is never tried again.
//! The queue is bounded by the replica's task, which takes nothing from outside while it is long
//! ([`LogQueue::is_full`]); what is in it then is what the core asked for in answers to its own requests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use quorate_core::{
    effect::Input,
    signer::Pledge,
    store::{Batch, Record},
    types::Seq,
};

use super::{
    fate::Fate,
    metrics::{Metrics, measured},
    ports::{Log, Signs},
};
use crate::exit::Failure;

/// Entries that one fsync covers at most, so that an answer is not held up by thousands of others.
const ENTRIES_PER_FSYNC: usize = 512;

/// Entries in the queue above which nothing from outside is taken.
const ENTRIES_MAX: u64 = 2_048;

/// Bytes of blocks in the queue above which nothing from outside is taken.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Whoever listens looks this often whether it is still for something.
const LISTEN_STEP: Duration = Duration::from_millis(20);

/// One entry of the log.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// Records to be made durable together.
    Write(Seq, Batch),
    /// A promise to be made durable and signed.
    Pledge(Pledge),
}

/// Where the thread's answers go. There are never more of them than was asked for.
pub(crate) type Answers = tokio::sync::mpsc::UnboundedSender<Input>;

/// The way to the thread.
#[derive(Debug)]
pub(crate) struct LogQueue {
    entries: Sender<Entry>,
    waiting: Arc<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    entries: AtomicU64,
    bytes: AtomicU64,
}

impl LogQueue {
    /// Asks for one more entry. After a failure nothing is listening, and the node ends.
    pub(crate) fn push(&self, entry: Entry) {
        self.waiting.entries.fetch_add(1, Ordering::Relaxed);
        self.waiting.bytes.fetch_add(bytes(&entry), Ordering::Relaxed);
        // Nobody listens after a failure, which has sealed the node's fate already.
        let _ = self.entries.send(entry);
    }

    /// Entries not answered yet.
    pub(crate) fn len(&self) -> u64 {
        self.waiting.entries.load(Ordering::Relaxed)
    }

    /// Whether so much waits that nothing should be taken in from outside.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= ENTRIES_MAX || self.waiting.bytes.load(Ordering::Relaxed) >= BYTES_MAX
    }
}

/// Whoever signs, and when it begins to.
pub(crate) struct Signing {
    /// The key, with what it has promised.
    pub(crate) signer: Box<dyn Signs>,
    /// From the start until it signs anything.
    pub(crate) listen: Duration,
}

/// Starts the thread. It ends when the queue is dropped, after everything in it is durable, or at a
/// failure.
pub(crate) fn start(
    log: impl Log,
    signing: Option<Signing>,
    answers: Answers,
    fate: &Fate,
    metrics: &Metrics,
) -> Result<(LogQueue, JoinHandle<()>), Failure> {
    let (entries, queue) = channel();
    let waiting = Arc::new(Waiting::default());
    let thread = Thread {
        log,
        listens_until: signing.as_ref().map(|signing| Instant::now() + signing.listen),
        signer: signing.map(|signing| signing.signer),
        queue,
        waiting: Arc::clone(&waiting),
        answers,
        metrics: metrics.clone(),
    };
    let sealed = fate.clone();
    let body = move || {
        if let Err(failure) = thread.run(&sealed) {
            sealed.seal(failure);
        }
    };
    Ok((LogQueue { entries, waiting }, fate.spawn("store", body)?))
}

struct Thread<L> {
    log: L,
    signer: Option<Box<dyn Signs>>,
    /// Nothing is signed before: by then the driver may have seen that another process uses the key.
    listens_until: Option<Instant>,
    queue: Receiver<Entry>,
    waiting: Arc<Waiting>,
    answers: Answers,
    metrics: Metrics,
}

impl<L: Log> Thread<L> {
    fn run(mut self, fate: &Fate) -> Result<(), Failure> {
        while let Ok(first) = self.queue.recv() {
            let mut entries = vec![first];
            entries.extend(self.queue.try_iter().take(ENTRIES_PER_FSYNC - 1));
            if fate.is_sealed() {
                return Ok(());
            }
            self.keep(entries, fate)?;
        }
        self.log.sync()
    }

    /// Makes entries durable and answers them.
    fn keep(&mut self, entries: Vec<Entry>, fate: &Fate) -> Result<(), Failure> {
        let count = entries.len();
        let mut batches = Vec::new();
        let mut pledges = Vec::new();
        let mut order = Vec::with_capacity(count);
        for entry in entries {
            let bytes = bytes(&entry);
            let answer = match entry {
                Entry::Write(seq, batch) => {
                    batches.push(batch);
                    Answer::Written(seq)
                }
                Entry::Pledge(pledge) => {
                    pledges.push(pledge);
                    Answer::Pledged
                }
            };
            order.push((answer, bytes));
        }
        self.append(&batches)?;
        // What precedes the first promise need not wait for the second fsync.
        let first_pledge = order.iter().position(|(one, _)| *one == Answer::Pledged);
        let (early, late) = order.split_at(first_pledge.unwrap_or(count));
        self.answer(early, Vec::new());
        if !pledges.is_empty() && !self.listen(fate) {
            return Ok(());
        }
        let votes = self.sign(&pledges)?;
        self.answer(late, votes);
        Ok(())
    }

    /// Waits until promises may be signed. Returns whether they may.
    fn listen(&mut self, fate: &Fate) -> bool {
        if let Some(until) = self.listens_until.take() {
            while !fate.is_sealed()
                && let Some(left) = until.checked_duration_since(Instant::now())
                && !left.is_zero()
            {
                thread::park_timeout(left.min(LISTEN_STEP));
            }
        }
        !fate.is_sealed()
    }

    fn append(&mut self, batches: &[Batch]) -> Result<(), Failure> {
        if batches.is_empty() {
            return Ok(());
        }
        let begun = Instant::now();
        self.log.append(batches)?;
        self.metrics.append_seconds.observe(begun.elapsed().as_secs_f64());
        self.metrics.writes_per_append.observe(measured(batches.len()));
        Ok(())
    }

    fn sign(&mut self, pledges: &[Pledge]) -> Result<Vec<Input>, Failure> {
        if pledges.is_empty() {
            return Ok(Vec::new());
        }
        let signer =
            self.signer.as_mut().expect("I3: only a validator with its key is asked to sign");
        let begun = Instant::now();
        let votes = signer.sign(pledges)?;
        assert_eq!(votes.len(), pledges.len(), "I3: one vote per promise");
        self.metrics.sign_seconds.observe(begun.elapsed().as_secs_f64());
        self.metrics.pledges_per_sign.observe(measured(pledges.len()));
        Ok(votes.into_iter().map(Input::Pledged).collect())
    }

    /// Answers in the order of the log; of writes in a row, the last answer stands for all.
    ///
    /// What is answered waits no more, and is counted so before: the replica's task looks at the count when an
    /// answer wakes it, and if it found the queue full still, nothing might wake it again.
    fn answer(&self, order: &[(Answer, u64)], votes: Vec<Input>) {
        let count = u64::try_from(order.len()).expect("a count of entries");
        let held = order.iter().map(|(_, bytes)| bytes).sum();
        self.waiting.entries.fetch_sub(count, Ordering::Relaxed);
        self.waiting.bytes.fetch_sub(held, Ordering::Relaxed);
        let mut votes = votes.into_iter();
        for (place, (answer, _)) in order.iter().enumerate() {
            let input = match (answer, order.get(place + 1)) {
                (Answer::Written(_), Some((Answer::Written(_), _))) => continue,
                (Answer::Written(seq), _) => Input::Written { upto: *seq },
                (Answer::Pledged, _) => votes.next().expect("one vote per promise"),
            };
            // The replica's task is gone only when the node stops, and then nobody waits for this.
            let _ = self.answers.send(input);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Written(Seq),
    Pledged,
}

/// About how many bytes an entry keeps in memory: its blocks.
fn bytes(entry: &Entry) -> u64 {
    let record = |record: &Record| match record {
        Record::Block(block) => u64::from(block.header().payload_len),
        _ => 0,
    };
    match entry {
        Entry::Write(_, batch) => batch.iter().map(record).sum(),
        Entry::Pledge(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use quorate_core::{
        signer::SafetyState,
        store::Batch,
        testing::cast::nullify,
        vote::{Promise, Vote},
    };
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    /// A disk that is as fast as can be.
    struct Quick;

    impl Log for Quick {
        fn append(&mut self, _: &[Batch]) -> Result<(), Failure> {
            Ok(())
        }

        fn sync(&mut self) -> Result<(), Failure> {
            Ok(())
        }
    }

    /// Whoever is woken by an answer finds that the answered entries wait no more. Otherwise a full queue would
    /// look full still, and the replica would take nothing until something else wakes it.
    #[test]
    fn what_is_answered_does_not_wait() {
        let (answers, mut answered) = unbounded_channel();
        let (fate, metrics) = (Fate::open(), Metrics::default());
        let (log, thread) = start(Quick, None, answers, &fate, &metrics).expect("a thread");
        for number in 1..=20_000 {
            let seq = Seq::new(number);
            log.push(Entry::Write(seq, Vec::new()));
            loop {
                match answered.try_recv() {
                    Ok(input) => break assert!(matches!(input, Input::Written { .. })),
                    Err(_) => std::hint::spin_loop(),
                }
            }
            assert_eq!(log.len(), 0, "entry {number} was answered");
        }
        drop(log);
        thread.join().expect("no panic");
    }

    /// Tells when it was asked to sign.
    struct Asked(Arc<AtomicBool>);

    impl Signs for Asked {
        fn sign(&mut self, _: &[Pledge]) -> Result<Vec<Vote<Promise>>, Failure> {
            self.0.store(true, Ordering::SeqCst);
            Ok(Vec::new())
        }
    }

    /// While it listens for another user of the key nothing is signed; and if there is one, nothing ever is.
    #[test]
    fn nothing_is_signed_while_it_listens() {
        let (answers, mut answered) = unbounded_channel();
        let (fate, metrics) = (Fate::open(), Metrics::default());
        let asked = Arc::new(AtomicBool::new(false));
        let signer = Box::new(Asked(Arc::clone(&asked)));
        let signing = Signing { signer, listen: Duration::from_secs(3_600) };
        let (log, thread) =
            start(Quick, Some(signing), answers, &fate, &metrics).expect("a thread");
        let safety = SafetyState::default();
        log.push(Entry::Write(Seq::new(1), Vec::new()));
        log.push(Entry::Pledge(Pledge::View { safety, statement: nullify(1) }));
        let written = answered.blocking_recv();
        assert!(matches!(written, Some(Input::Written { .. })), "writes do not wait: {written:?}");
        fate.seal(Failure::new(crate::exit::Exit::Key, "another process uses the key"));
        drop(log);
        thread.join().expect("no panic");
        assert!(!asked.load(Ordering::SeqCst), "it signed");
    }
}
