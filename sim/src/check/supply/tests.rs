//! One token more or less than was issued is noticed, of native tokens and of every asset.

use std::{collections::BTreeMap, sync::Arc};

use quorate_core::{
    execution::AssetSupply,
    transaction::AssetId,
    types::{Digest, Height},
};

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

#[test]
fn every_asset_is_counted() {
    let good = AssetSupply { balances: 6, coins: 3, issued: 10, burned: 1 };
    let assets = |kept: &[AssetSupply], counted: &[AssetSupply]| {
        let named = |supplies: &[AssetSupply]| {
            let names = (1..).map(|number| AssetId::of_transaction(Digest::new([number; 32])));
            Arc::new(names.zip(supplies.iter().copied()).collect::<BTreeMap<_, _>>())
        };
        What::Assets { height: Height::new(3), kept: named(kept), counted: named(counted) }
    };
    let mut stage = Stage::new(4, SupplyConserved);
    stage.fine(0, assets(&[], &[]));
    stage.fine(0, assets(&[good, good], &[good, good]));
    for (kept, counted) in [
        (vec![good], vec![]),
        (vec![], vec![good]),
        (vec![good, good], vec![good, AssetSupply { coins: 2, balances: 7, ..good }]),
    ] {
        assert_broken(stage.see(0, assets(&kept, &counted)), Invariant::SupplyConserved, "kept");
    }
    for bad in [AssetSupply { coins: 2, ..good }, AssetSupply { burned: 2, ..good }] {
        let seen = stage.see(0, assets(&[good, bad], &[good, bad]));
        assert_broken(seen, Invariant::SupplyConserved, "of 10 are there");
    }
}
