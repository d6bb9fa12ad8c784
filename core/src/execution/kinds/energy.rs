//! Freezing and unfreezing: tokens move between the payer's account and its frozen tokens.
//!
//! Declares the payer's frozen tokens, to write.

use super::Declarations;
use crate::{
    codec::Bounded,
    execution::{
        access::Access,
        cell::{Cell, CellPath},
        ctx::TxCtx,
        energy::{Energy, UNFREEZE_DELAY, UNFREEZES_MAX, Unfreezing},
        outcome::{Detail, Failure},
    },
    transaction::{Address, Amount, Asset, EnergyAction},
    types::Height,
};

pub(super) fn declare(payer: &Address, declarations: &mut Declarations) {
    declarations.push((CellPath::energy(payer), Access::Write));
}

pub(super) fn run(ctx: &mut TxCtx<'_>, action: &EnergyAction) -> Result<(), Failure> {
    let path = ctx.path(0)?;
    let mut energy = ctx.energy(&path)?;
    match action {
        EnergyAction::Freeze { amount } => {
            ctx.debit_native(*amount)?;
            let frozen = energy.frozen.checked_add(*amount);
            energy.frozen = frozen.expect("frozen tokens are part of the supply");
        }
        EnergyAction::Unfreeze { amount } => unfreeze(&mut energy, *amount, ctx.height())?,
        EnergyAction::Withdraw => {
            let amount = withdraw(&mut energy, ctx.height())?;
            ctx.add(ctx.payer_path(0)?, Amount { asset: Asset::Native, amount })?;
            ctx.emit(Detail::Returned(amount));
        }
    }
    let kept = (!energy.is_empty_at(ctx.height())).then_some(Cell::Energy(energy));
    ctx.write(path, kept)
}

fn unfreeze(energy: &mut Energy, amount: u64, height: Height) -> Result<(), Failure> {
    energy.frozen = energy.frozen.checked_sub(amount).ok_or(Failure::NotFrozen)?;
    let mut unfreezing = energy.unfreezing.to_vec();
    if unfreezing.len() == UNFREEZES_MAX {
        return Err(Failure::TooManyUnfreezing);
    }
    unfreezing.push(Unfreezing { amount, ready: height.plus(UNFREEZE_DELAY) });
    energy.unfreezing = Bounded::new(unfreezing);
    Ok(())
}

/// Removes what is ready, and returns how much that is.
fn withdraw(energy: &mut Energy, height: Height) -> Result<u64, Failure> {
    let is_ready = |one: &&Unfreezing| one.ready <= height;
    let amount: u64 = energy.unfreezing.iter().filter(is_ready).map(|one| one.amount).sum();
    if amount == 0 {
        return Err(Failure::NothingToWithdraw);
    }
    let left = energy.unfreezing.iter().filter(|one| !is_ready(one)).copied().collect();
    energy.unfreezing = Bounded::new(left);
    Ok(amount)
}
