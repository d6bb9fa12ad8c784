//! How fast one address may ask.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use governor::{Quota, RateLimiter, clock::DefaultClock, state::keyed::HashMapStateStore};

use super::{problem::Problem, server::household};

/// Between two sweeps of addresses that have not asked for a while.
const SWEEP_EVERY: u32 = 4_096;

/// Addresses that are remembered. More than these at once are an attack, and all of them wait.
const ADDRESSES_MAX: usize = 65_536;

/// Counts requests by address.
pub(super) struct Rates {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
    since_sweep: AtomicU32,
    per_second: NonZeroU32,
}

impl Rates {
    /// So many a second, and twice as many at once. Zero counts as one.
    pub(super) fn new(per_second: u32) -> Self {
        let per_second = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
        let burst = per_second.saturating_mul(NonZeroU32::MIN.saturating_add(1));
        let quota = Quota::per_second(per_second).allow_burst(burst);
        let limiter = RateLimiter::hashmap(quota);
        Self { limiter, since_sweep: AtomicU32::new(0), per_second }
    }

    /// One more request.
    ///
    /// # Errors
    /// If the address asks too fast.
    pub(super) fn check(&self, from: IpAddr) -> Result<(), Problem> {
        if self.since_sweep.fetch_add(1, Ordering::Relaxed) >= SWEEP_EVERY {
            self.since_sweep.store(0, Ordering::Relaxed);
            self.limiter.retain_recent();
        }
        let is_crowded = self.limiter.len() >= ADDRESSES_MAX;
        let allowed = !is_crowded && self.limiter.check_key(&household(from)).is_ok();
        if allowed {
            return Ok(());
        }
        let wait = Duration::from_secs(1);
        Err(Problem::too_many(format!(
            "more than {} requests a second come from {from}: wait {wait:?}, or send several transactions at a time",
            self.per_second,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A burst is granted, and then the address waits; another does not.
    #[test]
    fn each_address_has_its_own() {
        let rates = Rates::new(5);
        let (one, other) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let granted = (0..1_000).filter(|_| rates.check(one).is_ok()).count();
        assert!((10..1_000).contains(&granted), "{granted} were granted");
        assert!(rates.check(other).is_ok());
    }
}
