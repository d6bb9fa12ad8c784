//! What a scenario says, section by section. Defaults here are the defaults of the file format.

use std::collections::BTreeSet;

use quorate_core::{
    config::Parameters,
    time::Span,
    types::{Height, Stake},
};

use super::{
    byzantine::ByzantineSpec,
    condition::NodeName,
    fault::{DiskOp, Fault},
    quantity::{Distribution, Ppm},
};

/// Everything about a run but its seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name: lower-case words joined by hyphens.
    pub name: String,
    /// What it shows, in a sentence or two.
    pub about: String,
    /// `[run]`.
    pub run: Run,
    /// `[cluster]`.
    pub cluster: Cluster,
    /// `[protocol]`: the core's own parameters, part of the genesis.
    pub protocol: Parameters,
    /// `[network]`.
    pub network: Network,
    /// `[clock]`.
    pub clock: Clock,
    /// `[disk]`.
    pub disk: Disk,
    /// `[jobs]`.
    pub jobs: Jobs,
    /// How blocks are executed.
    pub execution: Execution,
    /// `[workload]`.
    pub workload: Workload,
    /// `[[fault]]`, in the file's order.
    pub faults: Vec<Fault>,
    /// `[[byzantine]]`, in the file's order.
    pub byzantine: Vec<ByzantineSpec>,
    /// `[liveness]`. Without it nothing is healed and no progress is demanded.
    pub liveness: Option<Liveness>,
    /// `[check]`.
    pub check: Check,
    /// `[expect]`.
    pub expect: Expect,
}

impl Scenario {
    /// A quiet cluster: no faults, no load, every check, ten simulated seconds.
    ///
    /// # Panics
    /// If `validators` is zero.
    #[must_use]
    pub fn quiet(name: &str, validators: u32) -> Self {
        assert!(validators > 0, "a cluster of no validators");
        Self {
            name: name.to_owned(),
            about: String::new(),
            run: Run::default(),
            cluster: Cluster { validators, ..Cluster::default() },
            protocol: Parameters::default(),
            network: Network::default(),
            clock: Clock::default(),
            disk: Disk::default(),
            jobs: Jobs::default(),
            execution: Execution::default(),
            workload: Workload::default(),
            faults: Vec::new(),
            byzantine: Vec::new(),
            liveness: None,
            check: Check::default(),
            expect: Expect::default(),
        }
    }
}

/// Seeds in a scenario file are below this.
pub const SEED_END: u64 = 1 << 62;

/// The seeds a sweep tries unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedRange {
    /// The first.
    pub start: u64,
    /// How many.
    pub count: u64,
}

/// `[run]`: how long, and what the harness does on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The seeds a sweep tries.
    pub seeds: SeedRange,
    /// Simulated time after which the run ends.
    pub max_time: Span,
    /// Ends the run early, once every honest validator has finalized this height.
    pub stop_at_height: Option<Height>,
    /// How likely a replica is written out and read back before a step. Must change nothing.
    pub reserialize: Ppm,
    /// Simulated time between two checkpoints of the trace hash; never zero.
    pub checkpoint_interval: Span,
    /// Finalized heights the simulated disk keeps before it compacts; never zero.
    pub heights_kept: u32,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            seeds: SeedRange { start: 1, count: 100 },
            max_time: Span::from_millis(10_000),
            stop_at_height: None,
            reserialize: Ppm::NEVER,
            checkpoint_interval: Span::from_millis(100),
            heights_kept: 2_000,
        }
    }
}

/// How voting weight is spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StakePlan {
    /// Everybody weighs 1.
    Equal,
    /// `n0` weighs as much as there are validators, each next one less, the last 1.
    Skewed,
    /// As listed, `n0` first; as many as there are validators, none zero.
    List(Vec<u64>),
}

/// Whether signatures are real.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crypto {
    /// ed25519.
    Real,
    /// A keyed hash that only the simulator accepts. Much faster.
    Mock,
}

/// Whether messages are encoded on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Handed over as they are.
    Memory,
    /// Encoded, limited and decoded, as on a real network.
    Wire,
}

/// The order in which transactions of a block run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// That of the block at every second validator, at the others a random legal one.
    #[default]
    Mixed,
    /// That of the block.
    Sequential,
    /// In batches without conflicts.
    Waves,
    /// A random legal one, another at every validator and height.
    Shuffled,
}

/// `[execution]`: how finalized blocks are executed, which never changes what comes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Execution {
    /// In which order.
    pub order: Order,
    /// Whether every block also runs in order, and a difference ends the run.
    pub test_mode: bool,
}

/// `[cluster]`: who takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// How many validators, `n0` upwards; 1 to 100.
    pub validators: u32,
    /// Their weights.
    pub stake: StakePlan,
    /// Signatures.
    pub crypto: Crypto,
    /// Encoding.
    pub codec: Codec,
}

impl Default for Cluster {
    fn default() -> Self {
        Self { validators: 4, stake: StakePlan::Equal, crypto: Crypto::Real, codec: Codec::Memory }
    }
}

impl Cluster {
    /// The weight of every validator, `n0` first.
    #[must_use]
    pub fn stakes(&self) -> Vec<Stake> {
        match &self.stake {
            StakePlan::Equal => (0..self.validators).map(|_| Stake::new(1)).collect(),
            StakePlan::Skewed => {
                (1..=self.validators).rev().map(|weight| Stake::new(u64::from(weight))).collect()
            }
            StakePlan::List(weights) => weights.iter().copied().map(Stake::new).collect(),
        }
    }

    /// Whether the protocol tolerates that these, and only these, are Byzantine: together they weigh
    /// less than a third.
    #[must_use]
    pub fn tolerates(&self, faulty: &BTreeSet<u32>) -> bool {
        let mut total = 0_u128;
        let mut bad = 0_u128;
        for (number, stake) in (0_u32..).zip(self.stakes()) {
            total = total.saturating_add(u128::from(stake.get()));
            if faulty.contains(&number) {
                bad = bad.saturating_add(u128::from(stake.get()));
            }
        }
        bad.saturating_mul(3) < total
    }
}

/// How a directed link treats messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkModel {
    /// How long a message takes.
    pub delay: Distribution,
    /// How likely one is lost.
    pub drop: Ppm,
    /// How likely one comes twice.
    pub duplicate: Ppm,
    /// How likely one is held back for another draw of `delay`, so that later ones overtake it.
    pub reorder: Ppm,
    /// How likely a frame is broken: the message is lost and the connection reset.
    pub corrupt: Ppm,
    /// Bytes per second, if limited; never zero.
    pub bandwidth: Option<u64>,
}

impl Default for LinkModel {
    fn default() -> Self {
        Self {
            delay: Distribution::Uniform { min: Span::from_millis(5), max: Span::from_millis(20) },
            drop: Ppm::NEVER,
            duplicate: Ppm::NEVER,
            reorder: Ppm::NEVER,
            corrupt: Ppm::NEVER,
            bandwidth: None,
        }
    }
}

/// `[[network.link]]`: some links that are unlike the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkOverride {
    /// Senders, ascending.
    pub from: Vec<NodeName>,
    /// Receivers, ascending.
    pub to: Vec<NodeName>,
    /// How these links treat messages. Keys that are absent are as in `[network]`.
    pub model: LinkModel,
}

/// `[network]`: the network when nothing is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Every link, unless it is listed below.
    pub model: LinkModel,
    /// Exceptions; the last one that names a link counts.
    pub links: Vec<LinkOverride>,
}

/// `[clock]`: how wrong clocks are from the start, drawn for each validator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Wall clocks are off by up to this much to either side.
    pub skew_max: Span,
    /// Both readings run fast or slow by up to this many parts per million.
    pub drift_max_ppm: u32,
}

/// How likely and how finely a crash tears the last write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// How likely.
    pub p: Ppm,
    /// Bytes per sector; never zero.
    pub sector: u32,
}

/// How likely operations fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IoErrors {
    /// How likely, each operation.
    pub p: Ppm,
    /// Which operations, ascending.
    pub ops: Vec<DiskOp>,
}

/// `[disk]`: the disks when nothing else is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// How long an fsync takes.
    pub fsync: Distribution,
    /// How likely a crash loses each write that was not synced.
    pub lost_unsynced: Ppm,
    /// How a crash tears the last write.
    pub torn_write: Torn,
    /// How likely a durable write has a bit flipped.
    pub bitrot: Ppm,
    /// How likely a write lands where another one is.
    pub misdirected_write: Ppm,
    /// How operations fail.
    pub io_error: IoErrors,
    /// Damage spares a quorum: at any place of the log enough honest disks are intact to recover.
    pub atlas: bool,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            fsync: Distribution::Uniform {
                min: Span::from_micros(100),
                max: Span::from_micros(300),
            },
            lost_unsynced: Ppm::ALWAYS,
            torn_write: Torn { p: Ppm::NEVER, sector: 512 },
            bitrot: Ppm::NEVER,
            misdirected_write: Ppm::NEVER,
            io_error: IoErrors { p: Ppm::NEVER, ops: vec![DiskOp::Write, DiskOp::Sync] },
            atlas: true,
        }
    }
}

/// `[jobs]`: work that the core hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jobs {
    /// How long one takes.
    pub delay: Distribution,
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            delay: Distribution::Uniform {
                min: Span::from_micros(20),
                max: Span::from_micros(100),
            },
        }
    }
}

/// `[workload]`: clients that submit transfers at an even rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Transactions per simulated second, over the whole cluster.
    pub tx_per_second: u32,
    /// How many accounts they come from; never zero.
    pub accounts: u32,
    /// How many accounts get nearly all of the transfers, so that they conflict; 0 for none.
    pub hot_accounts: u32,
    /// Which patterns, each with its share.
    pub mix: Mix,
    /// How likely a transaction cannot be applied (bad nonce, no funds, and more in turn).
    pub invalid: Ppm,
    /// How likely a client hands its transaction to two validators at once.
    pub resubmit: Ppm,
    /// The first transaction.
    pub start: Span,
    /// No transactions from here on; to the end if absent.
    pub stop: Option<Span>,
}

/// What clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// Anybody pays anybody.
    P2p,
    /// Anybody pays one and the same account.
    Hot,
    /// Each account pays the next, so that each transfer builds on the one before.
    Chain,
    /// Anybody pays many at once.
    Batch,
    /// The last transaction's nonce again, for a transfer at twice the fee.
    Replacement,
    /// Assets are made, minted, sent and burned.
    Assets,
    /// Tokens are frozen, unfrozen and withdrawn.
    Energy,
    /// Accounts take a second signer, pay with both and let it go.
    MultiSig,
    /// Tokens become coins, coins others and tokens again.
    Coins,
    /// Objects are made, changed, given away, shared, frozen and deleted.
    Objects,
}

impl Pattern {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::P2p,
        Self::Hot,
        Self::Chain,
        Self::Batch,
        Self::Replacement,
        Self::Assets,
        Self::Energy,
        Self::MultiSig,
        Self::Coins,
        Self::Objects,
    ];

    /// Its name in scenario files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::P2p => "p2p",
            Self::Hot => "hot",
            Self::Chain => "chain",
            Self::Batch => "batch",
            Self::Replacement => "replacement",
            Self::Assets => "assets",
            Self::Energy => "energy",
            Self::MultiSig => "multisig",
            Self::Coins => "coins",
            Self::Objects => "objects",
        }
    }
}

/// Patterns with their shares, in the order of [`Pattern::ALL`]; never all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    /// One share per pattern.
    pub shares: [u32; Pattern::ALL.len()],
}

impl Default for Mix {
    fn default() -> Self {
        let mut shares = [0; Pattern::ALL.len()];
        shares[0] = 1;
        Self { shares }
    }
}

impl Mix {
    /// The pattern that a draw falls on.
    #[must_use]
    pub fn pick(&self, draw: u64) -> Pattern {
        let total: u64 = self.shares.iter().map(|share| u64::from(*share)).sum();
        let mut place = draw % total.max(1);
        for (pattern, share) in Pattern::ALL.into_iter().zip(self.shares) {
            match place.checked_sub(u64::from(share)) {
                None => return pattern,
                Some(rest) => place = rest,
            }
        }
        Pattern::P2p
    }
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            tx_per_second: 0,
            accounts: 100,
            hot_accounts: 0,
            mix: Mix::default(),
            invalid: Ppm::NEVER,
            resubmit: Ppm::NEVER,
            start: Span::ZERO,
            stop: None,
        }
    }
}

/// `[liveness]`: from `gst` on the network is good and progress is demanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// When every fault still under way is ended and every stopped validator started again.
    /// Byzantine validators stay Byzantine.
    pub gst: Span,
    /// The network from then on; as before if absent.
    pub after: Option<LinkModel>,
    /// By this long after `gst`, and again in every further span of this length, every honest
    /// validator has finalized a new height.
    pub bound: Span,
}

/// Something that must hold in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// No two honest validators finalize different blocks at one height.
    Agreement,
    /// Only submitted transactions are finalized, none twice.
    Validity,
    /// No honest key signs two different statements of a kind for one view, over its whole life.
    NoHonestEquivocation,
    /// Votes obey the protocol's rules.
    VoteRules,
    /// Finalized heights grow by one, without gaps, and never go back but for an unsynced tail.
    MonotoneFinalized,
    /// Equal state at equal height, however it was reached.
    StateRoot,
    /// Certified checkpoints agree with each other and with what honest validators compute.
    Checkpoints,
    /// Every vote that was sent is found in the log, whenever the crash came.
    DurableVotes,
    /// Accepted certificates hold, and no two of them contradict each other.
    CertificatesValid,
    /// Nothing fetched is installed unverified.
    SyncOnlyVerified,
    /// No token appears or vanishes, per asset.
    SupplyConserved,
    /// Queues and collections stay below their limits.
    BoundedMemory,
    /// If agreement breaks, evidence names enough culprits.
    Accountability,
    /// No evidence names an honest validator.
    EvidenceNeverBlamesHonest,
    /// Evidence that is held is proposed until it is final, restarts included.
    EvidenceKept,
    /// Nothing that took effect is proposed again, and a replacement pays more.
    Mempool,
    /// Progress after GST within the bound.
    Liveness,
    /// Writing a replica out and reading it back changes nothing.
    Determinism,
}

impl Invariant {
    /// Each with its name in a scenario file.
    pub const ALL: [(Self, &'static str); 18] = [
        (Self::Agreement, "agreement"),
        (Self::Validity, "validity"),
        (Self::NoHonestEquivocation, "no_honest_equivocation"),
        (Self::VoteRules, "vote_rules"),
        (Self::MonotoneFinalized, "monotone_finalized"),
        (Self::StateRoot, "state_root"),
        (Self::Checkpoints, "checkpoints"),
        (Self::DurableVotes, "durable_votes"),
        (Self::CertificatesValid, "certificates_valid"),
        (Self::SyncOnlyVerified, "sync_only_verified"),
        (Self::SupplyConserved, "supply_conserved"),
        (Self::BoundedMemory, "bounded_memory"),
        (Self::Accountability, "accountability"),
        (Self::EvidenceNeverBlamesHonest, "evidence_never_blames_honest"),
        (Self::EvidenceKept, "evidence_kept"),
        (Self::Mempool, "mempool"),
        (Self::Liveness, "liveness"),
        (Self::Determinism, "determinism"),
    ];

    /// Its name in a scenario file.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Self::ALL, self)
    }
}

/// Limits of `bounded_memory`, per honest validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimits {
    /// Messages and blocks held back until something else arrives.
    pub pending_messages_max: u64,
    /// Votes held.
    pub votes_max: u64,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self { pending_messages_max: 4_096, votes_max: 8_192 }
    }
}

/// `[check]`: what is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The invariants.
    pub invariants: BTreeSet<Invariant>,
    /// The limits of `bounded_memory`.
    pub memory: MemoryLimits,
}

impl Default for Check {
    fn default() -> Self {
        Self {
            invariants: Invariant::ALL.iter().map(|(invariant, _)| *invariant).collect(),
            memory: MemoryLimits::default(),
        }
    }
}

/// How a run is meant to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything holds.
    Pass,
    /// This invariant is broken: more went wrong than the protocol tolerates.
    Violation(Invariant),
    /// No progress: more is down than the protocol tolerates.
    Stall,
}

/// Something interesting that a scenario is meant to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// A quorum gave up a view and a later one finalized a block.
    ViewChangeCompleted,
    /// A restarted validator found own votes in its log and repeated them.
    VoteRecoveredFromLog,
    /// A restarted validator proposed a block that was finalized.
    ProposalAfterRestart,
    /// A restarted validator finalized a new block.
    RestartedAndFinalized,
    /// A validator fetched a block it lacked.
    BlockFetched,
    /// An answer to a question for blocks was rejected.
    BadSyncResponseRejected,
    /// A validator holds evidence of an offence.
    EvidenceHeld,
    /// An honest validator saw two different statements of one signer.
    EquivocationObserved,
    /// A leader that had been silent for long was not waited for.
    LeaderSkipped,
    /// A recovery cut off a torn tail of the log.
    TornTailTruncated,
    /// A recovery found damage it could not repair, and the validator stayed down.
    CorruptionDetected,
    /// A validator went down because a write or an fsync failed.
    WriteFailed,
    /// A validator lost its sign-state and does not vote.
    SignerLost,
    /// A message was lost in the network.
    MessageDropped,
    /// A message came twice.
    MessageDuplicated,
    /// A transaction was refused by a full mempool.
    MempoolFull,
    /// A leader announced its block by short ids.
    BlockAnnounced,
    /// A validator was given transactions that it lacked of an announced block.
    TransactionsGiven,
    /// A validator made blocks final that came in an answer from a peer.
    CaughtUpBySync,
    /// A finalized block holds evidence.
    EvidenceInBlock,
    /// A validator got a certificate that it had asked for.
    CertificateFetched,
    /// A validator sent its own votes again.
    StandstillResend,
    /// A validator waited for its clock to reach a block's timestamp.
    TimestampWait,
    /// A quorum certified a checkpoint.
    CheckpointCertified,
    /// A validator was named that signed another result than a quorum.
    CheckpointDissent,
    /// Finality ran ahead of checkpoints.
    CheckpointsOverdue,
    /// A validator stopped executing because results differ.
    ExecutionHalted,
    /// A transaction in a final block failed.
    TransactionFailed,
    /// A transaction in a final block was skipped.
    TransactionSkipped,
    /// A mempool turned a transaction away, or dropped it.
    TransactionRefused,
    /// A mempool dropped a transaction for another with its nonce.
    TransactionReplaced,
}

impl Mark {
    /// Each with its name in a scenario file.
    pub const ALL: [(Self, &'static str); 31] = [
        (Self::ViewChangeCompleted, "view_change_completed"),
        (Self::VoteRecoveredFromLog, "vote_recovered_from_log"),
        (Self::ProposalAfterRestart, "proposal_after_restart"),
        (Self::RestartedAndFinalized, "restarted_and_finalized"),
        (Self::BlockFetched, "block_fetched"),
        (Self::BadSyncResponseRejected, "bad_sync_response_rejected"),
        (Self::EvidenceHeld, "evidence_held"),
        (Self::EquivocationObserved, "equivocation_observed"),
        (Self::LeaderSkipped, "leader_skipped"),
        (Self::TornTailTruncated, "torn_tail_truncated"),
        (Self::CorruptionDetected, "corruption_detected"),
        (Self::WriteFailed, "write_failed"),
        (Self::SignerLost, "signer_lost"),
        (Self::MessageDropped, "message_dropped"),
        (Self::MessageDuplicated, "message_duplicated"),
        (Self::MempoolFull, "mempool_full"),
        (Self::BlockAnnounced, "block_announced"),
        (Self::TransactionsGiven, "transactions_given"),
        (Self::CaughtUpBySync, "caught_up_by_sync"),
        (Self::EvidenceInBlock, "evidence_in_block"),
        (Self::CertificateFetched, "certificate_fetched"),
        (Self::StandstillResend, "standstill_resend"),
        (Self::TimestampWait, "timestamp_wait"),
        (Self::CheckpointCertified, "checkpoint_certified"),
        (Self::CheckpointDissent, "checkpoint_dissent"),
        (Self::CheckpointsOverdue, "checkpoints_overdue"),
        (Self::ExecutionHalted, "execution_halted"),
        (Self::TransactionFailed, "transaction_failed"),
        (Self::TransactionSkipped, "transaction_skipped"),
        (Self::TransactionRefused, "transaction_refused"),
        (Self::TransactionReplaced, "transaction_replaced"),
    ];

    /// Its name in a scenario file.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Self::ALL, self)
    }
}

fn name_of<T: PartialEq>(table: &[(T, &'static str)], wanted: T) -> &'static str {
    table
        .iter()
        .find(|(candidate, _)| *candidate == wanted)
        .map(|(_, name)| *name)
        .expect("the table lists every variant")
}

/// `[expect]`: what the run must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// How it ends.
    pub outcome: Outcome,
    /// What must have been seen at least once.
    pub sometimes: BTreeSet<Mark>,
    /// The least height every honest validator has finalized in the end.
    pub finalized_min: Option<Height>,
    /// The least number of validators that evidence names.
    pub culprits_min: Option<u32>,
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            outcome: Outcome::Pass,
            sometimes: BTreeSet::new(),
            finalized_min: None,
            culprits_min: None,
        }
    }
}
