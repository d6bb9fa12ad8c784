//! With every message goes a frame that is none.

use super::*;
use crate::byzantine::stage::{PEERS, Stage, nullify, status};

#[test]
fn a_broken_frame_goes_with_every_message() {
    let mut stage = Stage::new(Garbage);
    let vote = stage.own(nullify(5));
    let proposal = Message::Proposal(Arc::new(stage.proposal()));
    let (mut broken, mut empty, mut longest) = (0, 0, 0);
    for message in [vote, proposal, status()].into_iter().cycle().take(600) {
        let out = stage.send(message.clone());
        assert_eq!(out.len(), 2);
        assert_eq!(
            (&*out[1].message, &out[1].frame),
            (&message, &None),
            "the true one goes as well"
        );
        let frame = out[0].frame.as_ref().expect("a frame");
        assert_eq!(out[0].to, PEERS);
        broken += u32::from(Message::decode(frame).is_err());
        empty += u32::from(frame.is_empty());
        longest = longest.max(frame.len());
    }
    assert_eq!(broken, 600, "frames that decode to something");
    assert!(empty > 50, "{empty} frames are empty");
    assert!(longest > 3_000, "the longest has {longest} bytes");
}
