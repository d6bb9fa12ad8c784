//! Burns: what is destroyed is counted, native tokens once a block and issued ones with their asset.
//!
//! Declares nothing for native tokens. For an issued asset it declares the payer's balance, to write,
//! and the asset, to add to what was destroyed of it.

use super::Declarations;
use crate::{
    execution::{access::Access, cell::CellPath, ctx::TxCtx, outcome::Failure},
    transaction::{Address, Asset, Burn},
};

pub(super) fn declare(burn: &Burn, payer: &Address, declarations: &mut Declarations) {
    if let Asset::Issued(asset) = &burn.burned.asset {
        declarations.push((CellPath::balance(payer, &burn.burned.asset), Access::Write));
        declarations.push((CellPath::asset(asset), Access::Add));
    }
}

pub(super) fn run(ctx: &mut TxCtx<'_>, burn: &Burn) -> Result<(), Failure> {
    match burn.burned.asset {
        Asset::Native => {
            ctx.debit_native(burn.burned.amount)?;
            ctx.burn_native(burn.burned.amount);
            Ok(())
        }
        Asset::Issued(asset) => {
            ctx.debit_issued(ctx.path(0)?, asset, burn.burned.amount)?;
            ctx.add(ctx.path(1)?, burn.burned)
        }
    }
}
