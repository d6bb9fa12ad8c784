//! A key says once that it was never used, and what it has promised goes with it from home to home.

use std::fs;

use quorate_core::{
    signer::{Pledge, SignState},
    store::SignerRecord,
    testing::cast::{self, Cast},
};
use tempfile::TempDir;

use super::*;
use crate::{exit::Exit, signer::Signer};

struct Place {
    dir: TempDir,
    cast: Cast,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory"), cast: Cast::equal(4) }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn companion(&self) -> Result<Companion, SignerError> {
        let genesis = self.cast.genesis().digest();
        Companion::open(&self.at("key"), cast::secret_key(1).public(), genesis)
    }

    fn signer(&self, path: &Path) -> Signer {
        Signer::open(cast::secret_key(1), path, self.cast.genesis()).expect("a good one")
    }
}

#[test]
fn an_unused_key_becomes_a_blank_sign_state_once() {
    let place = Place::new();
    let missing = place.companion().expect_err("nobody vouches for it");
    assert!(matches!(missing, SignerError::Unaccompanied { .. }), "{missing}");
    assert_eq!(missing.exit(), Exit::Key);
    for way in ["key gen --consensus", "sign-state of the home", "quorate recover"] {
        assert!(missing.to_string().contains(way), "{missing}");
    }
    let key = cast::secret_key(1).public();
    let path = Companion::create(&place.at("key"), key).expect("the first");
    assert_eq!(path, place.at("key.sign-state"));
    let again = Companion::create(&place.at("key"), key).expect_err("there is one");
    assert!(matches!(again, SignerError::Exists { .. }), "{again}");
    let home = place.at("sign-state");
    place.companion().expect("a good one").move_to(&home).expect("a disk that works");
    assert_eq!(place.signer(&home).record(), SignerRecord::Intact(SignState::default()));
    assert!(!path.exists(), "it is moved, not copied");
    place.companion().expect_err("a copy of the key comes without it");
}

/// A key that has voted goes on from what it promised.
#[test]
fn promises_go_along() {
    let place = Place::new();
    let (first, second) = (place.at("first"), place.at("second"));
    Companion::create(&place.at("key"), cast::secret_key(1).public()).expect("the first");
    place.companion().expect("a good one").move_to(&first).expect("a disk that works");
    let mut signer = place.signer(&first);
    let pledge = |view| Pledge::View { safety: Default::default(), statement: cast::nullify(view) };
    signer.sign(&[pledge(1), pledge(2)]).expect("promises");
    let record = signer.record();
    drop(signer);
    fs::rename(&first, place.at("key.sign-state")).expect("one file system");
    place.companion().expect("of this chain").move_to(&second).expect("a disk that works");
    assert_eq!(place.signer(&second).record(), record);
}

/// Wherever it is interrupted, at most one file has a name under which it counts.
#[test]
fn there_are_never_two() {
    let place = Place::new();
    let key = cast::secret_key(1).public();
    let path = Companion::create(&place.at("key"), key).expect("the first");
    let companion = place.companion().expect("a good one");
    let second = place.companion().expect_err("held by the first");
    assert_eq!(second.exit(), Exit::Busy);
    // The first step cannot be made: nothing has moved.
    let nowhere = place.at("nowhere/sign-state");
    assert!(matches!(companion.move_to(&nowhere), Err(SignerError::Io { .. })));
    assert!(path.exists());
    // The one that takes it away has failed: it is under its old name only.
    let companion = place.companion().expect("a good one");
    fs::rename(&path, place.at("elsewhere")).expect("one file system");
    let home = place.at("sign-state");
    assert!(matches!(companion.move_to(&home), Err(SignerError::Io { .. })));
    assert!(!home.exists());
    // What is there is never overwritten.
    fs::rename(place.at("elsewhere"), &path).expect("one file system");
    fs::write(&home, b"something").expect("our own directory");
    let companion = place.companion().expect("a good one");
    assert!(matches!(companion.move_to(&home), Err(SignerError::Exists { .. })));
    assert_eq!(fs::read(&home).expect("still there"), b"something");
    assert!(path.exists());
}

#[test]
fn that_of_another_key_or_chain_is_refused() {
    let place = Place::new();
    Companion::create(&place.at("key"), cast::secret_key(2).public()).expect("the first");
    let other = place.companion().expect_err("another key's");
    assert!(matches!(other, SignerError::OtherKey { .. }), "{other}");
    fs::remove_file(place.at("key.sign-state")).expect("ours");
    let key = cast::secret_key(1).public();
    Signer::create(&place.at("key.sign-state"), &key, Digest::new([9; 32])).expect("a new one");
    let other = place.companion().expect_err("another chain's");
    assert!(matches!(other, SignerError::OtherGenesis { .. }), "{other}");
}
