//! What readers may see of a running node.
//!
//! The replica's task replaces one value, a [`Snapshot`], and sends [`NodeEvent`]s to whoever subscribed.
//! Readers take the value as it is: nothing they do can hold up the replica, and what they have read never
//! changes under them. A subscriber that is too slow is told how many events it missed. What becomes of single
//! transactions is no event: there may be ten thousand a second. Whoever waits for one says so ([`Published::wait`]).

mod event;
mod snapshot;
mod waiters;

use std::sync::Arc;

use arc_swap::ArcSwap;
use quorate_core::types::Digest;
use tokio::sync::broadcast;

use self::waiters::Waiters;
pub use self::{
    event::{Executed, HaltReason, NodeEvent},
    snapshot::{Counters, HeightSummary, RECENT_HEIGHTS, Snapshot},
    waiters::Waiter,
};

/// Events that a subscriber may be behind.
const EVENTS_MAX: usize = 1_024;

/// The readers' side. Cloning shares.
#[derive(Clone, Debug)]
pub struct Published {
    snapshot: Arc<ArcSwap<Snapshot>>,
    events: broadcast::Sender<Arc<NodeEvent>>,
    waiters: Waiters,
}

/// The writers' side. Cloning shares.
#[derive(Clone, Debug)]
pub(crate) struct Publisher(Published);

/// Both sides, with a first snapshot.
pub(crate) fn published(first: Snapshot) -> (Publisher, Published) {
    let (events, _) = broadcast::channel(EVENTS_MAX);
    let snapshot = Arc::new(ArcSwap::from_pointee(first));
    let published = Published { snapshot, events, waiters: Waiters::default() };
    (Publisher(published.clone()), published)
}

impl Published {
    /// The node as it is now, or was a moment ago.
    #[must_use]
    pub fn now(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Everything that happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<NodeEvent>> {
        self.events.subscribe()
    }

    /// Waits for a transaction to be executed, from now on.
    #[must_use]
    pub fn wait(&self, id: Digest) -> Waiter {
        self.waiters.wait(id)
    }
}

impl Publisher {
    /// How many wait for a transaction.
    #[cfg(test)]
    pub(crate) fn waiters(&self) -> usize {
        self.0.waiters.count()
    }

    /// Replaces the snapshot.
    pub(crate) fn show(&self, snapshot: Snapshot) {
        self.0.snapshot.store(Arc::new(snapshot));
    }

    /// Tells whoever listens.
    pub(crate) fn tell(&self, event: NodeEvent) {
        if let NodeEvent::Executed(done) = &event {
            self.0.waiters.tell(done);
        }
        // Most of the time nobody listens; and whoever did may leave in between, which is no failure.
        if self.0.events.receiver_count() > 0 {
            let _ = self.0.events.send(Arc::new(event));
        }
    }
}
