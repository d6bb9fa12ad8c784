//! What a node says of itself and of what goes on.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text::{Decimal, Hex32};

/// A node at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusJson {
    /// The chain.
    pub chain_id: u32,
    /// The chain's genesis document.
    pub genesis: Hex32,
    /// What this node does.
    pub mode: ModeJson,
    /// The highest final height.
    pub finalized_height: u64,
    /// Its block.
    pub finalized_block: Hex32,
    /// When that block was made, in milliseconds since 1970.
    pub finalized_timestamp_ms: u64,
    /// The last height executed.
    pub executed_height: u64,
    /// The root of the state after it.
    pub state_root: Hex32,
    /// The newest height that a quorum signed the state of.
    pub checkpoint_height: u64,
    /// The view the node is in.
    pub view: u64,
    /// Whose turn it is.
    pub leader: Option<u16>,
    /// Connected peers.
    pub peers: u32,
    /// The quorum, and who is there for it.
    pub quorum: QuorumJson,
    /// Why nothing is decided or executed any more; absent if all is well.
    pub halted: Option<String>,
    /// The last heights, ascending.
    pub recent: Vec<HeightJson>,
}

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModeJson {
    /// It votes.
    Validator,
    /// It follows.
    Full,
}

/// How much voting weight there is, is needed, and is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuorumJson {
    /// Of all validators.
    pub total: Decimal,
    /// Needed for a decision.
    pub needed: Decimal,
    /// Of the validators this node is connected to, its own included.
    pub online: Decimal,
    /// Places in the committee of those, ascending.
    pub members: Vec<u16>,
}

/// How one height became final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeightJson {
    /// The height.
    pub height: u64,
    /// Its block.
    pub digest: Hex32,
    /// The view it became final in.
    pub view: u64,
    /// Views used since the height before: 1 if all went well.
    pub views_used: u64,
    /// Whose block it is: a place in the committee.
    pub leader: u16,
    /// When the block was made, in milliseconds since 1970.
    pub timestamp_ms: u64,
    /// How many transactions it has.
    pub transactions: u32,
    /// Milliseconds from when this node first held the block until it was final here, if it saw that.
    pub finalized_after_ms: Option<u64>,
    /// Whose votes made it final, as far as this node knows: places in the committee.
    pub voters: Vec<u16>,
}

/// Who a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeJson {
    /// The program's name.
    pub program: String,
    /// Its version.
    pub version: String,
    /// The chain.
    pub chain_id: u32,
    /// The chain's genesis document.
    pub genesis: Hex32,
    /// What it does.
    pub mode: ModeJson,
    /// The validator it is.
    pub validator: Option<u32>,
    /// That validator's place in the committee.
    pub index: Option<u16>,
    /// Its name on the network: its node key.
    pub peer: Hex32,
    /// When it started, in milliseconds since 1970.
    pub started_ms: u64,
}

/// The committee of an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ValidatorsJson {
    /// Commits to every member.
    pub committee: Hex32,
    /// Their weight together.
    pub total: Decimal,
    /// The least weight that decides.
    pub quorum: Decimal,
    /// In the order of their places.
    pub validators: Vec<ValidatorJson>,
}

/// One validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ValidatorJson {
    /// Its place in the committee.
    pub index: u16,
    /// Its lasting name.
    pub validator: u32,
    /// Its consensus key.
    pub key: Hex32,
    /// Its node key.
    pub peer: Hex32,
    /// Its voting weight.
    pub weight: Decimal,
    /// Whether this node is connected to it, or is it; absent in a genesis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub online: Option<bool>,
}

/// What waits for a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MempoolJson {
    /// Transactions that wait.
    pub transactions: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Bytes whose signatures are not checked yet.
    pub unchecked_bytes: u64,
    /// The most transactions there may be.
    pub transactions_max: u64,
    /// The most bytes there may be.
    pub bytes_max: u64,
}

/// How consensus is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsensusJson {
    /// The view the node is in.
    pub view: u64,
    /// Whose turn it is.
    pub leader: Option<u16>,
    /// The highest final height.
    pub finalized_height: u64,
    /// Milliseconds since the replica was last seen to have done anything, to a second.
    pub silent_for_ms: u64,
    /// Views about which something is held.
    pub views: u64,
    /// Votes held one by one.
    pub votes: u64,
    /// Certificates held.
    pub certificates: u64,
    /// Blocks held, final or not.
    pub blocks: u64,
    /// Requests to peers and jobs without an answer.
    pub pending: u64,
    /// Whether checkpoints fall behind finality.
    pub checkpoints_overdue: bool,
}

/// What happened between one final height and the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimelineJson {
    /// The height.
    pub height: u64,
    /// Whether some of it happened before the node started, or was missed.
    pub incomplete: bool,
    /// What happened, in order.
    pub steps: Vec<TimelineStepJson>,
}

/// One step towards a final height.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimelineStepJson {
    /// Milliseconds after the first step.
    pub at_ms: u64,
    /// The view it is about.
    pub view: u64,
    /// What it is.
    pub what: StepJson,
    /// Whose turn it is, upon entering a view.
    pub leader: Option<u16>,
    /// Why a view was given up.
    pub reason: Option<ReasonJson>,
}

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepJson {
    /// The node entered a view.
    Entered,
    /// The node gave up on a view.
    TimedOut,
    /// A quorum accepted the view's block.
    Notarized,
    /// A quorum gave the view up.
    Nullified,
    /// A quorum made the view's block final.
    Finalized,
}

/// Why a view was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonJson {
    /// No acceptable proposal in time.
    NoProposal,
    /// A proposal, but no certificate in time.
    NoCertificate,
    /// The leader's block can never be accepted.
    InvalidProposal,
    /// The leader gave up itself.
    LeaderNullified,
    /// The leader has been silent for long.
    LeaderInactive,
}

/// One connected peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerJson {
    /// Its node key.
    pub peer: Hex32,
    /// Its place in the committee, if it is a validator.
    pub validator: Option<u16>,
    /// Host and port.
    pub address: String,
    /// Whether it connected to this node.
    pub inbound: bool,
    /// Round trip in microseconds, once measured.
    pub round_trip_us: Option<u64>,
    /// The height it says it has.
    pub height: u64,
    /// Bytes waiting to be sent to it.
    pub queued: QueuedJson,
    /// Offences held against it, decayed; it is banned beyond a bound.
    pub score: u64,
    /// Seconds for which it is banned still, which ends the connection.
    pub banned_s: Option<u64>,
    /// Seconds it has been connected.
    pub connected_s: u64,
}

/// Bytes waiting to be sent, by class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueuedJson {
    /// Votes and certificates.
    pub votes: u64,
    /// Proposals.
    pub proposals: u64,
    /// Everything else.
    pub bulk: u64,
}

/// A peer that should be connected and is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AbsentPeerJson {
    /// Its node key.
    pub peer: Hex32,
    /// Its place in the committee, if it is a validator.
    pub validator: Option<u16>,
    /// Host and port that are called.
    pub address: Option<String>,
    /// Offences held against it, decayed.
    pub score: u64,
    /// Seconds for which it is banned still.
    pub banned_s: Option<u64>,
    /// Why the last try or connection ended.
    pub last_end: Option<String>,
}

/// Connected peers, and those that should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeersJson {
    /// Who is connected, ascending by node key.
    pub peers: Vec<PeerJson>,
    /// Who is in the list of peers and not connected, ascending by node key.
    pub absent: Vec<AbsentPeerJson>,
}

/// Whether the node is where the others are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncJson {
    /// The highest final height here.
    pub finalized_height: u64,
    /// The last height executed here.
    pub executed_height: u64,
    /// Where the connected validators say they are: the weighted median.
    pub peers_height: u64,
    /// How far behind that this node is.
    pub lag: u64,
    /// Whether it is more than one block behind.
    pub catching_up: bool,
    /// Bytes of final blocks that wait to be executed.
    pub waiting_for_execution: u64,
}

/// Offences seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceListJson {
    /// Each with both votes.
    pub evidence: Vec<super::consensus::EvidenceJson>,
}

/// Certified checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckpointsJson {
    /// Heights between two checkpoints.
    pub interval: u64,
    /// The newest ones, descending by height.
    pub checkpoints: Vec<super::consensus::CheckpointJson>,
}

/// The chain's genesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenesisJson {
    /// Commits to all of it.
    pub digest: Hex32,
    /// The chain.
    pub chain_id: u32,
    /// The first block is younger than this: milliseconds since 1970.
    pub timestamp_ms: u64,
    /// The first committee.
    pub validators: ValidatorsJson,
    /// Opening balances.
    pub accounts: Vec<GenesisAccountJson>,
    /// Timing and limits.
    pub parameters: ParametersJson,
}

/// An opening balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenesisAccountJson {
    /// Whose.
    pub address: Hex32,
    /// Native tokens, in the smallest unit.
    pub balance: Decimal,
}

/// Timing and limits that all validators share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "named after the parameters, which have their documentation")]
pub struct ParametersJson {
    pub delay_min_us: u64,
    pub delay_max_us: u64,
    pub timeout_max_us: u64,
    pub retry_base_us: u64,
    pub status_interval_us: u64,
    pub skip_after_us: u64,
    pub idle_block_interval_us: u64,
    pub timestamp_ahead_max_us: u64,
    pub payload_bytes_max: u32,
    pub transactions_max: u32,
    pub mempool_bytes_max: Decimal,
    pub mempool_transactions_max: Decimal,
    pub checkpoint_interval: Decimal,
}

/// What became of transactions that were sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmittedJson {
    /// One each, in the order they were sent.
    pub outcomes: Vec<SubmissionJson>,
}

/// What became of one transaction that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmissionJson {
    /// Its id.
    pub id: Hex32,
    /// What became of it for now.
    pub outcome: AdmissionJson,
    /// Why it was refused.
    pub refusal: Option<super::refusal::RefusalJson>,
}

/// What can become of a transaction that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdmissionJson {
    /// It waits for a block; nothing is promised across a crash.
    Admitted,
    /// It was turned away.
    Refused,
    /// The node has no time for it now: send it again later.
    Busy,
    /// Nobody knows yet: it may still be admitted. Ask for it by its id before sending it again.
    Unanswered,
}

/// Whether a node is alive, or ready for traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthJson {
    /// Whether it is.
    pub ok: bool,
    /// What speaks against it.
    pub reasons: Vec<HealthReasonJson>,
}

/// One reason why a node is not ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthReasonJson {
    /// A stable name.
    pub code: String,
    /// What it is and what to look at.
    pub detail: String,
}

/// Targets for Prometheus' HTTP service discovery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetJson {
    /// Host and port of metrics.
    pub targets: Vec<String>,
    /// Labels for the targets.
    pub labels: std::collections::BTreeMap<String, String>,
}
