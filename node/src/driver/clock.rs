//! The replica's two clocks.
//!
//! The monotonic one starts when the node does and is pushed on by a nanosecond where the system's has not
//! moved, so that it strictly increases from step to step (I10). The wall clock is whatever the system says.

use std::time::{Duration, Instant as SystemInstant, SystemTime, UNIX_EPOCH};

use quorate_core::time::{Instant, Now, UnixMillis};

/// Reads both clocks for one replica.
#[derive(Debug)]
pub(crate) struct Clock {
    start: SystemInstant,
    last: u64,
}

impl Clock {
    /// A monotonic clock that shows zero now.
    pub(crate) fn start() -> Self {
        Self { start: SystemInstant::now(), last: 0 }
    }

    /// What they show, later than at any time before.
    pub(crate) fn read(&mut self) -> Now {
        let since = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.last = since.max(self.last.saturating_add(1));
        Now { mono: Instant::from_nanos(self.last), wall: wall() }
    }

    /// What the monotonic clock shows.
    pub(crate) fn peek(&self) -> Instant {
        let since = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Instant::from_nanos(since.max(self.last))
    }

    /// When it will show `at`, on the system's clock.
    pub(crate) fn system(&self, at: Instant) -> SystemInstant {
        self.start + Duration::from_nanos(at.nanos())
    }
}

/// The system's wall clock; one that is set before 1970 shows 1970.
fn wall() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
