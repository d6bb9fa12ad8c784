//! Runs as stories: read from a trace file, or made from a scenario and a seed.

use std::{fs::File, io::BufReader, path::Path, sync::Arc};

use super::{
    Runner,
    console::Stop,
    corpus::{self, Entry},
    run::{replay_line, seed_of},
};
use crate::{
    history::{History, read_trace},
    report::RunOptions,
};

/// The story of a trace, or of the run of one scenario.
pub(super) fn load(path: &Path, seed: Option<u64>, runner: Runner) -> Result<Arc<History>, Stop> {
    if is_scenario(path) {
        let entries = corpus::load(path)?;
        let [entry] = entries.as_slice() else {
            return Err(Stop::Usage(format!(
                "this looks at one run, and there are {} scenarios in {}",
                entries.len(),
                path.display()
            )));
        };
        return of_run(entry, seed_of(entry, seed), runner);
    }
    if seed.is_some() {
        return Err(Stop::Usage(format!(
            "{} is a trace and has its seed; --seed is for scenarios (*.toml)",
            path.display()
        )));
    }
    let file = File::open(path)
        .map_err(|error| Stop::Usage(format!("cannot open {}: {error}", path.display())))?;
    let history = read_trace(&mut BufReader::with_capacity(1 << 18, file))
        .map_err(|error| Stop::Usage(format!("{} is no trace: {error}", path.display())))?;
    Ok(Arc::new(history))
}

/// A directory or a file of scenarios, and not a trace.
fn is_scenario(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|extension| extension == "toml")
}

fn of_run(entry: &Entry, seed: u64, runner: Runner) -> Result<Arc<History>, Stop> {
    let replay = replay_line(entry, seed, None);
    let options = RunOptions { history: true, replay, ..RunOptions::default() };
    let report = runner(&entry.scenario, seed, &options);
    let told = report.history.clone();
    told.ok_or_else(|| Stop::Infrastructure(super::results::detail_of(&report.verdict)))
}
