//! Every decoder on the same bytes. Each returns at once for bytes that are not its own.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quorate_core::testing::fuzz::TARGETS;

fuzz_target!(|bytes: &[u8]| {
    for target in TARGETS {
        (target.run)(bytes);
    }
});
