//! Signers: whoever speaks for an account now says who does from the next transaction on.
//!
//! Declares the account's signers, to write.

use super::Declarations;
use crate::{
    execution::{
        access::Access,
        cell::{Account, Cell, CellPath},
        ctx::TxCtx,
        outcome::Failure,
    },
    transaction::{Address, Authority, MultiSigAction},
};

pub(super) fn declare(payer: &Address, declarations: &mut Declarations) {
    declarations.push((CellPath::multisig(payer), Access::Write));
}

pub(super) fn run(ctx: &mut TxCtx<'_>, action: &MultiSigAction) -> Result<(), Failure> {
    let (path, account) = ctx.payer()?;
    let (authority, signers) = match action {
        MultiSigAction::Set(signers) => {
            (Authority::MultiSig, Some(Cell::MultiSig(signers.clone())))
        }
        MultiSigAction::Clear if account.authority == Authority::Key => {
            return Err(Failure::NoSigners);
        }
        MultiSigAction::Clear => (Authority::Key, None),
    };
    ctx.write(ctx.path(0)?, signers)?;
    ctx.write(path, Some(Cell::Account(Account { authority, ..account })))
}
