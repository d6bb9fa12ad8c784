//! No token appears or vanishes: everything in the state always adds up to what the genesis issued,
//! and of every asset to what was issued of it. What a state says of its assets is what its cells say.

use std::collections::BTreeMap;

use quorate_core::{execution::AssetSupply, transaction::AssetId, types::Height};

use super::{Checker, Scene, Violation};
use crate::{
    scenario::Invariant,
    trace::{Observation, What},
};

/// Compares every total with the genesis, and every asset with its cells.
#[derive(Default)]
pub struct SupplyConserved;

impl Checker for SupplyConserved {
    fn invariant(&self) -> Invariant {
        Invariant::SupplyConserved
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        if !scene.honesty.is_honest_node(observation.node) {
            return Ok(());
        }
        let found = match &observation.what {
            What::Supply { height, total } => leak(*height, *total, issued(scene)),
            What::Assets { height, kept, counted } => leaking_asset(*height, kept, counted),
            _ => None,
        };
        match found {
            None => Ok(()),
            Some(detail) => Err(Violation::of(Invariant::SupplyConserved, observation, detail)),
        }
    }
}

fn leak(height: Height, total: u128, issued: u128) -> Option<String> {
    (total != issued).then(|| format!("{total} tokens at height {height}, {issued} were issued"))
}

/// The first asset of which the cells hold something else than was kept, or than was issued.
fn leaking_asset(
    height: Height,
    kept: &BTreeMap<AssetId, AssetSupply>,
    counted: &BTreeMap<AssetId, AssetSupply>,
) -> Option<String> {
    for id in kept.keys().chain(counted.keys()) {
        let (one, other) = (kept.get(id), counted.get(id));
        let asset = id.digest();
        if one != other {
            return Some(format!(
                "asset {asset} at height {height}: kept {one:?}, found {other:?}"
            ));
        }
        let AssetSupply { balances, coins, issued, burned } = other.copied().unwrap_or_default();
        let there = balances + coins + burned;
        if there != issued {
            return Some(format!(
                "asset {asset} at height {height}: {there} of {issued} are there"
            ));
        }
    }
    None
}

/// What the genesis issued: opening balances, and one token at stake per unit of weight.
fn issued(scene: &Scene) -> u128 {
    let balances = scene.genesis.accounts.iter().map(|account| u128::from(account.balance));
    let stakes = scene.genesis.validators.iter().map(|member| u128::from(member.weight.get()));
    balances.chain(stakes).sum()
}

#[cfg(test)]
mod tests;
