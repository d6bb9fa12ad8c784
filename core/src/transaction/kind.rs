//! What transactions do. One file per kind; the numbers are part of the wire format.
//!
//! Numbers without a kind never decode. Those from 0x80 are kept for programs, 7 for stakes, 8 and 9
//! for sending to other chains and claiming from them.

use borsh::{BorshDeserialize, BorshSerialize};

pub use self::{
    burn::Burn,
    coins::{COIN_INPUTS_MAX, COIN_OUTPUTS_MAX, CREDITS_MAX, CoinId, CoinOutput, Coins, FUNDS_MAX},
    energy::EnergyAction,
    issue::{DECIMALS_MAX, Issue, MINTS_MAX, Mint},
    multisig::{MultiSigAction, SIGNERS_MAX, Signers},
    objects::{
        ACTIONS_MAX, OBJECT_DATA_MAX, OWNED_MAX, ObjectAction, ObjectData, ObjectId, ObjectOwner,
        Objects, OwnedInput, SHARED_MAX, SharedInput,
    },
    transfer::{MEMO_MAX, OUTPUTS_MAX, Transfer},
};
use crate::transaction::{Fault, Output};

mod burn;
mod coins;
mod energy;
mod issue;
mod multisig;
mod objects;
mod transfer;

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum TransactionKind {
    /// Moves tokens from the payer's account to others.
    Transfer(Transfer) = 0,
    /// Creates an asset, or more of one.
    Issue(Issue) = 1,
    /// Destroys some of what the payer's account holds.
    Burn(Burn) = 2,
    /// Freezes tokens for energy, and gets them back.
    Energy(EnergyAction) = 3,
    /// Changes whose signatures the payer's account takes.
    MultiSig(MultiSigAction) = 4,
    /// Spends coins and makes new ones.
    Coins(Coins) = 5,
    /// Makes and changes objects.
    Objects(Objects) = 6,
}

impl TransactionKind {
    /// A transfer without a memo.
    ///
    /// # Panics
    /// If there are more than [`OUTPUTS_MAX`] outputs.
    #[must_use]
    pub fn transfer(outputs: Vec<Output>) -> Self {
        Self::Transfer(Transfer::new(outputs))
    }

    /// Whether it can be carried out in some state.
    ///
    /// # Errors
    /// What is wrong with it in every state.
    pub fn check(&self) -> Result<(), Fault> {
        match self {
            Self::Transfer(transfer) => transfer.check(),
            Self::Issue(issue) => issue.check(),
            Self::Burn(burn) => burn.check(),
            Self::Energy(action) => action.check(),
            Self::MultiSig(action) => action.check(),
            Self::Coins(coins) => coins.check(),
            Self::Objects(objects) => objects.check(),
        }
    }

    /// Native tokens that leave the payer's account if all goes well, without the fee. Tokens that
    /// come back in the same transaction count too.
    ///
    /// # Errors
    /// If they do not add up to a `u64`.
    pub fn native_debit(&self) -> Result<u64, Fault> {
        match self {
            Self::Transfer(transfer) => transfer.native_debit(),
            Self::Burn(burn) => Ok(burn.native_debit()),
            Self::Energy(action) => Ok(action.native_debit()),
            Self::Coins(coins) => coins.native_debit(),
            Self::Objects(objects) => objects.native_debit(),
            Self::Issue(_) | Self::MultiSig(_) => Ok(0),
        }
    }
}
