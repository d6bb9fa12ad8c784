//! Time as numbers: nothing wraps, whatever the clock says.

use expect_test::expect;
use proptest::prelude::*;

use super::{Instant, Now, Span, UnixMillis};

#[test]
fn the_end_of_time_is_the_end() {
    let end = Instant::from_nanos(u64::MAX);
    assert_eq!(end.plus(Span::from_nanos(1)), end);
    assert_eq!(Instant::ZERO.since(end), Span::ZERO);
    assert_eq!(end.since(Instant::ZERO), Span::from_nanos(u64::MAX));
    assert_eq!(Span::from_millis(u64::MAX), Span::from_nanos(u64::MAX));
    assert_eq!(Span::from_micros(u64::MAX), Span::from_nanos(u64::MAX));
    assert_eq!(Span::from_millis(1).times(u64::MAX), Span::from_nanos(u64::MAX));
    assert_eq!(Span::ZERO.minus(Span::from_millis(1)), Span::ZERO);
    assert_eq!(Span::from_nanos(u64::MAX).scaled(3, 2), Span::from_nanos(u64::MAX));
    assert_eq!(UnixMillis::new(u64::MAX).plus_millis(1), UnixMillis::new(u64::MAX));
}

#[test]
#[should_panic(expected = "divide by zero")]
fn scaling_by_nothing_is_a_bug() {
    let _ = Span::from_millis(1).scaled(1, 0);
}

#[test]
fn units() {
    assert_eq!(Span::from_millis(2), Span::from_micros(2_000));
    assert_eq!(Span::from_micros(2), Span::from_nanos(2_000));
    assert_eq!(Span::from_nanos(1_999_999).millis(), 1);
    assert_eq!(Span::from_millis(500).scaled(12, 10), Span::from_millis(600));
}

#[test]
fn people_read_milliseconds() {
    let now =
        Now { mono: Instant::from_nanos(1_500_000_000), wall: UnixMillis::new(1_700_000_000_000) };
    expect!["Now { mono: t+1500ms, wall: 1700000000000ms }"].assert_eq(&format!("{now:?}"));
    expect!["0.000001ms"].assert_eq(&format!("{:?}", Span::from_nanos(1)));
    expect!["1.500000ms"].assert_eq(&format!("{:?}", Span::from_micros(1_500)));
}

proptest! {
    /// `plus` and `since` undo each other, short of the end of time.
    #[test]
    fn plus_and_since_agree(start in any::<u64>(), length in any::<u64>()) {
        let start = Instant::from_nanos(start);
        let span = Span::from_nanos(length);
        let end = start.plus(span);
        prop_assert!(end >= start);
        if end < Instant::from_nanos(u64::MAX) {
            prop_assert_eq!(end.since(start), span);
        }
    }

    /// Scaling rounds down and never exceeds the exact value.
    #[test]
    fn scaling_is_exact_in_a_wider_type(nanos in any::<u64>(), up in any::<u64>(), down in 1..u64::MAX) {
        let exact = u128::from(nanos) * u128::from(up) / u128::from(down);
        let scaled = u128::from(Span::from_nanos(nanos).scaled(up, down).nanos());
        prop_assert_eq!(scaled, exact.min(u128::from(u64::MAX)));
    }
}
