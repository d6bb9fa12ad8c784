//! What one transaction moves, asset by asset.
//!
//! Filled in at the door ([`super::ctx::TxCtx`]) from the cells themselves, never from what a kind
//! says it does, so a kind that makes or loses tokens is found out the first time it does.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    execution::cell::{Cell, CellKind, CellPath},
    transaction::{Amount, Asset, AssetId},
};

/// Flows of every asset that a transaction touches.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ledger {
    /// Of native tokens.
    pub native: Flow,
    /// Of issued assets, in the order they were first touched.
    pub issued: Vec<(AssetId, Flow)>,
}

/// Where the tokens of one asset came from and went. Sums are of whole cells before and after, so
/// they can exceed what really moved, but not a `u128`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Flow {
    /// Taken out of cells.
    pub debited: u128,
    /// Put into cells.
    pub credited: u128,
    /// Newly issued.
    pub issued: u64,
    /// Destroyed.
    pub burned: u64,
}

impl Ledger {
    /// Whether of each asset as much was put somewhere as was taken, the fee being native.
    #[must_use]
    pub fn is_balanced(&self, fee: u64) -> bool {
        self.native.is_balanced(fee) && self.issued.iter().all(|(_, flow)| flow.is_balanced(0))
    }

    /// The flow of one asset.
    pub(super) fn flow_mut(&mut self, asset: &Asset) -> &mut Flow {
        let Asset::Issued(id) = asset else { return &mut self.native };
        let place = self.issued.iter().position(|(known, _)| known == id).unwrap_or_else(|| {
            self.issued.push((*id, Flow::default()));
            self.issued.len() - 1
        });
        &mut self.issued[place].1
    }

    /// Counts that one cell took another's place.
    pub(super) fn replace(&mut self, before: Option<&Cell>, after: Option<&Cell>) {
        if let Some(held) = before.and_then(Cell::holding) {
            self.flow_mut(&held.asset).debited += u128::from(held.amount);
        }
        if let Some(held) = after.and_then(Cell::holding) {
            self.flow_mut(&held.asset).credited += u128::from(held.amount);
        }
        if let Some(Cell::Asset(now)) = after {
            let (issued, burned) = match before {
                Some(Cell::Asset(then)) => (then.issued, then.burned),
                _ => (0, 0),
            };
            let flow = self.flow_mut(&Asset::Issued(now.id));
            let grown = |now: u64, then: u64| now.checked_sub(then).expect("totals only grow");
            flow.issue(grown(now.issued, issued));
            flow.burn(grown(now.burned, burned));
        }
    }

    /// Counts that an amount was added to a cell unseen; to an asset, as destroyed.
    pub(super) fn add(&mut self, path: &CellPath, added: &Amount) {
        let flow = self.flow_mut(&added.asset);
        if path.kind_code() == CellKind::Asset.code() {
            flow.burn(added.amount);
        } else {
            flow.credited += u128::from(added.amount);
        }
    }

    /// Counts native tokens that were taken and given to nobody.
    pub(super) fn burn_native(&mut self, amount: u64) {
        self.native.burn(amount);
    }
}

/// The flows of issued assets of many transactions together.
pub(super) fn flows_of_issued<'a>(
    ledgers: impl IntoIterator<Item = &'a Ledger>,
) -> BTreeMap<AssetId, Flow> {
    let mut flows: BTreeMap<AssetId, Flow> = BTreeMap::new();
    for (id, flow) in ledgers.into_iter().flat_map(|ledger| &ledger.issued) {
        let sum = flows.entry(*id).or_default();
        sum.debited += flow.debited;
        sum.credited += flow.credited;
        sum.issue(flow.issued);
        sum.burn(flow.burned);
    }
    flows
}

impl Flow {
    fn issue(&mut self, amount: u64) {
        let total = self.issued.checked_add(amount);
        self.issued = total.expect("what is ever issued of an asset fits");
    }

    fn burn(&mut self, amount: u64) {
        let total = self.burned.checked_add(amount);
        self.burned = total.expect("what is burned was issued");
    }

    fn is_balanced(&self, fee: u64) -> bool {
        self.debited + u128::from(self.issued)
            == self.credited + u128::from(self.burned) + u128::from(fee)
    }
}
