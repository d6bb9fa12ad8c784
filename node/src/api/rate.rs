//! How fast one address may ask.
//!
//! Every address has a bucket that fills with time. Buckets are kept in two generations; when the younger one
//! is full the older is forgotten, so however many addresses ask, memory is bounded and nobody is refused
//! for the others' sake. A bucket that is forgotten was not asked for while thousands of others were, and is
//! full again when its address comes back.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::problem::Problem;
use crate::network::site;

/// Addresses of one generation: with two of them a few megabytes.
const GENERATION_MAX: usize = 32_768;

/// Counts requests by address.
#[derive(Debug)]
pub(super) struct Rates {
    per_second: NonZeroU32,
    /// Between two requests at the full rate.
    interval: Duration,
    /// How far ahead of the full rate an address may be.
    ahead_max: Duration,
    buckets: Mutex<Buckets>,
}

/// For each address, when it would be done if it asked at the full rate.
#[derive(Debug, Default)]
struct Buckets {
    young: HashMap<IpAddr, Instant>,
    old: HashMap<IpAddr, Instant>,
}

impl Rates {
    /// So many a second, and twice as many at once. Zero counts as one.
    pub(super) fn new(per_second: u32) -> Self {
        let per_second = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
        let interval = Duration::from_secs(1) / per_second.get();
        // Twice as many as there are in a second, of which the first is not ahead.
        let ahead_max = Duration::from_secs(2).saturating_sub(interval);
        Self { per_second, interval, ahead_max, buckets: Mutex::default() }
    }

    /// One more request.
    ///
    /// # Errors
    /// If the address asks too fast.
    pub(super) fn check(&self, from: IpAddr) -> Result<(), Problem> {
        if self.take(site(from), Instant::now()) {
            return Ok(());
        }
        Err(Problem::too_many(format!(
            "more than {} requests a second come from {from}: wait 1 s, or send several transactions at a time",
            self.per_second,
        )))
    }

    fn take(&self, of: IpAddr, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let done = buckets.find(of).map_or(now, |done| done.max(now));
        let is_granted = done.saturating_duration_since(now) <= self.ahead_max;
        let done = if is_granted { done + self.interval } else { done };
        buckets.keep(of, done);
        is_granted
    }
}

impl Buckets {
    fn find(&self, of: IpAddr) -> Option<Instant> {
        self.young.get(&of).or_else(|| self.old.get(&of)).copied()
    }

    fn keep(&mut self, of: IpAddr, done: Instant) {
        if self.young.len() >= GENERATION_MAX && !self.young.contains_key(&of) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(of, done);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    /// A burst is granted, and then the address waits; another does not.
    #[test]
    fn each_address_has_its_own() {
        let rates = Rates::new(5);
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let now = Instant::now();
        let granted = |at| (0..1_000).filter(|_| rates.take(one, at)).count();
        assert_eq!(granted(now), 10);
        assert!(rates.take(other, now));
        assert_eq!(granted(now + Duration::from_secs(1)), 5);
        assert_eq!(granted(now + Duration::from_secs(100)), 10);
    }

    /// However many addresses ask, another one may as well, what is kept is bounded, and one that goes on
    /// asking is not forgotten.
    #[test]
    fn a_crowd_keeps_nobody_out() {
        let rates = Rates::new(1);
        let now = Instant::now();
        let busy = IpAddr::from([10, 0, 0, 1]);
        assert!(rates.take(busy, now) && rates.take(busy, now));
        for number in 0..100_000_u128 {
            let [a, b] = [0x2001_0db8_u128 << 96, number << 64];
            let stranger = IpAddr::from(Ipv6Addr::from_bits(a | b));
            assert!(rates.check(stranger).is_ok(), "stranger {number}");
            if number % 1_000 == 0 {
                assert!(!rates.take(busy, now), "after {number} strangers");
            }
        }
        let buckets = rates.buckets.lock().expect("nobody panicked");
        assert!(buckets.young.len() + buckets.old.len() <= 2 * GENERATION_MAX);
    }
}
