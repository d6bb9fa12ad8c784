//! Those that wait for one transaction each.
//!
//! They are found by its id: a block that was executed costs one look per transaction, and nothing at all while
//! nobody waits. Whoever waits for something else is not woken.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use quorate_core::types::Digest;
use tokio::sync::oneshot;

use super::event::Executed;

/// Everybody who waits. Cloning shares.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiters(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// How many wait, to be looked at without the lock.
    count: AtomicUsize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    by_id: HashMap<Digest, Vec<(u64, oneshot::Sender<()>)>>,
    next: u64,
}

/// One who waits for a transaction. Dropped, it waits no more.
#[derive(Debug)]
pub struct Waiter {
    waiters: Waiters,
    id: Digest,
    number: u64,
    told: oneshot::Receiver<()>,
}

impl Waiters {
    /// A panic elsewhere leaves plain data behind, and every change is one step.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many wait.
    pub(super) fn count(&self) -> usize {
        self.0.count.load(Ordering::SeqCst)
    }

    /// One more.
    pub(super) fn wait(&self, id: Digest) -> Waiter {
        let (tell, told) = oneshot::channel();
        let mut waiting = self.lock();
        let number = waiting.next;
        waiting.next += 1;
        waiting.by_id.entry(id).or_default().push((number, tell));
        // Counted before the lock is given back: whoever executes from now on sees it.
        self.0.count.fetch_add(1, Ordering::SeqCst);
        drop(waiting);
        Waiter { waiters: self.clone(), id, number, told }
    }

    /// A block was executed.
    pub(super) fn tell(&self, done: &Executed) {
        if self.count() == 0 {
            return;
        }
        let mut waiting = self.lock();
        for (id, _) in &done.outcomes {
            for (_, tell) in waiting.by_id.remove(id).unwrap_or_default() {
                self.0.count.fetch_sub(1, Ordering::SeqCst);
                // It may have gone away in this very moment.
                let _ = tell.send(());
            }
        }
    }
}

impl Waiter {
    /// Returns when a block with the transaction was executed, and what it changed can be read.
    pub async fn executed(mut self) {
        // The other end is dropped only after it was told, or together with this one.
        let _told = (&mut self.told).await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiting = self.waiters.lock();
        let Some(same) = waiting.by_id.get_mut(&self.id) else { return };
        let before = same.len();
        same.retain(|(number, _)| *number != self.number);
        let gone = before - same.len();
        if same.is_empty() {
            waiting.by_id.remove(&self.id);
        }
        self.waiters.0.count.fetch_sub(gone, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use quorate_core::{execution::Outcome, types::Height};

    use super::*;

    fn id(number: u8) -> Digest {
        Digest::new([number; 32])
    }

    fn executed(numbers: &[u8]) -> Executed {
        let outcomes = numbers.iter().map(|number| (id(*number), Outcome::Applied)).collect();
        Executed { height: Height::new(1), state: Digest::ZERO, outcomes }
    }

    /// Everybody is woken by its own transaction and by nothing else, and whoever is gone leaves nothing behind.
    #[test]
    fn each_is_told_of_its_own() {
        let waiters = Waiters::default();
        let (one, other, twin) = (waiters.wait(id(1)), waiters.wait(id(2)), waiters.wait(id(1)));
        let gone = waiters.wait(id(3));
        drop(gone);
        assert_eq!(waiters.count(), 3);
        waiters.tell(&executed(&[7, 1, 3]));
        assert!(one.executed().now_or_never().is_some());
        assert!(twin.executed().now_or_never().is_some());
        assert_eq!(waiters.count(), 1);
        assert!(other.executed().now_or_never().is_none(), "and gives up here");
        assert_eq!(waiters.count(), 0);
        assert!(waiters.lock().by_id.is_empty());
    }
}
