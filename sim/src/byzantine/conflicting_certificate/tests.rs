//! Beside a real certificate go one that contradicts it and one that is too small; neither holds.

use quorate_core::{codec::Bounded, message::Message, vote::Kind};

use super::{
    super::stage::{Stage, block, nullify},
    ConflictingCertificate,
};

#[test]
fn forgeries_go_first() {
    let mut stage = Stage::new(ConflictingCertificate::default());
    let candidate = stage.candidate(&block());
    let real = stage.certificate(quorate_core::vote::Statement::Notarize(candidate));
    let out = stage.send(Message::Certificates(Bounded::new(vec![real.clone()])));
    let Message::Certificates(forged) = out[0].message.as_ref() else { panic!("certificates") };
    assert_eq!(forged.len(), 2);
    assert_eq!(forged[0].statement, nullify(5));
    assert!(forged[0].votes().all(|vote| !stage.holds(&vote)), "signatures of another statement");
    assert_eq!((forged[1].statement, forged[1].signers.count()), (real.statement, 1));
    assert_eq!(*out[1].message, Message::Certificates(Bounded::new(vec![real])));

    let skip = stage.certificate(nullify(5));
    let out = stage.send(Message::Certificates(Bounded::new(vec![skip])));
    let Message::Certificates(forged) = out[0].message.as_ref() else { panic!("certificates") };
    assert_eq!(forged[0].kind(), Kind::Finalize);
}
