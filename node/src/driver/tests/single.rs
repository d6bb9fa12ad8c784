//! A committee of one, without a network: it finalizes, executes, answers and restarts.

use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Duration};

use quorate_core::{
    execution::Outcome,
    testing::{cast::account_key, contract::Operation},
    transaction::Address,
    types::{Digest, Height},
};
use tokio::{
    sync::broadcast::Receiver,
    time::{sleep, timeout},
};

use super::{
    Memory, MemorySigner, alone,
    faults::{Faults, Faulty},
    parts_with, start, transfer,
};
use crate::{
    driver::{Engine, Fate, Submission},
    published::NodeEvent,
};

/// Blocks are made every 20 ms, and sooner if there is something for them.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until all these transactions were executed, and gives the last height and root.
async fn executed(
    engine: &Engine,
    events: &mut Receiver<Arc<NodeEvent>>,
    mut missing: BTreeSet<Digest>,
) -> (Height, Digest) {
    let mut last = None;
    let mut patience = pin!(sleep(PATIENCE));
    while !missing.is_empty() || last.is_none() {
        let event = tokio::select! {
            event = events.recv() => event.expect("this test keeps up"),
            failure = engine.finished() => panic!("the node ended: {failure}"),
            () = &mut patience => {
                panic!("{missing:?} are not executed: {:?}", engine.published().now())
            }
        };
        if let NodeEvent::Executed(done) = &*event {
            for (id, outcome) in &done.outcomes {
                assert_eq!(*outcome, Outcome::Applied, "{id}");
                assert!(missing.remove(id), "{id} is executed a second time");
            }
            last = Some((done.height, done.state));
        }
    }
    last.expect("looked at")
}

async fn hand_in(engine: &Engine, nonces: std::ops::Range<u64>) -> BTreeSet<Digest> {
    let transfers: Vec<_> = (0..4)
        .flat_map(|account| nonces.clone().map(move |nonce| transfer(account, nonce)))
        .collect();
    let ids: Vec<Digest> = transfers.iter().map(|one| one.id()).collect();
    let answers = engine.counter().submit(transfers).await;
    assert_eq!(answers, vec![Submission::Admitted; ids.len()]);
    ids.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_validator_finalizes_and_executes_transfers() {
    let (cast, disk) = (alone(), Memory::default());
    let engine = start(&cast, &disk, 1);
    let mut events = engine.published().subscribe();
    let ids = hand_in(&engine, 0..16).await;
    let (height, root) = executed(&engine, &mut events, ids).await;
    let payer = Address::of_key(&account_key(0).public());
    let nonce = engine.desk().ask(move |state| (state.nonce(&payer), state.height())).await;
    let (nonce, at) = nonce.expect("the node runs");
    assert_eq!(nonce, 16);
    assert!(at >= height, "{at} after {height}");
    let published = engine.published().clone();
    engine.stop().await.expect("an orderly end");
    let snapshot = published.now();
    assert!(snapshot.finalized_height >= height, "{snapshot:?}");
    assert_eq!(snapshot.counters.submitted, 64);
    assert_eq!(snapshot.counters.transactions, 64);
    let summary =
        snapshot.recent.iter().find(|one| one.height == Height::new(1)).expect("few heights");
    assert_eq!((summary.views_used, summary.voters.len()), (1, 1));
    let content = disk.content();
    assert!(content.committed.contains(&(height, root)));
    assert_eq!(content.syncs, 1, "an orderly end leaves nothing to be executed again");
}

/// Cut off in the middle of things, at one or the other fsync, again and again: every life goes on where the
/// one before had come to, and executing all blocks again gives the state that was committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_recovers_the_same_state() {
    let (cast, disk) = (alone(), Memory::default());
    let payer = Address::of_key(&account_key(0).public());
    for life in 0..6 {
        let faults = Faults::default();
        let log = Faulty::new(disk.clone(), &faults);
        let signer = Box::new(Faulty::new(MemorySigner::new(&cast, &disk), &faults));
        let parts = parts_with(&cast, &disk, life, None, log, disk.clone(), signer);
        let engine = Engine::start(parts, Fate::open()).expect("threads");
        let mut events = engine.published().subscribe();
        let ids = hand_in(&engine, life * 5..(life + 1) * 5).await;
        let (reached, _) = executed(&engine, &mut events, ids).await;
        faults.fail(if life % 2 == 0 { Operation::Append } else { Operation::Record });
        let failure = timeout(PATIENCE, engine.finished()).await.expect("a failing disk is used");
        assert_eq!(engine.stop().await, Err(failure));
        let (_, state) = disk.recover(cast.genesis());
        assert!(state.height() >= reached, "{} after {reached}", state.height());
        assert_eq!(state.nonce(&payer), (life + 1) * 5);
    }
    let (recovered, state) = disk.recover(cast.genesis());
    let head = recovered.head.expect("blocks").header().height;
    assert_eq!(state.height(), head);
    let mut replayed = quorate_core::execution::ExecutionState::new(cast.genesis());
    let content = disk.content();
    let mut committed = content.committed.clone();
    committed.sort();
    for archived in content.stored.archive.values() {
        let done = replayed.execute(&archived.block);
        let of_height: Vec<_> =
            committed.iter().filter(|(height, _)| *height == done.height).collect();
        for (_, root) in of_height {
            assert_eq!(*root, done.state, "height {}", done.height);
        }
    }
}
