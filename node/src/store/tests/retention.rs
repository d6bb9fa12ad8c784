//! Old blocks are forgotten and executed heights are taken back, and the node goes on from there.

use std::{sync::mpsc::channel, thread, time::Duration};

use quorate_core::{
    checkpoint::Checkpoint,
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
    let committee = stage.genesis().committee().expect("four members").digest();
    let certified = [8, 16, 24]
        .map(|height| stage.cast.unanimous(Checkpoint { committee, ..checkpoint(height, 1) }));
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

/// While blocks are decided and executed, and in pieces that are worth a write.
#[test]
fn a_running_store_forgets_by_itself() {
    let stage = Stage::new(240);
    drop(stage.filled(225, 225));
    let options = StoreOptions { blocks_kept: Some(20), ..options() };
    let store = stage.try_open_with(&options).expect("a good store");
    let mut state = store.recover(stage.genesis()).expect("a good store").execution;
    let (stop, stopped) = channel();
    let pruning = store.clone();
    let pruner = thread::spawn(move || pruning.keep_pruning(&stopped, Duration::from_millis(1)));
    for link in &stage.links[225..] {
        decide(&store, link);
        execute(&store, &mut state, &link.block);
    }
    // All but 2 x 64 + 8 heights may be forgotten, 64 at a time.
    while store.lowest() != Some(Height::new(65)) || store.half_forgotten() != Ok(None) {
        thread::yield_now();
    }
    drop(stop);
    pruner.join().expect("no panic").expect("a disk that works");
    for height in 1..=240 {
        assert_eq!(is_kept(&stage, &store, height), height >= 65, "{height}");
    }
    assert_eq!(store.verify(&mut |_, _| {}).findings, []);
    drop(store);
    let store = stage.try_open_with(&options).expect("a good store");
    assert_eq!(store.recover(stage.genesis()).expect("a good store").execution, stage.state(240));
}

/// What is forgotten is gone for readers at once, for everybody after an interruption, and appending waits for
/// none of the many small deletions.
#[test]
fn forgetting_can_be_interrupted_and_holds_nobody_up() {
    let stage = Stage::new(150);
    let store = stage.filled(150, 150);
    let (from, to) = (Height::new(1), Height::new(9));
    store.drop_blocks(from, to).expect("a disk that works");
    assert_eq!(store.half_forgotten(), Ok(Some(from)));
    let applied = |height: u64| stage.link(height).block.payload().transactions[0].id();
    assert_eq!(store.transaction(&applied(3)), Ok(None));
    assert_eq!(store.receipts(Height::new(3)), Ok(None));
    assert_eq!(store.verify(&mut |_, _| {}).findings, [], "it is on its way");
    drop(store);
    let store = stage.open();
    assert_eq!(store.lowest(), Some(to));
    let appending = store.index();
    store.drop_receipts(from).expect("a disk that works");
    drop(appending);
    assert_eq!(store.half_forgotten(), Ok(Some(Height::new(2))));
    assert_eq!(store.prune_below(to).expect("a disk that works").heights, 0);
    assert_eq!(store.half_forgotten(), Ok(None));
    for height in 1..=20 {
        assert_eq!(is_kept(&stage, &store, height), height >= 9, "{height}");
    }
    assert_eq!(store.verify(&mut |_, _| {}).findings, []);
}

/// A transaction that was skipped again, while the height where it was skipped first is forgotten, is found.
#[test]
fn what_a_block_places_anew_meanwhile_stays() {
    let mut stage = Stage::new(0);
    let ahead = transfers(&stage.cast, 1)[2].clone();
    stage.links = chain_of(&stage.cast, 3, &|cast, height| {
        let mut all = transfers(cast, height);
        all[2] = ahead.clone();
        all
    });
    let store = stage.filled(3, 1);
    let first = Height::new(1);
    let outcomes = store.receipts(first).expect("a good store").expect("executed");
    let places = store.places_at(first, &outcomes).expect("a good store");
    let mut state = stage.state(1);
    execute(&store, &mut state, &stage.links[1].block);
    store.drop_places(&places).expect("a disk that works");
    let place = store.transaction(&ahead.id()).expect("a good store").expect("it was placed anew");
    assert_eq!(place.height, Height::new(2));
    assert_eq!(store.transaction(&outcomes[0].0), Ok(None));
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
