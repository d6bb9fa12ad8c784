//! Scenario files on disk, in an order that does not depend on the disk.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use quorate_core::types::Digest;

use super::console::Stop;
use crate::scenario::{self, Problem, Problems, Scenario};

/// A scenario and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) scenario: Scenario,
    /// What it means, whatever its comments.
    pub(super) digest: Digest,
}

impl Entry {
    /// The one line that makes the run again.
    pub(super) fn replay(&self, seed: u64) -> String {
        format!("cargo sim run {} --seed {seed}", quote(&self.path.display().to_string()))
    }
}

/// Quotes a path for the shell, if it must be.
pub(super) fn quote(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if !path.is_empty() && path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

/// Every scenario file at or below a path, sorted by path.
pub(super) fn files(path: &Path) -> Result<Vec<PathBuf>, Stop> {
    let metadata = fs::metadata(path)
        .map_err(|error| Stop::Usage(format!("cannot find {}: {error}", path.display())))?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut directories = vec![path.to_owned()];
    while let Some(directory) = directories.pop() {
        let failed =
            |error| Stop::file(format_args!("cannot read {}", directory.display()), &error);
        for entry in fs::read_dir(&directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                found.push(path);
            }
        }
    }
    if found.is_empty() {
        return Err(Stop::Usage(format!("there is no scenario (*.toml) in {}", path.display())));
    }
    found.sort();
    Ok(found)
}

/// Loads every scenario at or below a path, sorted by name. All of them are sound, or none is given.
pub(super) fn load(path: &Path) -> Result<Vec<Entry>, Stop> {
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    let mut wrong = Vec::new();
    for path in files(path)? {
        match scenario::load(&path) {
            Ok(scenario) => {
                if let Some(other) = entries.get(&scenario.name) {
                    wrong.push(named_twice(&path, other));
                    continue;
                }
                let digest = scenario.digest();
                entries.insert(scenario.name.clone(), Entry { path, scenario, digest });
            }
            Err(problems) => wrong.push(problems),
        }
    }
    if wrong.is_empty() { Ok(entries.into_values().collect()) } else { Err(Stop::Invalid(wrong)) }
}

/// Results are told apart by name, so a name must mean one thing.
fn named_twice(path: &Path, other: &Entry) -> Problems {
    Problems {
        file: path.display().to_string(),
        contents: String::new(),
        list: vec![Problem {
            place: None,
            message: format!("the name `{}` is taken", other.scenario.name),
            help: Some(format!("{} has it too", other.path.display())),
        }],
    }
}
