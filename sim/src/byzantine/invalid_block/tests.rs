//! Every proposal is signed and wrong in one of four ways, by view.

use std::{collections::BTreeSet, sync::Arc};

use quorate_core::message::Message;

use super::{
    super::stage::{Stage, block},
    InvalidBlock,
};

#[test]
fn four_ways_to_be_wrong() {
    let mut stage = Stage::new(InvalidBlock);
    let good = block();
    let mut ways = BTreeSet::new();
    for view in 4..8 {
        stage.view = view;
        let proposal = Message::Proposal(Arc::new(stage.proposal()));
        let out = stage.send(proposal.clone());
        assert_eq!(stage.send(proposal), out, "again, the same");
        let Message::Proposal(told) = out[0].message.as_ref() else { panic!("a proposal") };
        assert!(stage.holds(&told.notarize));
        let named = told.notarize.statement.candidate().map(|candidate| candidate.block);
        assert_eq!(named, Some(told.body.digest()));
        let (bad, good) = (told.body.header(), good.header());
        ways.insert((
            bad.timestamp != good.timestamp,
            bad.height != good.height,
            bad.payload_root != good.payload_root,
            bad.parent != good.parent,
        ));
    }
    assert_eq!(ways.len(), 4);
    assert!(!ways.contains(&(false, false, false, false)));
}
