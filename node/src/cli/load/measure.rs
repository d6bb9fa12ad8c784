//! What a run of load saw, as numbers.

use std::{collections::BTreeMap, fmt, time::Duration};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::Load;
use crate::config::duration_text;

/// Quantiles that are shown, with their names.
const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.50), ("p90", 0.90), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)];

/// The longest latency that is told from longer ones: an hour.
const LONGEST_MICROS: u64 = 3_600_000_000;

/// Counters and latencies, in microseconds.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    admitted: Histogram<u64>,
    finalized: Histogram<u64>,
    turned_away: BTreeMap<String, u64>,
}

impl Measured {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        let histogram =
            || Histogram::new_with_bounds(1, LONGEST_MICROS, 3).expect("the bounds are sound");
        Self { admitted: histogram(), finalized: histogram(), turned_away: BTreeMap::new() }
    }

    /// A transfer was admitted so long after it was due.
    pub(super) fn admitted(&mut self, after: Duration) {
        self.admitted.saturating_record(micros(after));
    }

    /// A transfer was final so long after it was due.
    pub(super) fn finalized(&mut self, after: Duration) {
        self.finalized.saturating_record(micros(after));
    }

    /// A transfer was not admitted, and is sent again.
    pub(super) fn turned_away(&mut self, reason: &str) {
        *self.turned_away.entry(reason.to_owned()).or_default() += 1;
    }

    /// How far it is, in a line.
    pub(super) fn line(&self) -> String {
        let turned_away: u64 = self.turned_away.values().sum();
        format!("{} admitted, {turned_away} turned away", self.admitted.len())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What came of a run.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Report {
    pub(super) measured: Measured,
    /// From the first transfer until no more was sent.
    pub(super) elapsed: Duration,
    /// From the first transfer until the last one of every worker was final.
    pub(super) settled: Duration,
    /// Transfers that were executed, as the accounts' nonces say.
    pub(super) executed: u64,
}

impl Report {
    /// Transfers admitted.
    pub(in crate::cli) fn admitted(&self) -> u64 {
        self.measured.admitted.len()
    }

    /// For machines.
    pub(super) fn json(&self, load: &Load) -> Value {
        let quantiles = |histogram: &Histogram<u64>| {
            let values = QUANTILES.iter().map(|(name, quantile)| {
                ((*name).to_owned(), Value::from(histogram.value_at_quantile(*quantile)))
            });
            let mut all: serde_json::Map<String, Value> = values.collect();
            all.insert("count".to_owned(), histogram.len().into());
            Value::Object(all)
        };
        json!({
            "rate": load.rate,
            "workers": load.workers,
            "accounts": load.accounts,
            "elapsed_ms": u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX),
            "settled_ms": u64::try_from(self.settled.as_millis()).unwrap_or(u64::MAX),
            "admitted": self.admitted(),
            "executed": self.executed,
            "executed_per_second": per_second(self.executed, self.settled),
            "turned_away": self.measured.turned_away,
            "admission_us": quantiles(&self.measured.admitted),
            "finality_us": quantiles(&self.measured.finalized),
        })
    }
}

fn per_second(count: u64, time: Duration) -> u64 {
    let millis = time.as_millis().max(1);
    u64::try_from(u128::from(count) * 1_000 / millis).unwrap_or(u64::MAX)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (admitted, executed) = (self.admitted(), self.executed);
        writeln!(f, "sent for     {}", duration_text(self.elapsed))?;
        writeln!(f, "admitted     {admitted}  ({}/s)", per_second(admitted, self.elapsed))?;
        let settled = duration_text(self.settled);
        let executed_rate = per_second(executed, self.settled);
        writeln!(f, "executed     {executed}  ({executed_rate}/s, all within {settled})")?;
        for (reason, count) in &self.measured.turned_away {
            writeln!(f, "turned away  {count}  {reason}")?;
        }
        let histograms = [
            ("admission", &self.measured.admitted, "after it was due"),
            ("finality", &self.measured.finalized, "after it was due, of a sample"),
        ];
        for (name, histogram, what) in histograms {
            if histogram.is_empty() {
                continue;
            }
            write!(f, "{name:<12}")?;
            for (label, quantile) in QUANTILES {
                let value = Duration::from_micros(histogram.value_at_quantile(quantile));
                write!(f, " {label} {value:.1?}")?;
            }
            writeln!(f, "  {what}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, LONGEST_MICROS, Measured};

    /// From a microsecond to an hour; what is longer counts as that.
    #[test]
    fn latencies_of_any_length_are_told_apart() {
        let mut measured = Measured::new();
        for millis in [1, 20, 300, 4_000, 50_000_000] {
            measured.admitted(Duration::from_millis(millis));
        }
        for (quantile, millis) in [(0.2, 1), (0.4, 20), (0.6, 300), (0.8, 4_000)] {
            let told = measured.admitted.value_at_quantile(quantile);
            // Three digits are kept.
            assert!(told.abs_diff(millis * 1_000) <= millis, "{told} us, not {millis} ms");
        }
        let longest = measured.admitted.value_at_quantile(1.0);
        assert!(longest >= LONGEST_MICROS, "{longest} us");
    }
}
