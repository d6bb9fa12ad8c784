//! From bytes to a [`Scenario`], or to everything that is wrong with them.
//!
//! Never panics, whatever the bytes. Nothing is run and no default is guessed for a key that is
//! there but wrong. Sections are read in an order in which each can be checked against those before.

mod byzantine;
mod condition;
mod distribution;
mod fault;
mod sections;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use quorate_core::time::Span;

use self::condition::Cast;
use super::{
    fault::Verb,
    model::{Expect, Outcome, Scenario},
    problem::{Problem, Problems},
    reader::{Reader, Section},
    tree::{Kind, Tree},
};

/// Bytes of the largest file that is read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The one format this build reads.
const FORMAT: u64 = 1;

/// Every key that was asked for, by section.
pub(super) type Asked = BTreeMap<String, BTreeSet<&'static str>>;

/// Reads and parses a scenario file.
///
/// # Errors
/// If it cannot be read, or with everything that is wrong with it.
pub fn load(path: &Path) -> Result<Scenario, Problems> {
    let file = path.display().to_string();
    let whole = |message: String| Problems {
        file: file.clone(),
        contents: String::new(),
        list: vec![Problem { place: None, message, help: None }],
    };
    let read = || -> io::Result<Vec<u8>> {
        if fs::metadata(path)?.len() > FILE_BYTES_MAX {
            return Err(io::Error::other("it is larger than 1 MiB"));
        }
        fs::read(path)
    };
    let bytes = read().map_err(|error| whole(format!("cannot read the file: {error}")))?;
    parse(&file, &bytes)
}

/// Parses the contents of a scenario file. `file` is its name, for messages.
///
/// # Errors
/// With everything that is wrong with it.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Scenario, Problems> {
    parse_and_tell(file, bytes).0
}

/// What fuzzing runs: any bytes are refused with words, or accepted as something that can be written
/// and means the same when it is read again.
///
/// # Panics
/// If the parser is wrong. Never because of the bytes.
pub fn exercise(bytes: &[u8]) {
    match parse("fuzzed", bytes) {
        Ok(scenario) => {
            let again = parse("written", scenario.to_toml().as_bytes());
            let again =
                again.unwrap_or_else(|problems| panic!("it does not read back: {problems}"));
            assert_eq!(again.digest(), scenario.digest(), "it reads back as something else");
        }
        Err(problems) => assert!(!problems.to_string().is_empty(), "refused without a word"),
    }
}

fn parse_and_tell(file: &str, bytes: &[u8]) -> (Result<Scenario, Problems>, Asked) {
    let whole = |message: &str, help: &str| Problems {
        file: file.to_owned(),
        contents: String::new(),
        list: vec![Problem {
            place: None,
            message: message.to_owned(),
            help: Some(help.to_owned()),
        }],
    };
    let text_help = "a scenario is a TOML file in UTF-8; `quorate-sim new NAME` writes one";
    if bytes.contains(&0) {
        return (Err(whole("the file is binary, not text", text_help)), Asked::new());
    }
    let source = match std::str::from_utf8(bytes) {
        Ok(source) => source,
        Err(error) => {
            let lines = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            let message = format!("line {} is not UTF-8", lines + 1);
            return (Err(whole(&message, text_help)), Asked::new());
        }
    };
    let (result, asked) = parse_text(source);
    let result = result.map_err(|list| Problems {
        file: file.to_owned(),
        contents: source.to_owned(),
        list,
    });
    (result, asked)
}

fn parse_text(source: &str) -> (Result<Scenario, Vec<Problem>>, Asked) {
    let document = match toml_edit::Document::parse(source) {
        Ok(document) => document,
        Err(error) => {
            let message = error.message().trim().replace('\n', ", ");
            let problem = Problem { place: error.span(), message, help: None };
            return (Err(vec![problem]), Asked::new());
        }
    };
    let table = document.as_table();
    if table.is_empty() {
        let problem = Problem {
            place: None,
            message: "the file says nothing".to_owned(),
            help: Some("`quorate-sim new NAME` writes a commented scenario".to_owned()),
        };
        return (Err(vec![problem]), Asked::new());
    }
    let tree = Tree::of_table(table, source, 0..0);
    let reader = Reader::new();
    let scenario = read_scenario(&reader, source, &tree);
    let (problems, asked) = reader.finish();
    let result = match scenario {
        Some(scenario) if problems.is_empty() => Ok(scenario),
        _ => Err(problems),
    };
    (result, asked)
}

/// What later sections are checked against.
struct Frame<'s> {
    source: &'s str,
    cast: Cast,
    max_time: Span,
    gst: Option<Span>,
}

fn read_scenario(reader: &Reader, source: &str, tree: &Tree) -> Option<Scenario> {
    let top = reader.section("the scenario", tree)?;
    let sound_format = read_format(&top);
    if !sound_format {
        top.abandon();
        return None;
    }
    let name = read_name(&top);
    let about = top.text("about", "a sentence").unwrap_or_default().to_owned();
    let run = sections::run(&top);
    let cluster = sections::cluster(&top);
    let protocol = sections::protocol(&top);
    let network = sections::network(&top, cluster.validators);
    let clock = sections::clock(&top);
    let disk = sections::disk(&top);
    let jobs = sections::jobs(&top);
    let execution = sections::execution(&top);
    let workload = sections::workload(&top);
    let liveness = sections::liveness(&top, &network.model, run.max_time);
    let check = sections::check(&top);
    let mut frame = Frame {
        source,
        cast: Cast::new(cluster.validators),
        max_time: run.max_time,
        gst: liveness.as_ref().map(|liveness| liveness.gst),
    };
    let byzantine =
        tables(&top, "byzantine", |section| byzantine::read(section, &mut frame.cast, source));
    let faults = tables(&top, "fault", |section| fault::read(section, &frame));
    let expect = sections::expect(&top, &check, &run, liveness.is_some());
    let scenario = Scenario {
        name: name.unwrap_or_default(),
        about,
        run,
        cluster,
        protocol,
        network,
        clock,
        disk,
        jobs,
        execution,
        workload,
        faults,
        byzantine,
        liveness,
        check,
        expect,
    };
    if !reader.has_problems() {
        check_tolerance(&top, &scenario);
        let draws = (0..).zip(&scenario.faults).map(|(place, fault)| fault.draw_at(place));
        check_draws(&top, "fault", draws.map(u64::from));
        let draws = (0..).zip(&scenario.byzantine).map(|(place, spec)| spec.draw_at(place));
        check_draws(&top, "byzantine", draws);
    }
    top.finish();
    Some(scenario)
}

fn read_format(top: &Section<'_>) -> bool {
    let Some(tree) = top.take("format") else {
        top.reader().problem_with_help(
            &(0..0),
            "the file does not say which format it has",
            "begin it with `format = 1`",
        );
        return false;
    };
    match tree.kind {
        Kind::Integer(number) if u64::try_from(number) == Ok(FORMAT) => true,
        Kind::Integer(number) => {
            top.reader().problem(
                &tree.place,
                format!("format {number} is unknown: this build reads format {FORMAT}"),
            );
            false
        }
        _ => {
            top.reader().wrong_type::<()>(tree, "the number 1");
            false
        }
    }
}

fn read_name(top: &Section<'_>) -> Option<String> {
    let tree = top.require("name")?;
    let text = top.reader().text(tree, "a name")?;
    if is_name(text) {
        return Some(text.to_owned());
    }
    top.reader().problem(
        &tree.place,
        "a name is 1 to 64 lower-case letters, digits and hyphens, and begins with a letter",
    );
    None
}

/// Whether a scenario can be called this.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Reads every `[[name]]`, leaving out those that are wrong.
fn tables<'a, T>(
    top: &Section<'a>,
    name: &'static str,
    mut read: impl FnMut(Section<'a>) -> Option<T>,
) -> Vec<T> {
    let Some(tree) = top.take(name) else { return Vec::new() };
    let Some(list) = top.reader().list(tree, &format!("tables written as `[[{name}]]`")) else {
        return Vec::new();
    };
    list.iter()
        .filter_map(|tree| top.reader().section(&format!("[[{name}]]"), tree))
        .filter_map(&mut read)
        .collect()
}

/// Two that draw alike could not be told apart.
fn check_draws(top: &Section<'_>, key: &'static str, draws: impl Iterator<Item = u64>) {
    let mut taken = BTreeMap::new();
    for (place, draw) in (0_usize..).zip(draws) {
        let Some(other) = taken.insert(draw, place) else { continue };
        let place = top.take(key).map_or(0..0, |tree| tree.place.clone());
        top.reader().problem_with_help(
            &place,
            format!("two [[{key}]] have the draws of number {draw}"),
            format!("number {other} has them, by `draw` or by its place in the file from 0"),
        );
        return;
    }
}

/// More Byzantine weight than the protocol tolerates must be meant.
fn check_tolerance(top: &Section<'_>, scenario: &Scenario) {
    let Expect { outcome: Outcome::Pass, .. } = scenario.expect else { return };
    let lying = scenario.faults.iter().filter_map(|fault| match &fault.verb {
        Verb::FsyncLie { targets, .. } => Some(&targets.nodes),
        _ => None,
    });
    let selectors = scenario.byzantine.iter().map(|spec| &spec.nodes).chain(lying);
    let worst = byzantine::worst_case(&scenario.cluster, selectors);
    let Some(worst) = worst.filter(|worst| !scenario.cluster.tolerates(worst)) else { return };
    let key = if scenario.byzantine.is_empty() { "fault" } else { "byzantine" };
    let place = top.take(key).map_or(0..0, |tree| tree.place.clone());
    let names: Vec<String> = worst.iter().map(|number| format!("n{number}")).collect();
    top.reader().problem_with_help(
        &place,
        format!(
            "{} of {} validators may be Byzantine ({}): together they must weigh less than a third",
            worst.len(),
            scenario.cluster.validators,
            names.join(" "),
        ),
        "expect what follows, such as `outcome = \"violation:agreement\"`, or have fewer",
    );
}
