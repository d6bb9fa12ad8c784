//! How fast a peer may send: token buckets for messages and bytes of each class.
//!
//! A peer that is over a limit is not read for as long as it takes, which TCP passes on to it.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use quorate_core::{frame::Class, message::MESSAGE_BYTES_MAX};

use super::options::{PerClass, Rate, Rates};

/// Control frames per second, and twice as many at once.
const CONTROL_PER_SECOND: u32 = 10;

/// The buckets of one connection.
#[derive(Debug)]
pub(crate) struct Buckets {
    clock: DefaultClock,
    control: DefaultDirectRateLimiter,
    messages: PerClass<DefaultDirectRateLimiter>,
    bytes: PerClass<DefaultDirectRateLimiter>,
}

fn bucket(per_second: u32, burst: u32) -> DefaultDirectRateLimiter {
    let one = NonZeroU32::MIN;
    // A token takes a nanosecond at least.
    let per_second = NonZeroU32::new(per_second.min(1_000_000_000)).unwrap_or(one);
    let burst = NonZeroU32::new(burst).unwrap_or(one);
    let quota = Quota::per_second(per_second).allow_burst(burst);
    RateLimiter::direct(quota)
}

impl Buckets {
    pub(crate) fn new(rates: &Rates) -> Self {
        // The largest message has to fit, or it could never come.
        let largest = u32::try_from(MESSAGE_BYTES_MAX).unwrap_or(u32::MAX);
        let twice = |rate: u32| rate.saturating_mul(2);
        let bytes = |rate: &Rate| bucket(rate.bytes, twice(rate.bytes).max(largest));
        Self {
            clock: DefaultClock::default(),
            control: bucket(CONTROL_PER_SECOND, twice(CONTROL_PER_SECOND)),
            messages: PerClass::from_fn(|class| {
                let rate = rates.of(class);
                bucket(rate.messages, twice(rate.messages))
            }),
            bytes: PerClass::from_fn(|class| bytes(rates.of(class))),
        }
    }

    /// Takes a message's worth of tokens, or says how long to wait before asking again.
    pub(crate) fn take_message(&self, class: Class) -> Result<(), Duration> {
        let bucket = if class == Class::Control { &self.control } else { self.messages.of(class) };
        bucket.check().map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    /// Takes tokens for that many bytes, or says how long to wait before asking again.
    pub(crate) fn take_bytes(&self, class: Class, bytes: usize) -> Result<(), Duration> {
        if class == Class::Control {
            return Ok(());
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let Some(bytes) = NonZeroU32::new(bytes) else { return Ok(()) };
        match self.bytes.of(class).check_n(bytes) {
            Ok(taken) => taken.map_err(|not_until| not_until.wait_time_from(self.clock.now())),
            // More than a bucket holds never comes: frames and claims are limited first.
            Err(_) => Ok(()),
        }
    }
}
