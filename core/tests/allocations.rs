//! Memory while executing, counted by the allocator of this test binary, which has one test only.
//!
//! Shows that executing ten thousand transfers between known accounts leaves nothing behind but the
//! accounts themselves, and that each costs a handful of allocations on the way.

use std::alloc::System;

use quorate_core::{
    execution::{ExecutionState, Executor, Options, Scheduler},
    testing::workload::{Keys, Stage, Workload},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Effects, slots and access set of a transfer, and its share of the block's own vectors.
const ALLOCATIONS_PER_TRANSFER: usize = 16;

/// What ten thousand transactions may leave behind.
const GROWTH_MAX: usize = 10 * 1024 * 1024;

#[test]
fn ten_thousand_transfers_leave_little_behind() {
    for scheduler in [Scheduler::Sequential, Scheduler::Waves] {
        let mut stage = Stage::new(Workload::P2p(10_000), Keys::Blank, u32::MAX, 1);
        let mut state = ExecutionState::new(&stage.genesis());
        let mut executor = Executor::inline(Options { scheduler, ..Options::default() });
        let blocks: Vec<_> = (0..10).map(|_| stage.block(1_000)).collect();
        let region = Region::new(ALLOCATOR);
        for block in &blocks {
            state.execute_on(block, &mut executor);
        }
        let change = region.change();
        let growth = change.bytes_allocated.saturating_sub(change.bytes_deallocated);
        let figures = format!(
            "{scheduler:?}: {} allocations, {} bytes in all, {growth} bytes left",
            change.allocations + change.reallocations,
            change.bytes_allocated,
        );
        assert!(growth <= GROWTH_MAX, "{figures}");
        let allocations = change.allocations + change.reallocations;
        assert!(allocations <= ALLOCATIONS_PER_TRANSFER * 10_000, "{figures}");
    }
}
