//! What happens in the node, as an ordered history that readers can take up where they left it.
//!
//! Every event has an id, `height.seq`, ascending for ever: `seq` counts what happened after that height
//! became final, from 0 for its own finality. After a start it goes on from the clock's milliseconds, so an id
//! of an earlier life of the node is never one of this life's. One task fills a bounded ring; each reader has a
//! place in it and pulls. Who falls out of the ring is told so by a gap, and gets the final heights of the
//! gap from the store.

mod id;
mod ring;
mod stream;
mod timeline;
mod words;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use quorate_core::types::Height;
use tokio::sync::{
    broadcast::{Receiver, error::RecvError},
    watch,
};

pub(crate) use self::{id::EventId, stream::follow};
use self::{
    ring::{Located, Next, Ring},
    timeline::Timelines,
};
use super::{
    backend::{Backend, now_ms},
    json::TimelineJson,
};
use crate::published::NodeEvent;

/// The history of one node, shared by all readers.
#[derive(Clone, Debug)]
pub(crate) struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    history: Mutex<History>,
    /// Moves on with every event.
    told: watch::Sender<u64>,
    closed: watch::Sender<bool>,
    pulse: Mutex<Pulse>,
}

#[derive(Debug)]
struct History {
    ring: Ring,
    timelines: Timelines,
}

/// When the replica was last seen to have done anything.
#[derive(Clone, Copy, Debug)]
struct Pulse {
    steps: u64,
    seen: Instant,
}

impl Hub {
    /// An empty history that goes on from where the node is.
    pub(crate) fn new(finalized: Height) -> Self {
        Self::at(EventId { height: finalized.get(), seq: now_ms().get() })
    }

    /// An empty history after an event.
    pub(crate) fn at(last: EventId) -> Self {
        let history = History { ring: Ring::new(last), timelines: Timelines::new(Instant::now()) };
        Self(Arc::new(Inner {
            history: Mutex::new(history),
            told: watch::Sender::new(0),
            closed: watch::Sender::new(false),
            pulse: Mutex::new(Pulse { steps: 0, seen: Instant::now() }),
        }))
    }

    /// Takes in what happens until the node ends or the hub is closed.
    pub(crate) async fn run(self, mut events: Receiver<Arc<NodeEvent>>) {
        let mut closed = self.0.closed.subscribe();
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                _ = closed.wait_for(|closed| *closed) => break,
            };
            match event {
                Ok(event) => self.take(&event),
                Err(RecvError::Lagged(missed)) => self.miss(missed),
                Err(RecvError::Closed) => break,
            }
        }
        self.close();
    }

    /// Ends all streams.
    pub(crate) fn close(&self) {
        self.0.closed.send_replace(true);
    }

    /// Returns when the hub is closed.
    pub(crate) async fn closed(&self) {
        // The sender is in the hub, so it is there.
        let _ = self.0.closed.subscribe().wait_for(|closed| *closed).await;
    }

    /// One thing that happened.
    pub(crate) fn take(&self, event: &NodeEvent) {
        let mut history = self.history();
        history.timelines.take(event, Instant::now());
        if let Some((name, data)) = words::told(event) {
            match event {
                NodeEvent::Finalized(summary) => {
                    history.ring.push_final(summary.height.get(), name, data);
                }
                _ => history.ring.push(name, data),
            }
        }
        drop(history);
        self.0.told.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// So many happenings were not seen.
    pub(crate) fn miss(&self, missed: u64) {
        let mut history = self.history();
        history.timelines.miss();
        let from = history.ring.last();
        history.ring.push("gap", words::missed(from, missed));
        drop(history);
        self.0.told.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// What happened on the way to a height; `None` if that is not remembered.
    pub(crate) fn timeline(&self, height: Height) -> Option<TimelineJson> {
        self.history().timelines.at(height)
    }

    /// How long ago the replica was last seen to have done anything, given what it has done by now.
    pub(crate) fn silent_for(&self, steps: u64) -> Duration {
        let mut pulse = self.0.pulse.lock().unwrap_or_else(PoisonError::into_inner);
        if pulse.steps != steps {
            *pulse = Pulse { steps, seen: Instant::now() };
        }
        pulse.seen.elapsed()
    }

    /// Looks at the replica's pulse now and then, so that a single question has something to compare with.
    pub(crate) async fn watch_pulse(self, backend: Arc<dyn Backend>) {
        let mut closed = self.0.closed.subscribe();
        let mut every = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                _ = every.tick() => drop(self.silent_for(backend.now().counters.steps)),
                _ = closed.wait_for(|closed| *closed) => break,
            }
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.0.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locate(&self, id: EventId) -> Located {
        self.history().ring.locate(id)
    }

    fn end(&self) -> u64 {
        self.history().ring.end()
    }

    fn next(&self, cursor: u64) -> Next {
        self.history().ring.next(cursor)
    }
}

#[cfg(test)]
mod tests;
