//! Bundles as files: writing one for a failure, reading one for a command.

use std::{fs, path::Path};

use super::{console::Stop, corpus::Entry, results::detail_of};
use crate::{
    lab::{Bundle, bundle::EXTENSION},
    report::{CrashAt, RunReport},
    scenario::Scenario,
};

/// Writes a run's bundle into a directory, which is made if it is not there, and gives its path.
pub(super) fn write(
    directory: &Path,
    entry: &Entry,
    crash_at: Option<&CrashAt>,
    report: &RunReport,
    trace: Option<&Path>,
) -> Result<String, Stop> {
    let detail = detail_of(&report.verdict);
    let bundle = Bundle::of(&entry.scenario, crash_at, report, detail, trace);
    let crash = crash_at.map_or_else(String::new, |crash| {
        let twin = if crash.node.twin { "-twin" } else { "" };
        format!("-{}{twin}-{}-{}", crash.node.validator, crash.point.name(), crash.nth)
    });
    let name = format!("{}-{}{crash}.{EXTENSION}", entry.scenario.name, report.seed);
    let path = directory.join(name);
    let failed = |error| Stop::file(format_args!("cannot write {}", path.display()), &error);
    fs::create_dir_all(directory).map_err(failed)?;
    // Whole or not at all: a reader never sees half of it.
    let draft = path.with_extension("writing");
    fs::write(&draft, bundle.text()).and_then(|()| fs::rename(&draft, &path)).map_err(failed)?;
    Ok(path.display().to_string())
}

/// Reads a bundle, or says what is wrong with it (exit 10).
pub(super) fn read(path: &Path) -> Result<(Bundle, Scenario), Stop> {
    Bundle::load(path).map_err(|error| Stop::Unsound(format!("{}: {error}", path.display())))
}
