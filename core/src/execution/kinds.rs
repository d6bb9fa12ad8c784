//! What each kind of transaction does, through the one door [`TxCtx`].
//!
//! Each file says what its kind declares and what it does with it. `declare` and `run` number the
//! declared cells alike: that is all they share.

use crate::{
    execution::{access::Access, cell::CellPath, ctx::TxCtx, outcome::Failure},
    transaction::{Address, TransactionKind},
    types::Digest,
};

mod burn;
mod coins;
mod energy;
mod issue;
mod multisig;
mod objects;
mod transfer;

/// Cells in the order in which a kind declares them.
pub(super) type Declarations = Vec<(CellPath, Access)>;

/// Appends what a kind declares after what the payer declares.
pub(super) fn declare(
    kind: &TransactionKind,
    id: &Digest,
    payer: &Address,
    declarations: &mut Declarations,
) {
    match kind {
        TransactionKind::Transfer(transfer) => transfer::declare(transfer, payer, declarations),
        TransactionKind::Issue(issue) => issue::declare(issue, id, payer, declarations),
        TransactionKind::Burn(burn) => burn::declare(burn, payer, declarations),
        TransactionKind::Energy(_) => energy::declare(payer, declarations),
        TransactionKind::MultiSig(_) => multisig::declare(payer, declarations),
        TransactionKind::Coins(coins) => coins::declare(coins, id, payer, declarations),
        TransactionKind::Objects(objects) => objects::declare(objects, id, declarations),
    }
}

/// Does what a kind does, its form being checked and its fee being taken.
pub(super) fn run(ctx: &mut TxCtx<'_>) -> Result<(), Failure> {
    match &ctx.body().kind {
        TransactionKind::Transfer(transfer) => transfer::run(ctx, transfer),
        TransactionKind::Issue(issue) => issue::run(ctx, issue),
        TransactionKind::Burn(burn) => burn::run(ctx, burn),
        TransactionKind::Energy(action) => energy::run(ctx, action),
        TransactionKind::MultiSig(action) => multisig::run(ctx, action),
        TransactionKind::Coins(coins) => coins::run(ctx, coins),
        TransactionKind::Objects(objects) => objects::run(ctx, objects),
    }
}

#[cfg(test)]
mod tests;
