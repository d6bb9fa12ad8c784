//! The signer's own rule: what a consensus key has promised, and what it may therefore not sign.
//!
//! `SignState` lies beside the key and is the only authority on what the key ever signed. It is
//! deliberately independent of `consensus`: it repeats the safety rules in its own words, so that a
//! mistake there becomes a refusal here instead of a second vote. Implements P50-P53, P57.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    checkpoint::Checkpoint,
    planted::planted,
    types::{Digest, Epoch, Height, View},
    vote::{Promise, Statement},
};

/// Checkpoints a key may have signed above the newest certified one. More would mean that nobody
/// certifies any, and then signing more of them helps nobody.
const CHECKPOINTS_MAX: usize = 64;

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

/// A promise never to be contradicted. The driver makes it and everything emitted before it
/// durable, and only then signs. The same promise asked again gives the same signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Pledge {
    /// About a view.
    View {
        /// The floor as of this pledge.
        safety: SafetyState,
        /// What to sign.
        statement: Statement,
    },
    /// About the state after a height.
    Checkpoint {
        /// The height of the newest certified checkpoint as of this pledge: nothing is ever signed
        /// again at or below it.
        certified: Height,
        /// What to sign.
        checkpoint: Checkpoint,
    },
}

impl Pledge {
    /// What to sign.
    #[must_use]
    pub fn promise(&self) -> Promise {
        match *self {
            Self::View { statement, .. } => Promise::View(statement),
            Self::Checkpoint { checkpoint, .. } => Promise::Checkpoint(checkpoint),
        }
    }
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
    /// The height of the newest certified checkpoint went back.
    #[error("checkpoints are certified up to {held}, not only {asked}")]
    CertifiedLowered {
        /// What the pledge says.
        asked: Height,
        /// What was recorded.
        held: Height,
    },
    /// A checkpoint at or below the newest certified one.
    #[error("checkpoint {height} is not above the certified one at {certified}")]
    BelowCertified {
        /// The checkpoint's height.
        height: Height,
        /// The certified height.
        certified: Height,
    },
    /// A second, different checkpoint of one height.
    #[error("already promised {held:?}, asked to sign {asked:?}")]
    CheckpointConflict {
        /// What was promised.
        held: Checkpoint,
        /// What is asked.
        asked: Checkpoint,
    },
    /// So many signed checkpoints wait for a certificate that something must be wrong.
    #[error("{CHECKPOINTS_MAX} signed checkpoints wait for a certificate; {0} would be one more")]
    TooManyCheckpoints(Height),
}

/// Everything one consensus key has promised above its floor.
///
/// Views and checkpoints are two books that know nothing of each other: a height means the same in
/// every epoch, so a checkpoint's promise outlives the epoch it was made in.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignState {
    safety: SafetyState,
    views: BTreeMap<View, ViewPromises>,
    certified: Height,
    checkpoints: BTreeMap<Height, Checkpoint>,
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

    /// Up to this height checkpoints are certified, as far as the signer knows.
    #[must_use]
    pub fn certified(&self) -> Height {
        self.certified
    }

    /// The checkpoints promised above the certified height.
    #[must_use]
    pub fn checkpoints(&self) -> &BTreeMap<Height, Checkpoint> {
        &self.checkpoints
    }

    /// Records a pledge if it contradicts nothing. To be made durable before the signature is made.
    ///
    /// # Errors
    /// If signing it could contradict an earlier promise; then nothing has changed.
    pub fn record(&mut self, pledge: &Pledge) -> Result<(), Refusal> {
        match *pledge {
            Pledge::View { safety, statement } => self.record_statement(safety, statement),
            Pledge::Checkpoint { certified, checkpoint } => {
                self.record_checkpoint(certified, checkpoint)
            }
        }
    }

    fn record_statement(
        &mut self,
        safety: SafetyState,
        statement: Statement,
    ) -> Result<(), Refusal> {
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
        while self.views.first_key_value().is_some_and(|(lowest, _)| *lowest <= safety.floor) {
            self.views.pop_first();
        }
        self.safety = safety;
        if !planted!(PromiseUnrecorded) {
            self.views.insert(view, promises);
        }
        Ok(())
    }

    /// P57: one checkpoint a height, none at or below the newest certified one.
    fn record_checkpoint(&mut self, certified: Height, asked: Checkpoint) -> Result<(), Refusal> {
        let height = asked.height;
        if certified < self.certified {
            return Err(Refusal::CertifiedLowered { asked: certified, held: self.certified });
        }
        if height <= certified {
            return Err(Refusal::BelowCertified { height, certified });
        }
        match self.checkpoints.get(&height) {
            Some(held) if *held != asked => {
                return Err(Refusal::CheckpointConflict { held: *held, asked });
            }
            Some(_) => {}
            None if self.checkpoints.range(certified.next()..).count() >= CHECKPOINTS_MAX => {
                return Err(Refusal::TooManyCheckpoints(height));
            }
            None => {}
        }
        self.certified = certified;
        self.checkpoints = self.checkpoints.split_off(&certified.next());
        if !planted!(CheckpointUnrecorded) {
            self.checkpoints.insert(height, asked);
        }
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
            Some(held) if held == asked || planted!(NotarizeTwice) => return Ok(()),
            Some(held) => return Err(Refusal::Conflict { held, asked }),
            None => {}
        }
        let is_lax = planted!(NotarizeAfterNullify) || planted!(FinalizeAfterNullify);
        if let Some(held) = excluded.filter(|_| !is_lax) {
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
