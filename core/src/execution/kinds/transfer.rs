//! Transfers: everything is taken from the payer first, so nobody pays with what they are paid by the
//! same transaction.
//!
//! Declares the balance of each output's receiver, to add to; then the payer's balance of each issued
//! asset, in the order the outputs first name them.

use super::Declarations;
use crate::{
    execution::{access::Access, cell::CellPath, ctx::TxCtx, outcome::Failure},
    planted::planted,
    transaction::{Address, Amount, Asset, AssetId, Output, Transfer},
};

pub(super) fn declare(transfer: &Transfer, payer: &Address, declarations: &mut Declarations) {
    let credit = |output: &Output| (CellPath::balance(&output.to, &output.asset), Access::Add);
    declarations.extend(transfer.outputs.iter().map(credit));
    let debit = |asset| (CellPath::balance(payer, &Asset::Issued(asset)), Access::Write);
    declarations.extend(issued(transfer).into_iter().map(debit));
}

pub(super) fn run(ctx: &mut TxCtx<'_>, transfer: &Transfer) -> Result<(), Failure> {
    let native = transfer.outputs.iter().filter(|output| output.asset == Asset::Native);
    ctx.debit_native(native.map(|output| output.amount).sum())?;
    for (nth, asset) in issued(transfer).into_iter().enumerate() {
        let path = ctx.path(transfer.outputs.len() + nth)?;
        let of_asset = |output: &&Output| output.asset == Asset::Issued(asset);
        for output in transfer.outputs.iter().filter(of_asset) {
            ctx.debit_issued(path, asset, output.amount)?;
        }
    }
    for (nth, output) in transfer.outputs.iter().enumerate() {
        let Output { asset, mut amount, .. } = *output;
        if nth > 0 && planted!(CreditDropped) {
            break;
        }
        amount += u64::from(planted!(TokensMinted));
        ctx.add(ctx.path(nth)?, Amount { asset, amount })?;
    }
    Ok(())
}

/// The issued assets that a transfer moves, in the order it first names them.
fn issued(transfer: &Transfer) -> Vec<AssetId> {
    let mut found = Vec::new();
    for output in &transfer.outputs {
        if let Asset::Issued(asset) = output.asset
            && !found.contains(&asset)
        {
            found.push(asset);
        }
    }
    found
}
