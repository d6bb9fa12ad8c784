//! What the driver counts and measures, shared with whoever shows it.
//!
//! Values only: names, help texts and registration belong to `crate::metrics`. Cloning shares.

use std::fmt;

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
};
use quorate_core::{event::TimeoutReason, vote::Kind};

/// What kind of input a step took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// A deadline.
    Tick,
    /// A message.
    Received,
    /// A client's transaction.
    Submitted,
    /// A write is durable.
    Written,
    /// A promise is durable and signed.
    Pledged,
    /// A job is done.
    Finished,
    /// A connection came or went.
    Peer,
}

/// A step's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct InputLabel {
    /// What it took.
    pub input: InputKind,
}

/// Why a view was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No acceptable proposal in time.
    NoProposal,
    /// No certificate in time.
    NoCertificate,
    /// A block that can never be accepted.
    InvalidProposal,
    /// The leader gave up itself.
    LeaderNullified,
    /// The leader has been silent for long.
    LeaderInactive,
}

impl From<TimeoutReason> for Reason {
    fn from(reason: TimeoutReason) -> Self {
        match reason {
            TimeoutReason::NoProposal => Self::NoProposal,
            TimeoutReason::NoCertificate => Self::NoCertificate,
            TimeoutReason::InvalidProposal => Self::InvalidProposal,
            TimeoutReason::LeaderNullified => Self::LeaderNullified,
            TimeoutReason::LeaderInactive => Self::LeaderInactive,
        }
    }
}

/// A given-up view's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabel {
    /// Why.
    pub reason: Reason,
}

/// Which quorum was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Notarization.
    Notarize,
    /// Nullification.
    Nullify,
    /// Finalization.
    Finalize,
}

impl From<Kind> for Phase {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Notarize => Self::Notarize,
            Kind::Nullify => Self::Nullify,
            Kind::Finalize => Self::Finalize,
        }
    }
}

/// A quorum's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PhaseLabel {
    /// Which.
    pub phase: Phase,
}

/// What became of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fared {
    /// Done.
    Applied,
    /// Fee taken, nothing else.
    Failed,
    /// No effect.
    Skipped,
}

/// An executed transaction's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct FaredLabel {
    /// What became of it.
    pub outcome: Fared,
}

/// How labels write the values of a type: like all names of metrics, in lower case.
macro_rules! words {
    ($type:ident { $($value:ident => $word:literal),* $(,)? }) => {
        impl EncodeLabelValue for $type {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
                let word = match self {
                    $(Self::$value => $word),*
                };
                EncodeLabelValue::encode(&word, encoder)
            }
        }
    };
}

words!(InputKind {
    Tick => "tick",
    Received => "received",
    Submitted => "submitted",
    Written => "written",
    Pledged => "pledged",
    Finished => "finished",
    Peer => "peer",
});

words!(Reason {
    NoProposal => "no_proposal",
    NoCertificate => "no_certificate",
    InvalidProposal => "invalid_proposal",
    LeaderNullified => "leader_nullified",
    LeaderInactive => "leader_inactive",
});

words!(Phase {
    Notarize => "notarize",
    Nullify => "nullify",
    Finalize => "finalize",
});

words!(Fared {
    Applied => "applied",
    Failed => "failed",
    Skipped => "skipped",
});

/// Everything the driver measures. Times are in seconds.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Steps of the replica by kind of input.
    pub steps: Family<InputLabel, Counter>,
    /// How long steps take, effects seen to included.
    pub step_seconds: Histogram,
    /// Inputs taken per wake-up of the replica's task.
    pub inputs_per_wake: Histogram,
    /// Entries of the log that wait for the disk.
    pub log_entries_waiting: Gauge,
    /// Jobs that wait for a thread or run.
    pub jobs_waiting: Gauge,
    /// Clients' transactions that wait for the replica.
    pub submissions_waiting: Gauge,
    /// Inputs that were refused because queues behind the replica were full, in times it looked.
    pub congestions: Counter,
    /// How long it takes to make consensus records durable.
    pub append_seconds: Histogram,
    /// How long it takes to make promises durable and sign them.
    pub sign_seconds: Histogram,
    /// Writes made durable at once.
    pub writes_per_append: Histogram,
    /// Promises made durable at once.
    pub pledges_per_sign: Histogram,
    /// How long a block takes to execute.
    pub execution_seconds: Histogram,
    /// How long what it changed takes to commit.
    pub commit_seconds: Histogram,
    /// Transactions executed, by what became of them.
    pub transactions: Family<FaredLabel, Counter>,
    /// Transactions per finalized block.
    pub transactions_per_block: Histogram,
    /// Blocks that came to something else under another scheduler. Anything but zero is a defect.
    pub shadow_mismatches: Counter,
    /// How long checks of signatures take.
    pub verify_seconds: Histogram,
    /// Signatures checked, or transactions and blocks with theirs.
    pub jobs: Counter,
    /// From entering a view until a quorum of some phase of it is known.
    pub quorum_seconds: Family<PhaseLabel, Histogram, fn() -> Histogram>,
    /// From first seeing a block until it is final.
    pub finality_seconds: Histogram,
    /// Views a height took.
    pub views_per_height: Histogram,
    /// Views given up, by reason.
    pub view_changes: Family<ReasonLabel, Counter>,
    /// Proofs of offences seen.
    pub evidence: Counter,
    /// Bytes written to the capture.
    pub capture_bytes: Counter,
    /// Inputs that the capture had no room for.
    pub capture_gaps: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            steps: Family::default(),
            step_seconds: Histogram::new(exponential_buckets(1e-6, 4.0, 10)),
            inputs_per_wake: counts(),
            log_entries_waiting: Gauge::default(),
            jobs_waiting: Gauge::default(),
            submissions_waiting: Gauge::default(),
            congestions: Counter::default(),
            append_seconds: seconds(),
            sign_seconds: seconds(),
            writes_per_append: counts(),
            pledges_per_sign: counts(),
            execution_seconds: seconds(),
            commit_seconds: seconds(),
            transactions: Family::default(),
            transactions_per_block: Histogram::new(exponential_buckets(1.0, 4.0, 8)),
            shadow_mismatches: Counter::default(),
            verify_seconds: seconds(),
            jobs: Counter::default(),
            quorum_seconds: Family::new_with_constructor(seconds),
            finality_seconds: seconds(),
            views_per_height: Histogram::new([1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0, 32.0]),
            view_changes: Family::default(),
            evidence: Counter::default(),
            capture_bytes: Counter::default(),
            capture_gaps: Counter::default(),
        }
    }
}

/// From 100 microseconds to 13 seconds.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(1e-4, 2.0, 18))
}

/// From 1 to 512.
fn counts() -> Histogram {
    Histogram::new(exponential_buckets(1.0, 2.0, 10))
}

/// A count as a measurement.
pub(crate) fn measured(count: usize) -> f64 {
    // Larger counts than these are never measured.
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
