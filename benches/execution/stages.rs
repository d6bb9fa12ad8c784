//! A block of a thousand transfers with signatures nobody has seen, from bytes to root.

use std::{sync::Arc, time::Duration};

use quorate_core::{
    block::{Block, Payload},
    codec,
    crypto::{Ed25519, SignatureCheck, Verifier},
    execution::{
        ExecutionState, Executor, Options, Scheduler,
        access::Prepared,
        prefetch::CellSource,
        schedule::{Levels, Plan},
    },
    testing::workload::{Keys, Stage, Workload},
    transaction::Transaction,
};

use crate::{
    measure::{best, rounds, times},
    pool::Pool,
    workloads::Ready,
};

const BLOCK: usize = 1_000;
const WORKLOAD: Workload = Workload::P2p(10_000);
const ACCOUNTS: u32 = 2_000;

/// Signatures per batch: what one thread checks at a time.
const BATCH: usize = 250;

fn checks(transactions: &[Transaction]) -> Vec<SignatureCheck> {
    transactions.iter().flat_map(Transaction::checks).collect()
}

/// Whether all signatures hold, batch by batch on the threads there are.
fn all_hold(pool: &Pool, checks: &[SignatureCheck]) -> bool {
    let batches: Vec<&[SignatureCheck]> = checks.chunks(BATCH).collect();
    // The pool keeps few items to itself, so each batch becomes as many items as it needs.
    let verdicts = pool.map_each(&batches, |batch: &&[SignatureCheck]| {
        Ed25519.verify(batch).into_iter().all(|good| good)
    });
    verdicts.into_iter().all(|good| good)
}

/// Everything a validator does with the bytes of a block, but voting and writing.
fn whole(
    bytes: &[u8],
    block: &Block,
    state: &mut ExecutionState,
    pool: &Pool,
    executor: &mut Executor<Pool>,
) {
    let payload: Payload = codec::decode(bytes, bytes.len()).expect("its own bytes");
    assert_eq!(payload.root(), block.header().payload_root);
    assert!(all_hold(pool, &checks(&payload.transactions)), "its own signatures");
    let block = Block::new(block.header().clone(), payload);
    let work = state.begin(&block, executor);
    let cells = state.source().fetch(work.paths()).expect("memory does not fail");
    let done = state.finish(&work, cells, executor);
    assert_eq!(done.executed.outcomes.len(), BLOCK);
}

/// The stages one by one, then all of them on one and two threads, then batches of signatures
/// against single ones.
#[expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
pub(crate) fn table() {
    let mut stage = Stage::new(WORKLOAD, Keys::Real, ACCOUNTS, 1);
    let state = ExecutionState::new(&stage.genesis());
    let block: Arc<Block> = stage.block(BLOCK);
    let bytes = codec::encode(block.payload());
    let transactions = &block.payload().transactions;
    let all = checks(transactions);
    let rounds = rounds(7);
    let one = Pool::new(1);
    let executor = Executor::new(Options::default(), Pool::new(1));

    println!("\na {BLOCK}-transfer block with unseen signatures, {ACCOUNTS} accounts, one thread");
    let show = |name: &str, time: Duration| {
        println!("  {name:<28} {:>8.3} ms", time.as_secs_f64() * 1e3);
    };
    let decode = || codec::decode::<Payload>(&bytes, bytes.len());
    show("decode", best(rounds, || (), |()| decode()));
    show("payload root", best(rounds, || (), |()| block.payload().root()));
    show("signatures, unseen", best(rounds, || (), |()| all_hold(&one, &checks(transactions))));
    let prepare = || transactions.iter().map(Prepared::new).collect::<Vec<_>>();
    show("ids and access sets", best(rounds, || (), |()| prepare()));
    let prepared = prepare();
    let plan = || Plan::new(prepared.iter().map(|one| &one.access), &[]);
    show("schedule: distinct cells", best(rounds, || (), |()| plan()));
    let planned = plan();
    let levels = || Levels::within(&planned, BLOCK);
    show("schedule: levels", best(rounds, || (), |()| levels()));
    show("read", best(rounds, || state.source(), |mut from| from.fetch(planned.paths())));
    let ready = Ready::new(&state, &block);
    let mut alone = Executor::inline(Options::default());
    let run = |cells| alone.run_alone(&ready.params, &ready.prepared, &ready.plan, cells);
    let execute = best(rounds, || ready.cells.clone(), run);
    show("execute and fold", execute);
    let work = state.begin(&block, &executor);
    let cells = state.source().fetch(work.paths()).expect("memory does not fail");
    let mut inline = Executor::inline(Options::default());
    let finish = best(
        rounds,
        || (state.clone(), cells.clone()),
        |(mut state, cells)| (state.finish(&work, cells, &mut inline), state),
    );
    show("settle, commit and root", finish.saturating_sub(execute));

    println!("from bytes to root");
    for threads in [1, 2] {
        let pool = Pool::new(threads);
        let options = Options { scheduler: Scheduler::Waves, ..Options::default() };
        let mut executor = Executor::new(options, Pool::new(threads));
        let run = |mut state: ExecutionState| {
            whole(&bytes, &block, &mut state, &pool, &mut executor);
            state
        };
        show(&format!("{threads} thread(s)"), best(rounds, || state.clone(), run));
    }

    let batched = best(rounds, || (), |()| all_hold(&one, &all));
    let single = best(
        rounds.min(3),
        || (),
        |()| all.iter().all(|check| Ed25519.verify(std::slice::from_ref(check)) == [true]),
    );
    println!("signatures one by one against batches of {BATCH}");
    show("one by one", single);
    show("in batches", batched);
    println!("  {:.2} times as fast", times(single, batched));
}
