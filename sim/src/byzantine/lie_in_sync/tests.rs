//! Answers hold other blocks than the true ones; the rest of the answer is true.

use quorate_core::{
    codec::Bounded,
    message::{BlockResponse, Message},
    vote::Statement,
};

use super::{
    super::stage::{Stage, block, status},
    LieInSync,
};

#[test]
fn blocks_are_swapped() {
    let mut stage = Stage::new(LieInSync);
    let finalize = Statement::Finalize(stage.candidate(&block()));
    let answer = BlockResponse {
        id: 4,
        blocks: Bounded::new(vec![block()]),
        finalization: Some(stage.certificate(finalize)),
        ..BlockResponse::default()
    };
    let out = stage.send(Message::BlockResponse(answer.clone()));
    let Message::BlockResponse(told) = out[0].message.as_ref() else { panic!("an answer") };
    assert_ne!(told.blocks[0].digest(), block().digest());
    assert_eq!((told.id, &told.finalization), (answer.id, &answer.finalization));
    assert_eq!(*stage.send(status())[0].message, status());
}
