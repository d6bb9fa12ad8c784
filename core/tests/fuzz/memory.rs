//! Memory while decoding, counted by the allocator of this test binary.

use std::{alloc::System, sync::Mutex};

use quorate_core::testing::{
    corpus::samples,
    fuzz::{TARGETS, Target},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What decoding and encoding back may allocate in all, per byte offered and besides.
const BYTES_PER_BYTE: usize = 64;
const BYTES_BESIDES: usize = 512 * 1024;
