//! A node at one moment, as a value.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use quorate_core::{
    replica::{Backlog, Footprint, Health},
    time::UnixMillis,
    types::{Digest, Height, PeerId, ValidatorId, ValidatorIndex, View},
};

/// Finalized heights that a snapshot knows something about.
pub const RECENT_HEIGHTS: usize = 200;

/// A node at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The validator whose key the node holds; `None` if it only follows.
    pub validator: Option<ValidatorId>,
    /// Its place in the committee.
    pub index: Option<ValidatorIndex>,
    /// Its name on the network.
    pub peer: PeerId,
    /// The view it is in.
    pub view: View,
    /// Whose turn it is.
    pub leader: Option<ValidatorIndex>,
    /// Its finalized height.
    pub finalized_height: Height,
    /// The block there; the genesis digest at height zero.
    pub finalized_digest: Digest,
    /// That block's timestamp.
    pub finalized_timestamp: UnixMillis,
    /// The height executed last.
    pub executed_height: Height,
    /// The root of the state after it.
    pub state_root: Digest,
    /// The newest certified checkpoint's height.
    pub checkpoint_height: Height,
    /// How execution is doing.
    pub health: Health,
    /// How much the replica holds.
    pub footprint: Footprint,
    /// Bytes queued inside the replica.
    pub backlog: Backlog,
    /// The last heights, ascending: at most [`RECENT_HEIGHTS`].
    pub recent: Arc<VecDeque<Arc<HeightSummary>>>,
    /// How long the last step took.
    pub last_step: Duration,
    /// What was counted since the start.
    pub counters: Counters,
}

/// What was counted since the node started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Steps of the replica.
    pub steps: u64,
    /// Messages taken in.
    pub received: u64,
    /// Transactions of own clients taken in.
    pub submitted: u64,
    /// Blocks finalized.
    pub finalized: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Views given up.
    pub view_changes: u64,
    /// Proofs of offences.
    pub evidence: u64,
    /// Entries of the log not durable yet.
    pub log_waiting: u64,
    /// Jobs not done yet.
    pub jobs_waiting: u64,
}

/// What became of one height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeightSummary {
    /// The height.
    pub height: Height,
    /// Its block.
    pub digest: Digest,
    /// The view it was proposed in.
    pub view: View,
    /// Views from its parent's to its own: 1 if nobody's turn was lost.
    pub views_used: u64,
    /// Who proposed it.
    pub leader: ValidatorIndex,
    /// Its timestamp.
    pub timestamp: UnixMillis,
    /// Its transactions.
    pub transactions: u32,
    /// From when this node first held the block until it was final here.
    pub finalized_after: Duration,
    /// Who signed the certificate that made it final.
    pub voters: Vec<ValidatorIndex>,
}
