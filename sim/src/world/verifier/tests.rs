//! Remembered answers are the same as fresh ones, and a mock signature is not taken for a real one.

use quorate_core::{
    crypto::{Signature, SignatureCheck, Verifier},
    random::Seed,
    types::Digest,
};

use super::Memo;
use crate::{scenario::Crypto, world::keys::SigningKey};

fn check(entity: u64, crypto: Crypto) -> SignatureCheck {
    let key = SigningKey::derive(&Seed::from_number(1), "key", entity, crypto);
    let message = Digest::new([7; 32]);
    SignatureCheck { key: key.public(), message, signature: key.sign(&message) }
}

#[test]
fn answers_are_the_same_the_second_time() {
    for crypto in [Crypto::Real, Crypto::Mock] {
        let mut checks: Vec<SignatureCheck> = (0..5).map(|entity| check(entity, crypto)).collect();
        checks[2].signature = Signature::new([1; 64]);
        checks[4].message = Digest::ZERO;
        let mut memo = Memo::new(crypto);
        let first = memo.verify(&checks);
        assert_eq!(first, [true, true, false, true, false]);
        assert_eq!(memo.verify(&checks), first);
        assert_eq!(memo.verify(&checks[1..3]), first[1..3]);
    }
}

#[test]
fn neither_kind_accepts_the_other() {
    assert_eq!(Memo::new(Crypto::Real).verify(&[check(0, Crypto::Mock)]), [false]);
    assert_eq!(Memo::new(Crypto::Mock).verify(&[check(0, Crypto::Real)]), [false]);
}
