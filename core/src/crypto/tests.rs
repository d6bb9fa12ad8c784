//! One acceptance rule: batches, halves of batches and single checks agree on every signature, the
//! crafted ones included.

use proptest::{collection::vec, prelude::*};

use super::{
    Ed25519, PublicKey, SecretKey, Signature, SignatureCheck, Verifier, verify_batch, verify_one,
};
use crate::{testing::cast::secret_key, types::Digest};

/// Encodings of the eight points whose order divides 8, canonical ones first.
///
/// A point is y with the sign of x in the top bit. The last six are not canonical: "minus zero" for
/// x = 0, and y = p or p + 1 in place of 0 and 1. ZIP-215 accepts them all; RFC 8032 does not.
const SMALL_ORDER: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

/// The order of the base point, little-endian.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

fn bytes(hex: &str) -> [u8; 32] {
    let mut out = [0; 32];
    for (place, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).expect("hexadecimal");
    }
    out
}

fn message(number: u8) -> Digest {
    Digest::new([number; 32])
}

/// A check that holds.
fn good(number: u8) -> SignatureCheck {
    let key = secret_key(u32::from(number % 7));
    let message = message(number);
    SignatureCheck { key: key.public(), message, signature: key.sign(&message) }
}

/// The same with one bit of the signature's R, of its s, of the key or of the message changed.
fn spoiled(number: u8, how: u8) -> SignatureCheck {
    let mut check = good(number);
    let mut signature = *check.signature.get();
    match how % 4 {
        0 => signature[3] ^= 1,
        1 => signature[35] ^= 1,
        2 => check.key = secret_key(100).public(),
        _ => check.message = message(number.wrapping_add(1)),
    }
    check.signature = Signature::new(signature);
    check
}

fn crafted(key: &str, r: &str) -> SignatureCheck {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&bytes(r));
    SignatureCheck {
        key: PublicKey::new(bytes(key)),
        message: message(1),
        signature: Signature::new(signature),
    }
}

/// Source: RFC 8032, section 7.1, test 1.
#[test]
fn keys_are_those_of_the_rfc() {
    let seed = bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let public = bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    assert_eq!(SecretKey::from_seed(seed).public().get(), &public);
}

#[test]
fn signing_is_deterministic() {
    assert_eq!(good(3), good(3));
    assert_ne!(good(3).signature, good(10).signature);
}

/// A secret key never shows its secret.
#[test]
fn a_secret_key_prints_its_public_half() {
    let key = SecretKey::from_seed([0x5e; 32]);
    assert_eq!(format!("{key:?}"), format!("SecretKey(of {:?})", key.public()));
}

/// Every key and R of small order, canonical or not, with s = 0: `[8]R = [8]sB - [8]kA` holds whatever
/// k is. Construction: ZIP-215, test vectors. A verifier by RFC 8032 refuses most of these, and a batch
/// accepts them; under ZIP-215 both accept all 196.
#[test]
fn small_order_points_are_accepted_alone_and_in_batches() {
    let all: Vec<SignatureCheck> =
        SMALL_ORDER.iter().flat_map(|key| SMALL_ORDER.iter().map(|r| crafted(key, r))).collect();
    assert_eq!(all.len(), 196);
    for check in &all {
        assert!(verify_one(check), "alone: {check:?}");
        assert!(verify_batch(&[*check]), "a batch of one: {check:?}");
        assert!(verify_batch(&[good(1), *check, good(2)]), "among others: {check:?}");
    }
    assert!(verify_batch(&all));
    assert_eq!(Ed25519.verify(&all), vec![true; 196]);
}

/// A valid signature plus a point of small order in R stays valid only with the cofactor; here R is
/// recomputed for each torsion key, and s is not zero.
#[test]
fn small_order_keys_do_not_excuse_another_s() {
    for key in SMALL_ORDER {
        for r in SMALL_ORDER {
            let mut check = crafted(key, r);
            let mut signature = *check.signature.get();
            signature[32] = 1;
            check.signature = Signature::new(signature);
            assert!(!verify_one(&check), "alone: {check:?}");
            assert!(!verify_batch(&[good(1), check]), "in a batch: {check:?}");
        }
    }
}

/// s + L verifies the same equation, so it would be a second signature for the same message.
#[test]
fn a_signature_has_one_s() {
    let mut check = good(1);
    let mut signature = *check.signature.get();
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(bytes(ORDER)) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = u8::try_from(sum % 256).expect("below 256");
        carry = sum / 256;
    }
    check.signature = Signature::new(signature);
    assert!(!verify_one(&check));
    assert!(!verify_batch(&[check]));
    assert_eq!(Ed25519.verify(&[good(1), check, good(2)]), vec![true, false, true]);
}

/// y = 2 is on no point of the curve.
#[test]
fn a_key_off_the_curve_signs_nothing() {
    let off = format!("02{}", "00".repeat(31));
    for check in [crafted(&off, SMALL_ORDER[0]), crafted(SMALL_ORDER[0], &off)] {
        assert!(!verify_one(&check));
        assert!(!verify_batch(&[check]));
        assert_eq!(Ed25519.verify(&[check, good(1)]), vec![false, true]);
    }
}

#[test]
fn nothing_asked_is_nothing_answered() {
    assert_eq!(Ed25519.verify(&[]), Vec::<bool>::new());
}

/// Every set of bad ones among six, exactly.
#[test]
fn bisection_finds_exactly_the_bad_ones() {
    for set in 0u8..64 {
        let wanted: Vec<bool> = (0..6).map(|place| set & (1 << place) == 0).collect();
        let checks: Vec<SignatureCheck> = (0..6)
            .zip(&wanted)
            .map(|(place, holds)| if *holds { good(place) } else { spoiled(place, place) })
            .collect();
        assert_eq!(Ed25519.verify(&checks), wanted, "set {set:06b}");
    }
}

fn any_check() -> impl Strategy<Value = SignatureCheck> {
    let point = || {
        prop_oneof![
            (0..SMALL_ORDER.len()).prop_map(|place| bytes(SMALL_ORDER[place])),
            any::<[u8; 32]>()
        ]
    };
    let odd = (point(), point(), 0..3u8).prop_map(|(key, r, s)| {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&r);
        signature[32] = s;
        let signature = Signature::new(signature);
        SignatureCheck { key: PublicKey::new(key), message: message(1), signature }
    });
    prop_oneof![
        4 => any::<u8>().prop_map(good),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(number, how)| spoiled(number, how)),
        2 => odd,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What a batch says of each is what a single check says of it, in any company.
    #[test]
    fn batches_answer_as_single_checks_do(checks in vec(any_check(), 0..24)) {
        let singly: Vec<bool> = checks.iter().map(verify_one).collect();
        prop_assert_eq!(Ed25519.verify(&checks), singly.clone());
        if !checks.is_empty() {
            prop_assert_eq!(verify_batch(&checks), singly.iter().all(|one| *one));
        }
    }
}
