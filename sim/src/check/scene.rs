//! What a checker may know besides observations: the genesis, and who is honest.

use std::collections::BTreeMap;

use quorate_core::{
    committee::Committee,
    config::Genesis,
    crypto::PublicKey,
    types::{PeerId, Stake, ValidatorIndex},
    vote::SigningContext,
};

use super::honesty::Honesty;

/// One validator, under the names the world and the committee have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Its number: `n3` is 3.
    pub number: u32,
    /// Its place in the committee, which is ordered by key.
    pub index: ValidatorIndex,
    /// Its consensus key.
    pub key: PublicKey,
    /// Its name on the network.
    pub peer: PeerId,
    /// Its weight.
    pub weight: u64,
}

/// The fixed facts of a run and the registry of honesty.
///
/// Weights are plain numbers here: checkers do their own arithmetic.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What everybody shares.
    pub genesis: Genesis,
    /// What signatures are bound to.
    pub context: SigningContext,
    /// Who counts as honest. The world keeps it up to date.
    pub honesty: Honesty,
    committee: Committee,
    by_index: Vec<Actor>,
    by_number: BTreeMap<u32, usize>,
    total: u128,
}

impl Scene {
    /// The scene of a run on this genesis, with everybody honest.
    ///
    /// # Panics
    /// If the genesis holds no valid committee: the scenario was checked before.
    #[must_use]
    pub fn new(genesis: Genesis) -> Self {
        let committee = genesis.committee().expect("the scenario's committee was checked");
        let actors = committee.members().map(|(index, member)| Actor {
            number: member.validator.get(),
            index,
            key: member.key,
            peer: member.peer,
            weight: member.weight.get(),
        });
        let by_index: Vec<Actor> = actors.collect();
        let by_number =
            by_index.iter().enumerate().map(|(place, actor)| (actor.number, place)).collect();
        let total = by_index.iter().map(|actor| u128::from(actor.weight)).sum();
        let context = SigningContext {
            chain_id: genesis.chain_id,
            genesis: genesis.digest(),
            committee: committee.digest(),
        };
        Self {
            genesis,
            context,
            honesty: Honesty::default(),
            committee,
            by_index,
            by_number,
            total,
        }
    }

    /// The committee, for building and checking signatures; its thresholds are not for checkers.
    #[must_use]
    pub fn committee(&self) -> &Committee {
        &self.committee
    }

    /// All validators in the order of the committee.
    #[must_use]
    pub fn actors(&self) -> &[Actor] {
        &self.by_index
    }

    /// The validator `nN`.
    #[must_use]
    pub fn actor(&self, number: u32) -> Option<&Actor> {
        self.by_number.get(&number).map(|place| &self.by_index[*place])
    }

    /// The validator at a place in the committee, which may be invented.
    #[must_use]
    pub fn actor_at(&self, index: ValidatorIndex) -> Option<&Actor> {
        self.by_index.get(usize::from(index.get()))
    }

    /// The weight at a place in the committee; none outside it.
    #[must_use]
    pub fn weight_at(&self, index: ValidatorIndex) -> u64 {
        self.actor_at(index).map_or(0, |actor| actor.weight)
    }

    /// The weight of a set of places, each counted once, as a checker counts it.
    #[must_use]
    pub fn weight_of(&self, places: impl IntoIterator<Item = ValidatorIndex>) -> Stake {
        let mut places: Vec<ValidatorIndex> = places.into_iter().collect();
        places.sort_unstable();
        places.dedup();
        Stake::new(places.into_iter().map(|place| self.weight_at(place)).sum())
    }

    /// The weight of everybody.
    #[must_use]
    pub fn total(&self) -> u128 {
        self.total
    }

    /// Whether this much weight is more than two thirds of everybody's.
    #[must_use]
    pub fn outweighs_two_thirds(&self, weight: u128) -> bool {
        weight * 3 > self.total * 2
    }

    /// Whether this much weight is at least a third of everybody's.
    #[must_use]
    pub fn reaches_one_third(&self, weight: u128) -> bool {
        weight * 3 >= self.total
    }

    /// Whether the validator at a place in the committee counts as honest. Invented places do not.
    #[must_use]
    pub fn is_honest_at(&self, index: ValidatorIndex) -> bool {
        self.actor_at(index).is_some_and(|actor| self.honesty.is_honest(actor.number))
    }

    /// The weight of everybody who does not count as honest.
    #[must_use]
    pub fn dishonest_weight(&self) -> u128 {
        let dishonest = self.by_index.iter().filter(|actor| !self.honesty.is_honest(actor.number));
        dishonest.map(|actor| u128::from(actor.weight)).sum()
    }
}
