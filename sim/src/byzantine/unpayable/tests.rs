//! Every proposal carries one transaction more, and is consistent in itself.

use std::{collections::BTreeSet, sync::Arc};

use quorate_core::{
    crypto::{Ed25519, Verifier},
    message::{Body, Message},
};

use super::{super::stage::Stage, Unpayable};

#[test]
fn one_more_transaction_in_a_block_as_good_as_any() {
    let mut stage = Stage::new(Unpayable);
    let mut ids = BTreeSet::new();
    for view in 4..8 {
        stage.view = view;
        let proposal = Message::Proposal(Arc::new(stage.proposal()));
        let out = stage.send(proposal.clone());
        assert_eq!(stage.send(proposal.clone()), out, "again, the same");
        let Message::Proposal(told) = out[0].message.as_ref() else { panic!("a proposal") };
        let Message::Proposal(meant) = &proposal else { panic!("a proposal") };
        assert!(stage.holds(&told.notarize));
        let named = told.notarize.statement.candidate().map(|candidate| candidate.block);
        assert_eq!(named, Some(told.body.digest()));

        let (Body::Full(told), Body::Full(meant)) = (&told.body, &meant.body) else {
            panic!("proposed whole")
        };
        let (header, payload) = (told.header(), told.payload());
        assert_eq!(header.payload_root, payload.root());
        assert_eq!(header.payload_len, payload.encoded_len());
        assert_eq!(payload.transactions.len(), meant.payload().transactions.len() + 1);
        let added = payload.transactions.last().expect("it was added");
        assert_eq!(Ed25519.verify(&added.checks()), [true]);
        ids.insert(added.id());
    }
    assert_eq!(ids.len(), 4, "another one in each view");
}
