//! The lie is signed, and the same whenever it is told.

use quorate_core::{
    checkpoint::Checkpoint,
    codec::Bounded,
    message::Message,
    types::{Digest, Epoch, Height},
};

use super::{super::stage::Stage, WrongStateRoot};

#[test]
fn one_false_root_signed_and_told_again() {
    let mut stage = Stage::new(WrongStateRoot);
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
    assert_eq!(stage.send(message), out, "again, the same");
    let Message::CheckpointVotes(told) = out[0].message.as_ref() else { panic!("a checkpoint") };
    assert_ne!(told[0].statement.state_root, honest.state_root);
    assert_eq!(Checkpoint { state_root: honest.state_root, ..told[0].statement }, honest);
    assert!(stage.holds(&told[0]));
}
