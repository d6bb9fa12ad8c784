//! Each limit holds up to its value and not beyond.

use quorate_core::replica::Footprint;

use super::{
    super::stage::{Stage, assert_broken},
    BoundedMemory,
};
use crate::{
    scenario::{Invariant, MemoryLimits},
    trace::What,
};

#[test]
fn limits_hold_to_the_last_one() {
    let limits = MemoryLimits { pending_messages_max: 10, votes_max: 20 };
    let mut stage = Stage::new(4, BoundedMemory::new(limits));
    let full = Footprint { votes: 20, pending: 10, blocks: 10, ..Footprint::default() };
    stage.fine(0, What::Holds(full));
    let beyond = [
        (Footprint { votes: 21, ..full }, "21 votes"),
        (Footprint { pending: 11, ..full }, "11 requests and jobs"),
        (Footprint { blocks: 11, ..full }, "11 blocks"),
        (Footprint { mempool_bytes: u64::MAX, ..full }, "bytes of transactions"),
    ];
    for (held, words) in beyond {
        assert_broken(stage.see(0, What::Holds(held)), Invariant::BoundedMemory, words);
    }
}
