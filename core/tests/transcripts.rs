//! Every transcript in `core/testdata`: the rules of `docs/protocol.md` as dialogues with one
//! validator. Rewritten with `QUORATE_BLESS=1 cargo test -p quorate-core --test transcripts`; read the
//! diff. The commands are listed in `core/testdata/README.md`.

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use quorate_core::testing::transcript;

fn transcripts() -> Vec<PathBuf> {
    let folder = Path::new("testdata");
    let entries = fs::read_dir(folder).expect("a readable folder");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    paths.sort();
    paths
}

/// What is wrong with a transcript; `None` if nothing is.
fn failure(path: &Path, bless: bool) -> Option<String> {
    let expected = fs::read_to_string(path).expect("a readable transcript");
    let actual = match catch_unwind(AssertUnwindSafe(|| transcript::run(&expected))) {
        Ok(Ok(actual)) => actual,
        Ok(Err(mistake)) => return Some(mistake.to_string()),
        Err(_) => return Some("the validator panicked; the message is above".to_owned()),
    };
    if actual == expected {
        return None;
    }
    if bless {
        fs::write(path, actual).expect("a writable transcript");
        return None;
    }
    Some(transcript::difference(&expected, &actual))
}

/// How a person tells this test, and not the core, what to do.
#[expect(clippy::disallowed_methods, reason = "a test runner takes its options from somewhere")]
fn option(name: &str) -> Option<String> {
    env::var(name).ok()
}

#[test]
fn every_transcript_holds() {
    let bless = option("QUORATE_BLESS").is_some();
    let only = option("QUORATE_TRANSCRIPT").unwrap_or_default();
    let mut failures = Vec::new();
    let mut count = 0;
    for path in transcripts() {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        if !name.contains(&only) {
            continue;
        }
        count += 1;
        if let Some(what) = failure(&path, bless) {
            failures.push(format!("core/testdata/{name}\n{what}"));
        }
    }
    assert!(count > 0, "no transcript is called *{only}*");
    assert!(
        failures.is_empty(),
        "{} of {count} transcripts fail. Rewrite them with QUORATE_BLESS=1 and read the diff; run one \
         with QUORATE_TRANSCRIPT=NAME.\n\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// A transcript says what it shows and which rule that is, and knows its place.
#[test]
fn every_transcript_has_a_head() {
    for path in transcripts() {
        let text = fs::read_to_string(&path).expect("a readable transcript");
        let head: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
        let cites = head.iter().any(|line| {
            line.split(|one: char| !one.is_alphanumeric())
                .any(|word| word.strip_prefix('P').is_some_and(|rest| rest.parse::<u32>().is_ok()))
        });
        assert!(cites, "{} does not say which rule it shows", path.display());
    }
}
