//! Mistakes planted on purpose, one at a time, to grade whoever looks for mistakes.
//!
//! Each [`Bug`] is one condition at one or a few places of the core, written `planted!(Name)`, which is
//! a constant `false` unless the feature `planted-bugs` is on *and* the thread that runs has chosen that bug. Without
//! the feature nothing of this file is compiled but the macro and that constant, so no shipped build can hold a bug, or
//! even its name; `core/tests/planted.rs` and `sim/tests/unplanted.rs` see to it. The choice belongs to a
//! thread because the places are as far apart as the arithmetic of a committee and the commitment of a
//! state, and because a run of the simulator has a thread of its own (docs/decisions/0008).

#[cfg(feature = "planted-bugs")]
use std::cell::Cell;

/// Whether a bug is chosen: never, without the feature `planted-bugs`.
#[cfg(not(feature = "planted-bugs"))]
macro_rules! planted {
    ($bug:ident) => {
        crate::planted::never()
    };
}

/// A `false` that lints do not take for a mistake in the condition it stands in.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn never() -> bool {
    false
}

/// Whether a bug is chosen on this thread.
#[cfg(feature = "planted-bugs")]
macro_rules! planted {
    ($bug:ident) => {
        crate::planted::is_chosen(crate::planted::Bug::$bug)
    };
}

pub(crate) use planted;

/// Which part of the core a bug breaks.
#[cfg(feature = "planted-bugs")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Views, votes, certificates, finality.
    Consensus,
    /// What must be on disk before what, and restarts.
    Durability,
    /// Offences and their proof.
    Evidence,
    /// Fetching blocks.
    Sync,
    /// Transactions, the state and its root, checkpoints.
    Execution,
    /// What waits for a block, and announced blocks.
    Mempool,
}

#[cfg(feature = "planted-bugs")]
impl Area {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Consensus => "consensus",
            Self::Durability => "durability",
            Self::Evidence => "evidence",
            Self::Sync => "sync",
            Self::Execution => "execution",
            Self::Mempool => "mempool",
        }
    }
}

#[cfg(feature = "planted-bugs")]
macro_rules! catalogue {
    ($($bug:ident $area:ident $name:literal $about:literal)*) => {
        /// A planted mistake.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Bug {
            $(#[doc = $about] $bug,)*
        }

        impl Bug {
            /// All of them, by area.
            pub const ALL: &'static [Self] = &[$(Self::$bug),*];

            /// Its name in commands and results.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$bug => $name,)*
                }
            }

            /// What it breaks.
            #[must_use]
            pub const fn area(self) -> Area {
                match self {
                    $(Self::$bug => Area::$area,)*
                }
            }

            /// What is wrong, in one sentence.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$bug => $about,)*
                }
            }
        }
    };
}

#[cfg(feature = "planted-bugs")]
catalogue! {
    QuorumOffByOne Consensus "quorum-off-by-one" "one unit of weight too few is a quorum"
    NotarizeTwice Consensus "notarize-twice" "a second candidate of a view is judged and voted for, and the signer lets it"
    NotarizeAfterNullify Consensus "notarize-after-nullify" "a view that was given up is voted for all the same"
    FinalizeAfterNullify Consensus "finalize-after-nullify" "Finalize is voted in a view that was given up"
    FinalizeUnnotarized Consensus "finalize-unnotarized" "Finalize is voted together with Notarize"
    SkippedViewUnproven Consensus "skipped-view-unproven" "a parent may be chosen over a view that nobody gave up"
    AncestryUnchecked Consensus "ancestry-unchecked" "a proposal's parent need not be the notarized one, nor its block link to it"
    TimeoutNeverGrows Consensus "timeout-never-grows" "timers stay as they are, however long nothing is final"
    LeaderOffForOne Consensus "leader-off-for-one" "one validator computes another leader schedule"
    CertificateUnchecked Consensus "certificate-unchecked" "a certificate is believed whatever its signatures"
    CertificateUnweighed Consensus "certificate-unweighed" "a certificate is believed whatever its weight"
    VoteUnchecked Consensus "vote-unchecked" "a vote counts whatever its signature"
    TimestampBackwards Consensus "timestamp-backwards" "a block may be older than its parent"
    OwnVoteUncounted Consensus "own-vote-uncounted" "the own vote is sent and not counted"
    NullificationIgnored Consensus "nullification-ignored" "a view that a quorum gave up is not left"
    ResendForgotten Consensus "resend-forgotten" "in a standstill nothing is said again"
    WantForgotten Consensus "want-forgotten" "a missing certificate is never asked for"
    BlocksNeverForgotten Consensus "blocks-never-forgotten" "blocks stay in memory when they are final"

    CertificateUnwritten Durability "certificate-unwritten" "a certificate is acted on without its record"
    BlockUnwritten Durability "block-unwritten" "a block counts as recorded and is not"
    DeliveredEarly Durability "delivered-early" "final blocks are delivered before their record is durable"
    PromiseUnrecorded Durability "promise-unrecorded" "the signer checks a promise and does not keep it"
    CheckpointUnrecorded Durability "checkpoint-unrecorded" "the signer does not keep what it promised of a checkpoint"
    RestartForgetsNotarize Durability "restart-forgets-notarize" "a Notarize of the life before is forgotten"
    RestartForgetsNullify Durability "restart-forgets-nullify" "a Nullify of the life before is forgotten"
    RestartAtFinalized Durability "restart-at-finalized" "a restart resumes at the finalized view, whatever was signed since"
    FinalityUnwritten Durability "finality-unwritten" "finality advances without its record"

    EvidenceOfEqualVotes Evidence "evidence-of-equal-votes" "the same vote twice is an offence"
    EvidenceOfNullify Evidence "evidence-of-nullify" "Nullify after Notarize is an offence"
    EvidenceUnchecked Evidence "evidence-unchecked" "evidence is believed whatever its signatures"
    EvidenceDropped Evidence "evidence-dropped" "a contradiction is noticed and nobody is told"
    EvidenceForgotten Evidence "evidence-forgotten" "a restart forgets the offences seen"
    StakeKept Evidence "stake-kept" "a punished stake is counted as burned and stays where it is"

    SyncPayloadUnchecked Sync "sync-payload-unchecked" "a fetched block is taken whatever its payload"
    SyncRunUnlinked Sync "sync-run-unlinked" "a run of blocks need not hang together, nor end in its Finalization"
    SyncUnsigned Sync "sync-unsigned" "a run of blocks is taken whatever its signatures"
    SyncNeverRepeats Sync "sync-never-repeats" "what was not answered is not asked for again"

    NonceReused Execution "nonce-reused" "a transaction whose nonce was used runs again"
    FeeLost Execution "fee-lost" "fees are taken and given to nobody"
    CreditDropped Execution "credit-dropped" "the second credit of a transfer is lost"
    TokensMinted Execution "tokens-minted" "who is paid gets one token more"
    FailureUncharged Execution "failure-uncharged" "a transaction that fails pays nothing and uses up no nonce"
    LevelOffByOne Execution "level-off-by-one" "a reader runs beside the writer before it"
    RootSkipsCell Execution "root-skips-cell" "the state's root leaves out the last of several changed cells"
    CheckpointOtherHeight Execution "checkpoint-other-height" "a checkpoint holds the state of the height before"
    CheckpointUnchecked Execution "checkpoint-unchecked" "a checkpoint's certificate is believed whatever its signatures"
    DivergenceIgnored Execution "divergence-ignored" "who computes something else than a quorum goes on"
    SignersIgnored Execution "signers-ignored" "any key may spend from any account"

    PoolUnbounded Mempool "pool-unbounded" "a full mempool takes more"
    ReplacedForNothing Mempool "replaced-for-nothing" "a replacement need not pay more"
    ExecutedKept Mempool "executed-kept" "a transaction stays in the mempool when it was executed"
    AncestorsRepeated Mempool "ancestors-repeated" "a leader proposes what an ancestor that is not executed yet holds"
    UncheckedAdmitted Mempool "unchecked-admitted" "a transaction is admitted whatever its signature"
    CompactUnchecked Mempool "compact-unchecked" "an announced block is put together wrongly and not compared with its header"
    CompactNeverAsks Mempool "compact-never-asks" "what is missing of an announced block is never asked for"
}

#[cfg(feature = "planted-bugs")]
impl Bug {
    /// The bug of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|bug| bug.name() == name)
    }
}

#[cfg(feature = "planted-bugs")]
thread_local! {
    static CHOSEN: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// Plants a bug in whatever this thread runs from now on, or none.
#[cfg(feature = "planted-bugs")]
pub fn choose(bug: Option<Bug>) {
    CHOSEN.set(bug);
}

/// Whether this thread runs with a bug.
#[cfg(feature = "planted-bugs")]
#[must_use]
pub fn is_chosen(bug: Bug) -> bool {
    CHOSEN.get() == Some(bug)
}
