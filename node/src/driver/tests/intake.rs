//! Every transaction that is handed in gets an answer, its own, and memory stays bounded.

use quorate_core::{mempool::Refusal, types::Digest};

use super::{Memory, alone, start, transfer};
use crate::driver::{Metrics, Submission, intake::intake};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_each_transactions_own() {
    let (cast, disk) = (alone(), Memory::default());
    let engine = start(&cast, &disk, 1);
    let good = transfer(0, 0);
    let mut forged = transfer(1, 0);
    forged.signatures = transfer(1, 1).signatures;
    let far = transfer(2, 1_000);
    let answers = engine
        .counter()
        .submit(vec![good.clone(), forged.clone(), far.clone(), good.clone()])
        .await;
    assert_eq!(
        answers,
        [
            Submission::Admitted,
            Submission::Refused(Refusal::BadSignature),
            Submission::Refused(Refusal::NonceTooFar),
            Submission::Refused(Refusal::Duplicate),
        ]
    );
    assert_eq!(engine.counter().submit(Vec::new()).await, []);
    engine.stop().await.expect("an orderly end");
}

/// A full queue answers at once, and has room again once the replica has taken what was in it.
#[tokio::test]
async fn a_full_queue_says_so() {
    let (counter, mut replica) = intake(&Metrics::default());
    let waiting: Vec<_> = (0..8_192).map(|nonce| transfer(0, nonce)).collect();
    let first = counter.clone();
    let first = tokio::spawn(async move { first.submit(waiting).await });
    replica.ready().await;
    let one = transfer(1, 0);
    assert_eq!(counter.submit(vec![one.clone()]).await, [Submission::Busy]);
    let mut ids: Vec<Digest> = Vec::new();
    while let Some((id, _)) = replica.try_next() {
        ids.push(id);
    }
    assert_eq!(ids.len(), 8_192);
    ids.iter().for_each(|id| replica.on_admitted(id));
    let answers = first.await.expect("no panic");
    assert!(answers.iter().all(|one| *one == Submission::Admitted));
    let second = tokio::spawn(async move { counter.submit(vec![one]).await });
    replica.ready().await;
    let _ = replica.try_next().expect("there is room again");
    drop(replica);
    assert_eq!(second.await.expect("no panic"), [Submission::Unanswered]);
}

/// Those that were answered are told, whatever becomes of the others.
#[tokio::test]
async fn one_that_is_late_hides_no_other() {
    let (counter, mut replica) = intake(&Metrics::default());
    let three: Vec<_> = (0..3).map(|nonce| transfer(0, nonce)).collect();
    let answers = tokio::spawn(async move { counter.submit(three).await });
    replica.ready().await;
    let ids: Vec<Digest> = std::iter::from_fn(|| replica.try_next()).map(|(id, _)| id).collect();
    replica.on_admitted(&ids[2]);
    replica.on_refused(&ids[0], Refusal::NonceTooFar);
    drop(replica);
    let expected =
        [Submission::Refused(Refusal::NonceTooFar), Submission::Unanswered, Submission::Admitted];
    assert_eq!(answers.await.expect("no panic"), expected);
}
