//! Tokens go out of being here.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::transaction::{Amount, Asset, Fault, asset::check_amounts};

/// Destroys some of what the payer's account holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Burn {
    /// How much of what.
    pub burned: Amount,
}

impl Burn {
    pub(super) fn check(&self) -> Result<(), Fault> {
        check_amounts([self.burned.amount].into_iter())
    }

    pub(super) fn native_debit(&self) -> u64 {
        match self.burned.asset {
            Asset::Native => self.burned.amount,
            Asset::Issued(_) => 0,
        }
    }
}
