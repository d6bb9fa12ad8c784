//! One machine's clocks: the monotonic reading and the wall reading, as wrong as a scenario wants.
//!
//! The monotonic reading drifts, jumps forward or freezes, and strictly increases from step to step.
//! The wall reading may do anything. Wake-ups are asked for in the machine's own monotonic time and
//! are converted to world time here.

use quorate_core::time::{Instant, Now, Span, UnixMillis};

use super::network::FaultId;
use crate::scenario::{ClockReading, SignedSpan};

/// Parts in a million: the rate of a clock that is right.
const MILLION: i64 = 1_000_000;

/// What a fault does to a clock while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockFault {
    /// The wall clock is off.
    Skew(SignedSpan),
    /// Both run fast (positive) or slow, by parts per million.
    Drift(i32),
    /// The wall clock jumps to and fro.
    Strobe {
        /// How far to either side.
        amplitude: Span,
        /// How long it stays on one side.
        period: Span,
    },
    /// Both stand still.
    Freeze,
}

/// Both readings of one machine.
#[derive(Clone, Debug)]
pub struct Clock {
    /// World time at which the lines below were last bent.
    bent: u64,
    /// Monotonic nanoseconds at that time.
    mono: u64,
    /// Wall nanoseconds since the Unix epoch at that time.
    wall: i128,
    drift_ppm: i64,
    faults: Vec<(FaultId, ClockFault)>,
    last: u64,
}

impl Clock {
    /// A clock as the machine is switched on at world time 0. `mono` is where its monotonic reading
    /// starts, `wall` its wall reading in nanoseconds, `drift_ppm` how fast both run.
    #[must_use]
    pub fn new(mono: u64, wall: i128, drift_ppm: i64) -> Self {
        Self { bent: 0, mono, wall, drift_ppm, faults: Vec::new(), last: mono }
    }

    /// Reads both at a world time. The monotonic reading is above every earlier one.
    pub fn read(&mut self, world: u64) -> Now {
        self.last = self.mono_at(world).max(self.last.saturating_add(1));
        Now { mono: Instant::from_nanos(self.last), wall: self.wall_at(world) }
    }

    /// The earliest world time, not before `now`, at which the monotonic reading is `mono` or more;
    /// `None` while the clock stands still, unless the time has come already.
    #[must_use]
    pub fn world_of(&self, mono: Instant, now: u64) -> Option<u64> {
        if mono.nanos() <= self.mono_at(now).max(self.last) {
            return Some(now);
        }
        let rate = self.rate();
        if rate == 0 {
            return None;
        }
        let ahead = i128::from(mono.nanos()) - i128::from(self.mono);
        // Rounded up: at the moment found the reading has been reached.
        let world = (ahead * i128::from(MILLION) + i128::from(rate) - 1) / i128::from(rate);
        let world = u64::try_from(world).unwrap_or(u64::MAX);
        Some(self.bent.saturating_add(world).max(now))
    }

    /// Starts a fault at a world time.
    pub fn begin(&mut self, id: FaultId, fault: ClockFault, world: u64) {
        self.bend(world);
        self.faults.push((id, fault));
    }

    /// Ends a fault at a world time. The monotonic reading goes on from where it is.
    pub fn end(&mut self, id: FaultId, world: u64) {
        self.bend(world);
        self.faults.retain(|(held, _)| *held != id);
    }

    /// Sets a reading off, once and for good. The monotonic one only goes forward.
    pub fn jump(&mut self, by: SignedSpan, which: ClockReading, world: u64) {
        self.bend(world);
        if which != ClockReading::Wall && !by.back {
            self.mono = self.mono.saturating_add(by.by.nanos());
        }
        if which != ClockReading::Monotonic {
            self.wall += signed(by);
        }
    }

    /// Parts per million at which both advance now; never below zero.
    fn rate(&self) -> i64 {
        if self.faults.iter().any(|(_, fault)| *fault == ClockFault::Freeze) {
            return 0;
        }
        let drifts = self.faults.iter().map(|(_, fault)| match fault {
            ClockFault::Drift(ppm) => i64::from(*ppm),
            _ => 0,
        });
        (MILLION + self.drift_ppm + drifts.sum::<i64>()).max(0)
    }

    fn elapsed(&self, world: u64) -> i128 {
        i128::from(world.saturating_sub(self.bent)) * i128::from(self.rate()) / i128::from(MILLION)
    }

    fn mono_at(&self, world: u64) -> u64 {
        u64::try_from(i128::from(self.mono) + self.elapsed(world)).unwrap_or(u64::MAX)
    }

    fn wall_at(&self, world: u64) -> UnixMillis {
        let off: i128 = self.faults.iter().map(|(_, fault)| offset(fault, world)).sum();
        let nanos = self.wall + self.elapsed(world) + off;
        UnixMillis::new(u64::try_from(nanos.max(0) / 1_000_000).unwrap_or(u64::MAX))
    }

    /// Starts a new straight line at a world time, before the rate changes.
    fn bend(&mut self, world: u64) {
        let elapsed = self.elapsed(world);
        self.mono = self.mono_at(world);
        self.wall += elapsed;
        self.bent = self.bent.max(world);
    }
}

/// How far off a fault puts the wall clock at a world time.
fn offset(fault: &ClockFault, world: u64) -> i128 {
    match fault {
        ClockFault::Skew(by) => signed(*by),
        ClockFault::Strobe { amplitude, period } => {
            let far = i128::from(amplitude.nanos());
            if (world / period.nanos().max(1)).is_multiple_of(2) { far } else { -far }
        }
        ClockFault::Drift(_) | ClockFault::Freeze => 0,
    }
}

fn signed(span: SignedSpan) -> i128 {
    let nanos = i128::from(span.by.nanos());
    if span.back { -nanos } else { nanos }
}

#[cfg(test)]
mod tests;
