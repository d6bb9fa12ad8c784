//! What the API asks for is what was decided and executed.

use quorate_core::{
    execution::{Outcome, Skip},
    testing::cast::checkpoint,
};

use super::*;

#[test]
fn blocks_transactions_and_receipts_are_found() {
    let stage = Stage::new(4);
    let store = stage.filled(4, 3);
    for link in &stage.links {
        let (height, block) = (link.height(), &link.block);
        let archived = store.block_at(height).expect("a good store").expect("final");
        assert_eq!((&archived.block, archived.proof), (block, Some(link.proof())));
        assert_eq!(store.header_at(height).expect("a good store").as_ref(), Some(block.header()));
        assert_eq!(store.height_of(&block.digest()).expect("a good store"), Some(height));
        let receipts = store.receipts(height).expect("a good store");
        assert_eq!(receipts.is_some(), height <= Height::new(3), "the fourth is not executed");
        for (index, (id, outcome)) in (0..).zip(receipts.into_iter().flatten()) {
            let place = store.transaction(&id).expect("a good store").expect("indexed");
            assert_eq!(block.payload().transactions[usize::try_from(index).unwrap()].id(), id);
            match outcome {
                // The same one is in every block, and found in the last.
                Outcome::Skipped(Skip::NonceGap) => assert!(place.height >= height),
                _ => assert_eq!(place, TransactionPlace { height, index, outcome }),
            }
        }
    }
    let state = stage.state(3);
    assert_eq!(store.committed().expect("a good store").commitment, *state.commitment());
    assert_eq!(store.block_at(Height::new(5)), Ok(None));
    assert_eq!(store.height_of(&Digest::ZERO), Ok(None));
    assert_eq!(store.transaction(&Digest::ZERO), Ok(None));
}

/// A block that is recorded but not final is no answer to "at what height".
#[test]
fn what_is_not_final_has_no_height() {
    let stage = Stage::new(2);
    let store = stage.filled(1, 1);
    store.append(&[stage.links[1].recorded()]).expect("a disk that works");
    assert_eq!(store.height_of(&stage.links[1].block.digest()), Ok(None));
    assert!(store.recent_block(&stage.links[1].block.digest()).expect("a good store").is_some());
}

/// Carried out once, skipped when it was tried again, in the same block or later: the first counts.
#[test]
fn a_transaction_is_found_where_it_was_carried_out() {
    let stage = Stage::new(2);
    let store = stage.open();
    let once = transfers(&stage.cast, 1).remove(0);
    let first = stage.cast.block(1, stage.genesis().digest(), vec![once.clone(), once.clone()]);
    let second = stage.cast.block(2, first.digest(), vec![once.clone()]);
    let mut state = ExecutionState::new(stage.genesis());
    for (block, link) in [first, second].iter().zip(&stage.links) {
        let mut link = link.clone();
        link.block = Arc::clone(block);
        link.candidate.block = block.digest();
        decide(&store, &link);
        execute(&store, &mut state, block);
    }
    let place = store.transaction(&once.id()).expect("a good store").expect("indexed");
    assert_eq!((place.height, place.index, place.outcome), (Height::new(1), 0, Outcome::Applied));
    let receipts = store.receipts(Height::new(2)).expect("a good store").expect("executed");
    assert_eq!(receipts[0].1, Outcome::Skipped(Skip::NonceUsed), "and that it was tried is known");
}

#[test]
fn certified_checkpoints_are_found() {
    let stage = Stage::new(0);
    let store = stage.open();
    let certificates = [8, 16, 24].map(|height| stage.cast.unanimous(checkpoint(height, 1)));
    for certificate in &certificates {
        store.append(&[vec![Record::Checkpoint(certificate.clone())]]).expect("a disk that works");
    }
    let newest = |upto| store.newest_checkpoint(Height::new(upto)).expect("a good store");
    assert_eq!(newest(7), None);
    assert_eq!(newest(8).as_ref(), Some(&certificates[0]));
    assert_eq!(newest(23).as_ref(), Some(&certificates[1]));
    assert_eq!(newest(u64::MAX).as_ref(), Some(&certificates[2]));
    let at = store.checkpoint_at(Height::new(16)).expect("a good store");
    assert_eq!(at.as_ref(), Some(&certificates[1]));
}
