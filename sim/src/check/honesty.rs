//! Which validators the protocol's promises are about.
//!
//! One registry for all checkers. The world enters a validator the moment it stops being honest;
//! nobody is ever taken out.

use std::collections::BTreeMap;

use crate::trace::NodeIndex;

/// Why a validator no longer counts as honest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lapse {
    /// It runs Byzantine behaviours.
    Byzantine,
    /// Two replicas run on its key.
    Twin,
    /// Its sign-state was lost, so it forgot what it had promised.
    Amnesiac,
    /// Its disk claimed something durable that was not, or damaged its sign-state unnoticed.
    LyingDisk,
}

/// The validators that are not honest, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Honesty {
    lapses: BTreeMap<u32, Lapse>,
}

impl Honesty {
    /// Enters a validator. The first reason stays.
    pub fn enter(&mut self, validator: u32, lapse: Lapse) {
        self.lapses.entry(validator).or_insert(lapse);
    }

    /// Whether a validator still counts as honest.
    #[must_use]
    pub fn is_honest(&self, validator: u32) -> bool {
        !self.lapses.contains_key(&validator)
    }

    /// Whether the validator behind a node still counts as honest.
    #[must_use]
    pub fn is_honest_node(&self, node: NodeIndex) -> bool {
        self.is_honest(node.number())
    }

    /// Why a validator is not honest.
    #[must_use]
    pub fn lapse(&self, validator: u32) -> Option<Lapse> {
        self.lapses.get(&validator).copied()
    }

    /// Everyone who is not honest, ascending.
    pub fn lapses(&self) -> impl Iterator<Item = (u32, Lapse)> + '_ {
        self.lapses.iter().map(|(validator, lapse)| (*validator, *lapse))
    }
}
