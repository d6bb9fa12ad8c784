//! Results of runs as lines of a file, and what they come to together.
//!
//! A row is one JSON object per line. Rows are told apart by what was run: the build, the scenario
//! (by meaning, not by file) and the seed. The same run twice must give the same row but for the wall
//! time; if it does not, that is a finding of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{
    account::{counted, wrapped},
    arguments::PageOptions,
    console::{Paint, Stop},
    corpus::{Entry, quote},
    graver,
};
use crate::{
    coverage::Coverage,
    junit::junit,
    lab::Build,
    report::{RunReport, Verdict},
    report_html::{Cell, index_page},
    scenario::Mark,
};

/// Characters of a detail that are kept in a row.
const DETAIL_MAX: usize = 400;

/// Seeds of a group of failures that are listed.
const SEEDS_LISTED_MAX: usize = 8;

/// One run in a results file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// Which sources the simulator that made the run is of.
    pub(super) build: String,
    /// The scenario's name.
    pub(super) scenario: String,
    /// What the scenario means.
    pub(super) digest: String,
    /// Where the scenario was.
    pub(super) file: String,
    /// The seed.
    pub(super) seed: u64,
    /// The verdict in a word.
    pub(super) verdict: String,
    /// The exit code the run alone would have.
    pub(super) code: u8,
    /// What went wrong, without the numbers: equal for failures of one kind.
    pub(super) signature: String,
    /// What went wrong, in full.
    pub(super) detail: String,
    /// Hash of everything that happened.
    pub(super) trace_hash: String,
    /// Finalized height of the last honest validator.
    pub(super) height: u64,
    /// Messages handed to the network.
    pub(super) messages: u64,
    /// Simulated time, in milliseconds.
    pub(super) simulated_ms: u64,
    /// Wall time, in milliseconds.
    pub(super) wall_ms: u64,
    /// Which situations the run reached, and how often.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) marks: BTreeMap<String, u64>,
    /// Where the run's bundle is, if one was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bundle: Option<String>,
}

/// What a row is a row of.
pub(super) type Key = (String, String, u64);

impl Row {
    pub(super) fn new(build: &str, entry: &Entry, report: &RunReport) -> Self {
        let mut detail = detail_of(&report.verdict);
        if let Some((cut, _)) = detail.char_indices().nth(DETAIL_MAX) {
            detail.truncate(cut);
        }
        Self {
            build: build.to_owned(),
            scenario: entry.scenario.name.clone(),
            digest: entry.digest.to_string(),
            file: entry.path.display().to_string(),
            seed: report.seed,
            verdict: report.verdict.word().to_owned(),
            code: report.verdict.exit_code(),
            signature: signature_of(&detail),
            detail,
            trace_hash: report.trace_hash.to_string(),
            height: report.facts.finalized_min.get(),
            messages: report.counters.messages_sent,
            simulated_ms: report.simulated.millis(),
            wall_ms: u64::try_from(report.wall.as_millis()).unwrap_or(u64::MAX),
            marks: report
                .facts
                .marks
                .iter()
                .map(|(mark, count)| (mark.name().to_owned(), *count))
                .collect(),
            bundle: None,
        }
    }

    pub(super) fn key(&self) -> Key {
        (self.build.clone(), self.digest.clone(), self.seed)
    }

    /// Whether the same run came out the same.
    fn agrees_with(&self, other: &Self) -> bool {
        self.verdict == other.verdict && self.trace_hash == other.trace_hash
    }

    /// The one line that makes the run again.
    pub(super) fn replay(&self) -> String {
        match &self.bundle {
            Some(bundle) => format!("cargo sim replay {}", quote(bundle)),
            None => format!("cargo sim run {} --seed {}", quote(&self.file), self.seed),
        }
    }
}

/// What is wrong, in one line; empty if nothing is.
pub(super) fn detail_of(verdict: &Verdict) -> String {
    let text = match verdict {
        Verdict::Held => String::new(),
        Verdict::Violation(broken) => {
            let nodes: Vec<String> = broken.nodes.iter().map(ToString::to_string).collect();
            let whose =
                if nodes.is_empty() { String::new() } else { format!(" ({})", nodes.join(" ")) };
            format!("{}{whose}: {}", broken.invariant.name(), broken.detail)
        }
        Verdict::Stall { detail, .. } | Verdict::NoVerdict { detail } => detail.clone(),
        Verdict::ExpectationNotMet(unmet) => {
            unmet.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        }
        Verdict::CorePanic { node, message, .. } => match node {
            Some(node) => format!("{node}: {message}"),
            None => message.clone(),
        },
        Verdict::Infrastructure { message } => message.clone(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The detail with every word that has a digit in it left open, and not too long.
fn signature_of(detail: &str) -> String {
    let words: Vec<&str> = detail
        .split_whitespace()
        .map(|word| if word.contains(|c: char| c.is_ascii_digit()) { "#" } else { word })
        .take(24)
        .collect();
    words.join(" ")
}

/// A name for this simulator: results of another one are not results of this one.
pub(super) fn build() -> String {
    Build::this().sources
}

/// Reads a results file. A line that a crash has cut off at the end is left out.
pub(super) fn read(path: &Path) -> Result<Vec<Row>, Stop> {
    let mut text = String::new();
    File::open(path)
        .and_then(|mut file| file.read_to_string(&mut text))
        .map_err(|error| Stop::file(format_args!("cannot read {}", path.display()), &error))?;
    parse(&path.display().to_string(), &text)
}

fn parse(file: &str, text: &str) -> Result<Vec<Row>, Stop> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    (1_usize..)
        .zip(whole.lines())
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| {
                Stop::Infrastructure(format!("{file}:{number} is no result: {error}"))
            })
        })
        .collect()
}

/// The runs that an existing results file has, and their rows in the tally. Those of another build are
/// no answer. With `fresh` the file is thrown away.
pub(super) fn continued(
    path: Option<&Path>,
    fresh: bool,
    build: &str,
    tally: &mut Tally,
) -> Result<BTreeSet<Key>, Stop> {
    let Some(path) = path.filter(|path| path.exists()) else {
        return Ok(BTreeSet::new());
    };
    if fresh {
        fs::remove_file(path).map_err(|error| {
            Stop::file(format_args!("cannot remove {}", path.display()), &error)
        })?;
        return Ok(BTreeSet::new());
    }
    let mut done = BTreeSet::new();
    for row in read(path)? {
        if row.build != build {
            return Err(Stop::Usage(format!(
                "{} has results of another build; give another file, or --fresh to begin anew",
                path.display()
            )));
        }
        done.insert(row.key());
        tally.add(row);
    }
    Ok(done)
}

/// The first failure of its kind, at once.
pub(super) fn tell_failure(row: &Row, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
    writeln!(
        out,
        "{} {} seed {}: {}\n  replay: {}",
        paint.by_code(row.code, &row.verdict),
        row.scenario,
        row.seed,
        row.detail,
        row.replay()
    )
}

/// A results file that is being added to.
pub(super) struct Sink(Option<File>);

impl Sink {
    /// Nowhere.
    pub(super) const fn nowhere() -> Self {
        Self(None)
    }

    /// Into a file, or nowhere.
    pub(super) fn to(path: Option<&Path>) -> Result<Self, Stop> {
        match path {
            None => Ok(Self::nowhere()),
            Some(path) => Self::append(path).map_err(|error| {
                Stop::file(format_args!("cannot write {}", path.display()), &error)
            }),
        }
    }

    /// Opens the file for adding to it, a cut-off last line removed.
    pub(super) fn append(path: &Path) -> io::Result<Self> {
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let whole = u64::try_from(whole).map_err(io::Error::other)?;
        file.set_len(whole)?;
        file.seek(SeekFrom::Start(whole))?;
        Ok(Self(Some(file)))
    }

    /// Adds a row, in one write.
    pub(super) fn push(&mut self, row: &Row) -> io::Result<()> {
        match &mut self.0 {
            None => Ok(()),
            Some(file) => file.write_all(line(row).as_bytes()),
        }
    }
}

/// A row as a line.
pub(super) fn line(row: &Row) -> String {
    let mut text = serde_json::to_string(row).expect("a row has only text and numbers");
    text.push('\n');
    text
}

impl From<&Row> for Cell {
    fn from(row: &Row) -> Self {
        Self {
            scenario: row.scenario.clone(),
            seed: row.seed,
            code: row.code,
            verdict: row.verdict.clone(),
            signature: row.signature.clone(),
            detail: row.detail.clone(),
            replay: row.replay(),
            file: row.file.clone(),
            wall_ms: row.wall_ms,
            marks: row.marks.clone(),
        }
    }
}

/// Many rows, each run once.
#[derive(Debug, Default)]
pub(super) struct Tally {
    rows: BTreeMap<(String, u64, String, String), Row>,
    contradictions: Vec<(Row, Row)>,
}

impl Tally {
    /// Takes in a row, unless it is there already.
    pub(super) fn add(&mut self, row: Row) {
        let key = (row.scenario.clone(), row.seed, row.build.clone(), row.digest.clone());
        match self.rows.get(&key) {
            None => {
                self.rows.insert(key, row);
            }
            Some(known) if known.agrees_with(&row) => {}
            Some(known) => self.contradictions.push((known.clone(), row)),
        }
    }

    /// All rows, sorted by scenario and seed.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// Every run for a page; the same run with two results once more, as what it is.
    fn cells(&self) -> Vec<Cell> {
        let twice = self.contradictions.iter().map(|(one, other)| Cell {
            code: 22,
            verdict: "nondeterminism".to_owned(),
            signature: "the same run, two results".to_owned(),
            detail: format!(
                "the same run, two results: {} with trace {:.16}, and {} with trace {:.16}",
                one.verdict, one.trace_hash, other.verdict, other.trace_hash
            ),
            replay: format!("cargo sim prove {} --seed {}", quote(&one.file), one.seed),
            ..Cell::from(one)
        });
        self.rows.values().map(Cell::from).chain(twice).collect()
    }

    /// Writes the page and the XML that were asked for.
    pub(super) fn write_pages(&self, options: &PageOptions) -> Result<(), Stop> {
        let put = |path: &Path, text: String| {
            fs::write(path, text).map_err(|error| {
                Stop::file(format_args!("cannot write {}", path.display()), &error)
            })
        };
        if let Some(path) = &options.html {
            put(path, index_page("sweep", &self.cells()))?;
        }
        if let Some(path) = &options.junit {
            put(path, junit(&self.cells()))?;
        }
        Ok(())
    }

    /// The gravest exit code. The same run with two results is non-determinism.
    pub(super) fn code(&self) -> u8 {
        let first = if self.contradictions.is_empty() { 0 } else { 22 };
        self.rows.values().map(|row| row.code).fold(first, graver)
    }

    /// Says which of the situations that were to be reached no run has reached. 25 if there is one.
    pub(super) fn demand(
        &self,
        wanted: Option<&BTreeSet<Mark>>,
        out: &mut dyn Write,
        paint: Paint,
    ) -> io::Result<u8> {
        let Some(wanted) = wanted else { return Ok(0) };
        let coverage = self.coverage();
        let missing: Vec<&str> = coverage.missing(wanted).into_iter().collect();
        if missing.is_empty() {
            return Ok(0);
        }
        let runs = counted(coverage.runs(), "run", "runs");
        let never = paint.bad("never reached, and required:");
        writeln!(out, "\n{never} {} (in {runs})", missing.join(", "))?;
        Ok(25)
    }

    fn coverage(&self) -> Coverage {
        Coverage::of(self.rows.values().map(|row| &row.marks))
    }

    fn show_coverage(&self, out: &mut dyn Write) -> io::Result<()> {
        let coverage = self.coverage();
        if coverage.is_empty() {
            return Ok(());
        }
        let width = coverage.reached().map(|(mark, _)| mark.len()).max().unwrap_or(0);
        writeln!(out, "\n{:width$}  {:>8}  {:>10}", "reached", "in runs", "times")?;
        for (mark, times) in coverage.reached() {
            writeln!(out, "{mark:width$}  {:>8}  {:>10}", times.runs, times.all)?;
        }
        let never: Vec<&str> = coverage.never().into_iter().collect();
        if !never.is_empty() {
            for line in wrapped(&format!("never reached: {}", never.join(", ")), 96) {
                writeln!(out, "{line}")?;
            }
        }
        Ok(())
    }

    /// Prints counts, what was reached, then one line to copy for each kind of failure.
    pub(super) fn show(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        self.show_counts(out, paint)?;
        self.show_coverage(out)?;
        self.show_failures(out, paint)?;
        for (one, other) in &self.contradictions {
            writeln!(
                out,
                "\n{} {} seed {}: {} with trace {:.16}, and {} with trace {:.16}",
                paint.bad("the same run, two results:"),
                one.scenario,
                one.seed,
                one.verdict,
                one.trace_hash,
                other.verdict,
                other.trace_hash,
            )?;
            let file = quote(&one.file);
            writeln!(out, "  replay: cargo sim prove {file} --seed {}", one.seed)?;
        }
        Ok(())
    }

    fn show_counts(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let mut counts: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        let mut codes: BTreeMap<&str, u8> = BTreeMap::new();
        for row in self.rows.values() {
            codes.insert(&row.verdict, row.code);
            *counts.entry(&row.scenario).or_default().entry(&row.verdict).or_default() += 1;
        }
        let width = counts.keys().map(|name| name.len()).max().unwrap_or(0);
        for (scenario, verdicts) in &counts {
            let total: u64 = verdicts.values().sum();
            let parts: Vec<String> = verdicts
                .iter()
                .map(|(verdict, count)| {
                    let code = codes.get(verdict).copied().unwrap_or(0);
                    paint.by_code(code, format_args!("{verdict} {count}"))
                })
                .collect();
            writeln!(out, "{scenario:width$}  {total:>7} runs: {}", parts.join(", "))?;
        }
        Ok(())
    }

    fn show_failures(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let mut groups: BTreeMap<(&str, &str, &str), Vec<&Row>> = BTreeMap::new();
        for row in self.rows.values().filter(|row| row.code != 0) {
            groups.entry((&row.scenario, &row.verdict, &row.signature)).or_default().push(row);
        }
        for ((scenario, verdict, _), rows) in groups {
            let Some(first) = rows.first() else { continue };
            let runs = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            writeln!(
                out,
                "\n{} in {} of {scenario}\n  {}",
                paint.by_code(first.code, verdict),
                counted(runs, "run", "runs"),
                first.detail
            )?;
            if rows.len() > 1 {
                let seeds: BTreeSet<u64> = rows.iter().map(|row| row.seed).collect();
                let listed: Vec<String> =
                    seeds.iter().take(SEEDS_LISTED_MAX).map(u64::to_string).collect();
                let more = if seeds.len() > SEEDS_LISTED_MAX { " ..." } else { "" };
                writeln!(out, "  seeds {}{more}", listed.join(" "))?;
            }
            writeln!(out, "  replay: {}", first.replay())?;
        }
        Ok(())
    }
}
