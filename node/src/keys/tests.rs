//! Keys come back from their files, and files that are not private keys are refused without saying
//! what is in them.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::{KeySeed, address, address_text};
use crate::exit::Exit;

#[test]
fn a_key_reads_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("key");
    let key = KeySeed::generate().expect("randomness");
    key.write(&path).expect("written");
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let again = KeySeed::read(&path).expect("a key");
    assert_eq!(again.expose(), key.expose());
    assert_eq!(again.address(), key.address());
    assert_eq!(address(&address_text(&key.address())), Some(key.address()));
}

#[test]
fn a_key_is_never_overwritten() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("key");
    let first = KeySeed::generate().expect("randomness");
    first.write(&path).expect("written");
    let failure = KeySeed::generate().expect("randomness").write(&path).expect_err("it is there");
    assert_eq!(failure.exit, Exit::Key);
    assert_eq!(KeySeed::read(&path).expect("the first").expose(), first.expose());
}

#[test]
fn what_is_no_private_key_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("key");
    assert_eq!(KeySeed::read(&path).expect_err("missing").exit, Exit::Key);
    let secret = "5e".repeat(32);
    for text in
        [secret[..62].to_owned(), format!("{secret}5e"), format!("{secret} 1"), "zz".repeat(32)]
    {
        fs::write(&path, &text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
        let failure = KeySeed::read(&path).expect_err("no key");
        assert_eq!(failure.exit, Exit::Key);
        assert!(!failure.what.contains(&text[..8]), "it tells the secret: {failure}");
    }
    fs::write(&path, format!("{secret}\n")).expect("written");
    KeySeed::read(&path).expect("a key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("ours");
    assert_eq!(KeySeed::read(&path).expect_err("others can read it").exit, Exit::Key);
}

/// What is printed by accident is the public half.
#[test]
fn debug_output_tells_no_secret() {
    let key = KeySeed::generate().expect("randomness");
    let shown = format!("{key:?} {key:#?}");
    assert!(!shown.contains(&hex::encode(&key.expose()[..4])), "{shown}");
}

#[test]
fn derived_keys_differ_and_stay() {
    let key = KeySeed::generate().expect("randomness");
    assert_eq!(key.derived(7).address(), key.derived(7).address());
    assert_ne!(key.derived(7).address(), key.derived(8).address());
    assert_ne!(key.derived(0).address(), key.address());
}
