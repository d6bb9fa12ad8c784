//! Every scenario file as named tests: `view-change/leader-crash-7 seed 1` and so on.
//!
//! Two fixed seeds each, the first of the file's own. `cargo test -p quorate-sim --test scenarios NAME`
//! runs the ones whose name contains NAME. `scenarios/long/` is for `make long`: minutes, not seconds.

use std::{
    fs,
    path::{Path, PathBuf},
};

use libtest_mimic::{Arguments, Failed, Trial};
use quorate_sim::{
    report::{RunOptions, Verdict},
    run::run,
    scenario,
};

/// Seeds per scenario.
const SEEDS: u64 = 2;

/// The folder whose runs take minutes.
const LONG: &str = "long";

fn main() {
    let root = Path::new("../scenarios");
    let mut files = Vec::new();
    collect(root, &mut files);
    files.sort();
    assert!(files.len() > 100, "only {} scenarios under {}", files.len(), root.display());
    let mut trials: Vec<Trial> = files.iter().flat_map(|file| trials_of(root, file)).collect();
    trials.push(Trial::test("the corpus names files that exist", corpus));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("the scenarios are in the repository");
    for entry in entries {
        let path = entry.expect("a folder can be read").path();
        if path.is_dir() && !path.ends_with(LONG) {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
}

/// What `docs/corpus.md` says is tried here is here.
fn corpus() -> Result<(), Failed> {
    let root = Path::new("..");
    let text = fs::read_to_string(root.join("docs/corpus.md"))?;
    let tables = text.lines().filter(|line| line.starts_with('|'));
    let quoted = tables.flat_map(|line| line.split('`').skip(1).step_by(2));
    let themes = ["view-change/", "partition/", "crash/", "byzantine/", "execution/"];
    let mut named = 0;
    for name in quoted {
        let path = match name.strip_prefix("t:") {
            Some(transcript) => format!("core/testdata/{transcript}.txt"),
            None if themes.iter().any(|theme| name.starts_with(theme)) => {
                format!("scenarios/{name}.toml")
            }
            None => continue,
        };
        named += 1;
        if !root.join(&path).is_file() {
            return Err(format!("docs/corpus.md names {name}, and there is no {path}").into());
        }
    }
    if named < 80 { Err(format!("only {named} names were found").into()) } else { Ok(()) }
}

fn trials_of(root: &Path, file: &Path) -> Vec<Trial> {
    let name = file.strip_prefix(root).expect("collected below it").with_extension("");
    let name = name.to_str().expect("scenario names are plain").to_owned();
    let scenario = match scenario::load(file) {
        Ok(scenario) => scenario,
        Err(problems) => {
            let message = problems.to_string();
            return vec![Trial::test(name, move || Err(Failed::from(message)))];
        }
    };
    let first = scenario.run.seeds.start;
    (first..first + SEEDS)
        .map(|seed| {
            let (scenario, path) = (scenario.clone(), format!("scenarios/{name}.toml"));
            Trial::test(format!("{name} seed {seed}"), move || {
                let report = run(&scenario, seed, &RunOptions::default());
                match report.verdict {
                    Verdict::Held => Ok(()),
                    other => Err(Failed::from(format!(
                        "{other:?}\nreplay: cargo sim run {path} --seed {seed}"
                    ))),
                }
            })
        })
        .collect()
}
