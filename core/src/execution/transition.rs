//! The one function that executes a transaction.
//!
//! [`exec_tx`] is pure: it reads the slots loaded for it and returns what should change. It never
//! touches shared state, so every scheduler calls it and only it. What it may read and change follows
//! from the transaction's bytes alone ([`access_set`]).

use std::collections::BTreeMap;

use crate::{
    execution::{
        cell::{Account, Cell, CellPath},
        outcome::{Failure, Outcome, Skip},
    },
    transaction::{Transaction, TransactionKind, VERSION},
    types::{ChainId, Height},
};

/// What every transaction of a block is executed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// The chain.
    pub chain_id: ChainId,
    /// The block's height.
    pub height: Height,
}

/// How a transaction uses a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Adds to its balance without seeing it. Cannot fail, since the supply fits a `u64`.
    Add,
    /// Reads it.
    Read,
    /// Reads and replaces it, and may add to it besides.
    Write,
}

impl Access {
    /// Whether two transactions that use one cell like this must keep their order.
    #[must_use]
    pub fn conflicts(self, other: Self) -> bool {
        self == Self::Write || self != other
    }
}

/// Every cell a transaction may use, with the strongest use of each.
#[must_use]
pub fn access_set(transaction: &Transaction) -> BTreeMap<CellPath, Access> {
    let TransactionKind::Transfer { outputs } = &transaction.body.kind;
    let credits = outputs.iter().map(|output| (CellPath::account(&output.to), Access::Add));
    let mut set: BTreeMap<CellPath, Access> = credits.collect();
    set.insert(CellPath::account(&transaction.body.payer), Access::Write);
    set
}

/// The cells a transaction may read, as they are when its turn comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots(BTreeMap<CellPath, Option<Cell>>);

impl Slots {
    /// Loads what `set` allows to be read.
    pub fn load(
        set: &BTreeMap<CellPath, Access>,
        read: impl Fn(&CellPath) -> Option<Cell>,
    ) -> Self {
        let readable = set.iter().filter(|(_, access)| **access != Access::Add);
        Self(readable.map(|(path, _)| (*path, read(path))).collect())
    }

    /// An account; one that does not exist has nonce and balance zero.
    ///
    /// # Panics
    /// If the cell was not declared, or is no account: the access set or the path is wrong.
    #[must_use]
    pub fn account(&self, path: &CellPath) -> Account {
        match self.0.get(path) {
            Some(None) => Account::default(),
            Some(Some(Cell::Account(account))) => *account,
            Some(Some(other)) => panic!("cell {path:?} should be an account but is {other:?}"),
            None => panic!("cell {path:?} is read but not declared"),
        }
    }
}

/// What a transaction wants changed. Writes come first, then adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxEffects {
    /// Its fate.
    pub outcome: Outcome,
    /// Cells to replace.
    pub writes: Vec<(CellPath, Cell)>,
    /// Accounts to credit, created if they do not exist.
    pub adds: Vec<(CellPath, u64)>,
    /// Where the payer's tokens go.
    pub ledger: Ledger,
}

/// What one transaction moves, in native tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Taken from accounts.
    pub debited: u64,
    /// Given to accounts.
    pub credited: u64,
    /// Taken as a fee.
    pub fee: u64,
}

impl Ledger {
    /// Whether what was taken equals what was given.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        u128::from(self.debited) == u128::from(self.credited) + u128::from(self.fee)
    }
}

/// Executes one transaction. The signatures were checked before the block was voted for.
///
/// Checks the reasons to skip in the order of [`Skip`]'s numbers, then the reasons to fail.
///
/// # Panics
/// If `slots` were not loaded from this transaction's access set.
#[must_use]
pub fn exec_tx(params: &Params, slots: &Slots, transaction: &Transaction) -> TxEffects {
    let path = CellPath::account(&transaction.body.payer);
    let payer = slots.account(&path);
    let nonce = match check_may_run(params, &payer, transaction) {
        Ok(next) => next,
        Err(reason) => return skipped(reason),
    };
    let fee = transaction.body.fee;
    let effects = match transaction.body.amount() {
        Err(fault) => failed(path, &payer, nonce, fee, fault.into()),
        Ok(amount) => transfer(path, &payer, nonce, amount, transaction),
    };
    assert!(effects.ledger.is_balanced(), "a transfer leaks: {:?}", effects.ledger);
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
    transaction: &Transaction,
) -> TxEffects {
    let fee = transaction.body.fee;
    let debited = amount.checked_add(fee).expect("the amount was summed together with the fee");
    let Some(balance) = payer.balance.checked_sub(debited) else {
        return failed(path, payer, nonce, fee, Failure::InsufficientBalance);
    };
    let TransactionKind::Transfer { outputs } = &transaction.body.kind;
    let credit =
        |output: &crate::transaction::Output| (CellPath::account(&output.to), output.amount);
    TxEffects {
        outcome: Outcome::Applied,
        writes: vec![(path, Cell::Account(Account { nonce, balance }))],
        adds: outputs.iter().map(credit).collect(),
        ledger: Ledger { debited, credited: amount, fee },
    }
}

fn failed(path: CellPath, payer: &Account, nonce: u64, fee: u64, reason: Failure) -> TxEffects {
    let balance = payer.balance.checked_sub(fee).expect("the fee was checked to be payable");
    TxEffects {
        outcome: Outcome::Failed(reason),
        writes: vec![(path, Cell::Account(Account { nonce, balance }))],
        adds: Vec::new(),
        ledger: Ledger { debited: fee, credited: 0, fee },
    }
}

fn skipped(reason: Skip) -> TxEffects {
    TxEffects {
        outcome: Outcome::Skipped(reason),
        writes: Vec::new(),
        adds: Vec::new(),
        ledger: Ledger::default(),
    }
}
