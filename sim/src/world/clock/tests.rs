//! Readings follow the faults, and a wake-up is converted to the world time at which it is due.

use quorate_core::time::{Instant, Span};

use super::{Clock, ClockFault};
use crate::{
    scenario::{ClockReading, SignedSpan},
    world::network::FaultId,
};

const SECOND: u64 = 1_000_000_000;
const START: i128 = 1_700_000_000_000_000_000;

fn clock(drift_ppm: i64) -> Clock {
    Clock::new(5 * SECOND, START, drift_ppm)
}

fn forward(millis: u64) -> SignedSpan {
    SignedSpan { back: false, by: Span::from_millis(millis) }
}

#[test]
fn a_drifting_clock_reads_more_and_its_wake_ups_come_sooner() {
    let mut clock = clock(100);
    let now = clock.read(10 * SECOND);
    assert_eq!(now.mono.nanos(), 15 * SECOND + 1_000_000);
    assert_eq!(now.wall.get(), 1_700_000_010_001);
    let due = clock.world_of(Instant::from_nanos(15 * SECOND + 2_000_000), 10 * SECOND);
    assert_eq!(due, Some(10 * SECOND + 999_901));
}

#[test]
fn a_wake_up_is_due_exactly_when_the_reading_is_reached() {
    for drift in [-900_000, -500, -1, 0, 1, 77, 999_999] {
        let mut clock = clock(drift);
        clock.begin(FaultId(0), ClockFault::Drift(13), 3 * SECOND);
        for ahead in [1, 2, 999, SECOND, SECOND + 7] {
            let wanted = Instant::from_nanos(clock.mono_at(4 * SECOND) + ahead);
            let due = clock.world_of(wanted, 4 * SECOND).expect("it runs");
            assert!(clock.mono_at(due) >= wanted.nanos(), "{drift} {ahead}: reached");
            assert!(clock.mono_at(due - 1) < wanted.nanos(), "{drift} {ahead}: not before");
        }
    }
}

#[test]
fn the_monotonic_reading_strictly_increases_whatever_happens() {
    let mut clock = clock(0);
    let mut last = clock.read(0).mono;
    let mut check = |clock: &mut Clock, world| {
        let now = clock.read(world).mono;
        assert!(now > last, "{now:?} after {last:?}");
        last = now;
    };
    check(&mut clock, 0);
    clock.begin(FaultId(0), ClockFault::Freeze, SECOND);
    check(&mut clock, 2 * SECOND);
    check(&mut clock, 2 * SECOND);
    clock.begin(FaultId(1), ClockFault::Drift(-2_000_000), 3 * SECOND);
    clock.end(FaultId(0), 3 * SECOND);
    check(&mut clock, 4 * SECOND);
    clock.end(FaultId(1), 4 * SECOND);
    clock.jump(forward(100), ClockReading::Both, 4 * SECOND);
    check(&mut clock, 4 * SECOND);
}

#[test]
fn a_frozen_clock_holds_wake_ups_until_it_thaws() {
    let mut clock = clock(0);
    clock.begin(FaultId(0), ClockFault::Freeze, SECOND);
    let wanted = Instant::from_nanos(7 * SECOND);
    assert_eq!(clock.world_of(wanted, SECOND), None);
    assert_eq!(clock.world_of(Instant::from_nanos(6 * SECOND), SECOND), Some(SECOND));
    clock.end(FaultId(0), 10 * SECOND);
    // A second was missing when it froze, and is still missing.
    assert_eq!(clock.world_of(wanted, 10 * SECOND), Some(11 * SECOND));
}

#[test]
fn the_wall_clock_may_go_back_and_recovers_from_skew_and_strobe() {
    let mut clock = clock(0);
    let wall = |clock: &mut Clock, world| clock.read(world).wall.get() - 1_700_000_000_000;
    assert_eq!(wall(&mut clock, SECOND), 1_000);
    let back = SignedSpan { back: true, by: Span::from_millis(300) };
    clock.begin(FaultId(0), ClockFault::Skew(back), SECOND);
    assert_eq!(wall(&mut clock, SECOND), 700);
    clock.end(FaultId(0), SECOND);
    assert_eq!(wall(&mut clock, SECOND), 1_000);
    let (amplitude, period) = (Span::from_millis(50), Span::from_millis(100));
    clock.begin(FaultId(1), ClockFault::Strobe { amplitude, period }, SECOND);
    assert_eq!(wall(&mut clock, SECOND), 1_050);
    assert_eq!(wall(&mut clock, SECOND + 100_000_000), 1_050);
    assert_eq!(wall(&mut clock, SECOND + 200_000_000), 1_250);
    clock.end(FaultId(1), 2 * SECOND);
    clock.jump(back, ClockReading::Both, 2 * SECOND);
    assert_eq!(wall(&mut clock, 2 * SECOND), 1_700);
    assert!(clock.read(2 * SECOND).mono.nanos() >= 7 * SECOND, "only the wall clock went back");
}
