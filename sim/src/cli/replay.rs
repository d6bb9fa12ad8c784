//! `replay`: the run of a bundle once more, and whether it is the same; or up to some place in it.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use quorate_core::{
    time::Span,
    types::{Height, ValidatorId, View},
};

use super::{
    Runner, account,
    arguments_lab::ReplayOptions,
    console::{Console, Paint, Stop},
    corpus::{Entry, quote},
    difference::Difference,
    keep,
};
use crate::{
    lab::{Build, Bundle},
    report::{BreakAt, Portrait, RunOptions, RunReport},
    scenario::{self, NodeName, Scenario},
};

pub(super) fn replay(
    options: &ReplayOptions,
    runner: Runner,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let (bundle, scenario) = keep::read(&options.bundle)?;
    check_build(&bundle, options.force)?;
    let entry = entry(&options.bundle, scenario);
    let break_at = break_at(options, &entry.scenario)?;
    let wanted = RunOptions {
        trace: options.trace.clone(),
        crash_at: bundle.crash(&entry.scenario),
        break_at,
        ..RunOptions::default()
    };
    let report = runner(&entry.scenario, bundle.seed, &wanted);
    let again = replay_line(&options.bundle);
    let paint = Paint(console.paint);
    if break_at.is_some() {
        return show_break(options, &bundle, &report, console);
    }
    if options.quiet {
        account::show_quietly(&report, &again, 0, console.out, paint)?;
    } else {
        account::show(&entry, &report, &again, console.out, paint)?;
    }
    let Some(stretch) = bundle.parts_within(&report) else {
        writeln!(
            console.out,
            "{}: the run of the bundle, observation by observation",
            paint.good("the same trace")
        )?;
        return Ok(report.verdict.exit_code());
    };
    writeln!(
        console.out,
        "{}\n  bundle {} {}\n  now    {} {}",
        paint.bad("another trace than in the bundle"),
        bundle.trace.hash,
        bundle.outcome.verdict,
        report.trace_hash,
        report.verdict.word(),
    )?;
    writeln!(
        console.out,
        "they part within observations {} to {}",
        stretch.start,
        stretch.end - 1
    )?;
    match recorded(&bundle, &options.bundle) {
        Some(recorded) => show_difference(&recorded, &entry, &bundle, runner, console)?,
        None => writeln!(
            console.out,
            "the bundle has no trace file: `run --bundle DIR --trace FILE` writes one, and then the \
             first difference is shown"
        )?,
    }
    if bundle.build != Build::this() {
        writeln!(console.err, "note: another build made the bundle, so this may be its doing")?;
    }
    Ok(22)
}

/// A bundle as what a run is made from.
pub(super) fn entry(path: &Path, scenario: Scenario) -> Entry {
    let digest = scenario.digest();
    Entry { path: path.to_owned(), scenario, digest }
}

/// The one line that makes a bundle's run again.
pub(super) fn replay_line(path: &Path) -> String {
    format!("cargo sim replay {}", quote(&path.display().to_string()))
}

/// Another simulator may run otherwise, and then the bundle proves nothing.
pub(super) fn check_build(bundle: &Bundle, force: bool) -> Result<(), Stop> {
    let this = Build::this();
    if bundle.build == this || force {
        return Ok(());
    }
    Err(Stop::Usage(format!(
        "the bundle was made by quorate-sim {} of sources {}, this is {} of sources {}: check out \
         what made it, or try anyway with --force",
        bundle.build.version, bundle.build.sources, this.version, this.sources
    )))
}

/// Reads `height=12,view=3,time=5s`, any of them.
fn break_at(options: &ReplayOptions, scenario: &Scenario) -> Result<Option<BreakAt>, Stop> {
    let Some(text) = &options.break_at else { return Ok(None) };
    let wrong = || {
        Stop::Usage(format!(
            "{text:?} is no place to break at: expected some of height=12,view=3,time=5s"
        ))
    };
    let mut place = BreakAt::default();
    for part in text.split(',') {
        let (key, value) = part.split_once('=').ok_or_else(wrong)?;
        match key.trim() {
            "height" => place.height = Some(Height::new(value.parse().map_err(|_| wrong())?)),
            "view" => place.view = Some(View::new(value.parse().map_err(|_| wrong())?)),
            "time" => place.time = Some(scenario::parse_span(value).map_err(|_| wrong())?),
            _ => return Err(wrong()),
        }
    }
    if let Some(name) = &options.validator {
        place.node = Some(node(name, scenario)?);
    }
    Ok(Some(place))
}

fn node(text: &str, scenario: &Scenario) -> Result<NodeName, Stop> {
    let plain = text.trim_end_matches('\'');
    let number = plain.strip_prefix('n').and_then(|digits| digits.parse::<u32>().ok());
    match number.filter(|number| *number < scenario.cluster.validators) {
        Some(number) => {
            Ok(NodeName { validator: ValidatorId::new(number), twin: plain.len() < text.len() })
        }
        None => Err(Stop::Usage(format!(
            "there is no validator {text:?}: {} has {}",
            scenario.name, scenario.cluster.validators
        ))),
    }
}

/// Seconds with all nine digits: a moment is exact.
fn exactly(at: Span) -> String {
    format!("{}.{:09} s", at.nanos() / 1_000_000_000, at.nanos() % 1_000_000_000)
}

fn show_break(
    options: &ReplayOptions,
    bundle: &Bundle,
    report: &RunReport,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let paint = Paint(console.paint);
    let Some(portrait) = &report.portrait else {
        writeln!(
            console.out,
            "{}: the run was over at {} first",
            paint.warning("nobody came that far"),
            exactly(report.simulated)
        )?;
        return Ok(25);
    };
    let Portrait { node, at, lines, replica } = portrait;
    writeln!(console.out, "{} at {}", paint.strong(node), exactly(*at))?;
    for (name, value) in lines {
        writeln!(console.out, "  {name:<16} {value}")?;
    }
    if options.full {
        writeln!(console.out, "{replica}")?;
    } else {
        writeln!(console.out, "{}", paint.faint("--full prints everything in the replica"))?;
    }
    if bundle.agrees_so_far(report) {
        return Ok(0);
    }
    writeln!(console.out, "{}", paint.bad("and the trace so far is not the one in the bundle"))?;
    Ok(22)
}

/// The trace file that belongs to a bundle: where it says, or of that name beside it.
fn recorded(bundle: &Bundle, path: &Path) -> Option<PathBuf> {
    let file = PathBuf::from(bundle.trace.file.as_ref()?);
    let beside = path.parent().zip(file.file_name()).map(|(folder, name)| folder.join(name));
    [Some(file), beside].into_iter().flatten().find(|file| file.is_file())
}

fn show_difference(
    recorded: &Path,
    entry: &Entry,
    bundle: &Bundle,
    runner: Runner,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    let mut own = Traced::of(entry, bundle, runner)?;
    let mut theirs = open(recorded)?;
    let found = Difference::between(&mut theirs, &mut own.reader)
        .map_err(|error| Stop::file("cannot read a trace", &error))?;
    match found {
        Err(difference) => {
            difference.show(["bundle", "now"], console.out, Paint(console.paint))?;
        }
        Ok(count) => writeln!(
            console.out,
            "the trace file and a second run have the same {count} observations: the difference \
             comes and goes"
        )?,
    }
    Ok(())
}

pub(super) fn open(path: &Path) -> Result<BufReader<File>, Stop> {
    let file = File::open(path)
        .map_err(|error| Stop::Usage(format!("cannot read {}: {error}", path.display())))?;
    Ok(BufReader::new(file))
}

/// A bundle's run, made again with everything written to a file that goes away with this.
pub(super) struct Traced {
    pub(super) reader: BufReader<File>,
    path: PathBuf,
}

impl Traced {
    pub(super) fn of(entry: &Entry, bundle: &Bundle, runner: Runner) -> Result<Self, Stop> {
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("quorate-replay-{}-{number}.jsonl", std::process::id());
        let path = std::env::temp_dir().join(name);
        let options = RunOptions {
            trace: Some(path.clone()),
            crash_at: bundle.crash(&entry.scenario),
            ..RunOptions::default()
        };
        runner(&entry.scenario, bundle.seed, &options);
        Ok(Self { reader: open(&path)?, path })
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        // Leaving it behind harms nobody.
        let _ = fs::remove_file(&self.path);
    }
}
