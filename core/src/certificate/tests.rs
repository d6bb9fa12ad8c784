//! Certificates: the one shape they may have, and the weight they must have.

use proptest::prelude::*;

use super::{Certificate, CertificateError, Signers};
use crate::{
    codec::{self, Bounded},
    crypto::{Ed25519, Signature, Verifier},
    testing::{
        cast::{Cast, notarize, nullify},
        strategies,
    },
    types::{Stake, ValidatorIndex},
};

fn refusal(cast: &Cast, certificate: &Certificate) -> Option<CertificateError> {
    certificate.checks(cast.context(), cast.committee()).err()
}

#[test]
fn a_quorum_holds_and_its_signatures_verify() {
    let cast = Cast::equal(4);
    let certificate = cast.certificate(notarize(1, 1), [3, 0, 2]);
    let checks = certificate.checks(cast.context(), cast.committee()).expect("three of four");
    assert_eq!(Ed25519.verify(&checks), vec![true; 3]);
    let signers: Vec<u16> = certificate.signers.iter().map(ValidatorIndex::get).collect();
    assert_eq!(signers, [0, 2, 3], "in ascending order, whatever the order of the votes");
    assert_eq!(certificate.vote_of(ValidatorIndex::new(2)), Some(cast.vote(2, notarize(1, 1))));
    assert_eq!(certificate.vote_of(ValidatorIndex::new(1)), None);
}

#[test]
fn below_a_quorum_is_refused_by_weight_not_by_heads() {
    let cast = Cast::equal(4);
    let two = cast.certificate(nullify(1), [0, 1]);
    assert_eq!(refusal(&cast, &two), Some(CertificateError::NoQuorum(Stake::new(2))));

    let skewed = Cast::new(&[1, 1, 1, 10]);
    let heavy = skewed.committee().members().find(|(_, member)| member.weight.get() == 10);
    let heavy = heavy.expect("the heavy one").0.get();
    let light: Vec<u16> = (0..4).filter(|index| *index != heavy).collect();
    let three = skewed.certificate(nullify(1), light);
    assert_eq!(refusal(&skewed, &three), Some(CertificateError::NoQuorum(Stake::new(3))));
    assert_eq!(refusal(&skewed, &skewed.certificate(nullify(1), [heavy])), None);
}

#[test]
fn bits_and_signatures_must_match() {
    let cast = Cast::equal(4);
    let good = cast.certificate(nullify(1), [0, 1, 2]);
    let shaped = |signatures: &[Signature]| {
        let signatures = Bounded::new(signatures.to_vec());
        refusal(&cast, &Certificate { signatures, ..good.clone() })
    };
    assert_eq!(shaped(&good.signatures), None);
    assert_eq!(shaped(&good.signatures[..2]), Some(CertificateError::Shape));
    let extra = [&good.signatures[..], &good.signatures[..1]].concat();
    assert_eq!(shaped(&extra), Some(CertificateError::Shape));
    assert_eq!(shaped(&[]), Some(CertificateError::Shape));
}

#[test]
fn an_unknown_signer_is_named() {
    let cast = Cast::equal(4);
    let mut certificate = cast.certificate(nullify(1), [0, 1, 2]);
    let signers = [0, 1, 9].map(ValidatorIndex::new);
    certificate.signers = Signers::new(signers);
    let stranger = CertificateError::UnknownSigner(ValidatorIndex::new(9));
    assert_eq!(refusal(&cast, &certificate), Some(stranger));
}

/// A zero byte at the end would be a second encoding of the same set.
#[test]
fn the_signer_set_has_one_encoding() {
    let cast = Cast::equal(4);
    let mut certificate = cast.certificate(nullify(1), [0, 1, 2]);
    assert!(certificate.signers.is_canonical());
    certificate.signers = codec::decode(&[2, 0, 0, 0, 0b111, 0], 64).expect("bounded bytes");
    assert_eq!(certificate.signers.count(), 3);
    assert!(!certificate.signers.is_canonical());
    assert_eq!(refusal(&cast, &certificate), Some(CertificateError::Shape));
}

/// Signing twice does not weigh twice: a set has no duplicates, and none can be gathered.
#[test]
#[should_panic(expected = "two votes by 1")]
fn one_vote_per_signer() {
    let cast = Cast::equal(4);
    let _ = cast.certificate(nullify(1), [0, 1, 1]);
}

#[test]
#[should_panic(expected = "a vote for")]
fn one_statement_per_certificate() {
    let cast = Cast::equal(4);
    let votes = vec![cast.vote(0, nullify(1)), cast.vote(1, nullify(2))];
    let _ = Certificate::from_votes(nullify(1), votes);
}

/// A certificate of another chain or committee has the right shape, and signatures that do not hold.
#[test]
fn signatures_are_bound_to_their_context() {
    let (ours, theirs) = (Cast::equal(4), Cast::equal(5));
    let certificate = theirs.unanimous(nullify(1));
    let four = Certificate {
        signers: Signers::new((0..4).map(ValidatorIndex::new)),
        signatures: Bounded::new(certificate.signatures[..4].to_vec()),
        ..certificate
    };
    let checks = four.checks(ours.context(), ours.committee()).expect("the right shape");
    assert_eq!(Ed25519.verify(&checks), vec![false; 4]);
}

/// Every subset of five members, by weight: the shape check says quorum exactly when it is one.
#[test]
fn every_subset_of_five() {
    let cast = Cast::new(&[1, 2, 3, 4, 5]);
    for set in 1u16..32 {
        let signers: Vec<u16> = (0..5).filter(|index| set & (1 << index) != 0).collect();
        let weight: u64 = signers
            .iter()
            .map(|one| cast.committee().weight(ValidatorIndex::new(*one)).get())
            .sum();
        let certificate = cast.certificate(nullify(1), signers);
        let wanted = (weight * 3 <= 30).then_some(CertificateError::NoQuorum(Stake::new(weight)));
        assert_eq!(refusal(&cast, &certificate), wanted, "set {set:05b}");
    }
}

proptest! {
    /// A set gives back its members, ascending, once each, and knows them.
    #[test]
    fn a_set_is_its_members(members in proptest::collection::btree_set(0..1024u16, 0..40)) {
        let signers = Signers::new(members.iter().rev().copied().map(ValidatorIndex::new));
        let back: Vec<u16> = signers.iter().map(ValidatorIndex::get).collect();
        prop_assert!(back.iter().eq(members.iter()));
        prop_assert!(signers.is_canonical());
        prop_assert_eq!(signers.count(), members.len());
        for index in (0..1040).map(ValidatorIndex::new) {
            prop_assert_eq!(signers.contains(index), members.contains(&index.get()));
        }
    }

    /// Whatever a peer sends, the check neither panics nor lets a bad shape through.
    #[test]
    fn any_certificate_is_judged(certificate in strategies::certificate()) {
        let cast = Cast::equal(4);
        if let Ok(checks) = certificate.checks(cast.context(), cast.committee()) {
            prop_assert!(checks.len() >= 3 && checks.len() <= 4);
            prop_assert_eq!(checks.len(), certificate.votes().count());
        }
    }
}
