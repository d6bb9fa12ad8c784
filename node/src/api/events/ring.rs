//! The last events, in order.

use std::{collections::VecDeque, sync::Arc};

use super::id::EventId;

/// Events that are kept. At a few hundred bytes each, a megabyte or two.
const EVENTS_MAX: usize = 4_096;

/// One event, ready to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) id: EventId,
    pub(super) name: &'static str,
    pub(super) data: String,
}

/// The last events. Readers hold cursors, which count events from the first there ever was.
#[derive(Debug)]
pub(super) struct Ring {
    events: VecDeque<Arc<Event>>,
    /// The cursor of the oldest.
    begin: u64,
    last: EventId,
}

/// Where an id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Located {
    /// Right before this cursor.
    Held(u64),
    /// It is not in the ring, and heights from the first to the second are final that are after it and whose
    /// finality is not in the ring either; the ring goes on at the cursor, with this id or a later one.
    Lost {
        /// The first height to repeat.
        from: u64,
        /// The last height to repeat; below `from` if there is none.
        to: u64,
        /// Where the ring goes on.
        cursor: u64,
        /// What comes there, or the last that came.
        next: EventId,
    },
}

/// What a cursor points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// An event; the next one is one further.
    Event(Arc<Event>),
    /// Nothing yet.
    Nothing,
    /// Something that is gone; the oldest that is left is here.
    Gone {
        /// Its cursor.
        cursor: u64,
        /// Its id.
        next: EventId,
    },
}

impl Ring {
    pub(super) fn new(last: EventId) -> Self {
        Self { events: VecDeque::new(), begin: 0, last }
    }

    /// The newest id.
    pub(super) fn last(&self) -> EventId {
        self.last
    }

    /// The cursor after the newest.
    pub(super) fn end(&self) -> u64 {
        self.begin.saturating_add(u64::try_from(self.events.len()).unwrap_or(u64::MAX))
    }

    /// A height became final.
    pub(super) fn push_final(&mut self, height: u64, name: &'static str, data: String) {
        // A node that tells a height twice is at fault, but readers must not lose their place for it.
        let id = EventId::finality(height);
        if id > self.last {
            self.add(Event { id, name, data });
        } else {
            self.push(name, data);
        }
    }

    /// Something else happened.
    pub(super) fn push(&mut self, name: &'static str, data: String) {
        let id = EventId { seq: self.last.seq.saturating_add(1), ..self.last };
        self.add(Event { id, name, data });
    }

    fn add(&mut self, event: Event) {
        self.last = event.id;
        self.events.push_back(Arc::new(event));
        if self.events.len() > EVENTS_MAX {
            self.events.pop_front();
            self.begin = self.begin.saturating_add(1);
        }
    }

    pub(super) fn locate(&self, id: EventId) -> Located {
        let after = self.events.partition_point(|event| event.id <= id);
        let is_held = after.checked_sub(1).is_some_and(|place| self.events[place].id == id);
        let cursor = self.begin.saturating_add(u64::try_from(after).unwrap_or(u64::MAX));
        if is_held {
            return Located::Held(cursor);
        }
        let next = self.events.get(after).map_or(self.last, |event| event.id);
        // The finality of the next event's height is that event itself, if it is the first of its height.
        let told_from = if next.seq == 0 { next.height } else { next.height.saturating_add(1) };
        let from = id.height.saturating_add(1);
        Located::Lost { from, to: told_from.saturating_sub(1), cursor, next }
    }

    pub(super) fn next(&self, cursor: u64) -> Next {
        match cursor.checked_sub(self.begin) {
            None => {
                let next = self.events.front().map_or(self.last, |event| event.id);
                Next::Gone { cursor: self.begin, next }
            }
            Some(place) => {
                let place = usize::try_from(place).unwrap_or(usize::MAX);
                self.events.get(place).map_or(Next::Nothing, |one| Next::Event(Arc::clone(one)))
            }
        }
    }
}
