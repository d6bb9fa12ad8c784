//! What happens in a node, for whoever wants to know.

use std::{sync::Arc, time::Duration};

use quorate_core::{
    checkpoint::Divergence,
    effect::PeerFault,
    event::TimeoutReason,
    evidence::Evidence,
    execution::Outcome,
    types::{Digest, Height, PeerId, ValidatorIndex, View},
    vote::Kind,
};

use super::snapshot::HeightSummary;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeEvent {
    /// A block is final, and everything below it is durable.
    Finalized(Arc<HeightSummary>),
    /// A block was executed, and what it changed can be read.
    Executed(Executed),
    /// A quorum agrees on the state after a height.
    Checkpointed {
        /// The height.
        height: Height,
        /// The state's root.
        state_root: Digest,
    },
    /// The node entered a view.
    Entered {
        /// The view.
        view: View,
        /// Whose turn it is.
        leader: ValidatorIndex,
        /// How long it waits for a proposal.
        timeout: Duration,
    },
    /// The node gives up on a view.
    ViewChange {
        /// The view.
        view: View,
        /// Whose turn it was.
        leader: ValidatorIndex,
        /// Why.
        reason: TimeoutReason,
    },
    /// A quorum of some phase of a view is known.
    Certified {
        /// The phase.
        kind: Kind,
        /// The view.
        view: View,
        /// The time since the node entered the view; zero if it had left it.
        after: Duration,
    },
    /// A validator broke the rules, and it can be proven.
    Evidence(Box<Evidence>),
    /// A peer can be reached.
    PeerConnected(PeerId),
    /// A peer cannot be reached any more.
    PeerLost(PeerId),
    /// Something was held against a peer.
    PeerPenalized(PeerId, PeerFault),
    /// The node is behind and asks for blocks.
    CatchingUp {
        /// Its finalized height.
        height: Height,
    },
    /// The node stops a part of its work for good.
    Halted(HaltReason),
}

/// A block that was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Its height.
    pub height: Height,
    /// The root of the state after it.
    pub state: Digest,
    /// The id and fate of every transaction, in block order.
    pub outcomes: Vec<(Digest, Outcome)>,
}

/// Why a node stops a part of its work for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HaltReason {
    /// Results differ: it executes nothing more, and still votes.
    Execution(Box<Divergence>),
    /// Two conflicting chains are final: it ends.
    Safety {
        /// The highest block it had taken for final.
        height: Height,
    },
}
