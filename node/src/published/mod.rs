//! What readers may see of a running node.
//!
//! The replica's task replaces one value, a [`Snapshot`], and sends [`NodeEvent`]s to whoever subscribed.
//! Readers take the value as it is: nothing they do can hold up the replica, and what they have read never
//! changes under them. A subscriber that is too slow is told how many events it missed.

mod event;
mod snapshot;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::broadcast;

pub use self::{
    event::{Executed, HaltReason, NodeEvent},
    snapshot::{Counters, HeightSummary, RECENT_HEIGHTS, Snapshot},
};

/// Events that a subscriber may be behind.
const EVENTS_MAX: usize = 1_024;

/// The readers' side. Cloning shares.
#[derive(Clone, Debug)]
pub struct Published {
    snapshot: Arc<ArcSwap<Snapshot>>,
    events: broadcast::Sender<Arc<NodeEvent>>,
}

/// The writers' side. Cloning shares.
#[derive(Clone, Debug)]
pub(crate) struct Publisher(Published);

/// Both sides, with a first snapshot.
pub(crate) fn published(first: Snapshot) -> (Publisher, Published) {
    let (events, _) = broadcast::channel(EVENTS_MAX);
    let published = Published { snapshot: Arc::new(ArcSwap::from_pointee(first)), events };
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
}

impl Publisher {
    /// How many listen.
    #[cfg(test)]
    pub(crate) fn listeners(&self) -> usize {
        self.0.events.receiver_count()
    }

    /// Replaces the snapshot.
    pub(crate) fn show(&self, snapshot: Snapshot) {
        self.0.snapshot.store(Arc::new(snapshot));
    }

    /// Tells whoever listens.
    pub(crate) fn tell(&self, event: NodeEvent) {
        // Most of the time nobody listens; and whoever did may leave in between, which is no failure.
        if self.0.events.receiver_count() > 0 {
            let _ = self.0.events.send(Arc::new(event));
        }
    }
}
