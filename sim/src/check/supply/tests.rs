//! One token more or less than the genesis issued is noticed.

use quorate_core::types::Height;

use super::{
    super::stage::{Stage, assert_broken},
    SupplyConserved,
};
use crate::{scenario::Invariant, trace::What};

#[test]
fn every_token_is_counted() {
    let mut stage = Stage::new(4, SupplyConserved);
    let supply = |total| What::Supply { height: Height::new(3), total };
    // 1000 in the one account, and 4 at stake.
    stage.fine(0, supply(1_004));
    for total in [1_003, 1_005] {
        assert_broken(stage.see(0, supply(total)), Invariant::SupplyConserved, "1004 were issued");
    }
}
