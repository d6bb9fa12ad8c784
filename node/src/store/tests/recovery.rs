//! After a crash the state is what executing every final block gives, wherever the crash was; what is not is
//! never repaired.

use quorate_core::{
    certificate::Certificate,
    execution::cell::{Account, Cell, CellPath},
    store::{Finalized, Recovered, Stored},
};

use super::*;
use crate::{
    exit::Exit,
    store::{database::Durability, keys::Key},
};

/// What [`Stored`] would start from, having seen the same.
fn expected(stage: &Stage, decided: usize, computed: &ExecutionState) -> Recovered {
    let mut stored = Stored::default();
    for link in &stage.links[..decided] {
        link.recorded().iter().for_each(|record| stored.apply(record));
        stored.apply(&link.finalized());
        stored.apply(&Record::Proof(link.proof()));
    }
    stored.recover(signer(), computed.checkpoints())
}

#[test]
fn a_new_store_is_the_genesis() {
    let stage = Stage::new(0);
    for _ in 0..2 {
        let recovery = stage.open().recover(stage.genesis()).expect("a good store");
        assert_eq!(recovery.execution, ExecutionState::new(stage.genesis()));
        assert_eq!(recovery.executed_again, 0);
        let nothing = Recovered { signer: signer(), ..Recovered::nothing() };
        assert_eq!(recovery.recovered(signer()), nothing);
    }
}

/// Any number of decided blocks may have been executed, or none; the rest is executed again, once.
#[test]
fn what_was_decided_is_executed_again() {
    for (decided, executed) in [(1, 0), (3, 3), (9, 2), (17, 16), (80, 75)] {
        let stage = Stage::new(80);
        drop(stage.filled(decided, executed));
        let truth = stage.state(decided);
        for life in 0..2 {
            let store = stage.open();
            let recovery = store.recover(stage.genesis()).expect("a good store");
            let again = if life == 0 { decided - executed } else { 0 };
            assert_eq!(recovery.executed_again, u64::try_from(again).expect("few"));
            assert_eq!(recovery.execution, truth, "{executed} of {decided}");
            assert_eq!(recovery.execution.checkpoints(), truth.checkpoints());
            assert_eq!(recovery.recovered(signer()), expected(&stage, decided, &truth));
            let committed = store.committed().expect("a good store");
            assert_eq!(committed.commitment, *truth.commitment());
            assert_eq!(committed.block, stage.links[decided - 1].block.digest());
        }
    }
}

/// Executing on gives the same checkpoints, roots and undo as if there had been no restart.
#[test]
fn goes_on_as_if_nothing_had_happened() {
    let stage = Stage::new(90);
    drop(stage.filled(75, 71));
    let store = stage.open();
    let mut state = store.recover(stage.genesis()).expect("a good store").execution;
    let mut truth = stage.state(75);
    for link in &stage.links[75..] {
        decide(&store, link);
        let done = execute(&store, &mut state, &link.block);
        assert_eq!(done.executed, truth.execute(&link.block));
    }
    assert_eq!(state, truth);
    assert_eq!(state.checkpoints(), truth.checkpoints());
    let undone = |mut state: ExecutionState| state.rollback(Height::new(30)).map(|()| state);
    assert_eq!(undone(state), undone(truth));
}

/// Finality that is on its way to a tip: the head is beyond what the tip vouches for.
#[test]
fn a_head_beyond_the_tip_is_executed_too() {
    let stage = Stage::new(4);
    let store = stage.filled(2, 2);
    for link in &stage.links[2..] {
        store.append(&[link.recorded()]).expect("a disk that works");
    }
    let tip = &stage.links[3];
    let advance = Finalized {
        tip: tip.candidate,
        certificate: tip.finalization.clone(),
        blocks: vec![(Height::new(3), stage.links[2].block.digest())],
    };
    store.append(&[vec![Record::Finalized(advance)]]).expect("a disk that works");
    drop(store);
    let recovery = stage.open().recover(stage.genesis()).expect("a good store");
    assert_eq!(recovery.execution, stage.state(3));
    let recovered = recovery.recovered(signer());
    assert_eq!(recovered.head, Some(Arc::clone(&stage.links[2].block)));
    assert_eq!(recovered.finalized.expect("two heights").block, stage.links[1].block);
    assert_eq!(recovered.blocks, [Arc::clone(&stage.links[3].block)]);
}

fn set_balance(store: &Store, account: u64, balance: u64) {
    let path = CellPath::account(&Address::of_key(&account_key(account).public()));
    let mut changes = store.0.database.changes();
    changes.put(&Key::cell(&path), &Cell::Account(Account::with_balance(balance)));
    changes.write(Durability::Synced).expect("a disk that works");
}

/// Money from nowhere, and money moved: both are noticed, and neither is mended.
#[test]
fn cells_that_are_not_the_state_stop_the_node() {
    let stage = Stage::new(3);
    let store = stage.filled(3, 2);
    set_balance(&store, 3, 5);
    let refused = store.recover(stage.genesis()).expect_err("tokens are gone");
    assert!(
        matches!(&refused, StoreError::Corrupt { what, .. } if what == "the state"),
        "{refused}"
    );
    set_balance(&store, 3, 1_000_000);
    store.recover(stage.genesis()).expect("as it was");

    // The same sum, elsewhere.
    set_balance(&store, 3, 1_000_001);
    let other = CellPath::account(&Address::of_key(&account_key(2).public()));
    let held: Option<Cell> = store.0.database.read(&Key::cell(&other)).expect("a good store");
    let Some(Cell::Account(held)) = held else { panic!("an account") };
    set_balance(&store, 2, held.balance - 1);
    let refused = store.recover(stage.genesis()).expect_err("tokens were moved");
    assert_eq!(refused.exit(), Exit::Storage);
    let StoreError::OtherState { height, dump: Some(dump), .. } = &refused else {
        panic!("{refused}")
    };
    assert_eq!(*height, Height::new(3));
    let written = std::fs::read_to_string(dump).expect("written down");
    assert!(written.contains(&stage.links[2].block.digest().to_string()), "{written}");
    let again = store.recover(stage.genesis()).expect_err("still");
    assert_eq!(again, refused, "nothing was repaired");
}

/// A quorum's word against ours: both what was executed before and what is executed now.
#[test]
fn a_certificate_of_another_result_stops_the_node() {
    for executed in [7, 8, 9] {
        let stage = Stage::new(10);
        let store = stage.filled(10, executed);
        let ours = stage.state(8).checkpoints()[0];
        let theirs =
            quorate_core::checkpoint::Checkpoint { state_root: Digest::new([9; 32]), ..ours };
        let certificate: Certificate<_> = stage.cast.unanimous(theirs);
        store.append(&[vec![Record::Checkpoint(certificate)]]).expect("a disk that works");
        drop(store);
        let refused = stage.open().recover(stage.genesis()).expect_err("two truths");
        assert_eq!(refused.exit(), Exit::SafetyHalt);
        let StoreError::Diverged { height, dump: Some(dump), .. } = &refused else {
            panic!("{refused}")
        };
        assert_eq!(*height, Height::new(8));
        let written = std::fs::read_to_string(dump).expect("written down");
        let content: serde_json::Value = serde_json::from_str(&written).expect("JSON");
        assert_eq!(content["heights"].as_array().map(Vec::len), Some(8), "all since the last one");
        assert_eq!(content["ours"]["state_root"], ours.state_root.to_string());
    }
}

#[test]
fn a_certificate_of_our_result_is_no_obstacle() {
    let stage = Stage::new(10);
    let store = stage.filled(10, 3);
    let certificate = stage.cast.unanimous(stage.state(8).checkpoints()[0]);
    store.append(&[vec![Record::Checkpoint(certificate.clone())]]).expect("a disk that works");
    let recovered = store.recover(stage.genesis()).expect("of one mind").recovered(signer());
    assert_eq!(recovered.checkpoint, Some(certificate));
}

/// What cannot be true is a mistake of this program, and said where it is made.
#[test]
fn commits_are_in_order_and_of_final_blocks() {
    let stage = Stage::new(3);
    let store = stage.filled(2, 1);
    let run = |state: &mut ExecutionState, link: &Link| drop(execute(&store, state, &link.block));
    let skipped = panic_of(|| {
        let mut state = stage.state(2);
        run(&mut state, &stage.links[2]);
    });
    assert!(skipped.contains("committing 3 after 1"), "{skipped}");
}

#[test]
fn only_final_blocks_are_committed() {
    let stage = Stage::new(3);
    let store = stage.filled(2, 2);
    let early = panic_of(|| {
        let mut state = stage.state(2);
        drop(execute(&store, &mut state, &stage.links[2].block));
    });
    assert!(early.contains("I6"), "{early}");
}
