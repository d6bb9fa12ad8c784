//! The signer on a real file: what it signs holds, and every way in which its record can be wrong is named.

use quorate_core::{
    crypto::{Ed25519, Verifier},
    testing::cast::{self, Cast},
};
use tempfile::TempDir;

use super::*;
use crate::exit::{Exit, Failure};

struct Place {
    _dir: TempDir,
    path: PathBuf,
    cast: Cast,
}

fn place() -> Place {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("sign-state");
    Place { _dir: dir, path, cast: Cast::equal(4) }
}

impl Place {
    fn create(&self) {
        let key = cast::secret_key(1).public();
        Signer::create(&self.path, &key, self.cast.genesis().digest()).expect("a new one");
    }

    fn open_as(&self, number: u32, genesis: &Genesis) -> Result<Signer, SignerError> {
        Signer::open(cast::secret_key(number), &self.path, genesis)
    }

    fn open(&self) -> Signer {
        self.open_as(1, self.cast.genesis()).expect("a good one")
    }
}

fn pledge(view: u64) -> Pledge {
    Pledge::View { safety: Default::default(), statement: cast::notarize(view, 1) }
}

#[test]
fn signatures_hold_and_promises_outlast_the_process() {
    let place = place();
    place.create();
    let mut signer = place.open();
    let checkpoint =
        Pledge::Checkpoint { certified: Default::default(), checkpoint: cast::checkpoint(8, 1) };
    let asked = [pledge(1), pledge(2), checkpoint];
    let votes = signer.sign(&asked).expect("nothing is contradicted");
    for (vote, pledge) in votes.iter().zip(&asked) {
        assert_eq!(vote.statement, pledge.promise());
        let check = place.cast.context().check(place.cast.committee(), vote).expect("a member");
        assert_eq!(Ed25519.verify(&[check]), [true]);
    }
    let record = signer.record();
    drop(signer);
    let mut signer = place.open();
    assert_eq!(signer.record(), record);
    assert_eq!(signer.sign(&asked).expect("the same again"), votes);
    let other = Pledge::View { safety: Default::default(), statement: cast::notarize(2, 2) };
    let refused = signer.sign(&[pledge(3), other]).expect_err("a second promise");
    assert_eq!(refused.exit(), Exit::Key);
    assert_eq!(signer.record(), record, "a refusal changes nothing");
    assert_eq!(signer.validator(), ValidatorId::new(1));
}

#[test]
fn what_is_promised_is_never_overwritten() {
    let place = place();
    place.create();
    place.open().sign(&[pledge(4)]).expect("a promise");
    let bytes = fs::read(&place.path).expect("there");
    let again = Signer::create(&place.path, &cast::secret_key(1).public(), Digest::ZERO);
    assert_eq!(again, Err(SignerError::Exists { path: place.path.clone() }));
    assert_eq!(fs::read(&place.path).expect("still there"), bytes);
    let others = fs::read_dir(place._dir.path()).expect("a directory").count();
    assert_eq!(others, 1, "no draft is left behind");
}

/// Each mistake is named, ends with the right code, and says what to do.
#[test]
fn every_mistake_is_named() {
    let place = place();
    let genesis = place.cast.genesis();
    let missing = place.open_as(1, genesis).expect_err("missing");
    assert_eq!(missing, SignerError::Missing { path: place.path.clone() });
    place.create();
    let other_key = place.open_as(2, genesis).expect_err("another member's");
    assert!(matches!(other_key, SignerError::OtherKey { .. }), "{other_key}");
    let outsider = place.open_as(9, genesis).expect_err("nobody's");
    assert!(matches!(outsider, SignerError::NotMember(_)), "{outsider}");
    let other_genesis =
        Genesis { timestamp: quorate_core::time::UnixMillis::new(2), ..genesis.clone() };
    let other_genesis = place.open_as(1, &other_genesis).expect_err("another chain");
    assert!(matches!(other_genesis, SignerError::OtherGenesis { .. }), "{other_genesis}");
    for error in [missing, other_key, outsider, other_genesis] {
        let failure = Failure::from(error);
        assert_eq!(failure.exit, Exit::Key);
        let mends = ["recover", "its own", "full node", "another home"];
        assert!(mends.iter().any(|mend| failure.what.contains(mend)), "{failure}");
    }
    let first = place.open();
    let second = place.open_as(1, genesis).expect_err("held by the first");
    assert_eq!(
        (second.exit(), second),
        (Exit::Busy, SignerError::InUse { path: place.path.clone() })
    );
    drop(first);
    fs::set_permissions(&place.path, fs::Permissions::from_mode(0o640)).expect("our own file");
    let exposed = place.open_as(1, genesis).expect_err("readable by the group");
    assert_eq!(exposed, SignerError::Exposed { path: place.path.clone(), mode: 0o640 });
}

#[test]
fn is_made_for_its_owner_only() {
    let place = place();
    place.create();
    let mode = fs::metadata(&place.path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
}

#[test]
fn damage_is_found() {
    let place = place();
    place.create();
    place.open().sign(&[pledge(4)]).expect("a promise");
    let mut bytes = fs::read(&place.path).expect("there");
    let middle = bytes.len() / 2;
    let newest = bytes[middle..].iter().position(|byte| *byte != 0).expect("version 1 is there");
    bytes[middle + newest] ^= 1;
    fs::write(&place.path, &bytes).expect("our own file");
    let damaged = place.open_as(1, place.cast.genesis()).expect_err("damaged");
    assert!(matches!(damaged, SignerError::Damaged { .. }), "{damaged}");
    fs::write(&place.path, b"").expect("our own file");
    let empty = place.open_as(1, place.cast.genesis()).expect_err("empty");
    assert!(matches!(empty, SignerError::Damaged { .. }), "{empty}");
}
