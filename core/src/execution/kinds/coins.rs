//! Coins: spent whole, made under new names, turned into balances and back.
//!
//! Declares the coins to spend and the coins to make, to write; the receivers' balances, to add to;
//! then the payer's balances of the issued assets it adds, to write.

use super::Declarations;
use crate::{
    execution::{
        access::Access,
        cell::{Cell, CellPath, Coin},
        ctx::TxCtx,
        outcome::Failure,
    },
    transaction::{Address, Amount, Asset, CoinId, CoinOutput, Coins, Output, Payer},
    types::Digest,
};

pub(super) fn declare(
    coins: &Coins,
    id: &Digest,
    payer: &Address,
    declarations: &mut Declarations,
) {
    let spent = coins.inputs.iter().map(CellPath::coin);
    let made = names(coins, *id).map(|(name, _)| CellPath::coin(&name));
    declarations.extend(spent.chain(made).map(|path| (path, Access::Write)));
    let credit = |output: &Output| (CellPath::balance(&output.to, &output.asset), Access::Add);
    declarations.extend(coins.credits.iter().map(credit));
    let issued = coins.funds.iter().filter(|fund| fund.asset != Asset::Native);
    declarations.extend(issued.map(|fund| (CellPath::balance(payer, &fund.asset), Access::Write)));
}

pub(super) fn run(ctx: &mut TxCtx<'_>, coins: &Coins) -> Result<(), Failure> {
    let mut tally = Tally::default();
    let mut declared = 0..;
    let mut next = || declared.next().expect("a transaction declares a few hundred cells at most");
    for id in &coins.inputs {
        let coin = spend(ctx, ctx.path(next())?, id)?;
        tally.comes_in(&coin.amount);
    }
    let (id, height) = (ctx.id(), ctx.height());
    for (id, CoinOutput { owner, amount }) in names(coins, id) {
        let coin = Coin { id, owner: *owner, amount: *amount, height };
        ctx.create(ctx.path(next())?, Cell::Coin(coin))?;
        tally.goes_out(amount);
    }
    for Output { asset, amount, .. } in &coins.credits {
        let amount = Amount { asset: *asset, amount: *amount };
        ctx.add(ctx.path(next())?, amount)?;
        tally.goes_out(&amount);
    }
    for fund in &coins.funds {
        match fund.asset {
            Asset::Native => ctx.debit_native(fund.amount)?,
            Asset::Issued(asset) => ctx.debit_issued(ctx.path(next())?, asset, fund.amount)?,
        }
        tally.comes_in(fund);
    }
    if let Payer::Coins { .. } = ctx.body().payer {
        tally.goes_out(&Amount { asset: Asset::Native, amount: ctx.body().fee });
    }
    if tally.is_even() { Ok(()) } else { Err(Failure::Unbalanced) }
}

fn spend(ctx: &mut TxCtx<'_>, path: CellPath, id: &CoinId) -> Result<Coin, Failure> {
    let coin = match ctx.read(&path)? {
        None => return Err(Failure::MissingCoin),
        Some(Cell::Coin(coin)) => *coin,
        Some(other) => panic!("{path:?} should be a coin but is {other:?}"),
    };
    assert_eq!(coin.id, *id, "{path:?} is another coin");
    if coin.owner != ctx.payer_address() {
        return Err(Failure::NotOwner);
    }
    ctx.write(path, None)?;
    Ok(coin)
}

/// The coins to make, with their names.
fn names(coins: &Coins, transaction: Digest) -> impl Iterator<Item = (CoinId, &CoinOutput)> {
    (0..).zip(&coins.outputs).map(move |(index, output)| (CoinId { transaction, index }, output))
}

/// What comes in and goes out of each asset. Sums of hundreds of `u64` fit a `u128`.
#[derive(Default)]
struct Tally(Vec<(Asset, u128, u128)>);

impl Tally {
    fn comes_in(&mut self, amount: &Amount) {
        self.of(amount.asset).1 += u128::from(amount.amount);
    }

    fn goes_out(&mut self, amount: &Amount) {
        self.of(amount.asset).2 += u128::from(amount.amount);
    }

    fn is_even(&self) -> bool {
        self.0.iter().all(|(_, comes_in, goes_out)| comes_in == goes_out)
    }

    fn of(&mut self, asset: Asset) -> &mut (Asset, u128, u128) {
        let place = self.0.iter().position(|(known, ..)| *known == asset).unwrap_or_else(|| {
            self.0.push((asset, 0, 0));
            self.0.len() - 1
        });
        &mut self.0[place]
    }
}
