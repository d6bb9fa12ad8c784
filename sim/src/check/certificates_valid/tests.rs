//! Certificates of too few, of votes never signed, and against each other are noticed.

use quorate_core::{
    certificate::Certificate, codec::Bounded, crypto::Signature, message::Message, store::Record,
    vote::Statement,
};

use super::{
    super::stage::{Seen, Stage, assert_broken, nullify, wrote},
    CertificatesValid,
};
use crate::scenario::Invariant;

fn relay(stage: &mut Stage, certificate: Certificate) -> Seen {
    stage.send(0, Message::Certificates(Bounded::new(vec![certificate])))
}

#[test]
fn a_quorum_of_real_votes_is_fine() {
    let mut stage = Stage::new(4, CertificatesValid::default());
    let block = stage.first_block(0);
    let candidate = stage.on_root(1, &block);
    for statement in [Statement::Notarize(candidate), nullify(1)] {
        assert_eq!(stage.sign(&[0, 1, 2], statement), Ok(()));
        let certificate = stage.certificate(statement, &[0, 1, 2]);
        assert_eq!(relay(&mut stage, certificate), Ok(()));
    }
}

#[test]
fn two_of_four_break_it() {
    let mut stage = Stage::new(4, CertificatesValid::default());
    assert_eq!(stage.sign(&[0, 1], nullify(1)), Ok(()));
    let certificate = stage.certificate(nullify(1), &[0, 1]);
    let seen = relay(&mut stage, certificate);
    assert_broken(seen, Invariant::CertificatesValid, "its signers weigh 2 of 4");
}

#[test]
fn a_vote_never_signed_breaks_it() {
    let mut stage = Stage::new(4, CertificatesValid::default());
    assert_eq!(stage.sign(&[0, 1], nullify(1)), Ok(()));
    let certificate = stage.certificate(nullify(1), &[0, 1, 2]);
    let seen = stage.see(0, wrote(1, vec![Record::Certificate(certificate)]));
    assert_broken(seen, Invariant::CertificatesValid, "n2 never signed it");
}

#[test]
fn other_bytes_than_the_signature_break_it() {
    let mut stage = Stage::new(4, CertificatesValid::default());
    assert_eq!(stage.sign(&[0, 1, 2], nullify(1)), Ok(()));
    let mut certificate = stage.certificate(nullify(1), &[0, 1, 2]);
    let mut signatures = certificate.signatures.into_inner();
    signatures.swap(0, 1);
    certificate.signatures = Bounded::new(signatures);
    let seen = relay(&mut stage, certificate);
    assert_broken(seen, Invariant::CertificatesValid, "never signed it");
}

/// One liar of four signs both ways and cannot make a contradiction; if the checker sees one, some
/// honest validator signed both. With two liars nothing is promised.
#[test]
fn contradictions_break_it_while_few_are_dishonest() {
    for (liars, holds) in [(&[3][..], false), (&[2, 3], true)] {
        let mut stage = Stage::new(4, CertificatesValid::default()).corrupt(liars);
        let block = stage.first_block(0);
        let finalize = Statement::Finalize(stage.on_root(1, &block));
        assert_eq!(stage.sign(&[0, 2, 3], finalize), Ok(()));
        assert_eq!(stage.sign(&[1, 2, 3], nullify(1)), Ok(()));
        let certificate = stage.certificate(finalize, &[0, 2, 3]);
        assert_eq!(relay(&mut stage, certificate), Ok(()));
        let certificate = stage.certificate(nullify(1), &[1, 2, 3]);
        let seen = relay(&mut stage, certificate);
        if holds {
            assert_eq!(seen, Ok(()));
        } else {
            assert_broken(seen, Invariant::CertificatesValid, "a quorum also signed finalize v1");
        }
    }
}

/// A liar may show another signature than it made at first, but one that holds.
#[test]
fn a_liars_signature_that_does_not_hold_breaks_it() {
    let mut stage = Stage::new(4, CertificatesValid::default()).corrupt(&[2]);
    assert_eq!(stage.sign(&[0, 1, 2], nullify(1)), Ok(()));
    let certificate = stage.certificate(nullify(1), &[0, 1, 2]);
    let place = certificate.signers.iter().position(|signer| signer == stage.index(2));
    let mut signatures = certificate.signatures.to_vec();
    signatures[place.expect("n2 signed")] = Signature::new([7; 64]);
    let spoilt = Certificate { signatures: Bounded::new(signatures), ..certificate.clone() };
    assert_broken(relay(&mut stage, spoilt), Invariant::CertificatesValid, "n2 never signed it");
    assert_eq!(relay(&mut stage, certificate), Ok(()));
}
