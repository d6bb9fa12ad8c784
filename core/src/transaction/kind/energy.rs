//! Native tokens frozen in exchange for energy, which pays fees.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::transaction::{Fault, asset::check_amounts};

/// What to do with the payer's frozen tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum EnergyAction {
    /// Freezes tokens of the payer's account.
    Freeze {
        /// How many.
        amount: u64,
    } = 0,
    /// Begins to unfreeze: they give no energy any more, and can be withdrawn some blocks later.
    Unfreeze {
        /// How many.
        amount: u64,
    } = 1,
    /// Puts all that can be withdrawn back into the payer's account.
    Withdraw = 2,
}

impl EnergyAction {
    pub(super) fn check(&self) -> Result<(), Fault> {
        match self {
            Self::Freeze { amount } | Self::Unfreeze { amount } => {
                check_amounts([*amount].into_iter())
            }
            Self::Withdraw => Ok(()),
        }
    }

    pub(super) fn native_debit(&self) -> u64 {
        match self {
            Self::Freeze { amount } => *amount,
            Self::Unfreeze { .. } | Self::Withdraw => 0,
        }
    }
}
