//! The one function that executes a transaction.
//!
//! [`exec_tx`] is pure: it reads the slots loaded for it and returns what should change. It never
//! touches shared state, so every scheduler calls it and only it. What it may read and change follows
//! from the transaction's bytes alone ([`declare`]).

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    execution::{
        access::{Access, Prepared, Slots},
        cell::{Account, Cell, CellPath},
        outcome::{Failure, Outcome, Skip},
    },
    transaction::{Output, Transaction, TransactionKind, VERSION},
    types::{ChainId, Digest, Height},
};

/// What every transaction of a block is executed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// The chain.
    pub chain_id: ChainId,
    /// The block's height.
    pub height: Height,
}

/// Every use of a cell that a transaction may make: its payer first, then its outputs in order.
///
/// Follows from the bytes alone, and the id for cells that are named by it.
#[must_use]
pub fn declare(transaction: &Transaction, _id: &Digest) -> Vec<(CellPath, Access)> {
    let TransactionKind::Transfer { outputs } = &transaction.body.kind;
    let payer = (CellPath::account(&transaction.body.payer), Access::Write);
    let credits = outputs.iter().map(|output| (CellPath::account(&output.to), Access::Add));
    std::iter::once(payer).chain(credits).collect()
}

/// What a transaction wants changed. Writes come first, then adds.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TxEffects {
    /// Its fate.
    pub outcome: Outcome,
    /// Cells to create or replace, or to remove where there is `None`.
    pub writes: Vec<(CellPath, Option<Cell>)>,
    /// Cells to credit, created if they do not exist.
    pub adds: Vec<(CellPath, u64)>,
    /// Where the payer's tokens go.
    pub ledger: Ledger,
    /// Taken as a fee, to be settled with all others at the end of the block.
    pub fee: u64,
}

impl TxEffects {
    /// Whether what was taken equals what was given.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        let given = u128::from(self.ledger.credited) + u128::from(self.fee);
        u128::from(self.ledger.debited) == given
    }
}

/// What one transaction moves, in native tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ledger {
    /// Taken from accounts.
    pub debited: u64,
    /// Given to accounts.
    pub credited: u64,
}

/// Executes one transaction. The signatures were checked before the block was voted for.
///
/// Checks the reasons to skip in the order of [`Skip`]'s numbers, then the reasons to fail.
///
/// # Panics
/// If `slots` were not loaded from this transaction's access set.
#[must_use]
pub fn exec_tx(params: &Params, slots: &Slots<'_>, prepared: &Prepared<'_>) -> TxEffects {
    let transaction = prepared.transaction;
    let path = *prepared.access.declared(0).expect("the payer is declared first");
    let payer = match slots.get(&prepared.access, &path).expect("the payer is declared") {
        None => Account::default(),
        Some(Cell::Account(account)) => *account,
        Some(other) => panic!("cell {path:?} should be an account but is {other:?}"),
    };
    let nonce = match check_may_run(params, &payer, transaction) {
        Ok(next) => next,
        Err(reason) => return skipped(reason),
    };
    let fee = transaction.body.fee;
    let effects = match transaction.body.amount() {
        Err(fault) => failed(path, &payer, nonce, fee, fault.into()),
        Ok(amount) => transfer(path, &payer, nonce, amount, prepared),
    };
    assert!(effects.is_balanced(), "a transfer leaks: {effects:?}");
    effects
}

/// The payer's next nonce if the transaction may use this one and pay its fee.
fn check_may_run(params: &Params, payer: &Account, transaction: &Transaction) -> Result<u64, Skip> {
    let body = &transaction.body;
    if body.version != VERSION {
        return Err(Skip::UnknownVersion);
    }
    if body.chain_id != params.chain_id {
        return Err(Skip::WrongChain);
    }
    if body.valid_until < params.height {
        return Err(Skip::Expired);
    }
    if !transaction.is_signed_by_payer() {
        return Err(Skip::WrongKeys);
    }
    if body.nonce < payer.nonce {
        return Err(Skip::NonceUsed);
    }
    if body.nonce > payer.nonce {
        return Err(Skip::NonceGap);
    }
    let next = payer.nonce.checked_add(1).ok_or(Skip::NonceExhausted)?;
    if payer.balance < body.fee {
        return Err(Skip::CannotPay);
    }
    Ok(next)
}

fn transfer(
    path: CellPath,
    payer: &Account,
    nonce: u64,
    amount: u64,
    prepared: &Prepared<'_>,
) -> TxEffects {
    let body = &prepared.transaction.body;
    let debited = amount.checked_add(body.fee).expect("the amount was summed with the fee");
    let Some(balance) = payer.balance.checked_sub(debited) else {
        return failed(path, payer, nonce, body.fee, Failure::InsufficientBalance);
    };
    let TransactionKind::Transfer { outputs } = &body.kind;
    let credit = |(nth, output): (usize, &Output)| {
        let path = prepared.access.declared(1 + nth).expect("outputs follow the payer");
        (*path, output.amount)
    };
    TxEffects {
        outcome: Outcome::Applied,
        writes: vec![(path, Some(Cell::Account(Account { nonce, balance })))],
        adds: outputs.iter().enumerate().map(credit).collect(),
        ledger: Ledger { debited, credited: amount },
        fee: body.fee,
    }
}

fn failed(path: CellPath, payer: &Account, nonce: u64, fee: u64, reason: Failure) -> TxEffects {
    let balance = payer.balance.checked_sub(fee).expect("the fee was checked to be payable");
    TxEffects {
        outcome: Outcome::Failed(reason),
        writes: vec![(path, Some(Cell::Account(Account { nonce, balance })))],
        adds: Vec::new(),
        ledger: Ledger { debited: fee, credited: 0 },
        fee,
    }
}

fn skipped(reason: Skip) -> TxEffects {
    TxEffects {
        outcome: Outcome::Skipped(reason),
        writes: Vec::new(),
        adds: Vec::new(),
        ledger: Ledger::default(),
        fee: 0,
    }
}
