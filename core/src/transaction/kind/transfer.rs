//! Transfers: tokens from the payer's account to others.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::Bounded,
    transaction::{
        Asset, Fault, Output,
        asset::{check_amounts, sum},
    },
};

/// Outputs one transfer may have.
pub const OUTPUTS_MAX: usize = 256;

/// Bytes of the longest memo.
pub const MEMO_MAX: usize = 64;

/// Tokens for others.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transfer {
    /// The credits, in order. May pay the payer itself, which changes nothing.
    pub outputs: Bounded<Output, OUTPUTS_MAX>,
    /// Bytes for the receivers, which mean nothing here. Empty if there is no memo.
    pub memo: Bounded<u8, MEMO_MAX>,
}

impl Transfer {
    /// A transfer without a memo.
    ///
    /// # Panics
    /// If there are more than [`OUTPUTS_MAX`] outputs.
    #[must_use]
    pub fn new(outputs: Vec<Output>) -> Self {
        Self { outputs: Bounded::new(outputs), memo: Bounded::default() }
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.outputs.is_empty() {
            return Err(Fault::NoOutputs);
        }
        check_amounts(self.outputs.iter().map(|output| output.amount))
    }

    pub(super) fn native_debit(&self) -> Result<u64, Fault> {
        let native = self.outputs.iter().filter(|output| output.asset == Asset::Native);
        sum(native.map(|output| output.amount))
    }
}
