//! Assets come into being here: created with a cap, then issued by their issuer up to it.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::Bounded,
    transaction::{
        Address, AssetId, Fault,
        asset::{check_amounts, sum},
    },
};

/// Decimals an asset may have; ten to this power is the largest that a `u64` holds.
pub const DECIMALS_MAX: u8 = 19;

/// Accounts that one transaction may issue to.
pub const MINTS_MAX: usize = 64;

/// Creates an asset or more of one.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Issue {
    /// Creates an asset, named after this transaction, whose issuer is the payer.
    Create {
        /// How people write amounts of it. Means nothing here.
        decimals: u8,
        /// The most that is ever issued, burned or not.
        cap: u64,
        /// Issued to the payer at once; may be zero.
        amount: u64,
    } = 0,
    /// Issues more of the payer's asset.
    Mint {
        /// The asset.
        asset: AssetId,
        /// To whom.
        mints: Bounded<Mint, MINTS_MAX>,
    } = 1,
}

/// New tokens of an asset for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Mint {
    /// Who receives.
    pub to: Address,
    /// How much, in the asset's smallest unit.
    pub amount: u64,
}

impl Issue {
    pub(super) fn check(&self) -> Result<(), Fault> {
        match self {
            Self::Create { decimals, .. } if *decimals > DECIMALS_MAX => {
                Err(Fault::TooManyDecimals)
            }
            Self::Create { cap, amount, .. } if amount > cap => Err(Fault::AboveCap),
            Self::Create { cap: 0, .. } => Err(Fault::ZeroAmount),
            Self::Create { .. } => Ok(()),
            Self::Mint { mints, .. } if mints.is_empty() => Err(Fault::NoOutputs),
            Self::Mint { mints, .. } => {
                check_amounts(mints.iter().map(|mint| mint.amount))?;
                sum(mints.iter().map(|mint| mint.amount)).map(|_| ())
            }
        }
    }
}
