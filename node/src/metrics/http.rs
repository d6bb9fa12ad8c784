//! What the API measures as it goes.

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
};

/// Shared with the registry; cloning shares.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    /// From a request's headers to those of its answer, without requests that wait and event streams.
    pub seconds: Histogram,
    /// Who was turned away, by reason.
    pub refused: Family<RefusedLabel, Counter>,
}

/// Why somebody was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// The address, or everybody together, has too many connections.
    Connections,
    /// The address asks too often.
    Rate,
    /// Too many requests are under way.
    Requests,
    /// Too many requests wait for transactions.
    Waits,
    /// Too many event streams.
    Streams,
    /// The store or the state is asked too much.
    Reads,
}

/// A reason as a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusedLabel {
    /// The reason.
    pub reason: Refused,
}

impl Refused {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Connections, Self::Rate, Self::Requests, Self::Waits, Self::Streams, Self::Reads];

    const fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Rate => "rate",
            Self::Requests => "requests",
            Self::Waits => "waits",
            Self::Streams => "streams",
            Self::Reads => "reads",
        }
    }
}

impl HttpMetrics {
    /// Somebody was turned away.
    pub(crate) fn refused(&self, reason: Refused) {
        self.refused.get_or_create(&RefusedLabel { reason }).inc();
    }
}

impl EncodeLabelValue for Refused {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        EncodeLabelValue::encode(&self.name(), encoder)
    }
}

impl Default for HttpMetrics {
    fn default() -> Self {
        // From 100 microseconds to 13 seconds.
        let buckets = exponential_buckets(1e-4, 2.0, 18);
        let refused = Family::<RefusedLabel, Counter>::default();
        // Every reason is there from the start, so that the first refusal is an increase.
        for reason in Refused::ALL {
            drop(refused.get_or_create(&RefusedLabel { reason }));
        }
        Self { seconds: Histogram::new(buckets), refused }
    }
}
