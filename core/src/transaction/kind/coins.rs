//! Coins: amounts that lie by themselves, each spent once and whole.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::Bounded,
    transaction::{
        Address, Amount, Asset, Fault, Output,
        asset::{check_amounts, check_ascending, sum},
    },
    types::Digest,
};

/// Coins that one transaction may spend.
pub const COIN_INPUTS_MAX: usize = 64;

/// Coins that one transaction may make.
pub const COIN_OUTPUTS_MAX: usize = 64;

/// Accounts that one transaction may turn coins into balances of.
pub const CREDITS_MAX: usize = 64;

/// Assets that one transaction may turn from the payer's balance into coins.
pub const FUNDS_MAX: usize = 16;

/// A coin's name: which transaction made it, and as its how-manieth.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct CoinId {
    /// The id of the transaction that made it.
    pub transaction: Digest,
    /// Its place among that transaction's coins, from zero.
    pub index: u32,
}

/// A coin to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CoinOutput {
    /// Who may spend it.
    pub owner: Address,
    /// How much of what.
    pub amount: Amount,
}

/// Spends the payer's coins and makes new ones. Of each asset, what is spent and what the payer adds
/// must be what is made and what is credited, exactly; if coins pay, with the fee.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Coins {
    /// The coins to spend, strictly ascending. All of them are the payer's.
    pub inputs: Bounded<CoinId, COIN_INPUTS_MAX>,
    /// What the payer's account adds, strictly ascending by asset.
    pub funds: Bounded<Amount, FUNDS_MAX>,
    /// The coins to make.
    pub outputs: Bounded<CoinOutput, COIN_OUTPUTS_MAX>,
    /// What becomes of accounts' balances again.
    pub credits: Bounded<Output, CREDITS_MAX>,
}

impl Coins {
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.outputs.is_empty() && self.credits.is_empty() {
            return Err(Fault::NoOutputs);
        }
        check_ascending(&self.inputs)?;
        if !self.funds.is_sorted_by(|a, b| a.asset < b.asset) {
            return Err(Fault::NotAscending);
        }
        check_amounts(self.funds.iter().map(|fund| fund.amount))?;
        check_amounts(self.outputs.iter().map(|output| output.amount.amount))?;
        check_amounts(self.credits.iter().map(|output| output.amount))
    }

    pub(super) fn native_debit(&self) -> Result<u64, Fault> {
        let native = self.funds.iter().filter(|fund| fund.asset == Asset::Native);
        sum(native.map(|fund| fund.amount))
    }
}
