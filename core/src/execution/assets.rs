//! Where the tokens of issued assets are.

use std::collections::BTreeMap;

use crate::{
    execution::cell::{Cell, Coin},
    transaction::{Amount, Asset, AssetId},
};

/// Where one issued asset's tokens are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssetSupply {
    /// In balances.
    pub balances: u128,
    /// In coins.
    pub coins: u128,
    /// Ever issued.
    pub issued: u128,
    /// Ever destroyed.
    pub burned: u128,
}

impl AssetSupply {
    /// What is accounted for: as much as was issued, over all cells there are.
    #[must_use]
    pub fn total(&self) -> u128 {
        self.balances + self.coins + self.burned
    }
}

/// Where the tokens of every issued asset in some cells are.
#[must_use]
pub(super) fn asset_supplies<'a>(
    cells: impl IntoIterator<Item = &'a Cell>,
) -> BTreeMap<AssetId, AssetSupply> {
    let mut supplies = BTreeMap::new();
    for cell in cells {
        count(&mut supplies, cell);
    }
    supplies
}

/// Adds one cell's share.
pub(super) fn count(supplies: &mut BTreeMap<AssetId, AssetSupply>, cell: &Cell) {
    match cell {
        Cell::Balance(balance) => {
            supplies.entry(balance.asset).or_default().balances += u128::from(balance.amount);
        }
        Cell::Coin(Coin { amount: Amount { asset: Asset::Issued(id), amount }, .. }) => {
            supplies.entry(*id).or_default().coins += u128::from(*amount);
        }
        Cell::Asset(asset) => {
            let supply = supplies.entry(asset.id).or_default();
            supply.issued += u128::from(asset.issued);
            supply.burned += u128::from(asset.burned);
        }
        _ => {}
    }
}

/// Asserts that cells which took others' places leave every asset's supply in balance.
///
/// # Panics
/// If tokens appeared or vanished.
pub(super) fn check_balanced(
    before: &BTreeMap<AssetId, AssetSupply>,
    after: &BTreeMap<AssetId, AssetSupply>,
) {
    let of = |supplies: &BTreeMap<AssetId, AssetSupply>, id| {
        supplies.get(id).copied().unwrap_or_default()
    };
    for id in before.keys().chain(after.keys()) {
        let (then, now) = (of(before, id), of(after, id));
        assert_eq!(
            now.total() + then.issued,
            then.total() + now.issued,
            "asset {id:?} leaks: {then:?} became {now:?}"
        );
    }
}
