//! Whose turn a view is: smooth weighted round-robin, permuted by the epoch's seed (P4).
//!
//! A pure function of (committee, seed, view). It never depends on which certificate a validator
//! happens to hold, or two honest validators could wait for different leaders.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    committee::Committee,
    random::Seed,
    types::{ValidatorIndex, View},
};

/// Turns per round at the most; weights are scaled down to fit.
const TURNS_MAX: u64 = 4096;

/// One round of turns, repeated for the whole epoch.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LeaderSchedule {
    turns: Vec<ValidatorIndex>,
}

impl LeaderSchedule {
    /// Computes one round for a committee.
    ///
    /// Each member gets turns in proportion to its weight and at least one, spread as evenly as
    /// the weights allow. With equal weights a round is one turn each, in seeded order.
    #[must_use]
    pub fn new(committee: &Committee, seed: &Seed) -> Self {
        let shares = shares(committee);
        let round: u64 = shares.iter().map(|(_, share)| share).sum();

        // Ties go to whoever the seed puts first, so no key wins by its bytes.
        let mut order: Vec<ValidatorIndex> = committee.members().map(|(index, _)| index).collect();
        let mut rng = seed.fork("leader-order", 0).rng();
        for last in (1..order.len()).rev() {
            let bound = u64::try_from(last).expect("a committee's size fits") + 1;
            let other = usize::try_from(rng.below(bound)).expect("below a committee's size");
            order.swap(last, other);
        }

        // Smooth weighted round-robin (nginx): everybody gains its share, the richest leads and
        // pays the whole round.
        let mut credit: Vec<(ValidatorIndex, i128, i128)> = order
            .into_iter()
            .map(|index| (index, i128::from(shares[usize::from(index.get())].1), 0))
            .collect();
        let mut turns = Vec::new();
        for _ in 0..round {
            let mut richest = 0;
            for place in 0..credit.len() {
                credit[place].2 += credit[place].1;
                if credit[place].2 > credit[richest].2 {
                    richest = place;
                }
            }
            credit[richest].2 -= i128::from(round);
            turns.push(credit[richest].0);
        }
        assert!(!turns.is_empty(), "a committee has a member and every member a turn");
        Self { turns }
    }

    /// The leader of a view. View 0 is the root and nobody's turn, but the function is total.
    #[must_use]
    pub fn leader(&self, view: View) -> ValidatorIndex {
        let round = u64::try_from(self.turns.len()).expect("a round fits");
        self.turns[usize::try_from(view.get() % round).expect("below the round's length")]
    }

    /// Turns in one round.
    #[must_use]
    pub fn turns(&self) -> &[ValidatorIndex] {
        &self.turns
    }
}

/// Turns per member: weights divided by their common divisor, scaled down if a round would be long.
fn shares(committee: &Committee) -> Vec<(ValidatorIndex, u64)> {
    let divisor =
        committee.members().map(|(_, member)| member.weight.get()).fold(0, greatest_common_divisor);
    let total = committee.total().get() / divisor;
    committee
        .members()
        .map(|(index, member)| {
            let share = member.weight.get() / divisor;
            if total <= TURNS_MAX {
                return (index, share);
            }
            let scaled = u128::from(share) * u128::from(TURNS_MAX) / u128::from(total);
            (index, u64::try_from(scaled).expect("at most TURNS_MAX").max(1))
        })
        .collect()
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests;
