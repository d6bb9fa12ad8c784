//! The first and the last line of a trace: what was run, and what it came to.
//!
//! With these two a trace file needs nothing else to be understood: no scenario file, no build.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    report::{Broken, Finding, RunReport, Unmet, Verdict},
    scenario::{ByzantineSpec, Scenario, Verb},
    world::common::Common,
};

/// The version of the two lines, and of what lies between them.
pub const TRACE_FORMAT: u32 = 1;

/// What was run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// [`TRACE_FORMAT`].
    pub format: u32,
    /// The scenario's name.
    pub scenario: String,
    /// What it is about.
    pub about: String,
    /// The seed.
    pub seed: u64,
    /// The line that makes the run again; may be empty.
    pub replay: String,
    /// Names of the nodes: validators by number, then twins.
    pub nodes: Vec<String>,
    /// The validator's number at each place of the committee.
    pub committee: Vec<u32>,
    /// The weight of each validator, by number.
    pub weights: Vec<u64>,
    /// The scenario's faults, in its order.
    pub faults: Vec<FaultHead>,
    /// Who lies, and how.
    pub byzantine: Vec<Liar>,
    /// When the network becomes good, in nanoseconds; `None` if never.
    pub gst: Option<u64>,
    /// The invariants that were watched.
    pub invariants: Vec<String>,
}

/// A fault of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultHead {
    /// Its verb.
    pub verb: String,
    /// What is particular about it; may be empty.
    pub particulars: String,
    /// Whether it acts on links and not on nodes.
    pub links: bool,
}

/// A validator that lies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Liar {
    /// Its number.
    pub number: u32,
    /// Its behaviour's name.
    pub behaviour: String,
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    /// The exit code.
    pub code: u8,
    /// The verdict in a word.
    pub word: String,
    /// What is wrong, or what was expected to be; empty if all went well.
    pub detail: String,
    /// The invariant that was broken; empty if none.
    pub invariant: String,
    /// When it was noticed that something is wrong, in nanoseconds.
    pub broken_at: Option<u64>,
    /// Who was involved in what is wrong.
    pub nodes: Vec<String>,
    /// Whom evidence names.
    pub culprits: BTreeSet<u32>,
    /// The hash of everything that happened.
    pub trace_hash: String,
    /// How many observations that was.
    pub observations: u64,
}

impl Head {
    /// Of a run that is about to begin. `byzantine` are the validators that lie, each with how.
    #[must_use]
    pub fn new(
        scenario: &Scenario,
        seed: u64,
        replay: &str,
        common: &Common,
        byzantine: &[(u32, &ByzantineSpec)],
    ) -> Self {
        let liar = |(number, spec): &(u32, &ByzantineSpec)| Liar {
            number: *number,
            behaviour: spec.behaviour.name().to_owned(),
        };
        let numbers = common.committee.members().map(|(_, member)| member.validator.get());
        let watched = &scenario.check.invariants;
        Self {
            format: TRACE_FORMAT,
            scenario: scenario.name.clone(),
            about: scenario.about.clone(),
            seed,
            replay: replay.to_owned(),
            nodes: common.machines().map(|(_, node)| node.to_string()).collect(),
            committee: numbers.collect(),
            weights: scenario.cluster.stakes().iter().map(|stake| stake.get()).collect(),
            faults: scenario.faults.iter().map(|fault| FaultHead::of(&fault.verb)).collect(),
            byzantine: byzantine.iter().map(liar).collect(),
            gst: scenario.liveness.as_ref().map(|demand| demand.gst.nanos()),
            invariants: watched.iter().map(|invariant| invariant.name().to_owned()).collect(),
        }
    }

    /// Whether validators weigh differently.
    #[must_use]
    pub fn is_weighted(&self) -> bool {
        self.weights.iter().any(|weight| Some(weight) != self.weights.first())
    }
}

impl FaultHead {
    fn of(verb: &Verb) -> Self {
        let links = matches!(
            verb,
            Verb::Drop { .. }
                | Verb::Duplicate { .. }
                | Verb::Delay { .. }
                | Verb::Reorder { .. }
                | Verb::Corrupt { .. }
                | Verb::Bandwidth { .. }
                | Verb::Partition { .. }
                | Verb::Clog { .. }
                | Verb::SwizzleClog { .. }
                | Verb::Heal
        );
        Self { verb: verb.name().to_owned(), particulars: verb.particulars(), links }
    }
}

impl Tail {
    /// Of a run that is over.
    #[must_use]
    pub fn new(report: &RunReport) -> Self {
        let mut tail = Self {
            code: report.verdict.exit_code(),
            word: report.verdict.word().to_owned(),
            culprits: report.facts.culprits.iter().map(|validator| validator.get()).collect(),
            trace_hash: report.trace_hash.to_string(),
            observations: report.counters.observations,
            ..Self::default()
        };
        match (&report.verdict, &report.facts.finding) {
            (Verdict::Held, Finding::Violation(broken)) => {
                tail.broken(broken);
                tail.detail = format!("as expected, {}", tail.detail);
            }
            (Verdict::Held, Finding::Stall { at, detail }) => {
                tail.broken_at = Some(at.nanos());
                tail.detail = format!("as expected, no progress: {detail}");
            }
            (Verdict::Held, Finding::NoVerdict { detail }) => {
                tail.detail = format!("as expected, no progress: {detail}");
            }
            (Verdict::Held, _) => {}
            (Verdict::Violation(broken), _) => tail.broken(broken),
            (Verdict::Stall { at, detail }, _) => {
                tail.broken_at = Some(at.nanos());
                tail.detail.clone_from(detail);
            }
            (Verdict::NoVerdict { detail }, _) => tail.detail.clone_from(detail),
            (Verdict::ExpectationNotMet(unmet), _) => {
                tail.detail = unmet.iter().map(Unmet::to_string).collect::<Vec<_>>().join("; ");
            }
            (Verdict::CorePanic { node, at, message }, _) => {
                tail.broken_at = Some(at.nanos());
                tail.nodes = node.iter().map(ToString::to_string).collect();
                tail.detail.clone_from(message);
            }
            (Verdict::Infrastructure { message }, _) => tail.detail.clone_from(message),
        }
        tail
    }

    fn broken(&mut self, broken: &Broken) {
        self.invariant = broken.invariant.name().to_owned();
        self.broken_at = Some(broken.at.nanos());
        self.nodes = broken.nodes.iter().map(ToString::to_string).collect();
        self.detail = format!("{} is broken: {}", self.invariant, broken.detail);
    }
}

/// The validator's number in a node's name: 3 for `n3` and for `n3'`.
#[must_use]
pub(super) fn number_of(name: &str) -> Option<u32> {
    name.strip_prefix('n')?.trim_end_matches('\'').parse().ok()
}
