//! A home is private, is used by one process, and nothing in it is overwritten.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::{Home, HomeLock, create_new, replace};
use crate::{config::Config, exit::Exit};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our own file");
}

#[test]
fn a_new_home_is_private() {
    let directory = tempfile::tempdir().expect("a directory");
    let home = Home::create(directory.path().join("a/b")).expect("a home");
    for path in [home.root(), &home.resolve(Path::new("secrets")), &home.resolve(Path::new("data"))]
    {
        assert_eq!(mode(path), 0o700, "{}", path.display());
    }
    home.check(&Config::default()).expect("as it was made");
}

/// What can be fetched again may be lost; secrets may not.
#[test]
fn lost_directories_are_made_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let home = Home::create(directory.path().join("home")).expect("a home");
    for name in ["data", "run", "secrets"] {
        fs::remove_dir(home.root().join(name)).expect("empty");
    }
    home.restore_directories().expect("writable");
    assert_eq!(mode(&home.root().join("data")), 0o700);
    assert!(home.root().join("run").exists());
    assert!(!home.root().join("secrets").exists());
}

#[test]
fn an_empty_directory_becomes_a_home_and_a_full_one_does_not() {
    let directory = tempfile::tempdir().expect("a directory");
    allow(directory.path(), 0o755);
    let home = Home::create(directory.path()).expect("an empty directory");
    assert_eq!(mode(home.root()), 0o700);
    let failure = Home::create(directory.path()).expect_err("it is full");
    assert_eq!(failure.exit, Exit::Usage);
}

/// Whoever could read a secret is told about, wherever the gap is.
#[test]
fn a_home_that_others_can_read_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let home = Home::create(directory.path().join("home")).expect("a home");
    let config = Config::default();
    let key = home.resolve(&config.secrets.consensus_key);
    create_new(&key, b"secret", 0o600).expect("written");
    let state = home.resolve(&config.secrets.sign_state);
    create_new(&state, b"state", 0o600).expect("written");
    home.check(&config).expect("all is private");
    let secrets = home.resolve(Path::new("secrets"));
    for (path, open, right) in [
        (&key, 0o640, 0o600),
        (&key, 0o604, 0o600),
        (&state, 0o660, 0o600),
        (&secrets, 0o750, 0o700),
        (&home.root().to_path_buf(), 0o701, 0o700),
    ] {
        allow(path, open);
        let failure = home.check(&config).expect_err("others can use it");
        assert_eq!(failure.exit, Exit::Key);
        assert!(failure.what.contains(&path.display().to_string()), "{failure}");
        assert!(failure.what.contains(&format!("chmod {right:o}")), "{failure}");
        allow(path, right);
    }
    home.check(&config).expect("all is private again");
}

#[test]
fn one_process_at_a_time() {
    let directory = tempfile::tempdir().expect("a directory");
    let home = Home::create(directory.path().join("home")).expect("a home");
    let lock = HomeLock::take(&home).expect("nobody has it");
    let failure = HomeLock::take(&home).expect_err("somebody has it");
    assert_eq!(failure.exit, Exit::Busy);
    assert!(failure.what.contains(&std::process::id().to_string()), "{failure}");
    drop(lock);
    HomeLock::take(&home).expect("nobody has it any more");
}

#[test]
fn nothing_is_overwritten_unless_that_is_meant() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("file");
    create_new(&path, b"first", 0o600).expect("new");
    assert_eq!(mode(&path), 0o600);
    let failure = create_new(&path, b"second", 0o600).expect_err("it is there");
    assert_eq!(failure.exit, Exit::Usage);
    assert_eq!(fs::read(&path).expect("readable"), b"first");
    replace(&path, b"third").expect("meant");
    assert_eq!(fs::read(&path).expect("readable"), b"third");
}
