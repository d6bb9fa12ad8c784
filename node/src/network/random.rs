//! Times drawn at random, so that nodes do not act in step.

use std::time::Duration;

/// A time from `least` to `most`, or `least` where the system gives no randomness.
pub(crate) fn between(least: Duration, most: Duration) -> Duration {
    let width = most.saturating_sub(least);
    let share = getrandom::u32().unwrap_or(0);
    // At most the width, since the share is below 2^32: in nanoseconds, which fit in 128 bits.
    let nanos = (width.as_nanos() * u128::from(share)) >> 32;
    least + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// About that long: a tenth more or less.
pub(crate) fn about(time: Duration) -> Duration {
    between(time * 9 / 10, time * 11 / 10)
}

/// Pauses before trying again: from a least to a most, twice as long each time, each drawn from its upper half.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    least: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(least: Duration, most: Duration) -> Self {
        Self { least, most, next: least }
    }

    pub(crate) fn pause(&mut self) -> Duration {
        let pause = between(self.next / 2, self.next);
        self.next = self.next.saturating_mul(2).min(self.most);
        pause
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.least;
    }
}

#[cfg(test)]
mod tests {
    //! Within the bounds, always.

    use super::{Backoff, Duration, about, between};

    #[test]
    fn times_are_within_bounds() {
        let (least, most) = (Duration::from_millis(5), Duration::from_secs(10));
        for _ in 0..1_000 {
            let time = between(least, most);
            assert!(least <= time && time <= most, "{time:?}");
            let time = about(most);
            assert!(Duration::from_secs(9) <= time && time <= Duration::from_secs(11), "{time:?}");
        }
        assert_eq!(between(most, least), most);
    }

    #[test]
    fn pauses_grow_to_the_most() {
        let (least, most) = (Duration::from_millis(100), Duration::from_secs(10));
        let mut backoff = Backoff::new(least, most);
        let mut full = least;
        for _ in 0..20 {
            let pause = backoff.pause();
            assert!(full / 2 <= pause && pause <= full, "{pause:?} of {full:?}");
            full = (full * 2).min(most);
        }
        assert_eq!(full, most);
        backoff.reset();
        assert!(backoff.pause() <= least);
    }
}
