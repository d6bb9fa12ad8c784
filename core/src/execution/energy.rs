//! What frozen tokens give: energy, which pays fees and comes back with time.
//!
//! An account has as much energy as it has tokens frozen. What it uses comes back block by block over
//! [`ENERGY_WINDOW`], in a straight line from the last use. Everything is a whole number worked out
//! from the height alone, nothing is ever updated for its own sake, and rounding never favours the
//! user.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{codec::Bounded, types::Height};

/// Blocks after which all energy has come back.
pub const ENERGY_WINDOW: u64 = 1_200;

/// Blocks between the beginning of unfreezing and the withdrawal.
pub const UNFREEZE_DELAY: u64 = 600;

/// Amounts of one account that may be unfreezing at a time.
pub const UNFREEZES_MAX: usize = 8;

/// An account's frozen tokens, and the energy they give. Removed when there is nothing left in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Energy {
    /// Tokens that give energy.
    pub frozen: u64,
    /// Energy in use right after `height`.
    pub used: u64,
    /// When energy was last used.
    pub height: Height,
    /// Tokens that give no energy any more and wait to be withdrawn, ascending by height.
    pub unfreezing: Bounded<Unfreezing, UNFREEZES_MAX>,
}

/// Tokens that wait to be withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Unfreezing {
    /// How many.
    pub amount: u64,
    /// The first height they can be withdrawn at.
    pub ready: Height,
}

impl Energy {
    /// Energy still in use at a height, rounded up.
    ///
    /// # Panics
    /// Never: it is no more than what was used.
    #[must_use]
    pub fn used_at(&self, height: Height) -> u64 {
        let left = ENERGY_WINDOW.saturating_sub(height.delta_from(self.height));
        let used = (u128::from(self.used) * u128::from(left)).div_ceil(u128::from(ENERGY_WINDOW));
        u64::try_from(used).expect("no more than what was used")
    }

    /// Energy that can be used at a height.
    #[must_use]
    pub fn available_at(&self, height: Height) -> u64 {
        self.frozen.saturating_sub(self.used_at(height))
    }

    /// The same after using some; `None` if there is not as much.
    #[must_use]
    pub fn after_use(&self, amount: u64, height: Height) -> Option<Self> {
        if amount > self.available_at(height) {
            return None;
        }
        // No more than what is frozen, so it fits.
        let used = self.used_at(height).checked_add(amount)?;
        Some(Self { used, height, ..self.clone() })
    }

    /// All the tokens in it, whether they give energy or not.
    ///
    /// # Panics
    /// Never: they are part of the supply.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        let add = |sum: u64, one: &Unfreezing| sum.checked_add(one.amount);
        let sum = self.unfreezing.iter().try_fold(self.frozen, add);
        sum.expect("frozen tokens are part of the supply")
    }

    /// Whether there is nothing in it that anybody will ever ask for.
    #[must_use]
    pub fn is_empty_at(&self, height: Height) -> bool {
        self.frozen == 0 && self.unfreezing.is_empty() && self.used_at(height) == 0
    }
}

#[cfg(test)]
mod tests;
