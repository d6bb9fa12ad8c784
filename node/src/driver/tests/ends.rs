//! How a node comes to its end by itself: a failing disk, a refusing signer, a panic.

use std::future::pending;

use quorate_core::{
    block::Block,
    codec::Bounded,
    execution::{Done, ExecutionState},
    message::Message,
    testing::{
        cast::{Cast, notarize},
        contract::Operation,
    },
    types::ValidatorIndex,
};

use super::{
    Memory, MemorySigner, alone,
    faults::{Faults, Faulty},
    parts, parts_with,
};
use crate::{
    driver::{Commits, Engine, Fate, Inlet, Parts, Received},
    exit::{Exit, Failure},
};

/// A log or a sign-state that fails ends the node with the code for it, and no height becomes final after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_disk_ends_the_node() {
    for operation in [Operation::Append, Operation::Record] {
        let (cast, disk, faults) = (alone(), Memory::default(), Faults::default());
        let log = Faulty::new(disk.clone(), &faults);
        let signer = Box::new(Faulty::new(MemorySigner::new(&cast, &disk), &faults));
        let parts = parts_with(&cast, &disk, 1, None, log, disk.clone(), signer);
        let engine = Engine::start(parts, Fate::open()).expect("threads");
        let mut events = engine.published().subscribe();
        let _ = events.recv().await.expect("it runs");
        faults.fail(operation);
        let failure = engine.finished().await;
        assert_eq!(failure.exit, Exit::Disk, "{failure}");
        assert_eq!(engine.stop().await, Err(failure), "the end it came to is what it tells");
        let (recovered, _) = disk.recover(cast.genesis());
        assert_eq!(disk.content().syncs, 0, "nothing is written after a failure: {recovered:?}");
    }
}

/// Commits that end in a panic.
struct Broken;

impl Commits for Broken {
    fn commit(&mut self, _: &Block, _: &Done, _: &ExecutionState) -> Result<(), Failure> {
        panic!("I7: a broken invariant");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_a_thread_ends_the_node() {
    let (cast, disk) = (alone(), Memory::default());
    let signer = Box::new(MemorySigner::new(&cast, &disk));
    let parts = parts_with(&cast, &disk, 1, None, disk.clone(), Broken, signer);
    let engine = Engine::start(parts, Fate::open()).expect("threads");
    let failure = engine.finished().await;
    assert_eq!(failure.exit, Exit::Restart);
    assert!(failure.what.contains("I7: a broken invariant"), "{failure}");
    assert!(engine.stop().await.is_err());
}

/// A network that says one thing.
struct Heard(Option<Received>);

impl Inlet for Heard {
    fn try_next(&mut self, _bulk: bool) -> Option<Received> {
        self.0.take()
    }

    async fn next(&mut self, bulk: bool) -> Option<Received> {
        match self.try_next(bulk) {
            None => pending().await,
            heard => heard,
        }
    }
}

/// A certificate with a vote under the own key that was never promised: somebody else has the key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_twin_ends_the_node() {
    let (cast, disk) = (Cast::equal(4), Memory::default());
    let from = cast.committee().member(ValidatorIndex::new(1)).expect("four members").peer;
    let certificate = cast.unanimous(notarize(1_000, 1));
    let message = Message::Certificates(Bounded::new(vec![certificate]));
    let inlet = Heard(Some(Received::Message { from, message }));
    let Parts {
        config,
        seed,
        recovered,
        state,
        log,
        signer,
        listen,
        commits,
        reads,
        outlet,
        threads,
        ..
    } = parts(&cast, &disk, 1, None);
    let Parts { execution, dumps, capture, metrics, .. } = parts(&cast, &disk, 1, None);
    let parts = Parts {
        config,
        seed,
        recovered,
        state,
        log,
        signer,
        listen,
        commits,
        reads,
        inlet,
        outlet,
        threads,
        execution,
        dumps,
        capture,
        metrics,
    };
    let engine = Engine::start(parts, Fate::open()).expect("threads");
    let failure = engine.finished().await;
    assert_eq!(failure.exit, Exit::Key, "{failure}");
    assert!(failure.what.contains("another process uses the key"), "{failure}");
    assert!(engine.stop().await.is_err());
}
