//! Memory while executing, counted by the allocator of this test binary, which has one test only.
//!
//! Shows that executing ten thousand transfers between known accounts leaves nothing behind but the
//! accounts themselves, that ten thousand new accounts take little room, with everything that is kept to
//! prove them and to take them back, and that each transfer costs a handful of allocations on the way.

use std::{alloc::System, sync::Arc};

use quorate_core::{
    block::Block,
    codec::Bounded,
    crypto::PublicKey,
    execution::{ExecutionState, Executor, Options, Scheduler},
    testing::workload::{Keys, Stage, Workload},
    transaction::{Address, Output, TransactionKind},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Effects, slots and access set of a transfer, and its share of the block's own vectors.
const ALLOCATIONS_PER_TRANSFER: usize = 16;

/// What ten thousand transactions may leave behind.
const GROWTH_MAX: usize = 10 * 1024 * 1024;

/// Transactions in a block.
const BLOCK: u64 = 1_000;

/// The same block, but every transfer goes to an account of its own that does not exist yet.
fn to_strangers(block: &Block) -> Block {
    let mut payload = block.payload().clone();
    let mut transactions = payload.transactions.into_inner();
    let first = BLOCK * block.header().height.get();
    for (number, transaction) in (first..).zip(&mut transactions) {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        let stranger = Address::of_key(&PublicKey::new(key));
        transaction.body.kind = TransactionKind::transfer(vec![Output::native(stranger, 1)]);
    }
    payload.transactions = Bounded::new(transactions);
    Block::new(block.header().clone(), payload)
}

fn ten_thousand_transfers(scheduler: Scheduler, strangers: bool) {
    let mut stage = Stage::new(Workload::P2p(10_000), Keys::Blank, u32::MAX, 1);
    let mut state = ExecutionState::new(&stage.genesis());
    let mut executor = Executor::inline(Options { scheduler, ..Options::default() });
    let mut block = || {
        let block = stage.block(1_000);
        if strangers { Arc::new(to_strangers(&block)) } else { block }
    };
    let blocks: Vec<_> = (0..10).map(|_| block()).collect();
    let before = state.all_cells().count();
    let region = Region::new(ALLOCATOR);
    for block in &blocks {
        state.execute_on(block, &mut executor);
    }
    let change = region.change();
    let growth = change.bytes_allocated.saturating_sub(change.bytes_deallocated);
    let allocations = change.allocations + change.reallocations;
    let born = state.all_cells().count() - before;
    let figures = format!(
        "{scheduler:?}: {born} cells more, {allocations} allocations, {} bytes in all, {growth} bytes left",
        change.bytes_allocated,
    );
    assert!(growth <= GROWTH_MAX, "{figures}");
    assert!(allocations <= ALLOCATIONS_PER_TRANSFER * 10_000, "{figures}");
    // Everybody was given something; the counters of fees may be born besides.
    assert_eq!(born >= 10_000, strangers, "{figures}");
}

#[test]
fn ten_thousand_transfers_leave_little_behind() {
    for scheduler in [Scheduler::Sequential, Scheduler::Waves] {
        ten_thousand_transfers(scheduler, false);
        ten_thousand_transfers(scheduler, true);
    }
}
