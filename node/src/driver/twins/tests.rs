//! Votes that are proof of a twin, and those that are not.

use quorate_core::{
    codec::Bounded,
    evidence::Evidence,
    signer::{Pledge, SafetyState},
    testing::cast::{Cast, checkpoint, finalize, notarize, nullify},
    types::{Epoch, Height, PeerId, Seq, View},
    vote::Kind,
};

use super::*;

fn twins(cast: &Cast) -> Twins {
    Twins::of(&cast.config(0), &Recovered::nothing()).expect("a validator")
}

fn pledge(twins: &mut Twins, floor: u64, statement: Statement) {
    let safety = SafetyState { epoch: Epoch::ZERO, floor: View::new(floor) };
    let pledge = Pledge::View { safety, statement };
    assert!(twins.on_effect(&Effect::Pledge { seq: Seq::ZERO, pledge }).is_none());
}

fn at(millis: u64) -> Instant {
    Instant::ZERO.plus(Span::from_millis(millis))
}

fn hears(twins: &mut Twins, message: Message) -> bool {
    let input = Input::Received { from: PeerId::new([9; 32]), message };
    match twins.on_input(at(5_000), &input) {
        None => false,
        Some(failure) => {
            assert_eq!(failure.exit, Exit::Key);
            true
        }
    }
}

fn certificates(all: impl IntoIterator<Item = Certificate>) -> Message {
    Message::Certificates(Bounded::new(all.into_iter().collect()))
}

/// What was promised, by this life or an earlier one, and what others signed, is no proof.
#[test]
fn own_promises_are_known() {
    let cast = Cast::equal(4);
    let mut twins = twins(&cast);
    for statement in [notarize(5, 1), finalize(5, 1), nullify(6)] {
        pledge(&mut twins, 3, statement);
        assert!(!hears(&mut twins, certificates([cast.unanimous(statement)])));
    }
    let others = cast.certificate(notarize(7, 1), [1, 2, 3]);
    assert!(!hears(&mut twins, certificates([others])));
    assert!(!hears(&mut twins, certificates([cast.unanimous(notarize(3, 9))])), "at the floor");
}

/// A vote under the key above the floor that was never promised is the end, however it comes.
#[test]
fn what_was_never_promised_is_proof() {
    let cast = Cast::equal(4);
    let strange = notarize(5, 2);
    let certificate = cast.certificate(strange, [0, 1, 2]);
    let evidence = Evidence::of(&cast.vote(0, strange), &cast.vote(0, notarize(5, 1)));
    let messages = [
        Message::Vote(cast.vote(0, strange)),
        Message::Votes(Bounded::new(vec![cast.vote(0, strange)])),
        certificates([cast.certificate(nullify(4), [1, 2, 3]), certificate.clone()]),
        Message::Evidence(Box::new(evidence.expect("they contradict each other"))),
        Message::CheckpointVotes(Bounded::new(vec![cast.vote(0, checkpoint(8, 1))])),
        Message::CheckpointCertificate(Box::new(cast.unanimous(checkpoint(8, 1)))),
    ];
    for message in messages {
        let mut twins = twins(&cast);
        pledge(&mut twins, 3, notarize(5, 1));
        let name = message.name();
        assert!(hears(&mut twins, message), "{name}");
    }
    let mut twins = twins(&cast);
    assert_eq!(certificate.kind(), Kind::Notarize);
    let write = |record| Effect::Write { seq: Seq::ZERO, batch: vec![record] };
    assert!(twins.on_effect(&write(Record::Certificate(certificate))).is_some());
    let checkpoint = cast.unanimous(checkpoint(8, 1));
    assert!(twins.on_effect(&write(Record::Checkpoint(checkpoint.clone()))).is_some());
    let pledge = Pledge::Checkpoint { certified: Height::ZERO, checkpoint: checkpoint.statement };
    assert!(twins.on_effect(&Effect::Pledge { seq: Seq::ZERO, pledge }).is_none());
    assert!(twins.on_effect(&write(Record::Checkpoint(checkpoint))).is_none());
}

/// A sign-state from a backup knows less than the store beside it.
#[test]
fn the_store_may_know_better() {
    let cast = Cast::equal(4);
    let mut twins = twins(&cast);
    pledge(&mut twins, 3, notarize(5, 1));
    let held = |statement| {
        let certificates = vec![cast.unanimous(statement)];
        Recovered { certificates, ..Recovered::nothing() }
    };
    assert!(twins.on_start(&held(notarize(5, 1))).is_none());
    assert!(twins.on_start(&held(nullify(2))).is_none(), "below the floor");
    assert!(twins.on_start(&held(nullify(6))).is_some());
}

/// What somebody made up is no proof, and costs little however often it comes.
#[test]
fn what_is_made_up_is_no_proof() {
    let cast = Cast::equal(4);
    let mut twins = twins(&cast);
    let mut forged = cast.vote(1, notarize(5, 2));
    forged.signer = ValidatorIndex::new(0);
    for _ in 0..CHECKS_PER_SECOND {
        assert!(!hears(&mut twins, Message::Vote(forged)));
    }
    let real = Message::Vote(cast.vote(0, notarize(5, 2)));
    assert!(!hears(&mut twins, real.clone()), "nothing more is checked in this second");
    let input = Input::Received { from: PeerId::new([9; 32]), message: real };
    assert!(twins.on_input(at(6_000), &input).is_some(), "in the next one it is");
}

/// A node that follows has no key, and nobody can use it.
#[test]
fn a_follower_has_no_twin() {
    let cast = Cast::equal(4);
    let config = Config { validator: None, ..cast.config(0) };
    assert!(Twins::of(&config, &Recovered::nothing()).is_none());
}
