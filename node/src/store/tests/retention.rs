//! Old blocks are forgotten and executed heights are taken back, and the node goes on from there.

use quorate_core::{
    execution::{Outcome, UNDO_HEIGHTS},
    testing::cast::checkpoint,
};

use super::*;
use crate::exit::Exit;

/// Everything about a height, gone or not.
fn is_kept(stage: &Stage, store: &Store, height: u64) -> bool {
    let link = stage.link(height);
    let (height, digest) = (link.height(), link.block.digest());
    // The third is skipped in every block and found in the last.
    let applied = link.block.payload().transactions[0].id();
    let kept = [
        store.block_at(height).expect("a good store").is_some(),
        store.header_at(height).expect("a good store").is_some(),
        store.proof_at(height).expect("a good store").is_some(),
        store.body(height, &digest).expect("a good store").is_some(),
        store.height_of(&digest).expect("a good store").is_some(),
        store.receipts(height).expect("a good store").is_some(),
        store.executed_at(height).expect("a good store").is_some(),
        store.transaction(&applied).expect("a good store").is_some(),
    ];
    assert!(kept.iter().all(|one| *one == kept[0]), "half of height {height}: {kept:?}");
    kept[0]
}

#[test]
fn pruning_keeps_what_a_restart_needs() {
    let stage = Stage::new(230);
    let store = stage.filled(230, 228);
    let certified = [8, 16, 24].map(|height| stage.cast.unanimous(checkpoint(height, 1)));
    for certificate in certified {
        store.append(&[vec![Record::Checkpoint(certificate)]]).expect("a disk that works");
    }
    let asked = store.prune_below(Height::new(1_000)).expect("a disk that works");
    let lowest = 228 - (2 * UNDO_HEIGHTS + 8);
    assert_eq!(asked, Pruned { heights: lowest - 1, lowest: Some(Height::new(lowest)) });
    for height in 1..=228 {
        assert_eq!(is_kept(&stage, &store, height), height >= lowest, "{height}");
    }
    assert_eq!(store.checkpoint_at(Height::new(16)), Ok(None));
    assert!(store.checkpoint_at(Height::new(24)).expect("a good store").is_some(), "the newest");
    let again = store.prune_below(Height::new(1_000)).expect("a disk that works");
    assert_eq!(again.heights, 0);
    store.rollback(Height::new(228 - UNDO_HEIGHTS)).expect("as far back as is remembered");
    drop(store);
    let store = stage.open();
    assert_eq!(store.lowest(), Some(Height::new(lowest)));
    // Checkpoints 8 to 24 are not ours to certify, so that is not asked here.
    let recovery = store.recover(stage.genesis());
    assert!(matches!(recovery, Err(StoreError::Diverged { .. })) || recovery.is_ok());
    assert_eq!(store.verify(&mut |_, _| {}).findings, []);
}

#[test]
fn a_pruned_store_starts_and_goes_on() {
    let stage = Stage::new(160);
    let options = StoreOptions { blocks_kept: Some(20), ..options() };
    let store = stage.filled(155, 155);
    drop(store);
    let store = stage.try_open_with(&options).expect("a good store");
    let pruned = store.prune().expect("a disk that works");
    // More than asked for are needed.
    assert_eq!(pruned.lowest, Some(Height::new(155 - 136)));
    drop(store);
    let store = stage.try_open_with(&options).expect("a good store");
    let mut state = store.recover(stage.genesis()).expect("a good store").execution;
    assert_eq!(state, stage.state(155));
    assert_eq!(state.checkpoints(), stage.state(155).checkpoints());
    for link in &stage.links[155..] {
        decide(&store, link);
        execute(&store, &mut state, &link.block);
    }
    assert_eq!(state, stage.state(160));
    assert_eq!(store.prune().expect("a disk that works").heights, 5);
    assert_eq!(store.verify(&mut |_, _| {}).findings, []);
}

/// Without a policy everything stays.
#[test]
fn nothing_is_pruned_unasked() {
    let stage = Stage::new(150);
    let store = stage.filled(150, 150);
    assert_eq!(store.prune(), Ok(Pruned { heights: 0, lowest: Some(Height::new(1)) }));
}

#[test]
fn taking_back_is_the_state_as_it_was() {
    let stage = Stage::new(80);
    for to in [80, 79, 72, 71, 16] {
        let store = stage.filled(80, 80);
        store.rollback(Height::new(to)).expect("remembered");
        let count = usize::try_from(to).expect("few");
        let truth = stage.state(count);
        assert_eq!(store.restore().expect("a good store"), truth, "at {to}");
        assert_eq!(store.restore().expect("a good store").checkpoints(), truth.checkpoints());
        assert_eq!(store.receipts(Height::new(to).next()), Ok(None));
        let applied = stage.links[79].block.payload().transactions[0].id();
        assert_eq!(store.transaction(&applied).expect("a good store").is_some(), to == 80);
        assert_eq!(store.head(), Height::new(80), "what is final stays final");
        drop(store);
        let store = stage.open();
        let recovery = store.recover(stage.genesis()).expect("a good store");
        assert_eq!(recovery.executed_again, 80 - to);
        assert_eq!(recovery.execution, stage.state(80));
        assert_eq!(recovery.execution.checkpoints(), stage.state(80).checkpoints());
        assert_eq!(store.verify(&mut |_, _| {}).findings, []);
        let place = store.transaction(&applied).expect("a good store").expect("executed again");
        assert_eq!((place.height, place.outcome), (Height::new(80), Outcome::Applied));
        drop(store);
        std::fs::remove_dir_all(stage.path()).expect("our own directory");
    }
}

#[test]
fn what_is_not_remembered_cannot_be_taken_back() {
    let stage = Stage::new(70);
    let store = stage.filled(70, 70);
    for asked in [5, 71].map(Height::new) {
        let refused = store.rollback(asked).expect_err("too far");
        let (oldest, newest) = (Height::new(6), Height::new(70));
        assert_eq!(refused, StoreError::Rollback { asked, oldest, newest });
        assert_eq!(refused.exit(), Exit::Usage);
    }
    store.rollback(Height::new(6)).expect("just remembered");
    assert_eq!(store.oldest_state(Height::new(6)), Ok(Height::new(6)));
    let young = Stage::new(3);
    let store = young.filled(3, 3);
    store.rollback(Height::ZERO).expect("to the genesis");
    assert_eq!(store.restore().expect("a good store"), ExecutionState::new(young.genesis()));
}
