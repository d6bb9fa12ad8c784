//! What is forged has the right shape, names others, and no signature in it holds but the own.

use quorate_core::{
    checkpoint::Checkpoint,
    codec::Bounded,
    message::Message,
    types::{Digest, Epoch, Height},
    vote::Statement,
};

use super::{
    super::stage::{Stage, block, nullify},
    Forge,
};

#[test]
fn a_checkpoint_in_the_name_of_all() {
    let mut stage = Stage::new(Forge);
    let honest = Checkpoint {
        epoch: Epoch::ZERO,
        height: Height::new(8),
        block: Digest::ZERO,
        state_root: Digest::new([7; 32]),
        receipts_root: Digest::ZERO,
        outbox_root: Digest::ZERO,
        committee: Digest::ZERO,
        next_committee: None,
    };
    let message = Message::CheckpointVotes(Bounded::new(vec![stage.vote(1, honest)]));
    let out = stage.send(message.clone());
    assert_eq!(*out[0].message, message, "its own word is true");
    let Message::CheckpointCertificate(forged) = out[1].message.as_ref() else {
        panic!("a certificate")
    };
    assert_ne!(forged.statement, honest);
    assert_eq!(forged.signers.count(), 4);
    let good = forged.votes().filter(|vote| stage.holds(vote)).count();
    assert_eq!(good, 1, "only its own");
}

#[test]
fn an_offence_nobody_committed() {
    let mut stage = Stage::new(Forge);
    let notarize = stage.own(Statement::Notarize(stage.candidate(&block())));
    let mut blamed = std::collections::BTreeSet::new();
    for _ in 0..32 {
        let out = stage.send(notarize.clone());
        assert_eq!(*out[0].message, notarize);
        let Message::Evidence(forged) = out[1].message.as_ref() else { panic!("evidence") };
        assert!(forged.offence().is_some(), "two votes that contradict each other");
        assert!(forged.votes().into_iter().all(|vote| !stage.holds(vote)));
        blamed.insert(forged.signer());
    }
    let own = stage.vote(1, nullify(5)).signer;
    assert_eq!(blamed.len(), 3);
    assert!(!blamed.contains(&own));
    assert_eq!(stage.send(stage.own(nullify(5))).len(), 1);
}
