//! Where the tokens of issued assets are, kept block by block.
//!
//! Two accounts of the same thing that share no code: what transactions moved, which the door counts
//! ([`super::ledger`]), and what the cells hold that took others' places. A block in which the two
//! differ, or that leaves an asset with more or less than was issued and not destroyed, stops the
//! program. Implements I14 for issued assets; native tokens are in [`super::cells::Supply`].

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    execution::{
        cell::{Cell, Coin},
        ledger::Flow,
    },
    transaction::{Amount, Asset, AssetId},
};

/// Where one issued asset's tokens are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
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
    /// What somebody has. No other cells hold issued assets, so of each it is what was issued less
    /// what was burned.
    #[must_use]
    pub fn held(&self) -> u128 {
        self.balances + self.coins
    }

    /// Whether everything that was issued is held by somebody or was burned.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.held() + self.burned == self.issued
    }

    /// Adds one part and takes another away.
    ///
    /// # Panics
    /// If there is less than is taken away, or the sum exceeds a `u128`.
    fn adjust(&mut self, then: &Self, now: &Self) {
        let one = |held: &mut u128, then: u128, now: u128| {
            let left = held.checked_sub(then);
            let left = left.unwrap_or_else(|| panic!("I14: {then} of {held} cannot go"));
            *held = left.checked_add(now).expect("no supply exceeds a u64");
        };
        one(&mut self.balances, then.balances, now.balances);
        one(&mut self.coins, then.coins, now.coins);
        one(&mut self.issued, then.issued, now.issued);
        one(&mut self.burned, then.burned, now.burned);
    }
}

/// Where the tokens of every asset are of which anything was ever issued.
///
/// One entry per asset, so bounded by the cells of assets, which are never removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct AssetLedger(BTreeMap<AssetId, AssetSupply>);

impl AssetLedger {
    /// What is in these cells, counted one by one.
    pub(super) fn of<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Self {
        let mut all = Replaced::default();
        cells.into_iter().for_each(|cell| all.count(None, Some(cell)));
        let mut own = Self::default();
        own.apply(&all);
        own
    }

    /// Ascending by asset.
    pub(super) fn supplies(&self) -> &BTreeMap<AssetId, AssetSupply> {
        &self.0
    }

    /// The same, given up.
    pub(super) fn into_supplies(self) -> BTreeMap<AssetId, AssetSupply> {
        self.0
    }

    /// Takes in that cells took others' places.
    pub(super) fn apply(&mut self, replaced: &Replaced) {
        for (id, (then, now)) in &replaced.0 {
            let supply = self.0.entry(*id).or_default();
            supply.adjust(then, now);
            if *supply == AssetSupply::default() {
                self.0.remove(id);
            }
        }
    }

    /// Asserts that these cells are what the transactions of a block moved, and that all of what was
    /// issued of each asset among them is still there.
    ///
    /// # Panics
    /// If tokens appeared or vanished.
    pub(super) fn check(&self, replaced: &Replaced, flows: &BTreeMap<AssetId, Flow>) {
        let ids: BTreeSet<&AssetId> = replaced.0.keys().chain(flows.keys()).collect();
        for id in ids {
            let (then, now) = replaced.0.get(id).copied().unwrap_or_default();
            let flow = flows.get(id).copied().unwrap_or_default();
            let same = now.held() + flow.debited == then.held() + flow.credited
                && now.issued == then.issued + u128::from(flow.issued)
                && now.burned == then.burned + u128::from(flow.burned);
            assert!(same, "I14: asset {id:?}: {flow:?} was counted, but {then:?} became {now:?}");
            let supply = self.0.get(id).copied().unwrap_or_default();
            assert!(supply.is_balanced(), "I14: asset {id:?} leaks: {supply:?}");
        }
    }

    /// An asset of which more or less is there than was issued and not destroyed.
    pub(super) fn unbalanced(&self) -> Option<(AssetId, AssetSupply)> {
        let found = self.0.iter().find(|(_, supply)| !supply.is_balanced());
        found.map(|(id, supply)| (*id, *supply))
    }
}

/// What some cells held of issued assets, and what those hold that took their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Replaced(BTreeMap<AssetId, (AssetSupply, AssetSupply)>);

impl Replaced {
    /// Counts one cell and the one in its place.
    pub(super) fn count(&mut self, old: Option<&Cell>, new: Option<&Cell>) {
        if let Some((id, part)) = old.and_then(part) {
            self.0.entry(id).or_default().0.adjust(&AssetSupply::default(), &part);
        }
        if let Some((id, part)) = new.and_then(part) {
            self.0.entry(id).or_default().1.adjust(&AssetSupply::default(), &part);
        }
    }
}

/// What one cell says of an issued asset; `None` if it is about none.
fn part(cell: &Cell) -> Option<(AssetId, AssetSupply)> {
    let none = AssetSupply::default();
    match cell {
        Cell::Balance(balance) => {
            Some((balance.asset, AssetSupply { balances: balance.amount.into(), ..none }))
        }
        Cell::Coin(Coin { amount: Amount { asset: Asset::Issued(id), amount }, .. }) => {
            Some((*id, AssetSupply { coins: (*amount).into(), ..none }))
        }
        Cell::Asset(asset) => {
            let (issued, burned) = (asset.issued.into(), asset.burned.into());
            Some((asset.id, AssetSupply { issued, burned, ..none }))
        }
        Cell::Account(_)
        | Cell::MultiSig(_)
        | Cell::Energy(_)
        | Cell::Coin(_)
        | Cell::Object(_)
        | Cell::System(_) => None,
    }
}

#[cfg(test)]
mod tests;
