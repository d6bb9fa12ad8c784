//! The signer's own rule: what a consensus key has promised, and what it may therefore not sign.
//!
//! `SignState` lies beside the key and is the only authority on what the key ever signed. It is
//! deliberately independent of `consensus`: it repeats the safety rules in its own words, so that a
//! mistake there becomes a refusal here instead of a second vote. Implements P50-P53.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    types::{Digest, Epoch, View},
    vote::Statement,
};

/// Below this nothing is ever signed again.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize,
)]
pub struct SafetyState {
    /// The epoch. Compared first.
    pub epoch: Epoch,
    /// The highest view of that epoch that is closed for voting.
    pub floor: View,
}

/// A promise never to be contradicted. The driver makes `safety` and everything emitted before it
/// durable, and only then signs. The same statement asked again gives the same signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Pledge {
    /// The floor as of this pledge.
    pub safety: SafetyState,
    /// What to sign.
    pub statement: Statement,
}

/// What a key has promised in one view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ViewPromises {
    /// The Notarize, if any.
    pub notarize: Option<Statement>,
    /// The Nullify, if any.
    pub nullify: Option<Statement>,
    /// The Finalize, if any.
    pub finalize: Option<Statement>,
}

impl ViewPromises {
    /// All of them, in the order they may be cast.
    pub fn iter(&self) -> impl Iterator<Item = &Statement> {
        self.notarize.iter().chain(&self.nullify).chain(&self.finalize)
    }
}

/// Why the signer will not sign. In the simulator a panic, in the node exit code 13.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The floor or epoch went back.
    #[error("safety state {asked:?} is lower than {held:?}")]
    FloorLowered {
        /// What the pledge says.
        asked: SafetyState,
        /// What was recorded.
        held: SafetyState,
    },
    /// A statement of another epoch than the safety state's.
    #[error("a statement of epoch {0} in a pledge of another epoch")]
    OtherEpoch(Epoch),
    /// A statement at or below the floor.
    #[error("view {view} is not above the floor {floor}")]
    BelowFloor {
        /// The statement's view.
        view: View,
        /// The floor.
        floor: View,
    },
    /// A second, different statement of its kind in one view.
    #[error("already promised {held:?}, asked to sign {asked:?}")]
    Conflict {
        /// What was promised.
        held: Statement,
        /// What is asked.
        asked: Statement,
    },
}

/// Everything one consensus key has promised above its floor.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignState {
    safety: SafetyState,
    views: BTreeMap<View, ViewPromises>,
}

impl SignState {
    /// The floor.
    #[must_use]
    pub fn safety(&self) -> SafetyState {
        self.safety
    }

    /// What was promised per view above the floor.
    #[must_use]
    pub fn promises(&self) -> &BTreeMap<View, ViewPromises> {
        &self.views
    }

    /// Records a pledge if it contradicts nothing. To be made durable before the signature is made.
    ///
    /// # Errors
    /// If signing it could contradict an earlier promise; then nothing has changed.
    pub fn record(&mut self, pledge: &Pledge) -> Result<(), Refusal> {
        let Pledge { safety, statement } = *pledge;
        if safety < self.safety {
            return Err(Refusal::FloorLowered { asked: safety, held: self.safety });
        }
        if statement.epoch() != safety.epoch {
            return Err(Refusal::OtherEpoch(statement.epoch()));
        }
        let view = statement.view();
        if view <= safety.floor {
            return Err(Refusal::BelowFloor { view, floor: safety.floor });
        }
        let mut promises = match safety.epoch == self.safety.epoch {
            true => self.views.get(&view).copied().unwrap_or_default(),
            false => ViewPromises::default(),
        };
        promises.add(statement)?;

        if safety.epoch > self.safety.epoch {
            self.views.clear();
        }
        self.views = self.views.split_off(&safety.floor.next());
        self.safety = safety;
        self.views.insert(view, promises);
        Ok(())
    }
}

impl ViewPromises {
    fn add(&mut self, asked: Statement) -> Result<(), Refusal> {
        let (slot, excluded) = match asked {
            Statement::Notarize(_) => (&mut self.notarize, self.nullify),
            Statement::Nullify { .. } => (&mut self.nullify, self.finalize),
            Statement::Finalize(_) => (&mut self.finalize, self.nullify),
        };
        // The same statement again is no second promise: a restart re-asks for everything.
        match *slot {
            Some(held) if held == asked => return Ok(()),
            Some(held) => return Err(Refusal::Conflict { held, asked }),
            None => {}
        }
        if let Some(held) = excluded {
            return Err(Refusal::Conflict { held, asked });
        }
        *slot = Some(asked);
        Ok(())
    }

    /// The candidate id this key notarized in the view.
    #[must_use]
    pub fn notarized(&self) -> Option<Digest> {
        self.notarize.and_then(|statement| statement.candidate().map(|candidate| candidate.id()))
    }
}

#[cfg(test)]
mod tests;
