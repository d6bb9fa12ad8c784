//! No token appears or vanishes: everything in the state always adds up to what the genesis issued.

use super::{Checker, Scene, Violation};
use crate::{
    scenario::Invariant,
    trace::{Observation, What},
};

/// Compares every total with the genesis.
#[derive(Default)]
pub struct SupplyConserved;

impl Checker for SupplyConserved {
    fn invariant(&self) -> Invariant {
        Invariant::SupplyConserved
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        let What::Supply { height, total } = &observation.what else { return Ok(()) };
        if !scene.honesty.is_honest_node(observation.node) {
            return Ok(());
        }
        let issued = issued(scene);
        if *total == issued {
            return Ok(());
        }
        let detail = format!("{total} tokens at height {height}, {issued} were issued");
        Err(Violation::of(Invariant::SupplyConserved, observation, detail))
    }
}

/// What the genesis issued: opening balances, and one token at stake per unit of weight.
fn issued(scene: &Scene) -> u128 {
    let balances = scene.genesis.accounts.iter().map(|account| u128::from(account.balance));
    let stakes = scene.genesis.validators.iter().map(|member| u128::from(member.weight.get()));
    balances.chain(stakes).sum()
}

#[cfg(test)]
mod tests;
