//! What one run came to: the finding, the verdict on it, and what people look at.
//!
//! The world fills a [`RunReport`]; the commands print it and turn it into an exit code. It is plain
//! data and, unless its story was asked for, holds no messages, so a sweep can keep thousands.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use quorate_core::{
    event::TimeoutReason,
    time::Span,
    types::{Digest, Height, ValidatorId, View},
};

use crate::{
    history::History,
    run::CallOff,
    scenario::{CrashPoint, Expect, Invariant, Mark, NodeName, Outcome, Scenario},
};

/// What a run is asked to do beyond deciding its verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Write every observation to this file, one JSON object per line.
    pub trace: Option<PathBuf>,
    /// Keep these observations, counted from 0, as text in [`RunReport::window`].
    pub window: Option<Range<u64>>,
    /// Crash one validator at one exact place, besides the scenario's own faults.
    pub crash_at: Option<CrashAt>,
    /// End the run where a validator has come this far, and keep its [`Portrait`].
    pub break_at: Option<BreakAt>,
    /// Put the run together as a story, for pictures and explanations: [`RunReport::history`].
    pub history: bool,
    /// When nobody waits for the run any more. A run that was called off shows nothing.
    pub call_off: Option<CallOff>,
    /// The line that makes the run again, as traces and stories name it.
    pub replay: String,
    /// The mistake in the core that the run is made with.
    #[cfg(feature = "planted-bugs")]
    pub planted: Option<quorate_core::planted::Bug>,
}

/// How far a validator has to come for a run to be broken off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BreakAt {
    /// It has finalized this height.
    pub height: Option<Height>,
    /// It is in this view or a later one.
    pub view: Option<View>,
    /// It is this simulated time.
    pub time: Option<Span>,
    /// Which validator; the first that has come this far if absent.
    pub node: Option<NodeName>,
}

impl BreakAt {
    /// Whether a replica with this height and view has come this far at this time.
    #[must_use]
    pub fn is_reached(&self, height: Height, view: View, time: Span) -> bool {
        self.height.is_none_or(|wanted| height >= wanted)
            && self.view.is_none_or(|wanted| view >= wanted)
            && self.time.is_none_or(|wanted| time >= wanted)
    }
}

/// A validator's state at one moment of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portrait {
    /// Whose.
    pub node: NodeName,
    /// When.
    pub at: Span,
    /// What matters most: names and values.
    pub lines: Vec<(&'static str, String)>,
    /// Everything in the replica, many lines.
    pub replica: String,
}

/// One exact place in one validator's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrashAt {
    /// Whose life.
    pub node: NodeName,
    /// The place.
    pub point: CrashPoint,
    /// The how many-th time it is passed, from 1.
    pub nth: u32,
    /// How long it stays down.
    pub restart_after: Span,
}

/// What happened to the invariants in a run, before the scenario's expectations are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// They held to the end.
    Held,
    /// One was broken. The run ends there.
    Violation(Broken),
    /// There was no progress within the bound, and the cluster could have made some.
    Stall {
        /// When the bound was over.
        at: Span,
        /// Who lags and where everybody stands.
        detail: String,
    },
    /// There was no progress, but the cluster cannot recover: nothing is demanded of it.
    NoVerdict {
        /// Why it cannot.
        detail: String,
    },
    /// The core panicked, or its signer refused.
    CorePanic {
        /// Where.
        node: Option<NodeName>,
        /// When.
        at: Span,
        /// What it said.
        message: String,
    },
    /// The simulator itself could not go on.
    Infrastructure {
        /// Why.
        message: String,
    },
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub invariant: Invariant,
    /// When it was noticed.
    pub at: Span,
    /// By or about whom, ascending.
    pub nodes: Vec<NodeName>,
    /// What exactly, in one line.
    pub detail: String,
}

/// An expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// A fault never began.
    NeverFired {
        /// Its place in the file, from 0.
        fault: u32,
        /// What it is, as in the file.
        what: String,
        /// Its line in the file.
        line: u32,
    },
    /// Something that must be seen was not.
    NeverSeen(Mark),
    /// Too little was finalized.
    FinalizedTooLittle {
        /// The height asked for.
        wanted: Height,
        /// The height of the last honest validator.
        reached: Height,
    },
    /// Evidence names too few.
    TooFewCulprits {
        /// How many were asked for.
        wanted: u32,
        /// Whom it names.
        named: BTreeSet<ValidatorId>,
    },
    /// The run ended well, but was meant not to.
    NotThatOutcome {
        /// How it was meant to end.
        wanted: Outcome,
    },
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverFired { fault, what, line: 0 } => {
                write!(f, "fault {fault} ({what}) never fired, or hit nobody")
            }
            Self::NeverFired { fault, what, line } => {
                write!(f, "fault {fault} ({what}, line {line}) never fired, or hit nobody")
            }
            Self::NeverSeen(mark) => write!(f, "`{}` was never seen", mark.name()),
            Self::FinalizedTooLittle { wanted, reached } => {
                write!(f, "height {wanted} was to be finalized everywhere, {reached} is")
            }
            Self::TooFewCulprits { wanted, named } => {
                write!(f, "evidence was to name {wanted} culprits, it names {}", named.len())
            }
            Self::NotThatOutcome { wanted: Outcome::Pass } => f.write_str("a pass was expected"),
            Self::NotThatOutcome { wanted: Outcome::Stall } => {
                f.write_str("a stall was expected, and there was none")
            }
            Self::NotThatOutcome { wanted: Outcome::Violation(invariant) } => {
                write!(f, "a violation of {} was expected, and there was none", invariant.name())
            }
        }
    }
}

/// How the run is judged against what the scenario expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As expected.
    Held,
    /// An invariant is broken, and it was not meant to be.
    Violation(Broken),
    /// No progress, where progress is owed.
    Stall {
        /// When.
        at: Span,
        /// Who lags.
        detail: String,
    },
    /// Nothing can be said.
    NoVerdict {
        /// Why.
        detail: String,
    },
    /// The invariants held, the expectations did not.
    ExpectationNotMet(Vec<Unmet>),
    /// The core panicked.
    CorePanic {
        /// Where.
        node: Option<NodeName>,
        /// When.
        at: Span,
        /// What it said.
        message: String,
    },
    /// The simulator failed.
    Infrastructure {
        /// Why.
        message: String,
    },
}

impl Verdict {
    /// The exit code of `quorate-sim`.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Held => 0,
            Self::Violation(Broken { invariant: Invariant::Liveness, .. }) | Self::Stall { .. } => {
                21
            }
            Self::Violation(Broken { invariant: Invariant::Determinism, .. }) => 22,
            Self::Violation(_) => 20,
            Self::CorePanic { .. } => 23,
            Self::NoVerdict { .. } => 24,
            Self::ExpectationNotMet(_) => 25,
            Self::Infrastructure { .. } => 30,
        }
    }

    /// One word for it, as in result files.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.exit_code() {
            0 => "held",
            20 => "safety",
            21 => "liveness",
            22 => "nondeterminism",
            23 => "panic",
            24 => "no-verdict",
            25 => "expectation",
            _ => "infrastructure",
        }
    }
}

/// Judges a finding against what the scenario expects.
///
/// A broken invariant that was expected is a success, if the other expectations are met as well. A
/// different one than expected is a violation.
#[must_use]
pub fn judge(expect: &Expect, facts: &Facts) -> Verdict {
    let mut unmet: Vec<Unmet> = facts.never_fired.clone();
    match (&facts.finding, expect.outcome) {
        (Finding::Held, Outcome::Pass) | (Finding::Stall { .. }, Outcome::Stall) => {}
        // A cluster that cannot recover has stalled, which is what was asked for.
        (Finding::NoVerdict { .. }, Outcome::Stall) => {}
        (Finding::Violation(broken), Outcome::Violation(wanted)) if broken.invariant == wanted => {}
        (Finding::Held, wanted) => unmet.push(Unmet::NotThatOutcome { wanted }),
        (Finding::Violation(broken), _) => return Verdict::Violation(broken.clone()),
        (Finding::Stall { at, detail }, _) => {
            return Verdict::Stall { at: *at, detail: detail.clone() };
        }
        (Finding::NoVerdict { detail }, _) => {
            return Verdict::NoVerdict { detail: detail.clone() };
        }
        (Finding::CorePanic { node, at, message }, _) => {
            return Verdict::CorePanic { node: *node, at: *at, message: message.clone() };
        }
        (Finding::Infrastructure { message }, _) => {
            return Verdict::Infrastructure { message: message.clone() };
        }
    }
    unmet.extend(
        expect
            .sometimes
            .iter()
            .filter(|mark| !facts.marks.contains_key(mark))
            .map(|mark| Unmet::NeverSeen(*mark)),
    );
    if let Some(wanted) = expect.finalized_min
        && facts.finalized_min < wanted
    {
        unmet.push(Unmet::FinalizedTooLittle { wanted, reached: facts.finalized_min });
    }
    if let Some(wanted) = expect.culprits_min
        && u32::try_from(facts.culprits.len()).is_ok_and(|named| named < wanted)
    {
        unmet.push(Unmet::TooFewCulprits { wanted, named: facts.culprits.clone() });
    }
    if unmet.is_empty() { Verdict::Held } else { Verdict::ExpectationNotMet(unmet) }
}

/// What a verdict is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What the checkers found.
    pub finding: Finding,
    /// What was seen, and how often.
    pub marks: BTreeMap<Mark, u64>,
    /// Faults with `must_fire` that never began ([`Unmet::NeverFired`] only).
    pub never_fired: Vec<Unmet>,
    /// The finalized height of the honest validator that is furthest behind.
    pub finalized_min: Height,
    /// The finalized height of the honest validator that is furthest ahead.
    pub finalized_max: Height,
    /// Whom verified evidence names.
    pub culprits: BTreeSet<ValidatorId>,
}

/// The trace hash as of some moment, to find where two runs part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Simulated time.
    pub at: Span,
    /// Observations hashed so far.
    pub observations: u64,
    /// The hash of all of them.
    pub hash: Digest,
}

/// One observation as text, for looking at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservationLine {
    /// Its place in the trace, from 0.
    pub index: u64,
    /// Simulated time.
    pub at: Span,
    /// Whose, unless it is the world's.
    pub node: Option<NodeName>,
    /// What.
    pub text: String,
}

/// Something worth a line in the account of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Simulated time.
    pub at: Span,
    /// What happened.
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The first honest validator finalized a height. [`Moment::at`] is that time.
    Finalized {
        /// The height.
        height: Height,
        /// The view of its block.
        view: View,
        /// Who proposed it.
        leader: NodeName,
        /// How many transactions it holds.
        transactions: u32,
        /// When it was proposed, if a proposal was seen leaving its leader.
        proposed: Option<Span>,
        /// When the first honest validator held its notarization.
        notarized: Option<Span>,
        /// When the last honest validator that is up had finalized it, if all have by the end.
        everywhere: Option<Span>,
    },
    /// A nullification of a view was first held by an honest validator.
    ViewChange {
        /// The view that was given up.
        view: View,
        /// Whose turn it was.
        leader: NodeName,
        /// Why honest validators gave up, and how many for each reason.
        reasons: BTreeMap<TimeoutReason, u32>,
    },
    /// A fault began.
    FaultBegan {
        /// Its place in the file, from 0.
        fault: u32,
        /// What it is and whom it hit.
        what: String,
    },
    /// A fault ended.
    FaultEnded {
        /// Its place in the file, from 0.
        fault: u32,
        /// What it is.
        what: String,
    },
    /// A validator went down.
    Down {
        /// Which.
        node: NodeName,
        /// Why.
        why: String,
    },
    /// A validator came up again.
    Up {
        /// Which.
        node: NodeName,
        /// From where it goes on.
        height: Height,
        /// How many own votes it found in its log.
        recovered_votes: u32,
    },
    /// GST: the network is good from here on.
    Gst,
    /// An honest validator holds evidence against somebody.
    EvidenceAgainst {
        /// Who holds it.
        node: NodeName,
        /// Whom it names.
        culprit: ValidatorId,
        /// What it proves.
        offence: String,
    },
    /// An invariant was found broken.
    Violation(Broken),
}

/// How often a crash point was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrashPointCount {
    /// By whom.
    pub node: NodeName,
    /// Which point.
    pub point: CrashPoint,
    /// How often.
    pub passed: u32,
}

/// Sums over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages handed to the network.
    pub messages_sent: u64,
    /// Messages delivered, copies included.
    pub messages_delivered: u64,
    /// Messages lost, for whatever reason.
    pub messages_dropped: u64,
    /// Copies made by the network.
    pub messages_duplicated: u64,
    /// Bytes delivered; 0 with the memory codec.
    pub bytes_delivered: u64,
    /// Steps of all replicas.
    pub steps: u64,
    /// Observations in the trace.
    pub observations: u64,
    /// Views entered by at least one honest validator.
    pub views: u64,
    /// Views given up by a quorum.
    pub view_changes: u64,
    /// Transactions submitted.
    pub transactions_submitted: u64,
    /// Transactions in finalized blocks.
    pub transactions_finalized: u64,
    /// Blocks announced by short ids.
    pub blocks_announced: u64,
    /// Bytes their announcements took, to everybody together, and the transactions given besides.
    pub announced_bytes: u64,
    /// Bytes that their payloads would have taken.
    pub announced_body_bytes: u64,
    /// Transactions that somebody lacked of an announced block and was given.
    pub transactions_given: u64,
    /// Of all transactions in finalized blocks, those that did what they were meant to.
    pub transactions_applied: u64,
    /// Those that failed at their payer's cost.
    pub transactions_failed: u64,
    /// Those that were skipped.
    pub transactions_skipped: u64,
    /// fsyncs of all disks.
    pub fsyncs: u64,
    /// Crashes, by faults and by failed writes.
    pub crashes: u64,
    /// Restarts.
    pub restarts: u64,
}

/// What one run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunReport {
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// What the verdict is made from.
    pub facts: Facts,
    /// The verdict.
    pub verdict: Verdict,
    /// Hash of every observation in order: equal runs have equal hashes.
    pub trace_hash: Digest,
    /// The hash along the way, one per checkpoint interval, ascending.
    pub checkpoints: Vec<Checkpoint>,
    /// What to tell people, ascending by time.
    pub timeline: Vec<Moment>,
    /// The observations that [`RunOptions::window`] asked for.
    pub window: Vec<ObservationLine>,
    /// How often each crash point was passed, ascending.
    pub crash_points: Vec<CrashPointCount>,
    /// The validator that [`RunOptions::break_at`] asked for, if it came that far.
    pub portrait: Option<Portrait>,
    /// Sums.
    pub counters: Counters,
    /// The run as a story, if [`RunOptions::history`] asked for it.
    pub history: Option<Arc<History>>,
    /// Simulated time at the end.
    pub simulated: Span,
    /// Wall time the run took. Not part of the hash.
    pub wall: Duration,
}

impl RunReport {
    /// A crash at every passage of every crash point, in the order of [`Self::crash_points`].
    #[must_use]
    pub fn crashes(&self, restart_after: Span) -> Vec<CrashAt> {
        let passages = self
            .crash_points
            .iter()
            .flat_map(|count| (1..=count.passed).map(|nth| (count.node, count.point, nth)));
        let crash = |(node, point, nth)| CrashAt { node, point, nth, restart_after };
        passages.map(crash).collect()
    }

    /// A report of a run that could not be made.
    #[must_use]
    pub fn infrastructure(scenario: &Scenario, seed: u64, message: String) -> Self {
        Self::ended(scenario, seed, Finding::Infrastructure { message })
    }

    /// An otherwise empty report that ends with `finding`.
    #[must_use]
    pub fn ended(scenario: &Scenario, seed: u64, finding: Finding) -> Self {
        let facts = Facts {
            finding,
            marks: BTreeMap::new(),
            never_fired: Vec::new(),
            finalized_min: Height::ZERO,
            finalized_max: Height::ZERO,
            culprits: BTreeSet::new(),
        };
        Self {
            scenario: scenario.name.clone(),
            seed,
            verdict: judge(&scenario.expect, &facts),
            facts,
            trace_hash: Digest::ZERO,
            checkpoints: Vec::new(),
            timeline: Vec::new(),
            window: Vec::new(),
            crash_points: Vec::new(),
            portrait: None,
            counters: Counters::default(),
            history: None,
            simulated: Span::ZERO,
            wall: Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests;
