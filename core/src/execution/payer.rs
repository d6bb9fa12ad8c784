//! Whether a transaction may run at all, and what it costs its payer.
//!
//! Whatever is wrong here skips the transaction: nobody has agreed to pay for it, or nobody can.

use super::kinds::Declarations;
use crate::{
    execution::{
        access::Access,
        cell::{Account, Cell, CellPath},
        ctx::TxCtx,
        outcome::Skip,
        transition::Params,
    },
    planted::planted,
    transaction::{Authority, FeeMode, Payer, Signers, Transaction, TransactionBody, VERSION},
};

/// Appends what the payer declares: an account, to write, with its signers, to read, if they sign, and
/// its energy, to write, if it pays; for coins, their owner's signers, to read.
pub(super) fn declare(body: &TransactionBody, declarations: &mut Declarations) {
    let Payer::Account { address, .. } = body.payer else {
        declarations.push((CellPath::multisig(&body.payer.address()), Access::Read));
        return;
    };
    declarations.push((CellPath::account(&address), Access::Write));
    if body.authority == Authority::MultiSig {
        declarations.push((CellPath::multisig(&address), Access::Read));
    }
    if body.fee_mode == FeeMode::Energy {
        declarations.push((CellPath::energy(&address), Access::Write));
    }
}

/// How many cells the payer declares.
pub(super) fn declarations(body: &TransactionBody) -> usize {
    match body.payer {
        Payer::Coins { .. } => 1,
        Payer::Account { .. } => {
            let signers = usize::from(body.authority == Authority::MultiSig);
            1 + signers + usize::from(body.fee_mode == FeeMode::Energy)
        }
    }
}

/// Takes the nonce and the fee.
///
/// Checks the reasons to skip in this order: the bytes alone, then who signs, then the nonce, then
/// whether the fee can be paid.
///
/// # Panics
/// If the payer's cells are not declared, or an account and its signers contradict each other.
pub(super) fn charge(
    ctx: &mut TxCtx<'_>,
    params: &Params,
    transaction: &Transaction,
) -> Result<(), Skip> {
    check_bytes(params, &transaction.body)?;
    match transaction.body.payer {
        Payer::Account { nonce, .. } => charge_account(ctx, transaction, nonce),
        Payer::Coins { .. } => {
            let path = ctx.payer_path(0).expect("the owner's signers are declared first");
            let signers = ctx.signers(&path).expect("the owner's signers are declared");
            check_signers(transaction, signers)?;
            // The coins themselves pay: what goes out of them must be what comes in.
            ctx.set_fee(transaction.body.fee);
            Ok(())
        }
    }
}

fn check_bytes(params: &Params, body: &TransactionBody) -> Result<(), Skip> {
    if body.version != VERSION {
        return Err(Skip::UnknownVersion);
    }
    if body.chain_id != params.chain_id {
        return Err(Skip::WrongChain);
    }
    if body.valid_until < params.height {
        return Err(Skip::Expired);
    }
    if !body.has_fit_payer() {
        return Err(Skip::UnfitPayer);
    }
    Ok(())
}

fn charge_account(ctx: &mut TxCtx<'_>, transaction: &Transaction, nonce: u64) -> Result<(), Skip> {
    let body = &transaction.body;
    let (path, account) = ctx.payer().expect("the payer's account is declared first");
    check_account_signers(ctx, transaction, &account)?;
    if nonce < account.nonce && !planted!(NonceReused) {
        return Err(Skip::NonceUsed);
    }
    if nonce > account.nonce {
        return Err(Skip::NonceGap);
    }
    let nonce = account.nonce.checked_add(1).ok_or(Skip::NonceExhausted)?;
    let balance = account.balance.checked_sub(body.native_fee()).ok_or(Skip::CannotPay)?;
    if body.fee_mode == FeeMode::Energy {
        use_energy(ctx, body)?;
    }
    let account = Account { nonce, balance, ..account };
    ctx.write(path, Some(Cell::Account(account))).expect("the payer's account is declared");
    ctx.set_fee(body.native_fee());
    Ok(())
}

/// Whether those who sign may speak for the account. Looks at the account first, because its signers
/// are declared only by a transaction that says they sign.
fn check_account_signers(
    ctx: &TxCtx<'_>,
    transaction: &Transaction,
    account: &Account,
) -> Result<(), Skip> {
    match (transaction.body.authority, account.authority) {
        (Authority::Key, Authority::Key) => check_signers(transaction, None),
        (Authority::Key, Authority::MultiSig) => Err(Skip::NeedsMultiSig),
        (Authority::MultiSig, Authority::Key) => Err(Skip::NotMultiSig),
        (Authority::MultiSig, Authority::MultiSig) => {
            let path = ctx.payer_path(1).expect("the signers are declared second");
            let signers = ctx.signers(&path).expect("the signers are declared");
            assert!(signers.is_some(), "the account says it has signers: {account:?}");
            check_signers(transaction, signers)
        }
    }
}

/// Exactly the payer's key signs, or exactly as many of its signers as there must.
fn check_signers(transaction: &Transaction, signers: Option<&Signers>) -> Result<(), Skip> {
    let may_act = match (transaction.body.authority, signers) {
        (Authority::Key, None) => transaction.is_signed_by_payer(),
        (Authority::Key, Some(_)) => return Err(Skip::NeedsMultiSig),
        (Authority::MultiSig, None) => return Err(Skip::NotMultiSig),
        (Authority::MultiSig, Some(signers)) => {
            signers.are_satisfied_by(transaction.signatures.iter().map(|one| one.key))
        }
    };
    if may_act || planted!(SignersIgnored) { Ok(()) } else { Err(Skip::WrongKeys) }
}

fn use_energy(ctx: &mut TxCtx<'_>, body: &TransactionBody) -> Result<(), Skip> {
    let nth = 1 + usize::from(body.authority == Authority::MultiSig);
    let path = ctx.payer_path(nth).expect("the energy is declared last");
    let energy = ctx.energy(&path).expect("the energy is declared");
    let height = ctx.height();
    let after = energy.after_use(body.fee, height).ok_or(Skip::NoEnergy)?;
    if body.fee > 0 {
        ctx.write(path, Some(Cell::Energy(after))).expect("the energy is declared");
    }
    Ok(())
}
