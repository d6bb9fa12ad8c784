//! Progress is demanded from everybody in every span after GST, and from nobody before.

use std::sync::Arc;

use quorate_core::{
    event::Event,
    time::Span,
    types::{Digest, Height, View},
};

use super::{
    super::stage::{Seen, Stage, assert_broken},
    Liveness,
};
use crate::{
    scenario::Invariant,
    trace::{DownReason, What},
};

const SECOND: u64 = 1_000_000_000;

/// GST at 10 s, one height per 5 s.
fn stage() -> Stage {
    Stage::new(2, Liveness::new(Span::from_millis(10_000), Span::from_millis(5_000)))
}

fn reach(stage: &mut Stage, at: u64, number: u32, height: u64) -> Seen {
    stage.now = at * SECOND;
    stage.see(
        number,
        What::Reported(Arc::new(Event::Finalized {
            height: Height::new(height),
            view: View::new(height),
            block: Digest::ZERO,
        })),
    )
}

#[test]
fn steady_progress_is_fine() {
    let mut stage = stage();
    for (at, height) in [(3, 1), (12, 2), (19, 3), (24, 4)] {
        assert_eq!(reach(&mut stage, at, 0, height), Ok(()));
        assert_eq!(reach(&mut stage, at, 1, height), Ok(()));
    }
    assert_eq!(stage.checks.finish(25 * SECOND), Ok(()));
}

#[test]
fn standing_still_before_gst_is_fine_and_after_it_is_not() {
    let mut stage = stage();
    assert_eq!(stage.checks.finish(14 * SECOND), Ok(()));
    let seen = stage.checks.finish(15 * SECOND);
    assert_broken(seen, Invariant::Liveness, "n0 at height 0, n1 at height 0");
}

#[test]
fn one_that_lags_breaks_it_in_a_later_span() {
    let mut stage = stage();
    for (at, number, height) in [(12, 0, 1), (12, 1, 1), (17, 0, 2)] {
        assert_eq!(reach(&mut stage, at, number, height), Ok(()));
    }
    let seen = stage.checks.finish(21 * SECOND);
    assert_broken(seen, Invariant::Liveness, "nothing new within 5000ms: n1 at height 1");
}

#[test]
fn the_dead_and_the_dishonest_owe_nothing() {
    let mut stage = stage().corrupt(&[0]);
    stage.fine(1, What::WentDown(DownReason::CorruptLog));
    assert_eq!(stage.checks.finish(60 * SECOND), Ok(()));
}
