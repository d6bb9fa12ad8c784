//! Memory while decoding, counted by the allocator of this test binary, which has one test only.
//!
//! Shows that a count without items behind it allocates nothing: whatever lengths bytes claim, memory
//! is in proportion to the bytes.

use std::alloc::System;

use quorate_core::testing::{corpus::samples, fuzz};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// All that decoding and encoding back may ever allocate, freed or not, per byte offered.
const BYTES_PER_BYTE: usize = 64;

/// And besides: borsh reserves up to 4 KiB for each vector it begins.
const BYTES_BESIDES: usize = 64 * 1024;

#[test]
fn a_claimed_length_allocates_nothing() {
    for sample in samples() {
        let target = fuzz::target(sample.target).expect("a sample names its target");
        let places = sample.bytes.len().saturating_sub(3).min(2_048);
        for place in 0..places {
            for claimed in [u32::MAX, u32::MAX >> 1, 1 << 20, 1_024] {
                let mut bytes = sample.bytes.clone();
                bytes[place..place + 4].copy_from_slice(&claimed.to_le_bytes());
                let region = Region::new(ALLOCATOR);
                (target.run)(&bytes);
                let change = region.change();
                let allocated = change.bytes_allocated;
                let limit = bytes.len() * BYTES_PER_BYTE + BYTES_BESIDES;
                assert!(
                    allocated <= limit,
                    "{}/{}: {claimed} at byte {place} of {} allocated {allocated}, over {limit}",
                    sample.target,
                    sample.name,
                    bytes.len(),
                );
            }
        }
    }
}
