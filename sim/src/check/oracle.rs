//! Could this cluster have made progress at all?
//!
//! Knows nothing of the protocol but its assumptions: enough honest weight that may vote, runs and can
//! talk to each other, and every final block still on some disk among them. Errs towards "no", because
//! its "no" only turns a stall into "no verdict".

use std::{collections::BTreeSet, fmt};

use quorate_core::types::Height;

use super::Scene;

/// Where one validator stands at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its number.
    pub number: u32,
    /// Whether it runs.
    pub runs: bool,
    /// The numbers of validators its messages reach.
    pub reaches: BTreeSet<u32>,
    /// The lowest and highest final block on its disk.
    pub archive: Option<(Height, Height)>,
}

/// Why no progress can be demanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hopeless {
    /// Those that run, may vote and all reach each other weigh too little.
    NoQuorum {
        /// Who they are, ascending.
        together: Vec<u32>,
        /// Their weight.
        weight: u128,
        /// Everybody's.
        total: u128,
    },
    /// A final block that someone needs is on no disk among them.
    BlockGone {
        /// Its height.
        height: Height,
        /// Who needs it.
        needed_by: u32,
    },
}

impl fmt::Display for Hopeless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoQuorum { together, weight, total } => {
                let names: Vec<String> =
                    together.iter().map(|number| format!("n{number}")).collect();
                let names = names.join(" ");
                write!(f, "only [{names}] can vote together, {weight} of {total} by weight")
            }
            Self::BlockGone { height, needed_by } => {
                write!(f, "n{needed_by} needs the block at height {height}, which is on no disk")
            }
        }
    }
}

/// Says whether progress can be demanded of a cluster in this state.
///
/// # Errors
/// Why it cannot.
pub fn recoverable(scene: &Scene, standings: &[Standing]) -> Result<(), Hopeless> {
    let weight_of = |number: u32| scene.actor(number).map_or(0, |actor| u128::from(actor.weight));
    let able = |standing: &&Standing| standing.runs && scene.honesty.is_honest(standing.number);
    let mut together: Vec<&Standing> = standings.iter().filter(able).collect();
    together.sort_by_key(|standing| standing.number);

    // Whoever reaches the least weight of the others leaves, until all reach each other.
    loop {
        let mutual = |a: &Standing, b: &Standing| {
            a.number == b.number || (a.reaches.contains(&b.number) && b.reaches.contains(&a.number))
        };
        let reach = |one: &Standing| -> u128 {
            let others = together.iter().filter(|other| mutual(one, other));
            others.map(|other| weight_of(other.number)).sum()
        };
        let all: u128 = together.iter().map(|one| weight_of(one.number)).sum();
        let weakest = together.iter().map(|one| (reach(one), one.number)).min();
        match weakest {
            Some((weight, number)) if weight < all => together.retain(|one| one.number != number),
            _ => break,
        }
    }

    let weight: u128 = together.iter().map(|one| weight_of(one.number)).sum();
    if !scene.outweighs_two_thirds(weight) {
        let numbers = together.iter().map(|one| one.number).collect();
        return Err(Hopeless::NoQuorum { together: numbers, weight, total: scene.total() });
    }
    let highest = together.iter().filter_map(|one| one.archive.map(|(_, top)| top)).max();
    for one in &together {
        let mut next = one.archive.map_or(Height::ZERO, |(_, top)| top).next();
        while highest.is_some_and(|top| next <= top) {
            let holding = together.iter().filter_map(|other| other.archive);
            let reach = holding.filter(|(low, top)| *low <= next && next <= *top);
            let Some(top) = reach.map(|(_, top)| top).max() else {
                return Err(Hopeless::BlockGone { height: next, needed_by: one.number });
            };
            next = top.next();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
