//! Stop watch and columns for the printed tables.

use std::{hint::black_box, time::Duration};

use criterion::measurement::{Measurement, WallTime};

/// The best of some rounds: what the machine can do when it is left alone.
pub(crate) fn best<S, R>(
    rounds: u32,
    mut setup: impl FnMut() -> S,
    mut run: impl FnMut(S) -> R,
) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..rounds.max(1) {
        let prepared = setup();
        let begun = WallTime.start();
        let result = black_box(run(prepared));
        best = best.min(WallTime.end(begun));
        drop(result);
    }
    best
}

/// Microseconds per transaction.
pub(crate) fn each(time: Duration, transactions: usize) -> f64 {
    let transactions = u32::try_from(transactions).expect("a block has few transactions");
    time.as_secs_f64() * 1e6 / f64::from(transactions.max(1))
}

/// How many times faster than something else.
pub(crate) fn times(than: Duration, time: Duration) -> f64 {
    than.as_secs_f64() / time.as_secs_f64().max(1e-9)
}

/// Rounds per figure: one when criterion only checks that benches run.
pub(crate) fn rounds(wanted: u32) -> u32 {
    if std::env::args().any(|argument| argument == "--test") { 1 } else { wanted }
}
