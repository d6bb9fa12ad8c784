//! A run in one file: everything that is needed to make it again, and what it came to.
//!
//! JSON, so that it can be read, compared and mailed; the scenario is in it line by line. A bundle
//! names the sources of the simulator that wrote it, because another one may run otherwise. Reading
//! one never runs anything and never panics, whatever the bytes.

use std::{collections::BTreeMap, fs, io, path::Path};

use quorate_core::{
    time::Span,
    types::{Digest, ValidatorId},
};
use serde::{Deserialize, Serialize};

use super::signature::signature;
use crate::{
    report::{CrashAt, Happening, RunReport},
    scenario::{self, CrashPoint, NodeName, Problems, Scenario},
};

/// The format this build reads and writes.
pub const FORMAT: u64 = 1;

/// Bytes of the largest bundle that is read.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Checkpoints kept; of more, every so-many-th.
const CHECKPOINTS_MAX: usize = 512;

/// Decisions kept; the first ones.
const DECISIONS_MAX: usize = 512;

/// What a bundle's file name ends with.
pub const EXTENSION: &str = "bundle.json";

/// Which simulator made a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The package's version.
    pub version: String,
    /// A digest of the sources, the locked dependencies and the features.
    pub sources: String,
}

impl Build {
    /// This one.
    #[must_use]
    pub fn this() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sources: env!("QUORATE_SOURCES").to_owned(),
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The verdict in a word, as in result files.
    pub verdict: String,
    /// The exit code the run alone has.
    pub code: u8,
    /// Why, without numbers: see [`signature`].
    pub signature: String,
    /// Why, in full.
    pub detail: String,
    /// Simulated time at the end, in nanoseconds.
    pub simulated_ns: u64,
}

/// The hash as of some moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Simulated time in nanoseconds.
    pub at_ns: u64,
    /// Observations hashed so far.
    pub observations: u64,
    /// The hash of all of them.
    pub hash: String,
}

/// Everything that happened, as hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The hash of all observations.
    pub hash: String,
    /// How many there were.
    pub observations: u64,
    /// The hash along the way, ascending.
    pub checkpoints: Vec<Point>,
    /// A file with all of it, if one was written.
    pub file: Option<String>,
}

/// A crash that was put into the run besides its scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    /// The validator's name.
    pub node: String,
    /// The crash point's name.
    pub point: String,
    /// The how many-th passage, from 1.
    pub nth: u32,
    /// How long it stayed down, in nanoseconds.
    pub restart_after_ns: u64,
}

/// Something chance or circumstance decided: which fault hit whom and when, who crashed and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Simulated time in nanoseconds.
    pub at_ns: u64,
    /// What, in words.
    pub what: String,
}

/// A run in one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// The format: [`FORMAT`].
    pub bundle: u64,
    /// Who made the run.
    pub build: Build,
    /// The seed.
    pub seed: u64,
    /// What the scenario means, to notice that its text was changed.
    pub digest: String,
    /// A crash put in, as by `run --crash-at`.
    pub crash_at: Option<Crash>,
    /// What the run came to.
    pub outcome: Outcome,
    /// What happened.
    pub trace: Trace,
    /// What was seen, and how often.
    pub marks: BTreeMap<String, u64>,
    /// Whom evidence names.
    pub culprits: Vec<String>,
    /// What was decided on the way.
    pub decisions: Vec<Decision>,
    /// The scenario, line by line.
    pub scenario: Vec<String>,
}

/// Why a file is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It cannot be read.
    #[error("cannot read it: {0}")]
    Unreadable(#[from] io::Error),
    /// It is longer than any bundle.
    #[error("it is larger than 16 MiB")]
    TooLarge,
    /// It is not JSON, or not of this shape.
    #[error("it is no bundle: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It has another format.
    #[error("it has format {found}: this build reads format {FORMAT}")]
    Format {
        /// The format it says it has.
        found: u64,
    },
    /// Its scenario is wrong.
    #[error("the scenario in it is wrong:\n{0}")]
    Scenario(Problems),
    /// Its scenario is not the one that was run.
    #[error("the scenario in it was changed since the run: it has digest {found}, not {recorded}")]
    Changed {
        /// The digest of the text.
        found: Digest,
        /// The digest in the bundle.
        recorded: String,
    },
    /// Its crash is none.
    #[error("the crash in it is none: {0:?}")]
    Crash(Crash),
}

impl Bundle {
    /// A run and its report as a bundle. `detail` is what went wrong in words, `trace` the file that
    /// everything was written to, if it was.
    #[must_use]
    pub fn of(
        scenario: &Scenario,
        crash_at: Option<&CrashAt>,
        report: &RunReport,
        detail: String,
        trace: Option<&Path>,
    ) -> Self {
        let every = report.checkpoints.len().div_ceil(CHECKPOINTS_MAX).max(1);
        let point = |point: &crate::report::Checkpoint| Point {
            at_ns: point.at.nanos(),
            observations: point.observations,
            hash: point.hash.to_string(),
        };
        let crash = |crash: &CrashAt| Crash {
            node: crash.node.to_string(),
            point: crash.point.name().to_owned(),
            nth: crash.nth,
            restart_after_ns: crash.restart_after.nanos(),
        };
        let marks = report.facts.marks.iter();
        Self {
            bundle: FORMAT,
            build: Build::this(),
            seed: report.seed,
            digest: scenario.digest().to_string(),
            crash_at: crash_at.map(crash),
            outcome: Outcome {
                verdict: report.verdict.word().to_owned(),
                code: report.verdict.exit_code(),
                signature: signature(report),
                detail,
                simulated_ns: report.simulated.nanos(),
            },
            trace: Trace {
                hash: report.trace_hash.to_string(),
                observations: report.counters.observations,
                checkpoints: report.checkpoints.iter().step_by(every).map(point).collect(),
                file: trace.map(|path| path.display().to_string()),
            },
            marks: marks.map(|(mark, count)| (mark.name().to_owned(), *count)).collect(),
            culprits: report.facts.culprits.iter().map(ToString::to_string).collect(),
            decisions: decisions(report),
            scenario: scenario.to_toml().lines().map(str::to_owned).collect(),
        }
    }

    /// Reads a file and checks that it is sound.
    ///
    /// # Errors
    /// If it is not.
    pub fn load(path: &Path) -> Result<(Self, Scenario), BundleError> {
        if fs::metadata(path)?.len() > FILE_BYTES_MAX {
            return Err(BundleError::TooLarge);
        }
        Self::parse(&fs::read(path)?)
    }

    /// Reads bytes and checks that they are sound.
    ///
    /// # Errors
    /// If they are not.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Scenario), BundleError> {
        // Another format may have other keys, so the format comes first.
        #[derive(Deserialize)]
        struct Head {
            bundle: u64,
        }
        let head: Head = serde_json::from_slice(bytes)?;
        if head.bundle != FORMAT {
            return Err(BundleError::Format { found: head.bundle });
        }
        let bundle: Self = serde_json::from_slice(bytes)?;
        let text = bundle.scenario.join("\n") + "\n";
        let scenario =
            scenario::parse("scenario", text.as_bytes()).map_err(BundleError::Scenario)?;
        let found = scenario.digest();
        if found.to_string() != bundle.digest {
            return Err(BundleError::Changed { found, recorded: bundle.digest });
        }
        if let Some(crash) = &bundle.crash_at {
            crash.read(&scenario).ok_or_else(|| BundleError::Crash(crash.clone()))?;
        }
        Ok((bundle, scenario))
    }

    /// The crash that was put in.
    #[must_use]
    pub fn crash(&self, scenario: &Scenario) -> Option<CrashAt> {
        self.crash_at.as_ref().and_then(|crash| crash.read(scenario))
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("it has only text and numbers");
        text.push('\n');
        text
    }

    /// Where a run parts from this one, going by the checkpoints: the observations, from the last
    /// common checkpoint up to the first that differs. `None` if all agree as far as both go.
    #[must_use]
    pub fn parts_within(&self, report: &RunReport) -> Option<std::ops::Range<u64>> {
        let mut start = 0;
        for ours in &self.trace.checkpoints {
            let place = report.checkpoints.partition_point(|point| point.at.nanos() < ours.at_ns);
            let Some(theirs) = report.checkpoints.get(place) else { break };
            let same = theirs.at.nanos() == ours.at_ns
                && theirs.observations == ours.observations
                && theirs.hash.to_string() == ours.hash;
            if !same {
                return Some(start..ours.observations.max(theirs.observations) + 1);
            }
            start = ours.observations;
        }
        let whole = report.trace_hash.to_string() == self.trace.hash;
        (!whole).then(|| start..self.trace.observations.max(report.counters.observations) + 1)
    }

    /// Whether every checkpoint the run came to is as recorded.
    #[must_use]
    pub fn agrees_so_far(&self, report: &RunReport) -> bool {
        let reached = report.checkpoints.last().map_or(0, |point| point.observations);
        self.trace.checkpoints.iter().filter(|point| point.observations <= reached).all(|ours| {
            report.checkpoints.iter().any(|theirs| {
                theirs.at.nanos() == ours.at_ns && theirs.hash.to_string() == ours.hash
            })
        })
    }
}

impl Crash {
    fn read(&self, scenario: &Scenario) -> Option<CrashAt> {
        let plain = self.node.trim_end_matches('\'');
        let number: u32 = plain.strip_prefix('n')?.parse().ok()?;
        if number >= scenario.cluster.validators || self.nth == 0 {
            return None;
        }
        let point = CrashPoint::ALL.into_iter().find(|point| point.name() == self.point)?;
        let twin = plain.len() < self.node.len();
        Some(CrashAt {
            node: NodeName { validator: ValidatorId::new(number), twin },
            point,
            nth: self.nth,
            restart_after: Span::from_nanos(self.restart_after_ns),
        })
    }
}

fn decisions(report: &RunReport) -> Vec<Decision> {
    let words = |what: &Happening| match what {
        Happening::FaultBegan { fault, what } => Some(format!("fault {fault} begins: {what}")),
        Happening::FaultEnded { fault, what } => Some(format!("fault {fault} ends: {what}")),
        Happening::Down { node, why } => Some(format!("{node} goes down: {why}")),
        Happening::Up { node, height, .. } => Some(format!("{node} comes up at height {height}")),
        Happening::Gst => Some("GST".to_owned()),
        Happening::Finalized { .. }
        | Happening::ViewChange { .. }
        | Happening::EvidenceAgainst { .. }
        | Happening::Violation(_) => None,
    };
    let moments = report.timeline.iter();
    let mut all: Vec<Decision> = moments
        .filter_map(|moment| {
            Some(Decision { at_ns: moment.at.nanos(), what: words(&moment.what)? })
        })
        .collect();
    all.sort_by_key(|decision| decision.at_ns);
    all.truncate(DECISIONS_MAX);
    all
}

#[cfg(test)]
mod tests;
