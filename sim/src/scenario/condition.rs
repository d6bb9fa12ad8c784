//! Who a fault hits, when it begins and when it ends.

use std::fmt;

use quorate_core::{
    time::Span,
    types::{Height, ValidatorId, View},
};

/// One running replica: `n4`, or `n4'` for its twin on the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeName {
    /// The validator whose key it holds.
    pub validator: ValidatorId,
    /// Whether it is the second replica on that key.
    pub twin: bool,
}

impl NodeName {
    /// The first (usually the only) replica of validator `number`.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self { validator: ValidatorId::new(number), twin: false }
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.validator, if self.twin { "'" } else { "" })
    }
}

/// Some of the replicas. Resolved when a fault fires, against the world as it then is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// These, ascending.
    Nodes(Vec<NodeName>),
    /// Everybody.
    All,
    /// One, drawn by the seed.
    One,
    /// Fewer than half, drawn by the seed: `(n - 1) / 2`.
    Minority,
    /// More than half, drawn by the seed: `n / 2 + 1`.
    Majority,
    /// The leader of the highest view any honest validator is in.
    Leader,
    /// The leader of the view after that.
    NextLeader,
    /// As many as the protocol tolerates, by weight, drawn by the seed.
    F,
    /// One more than that.
    FPlusOne,
    /// A quorum by weight, drawn by the seed.
    Quorum,
    /// Those without a Byzantine behaviour.
    Honest,
    /// Those with one.
    Byzantine,
    /// This many, drawn by the seed.
    Random(u32),
    /// Those whose finalized height is the lowest.
    Behind,
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(names) => {
                for (position, name) in names.iter().enumerate() {
                    write!(f, "{}{name}", if position == 0 { "" } else { " " })?;
                }
                Ok(())
            }
            Self::All => f.write_str("all"),
            Self::One => f.write_str("one"),
            Self::Minority => f.write_str("minority"),
            Self::Majority => f.write_str("majority"),
            Self::Leader => f.write_str("leader"),
            Self::NextLeader => f.write_str("next_leader"),
            Self::F => f.write_str("f"),
            Self::FPlusOne => f.write_str("f+1"),
            Self::Quorum => f.write_str("quorum"),
            Self::Honest => f.write_str("honest"),
            Self::Byzantine => f.write_str("byzantine"),
            Self::Random(count) => write!(f, "random:{count}"),
            Self::Behind => f.write_str("behind"),
        }
    }
}

/// A place in the driver at which a crash can be put, in the order they are passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CrashPoint {
    /// A pledge was asked for, nothing is written yet.
    BeforeWrite,
    /// Written to the data log, not synced.
    AfterWriteBeforeSync,
    /// The data log is durable, the sign-state does not know yet.
    AfterSyncBeforeSign,
    /// The sign-state is durable, there is no signature yet.
    AfterSignStateBeforeSign,
    /// Signed, not yet handed to the core, not sent.
    AfterSyncBeforeSend,
    /// Sent.
    AfterSend,
}

impl CrashPoint {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::BeforeWrite,
        Self::AfterWriteBeforeSync,
        Self::AfterSyncBeforeSign,
        Self::AfterSignStateBeforeSign,
        Self::AfterSyncBeforeSend,
        Self::AfterSend,
    ];

    /// Its name in a scenario, behind `vote.` or `proposal.`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeWrite => "before_write",
            Self::AfterWriteBeforeSync => "after_write_before_sync",
            Self::AfterSyncBeforeSign => "after_sync_before_sign",
            Self::AfterSignStateBeforeSign => "after_sign_state_before_sign",
            Self::AfterSyncBeforeSend => "after_sync_before_send",
            Self::AfterSend => "after_send",
        }
    }
}

/// When a fault begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// At this simulated time, exactly.
    Time(Span),
    /// When `node`, or the first honest validator, has finalized this height.
    Height {
        /// The height.
        height: Height,
        /// Whose; anybody's if absent.
        node: Option<NodeName>,
    },
    /// When `node`, or the first honest validator, enters this view or a later one.
    View {
        /// The view.
        view: View,
        /// Whose; anybody's if absent.
        node: Option<NodeName>,
    },
    /// When `node`, or any of the fault's targets, passes this point for the `nth` time. Fires
    /// inside the node, at once; the node that passed is the one that is hit.
    Point {
        /// The point.
        point: CrashPoint,
        /// Only the pledge of an own proposal counts (`proposal.` instead of `vote.`).
        proposal_only: bool,
        /// Whose; any of the fault's targets if absent.
        node: Option<NodeName>,
        /// Counted from 1, per node, over its whole life.
        nth: u32,
    },
}

/// When a fault ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At GST, or never if the scenario has none.
    Gst,
    /// This long after it began.
    For(Span),
    /// When something has happened.
    Until(Until),
}

/// What ends a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// A simulated time.
    Time(Span),
    /// An honest validator has finalized this height.
    Height(Height),
    /// This many views were given up by a quorum since the fault began.
    ViewChanges(u32),
}
