//! The only door through which transactions touch the state.
//!
//! A kind reads, writes, adds and emits here and nowhere else, so whatever it does is within its
//! access set, and its tokens are counted by somebody else ([`super::ledger`]). Nothing is changed:
//! what a kind wants is gathered, and taken whole at the end or dropped.

use crate::{
    execution::{
        access::{Access, Prepared, Slots, Undeclared},
        cell::{Account, Cell, CellPath},
        energy::Energy,
        ledger::Ledger,
        outcome::{Detail, Failure, Outcome},
        transition::{Params, TxEffects},
    },
    transaction::{Address, Amount, Asset, AssetId, Signers, TransactionBody},
    types::{Digest, Height},
};

/// One transaction's view of the state, and what it wants changed.
#[derive(Clone, Debug)]
pub struct TxCtx<'a> {
    params: &'a Params,
    slots: &'a Slots<'a>,
    prepared: &'a Prepared<'a>,
    /// How many declarations the payer has before the kind's own.
    payer_declarations: usize,
    writes: Vec<(CellPath, Option<Cell>)>,
    adds: Vec<(CellPath, Amount)>,
    ledger: Ledger,
    fee: u64,
    details: Vec<Detail>,
}

impl From<Undeclared> for Failure {
    fn from(_: Undeclared) -> Self {
        Self::UndeclaredAccess
    }
}

impl<'a> TxCtx<'a> {
    /// Nothing done yet.
    pub(super) fn new(
        params: &'a Params,
        slots: &'a Slots<'a>,
        prepared: &'a Prepared<'a>,
        payer_declarations: usize,
    ) -> Self {
        Self {
            params,
            slots,
            prepared,
            payer_declarations,
            writes: Vec::new(),
            adds: Vec::new(),
            ledger: Ledger::default(),
            fee: 0,
            details: Vec::new(),
        }
    }

    /// What is executed.
    #[must_use]
    pub fn body(&self) -> &'a TransactionBody {
        &self.prepared.transaction.body
    }

    /// The id of what is executed.
    #[must_use]
    pub fn id(&self) -> Digest {
        self.prepared.id
    }

    /// Who pays: the account, or the owner of the coins.
    #[must_use]
    pub fn payer_address(&self) -> Address {
        self.body().payer.address()
    }

    /// The height of the block.
    #[must_use]
    pub fn height(&self) -> Height {
        self.params.height
    }

    /// The path of the `nth` cell that the kind declares.
    ///
    /// # Errors
    /// If it declares fewer.
    pub fn path(&self, nth: usize) -> Result<CellPath, Failure> {
        let path = self.prepared.access.declared(self.payer_declarations + nth);
        path.copied().ok_or(Failure::UndeclaredAccess)
    }

    /// The path of the `nth` cell that the payer declares, whatever the kind.
    ///
    /// # Errors
    /// If it declares fewer.
    pub fn payer_path(&self, nth: usize) -> Result<CellPath, Failure> {
        let nth = Some(nth).filter(|nth| *nth < self.payer_declarations);
        let path = nth.and_then(|nth| self.prepared.access.declared(nth));
        path.copied().ok_or(Failure::UndeclaredAccess)
    }

    /// A cell as this transaction sees it: with what it has written itself.
    ///
    /// # Errors
    /// If it may not be read.
    pub fn read(&self, path: &CellPath) -> Result<Option<&Cell>, Failure> {
        let written = self.writes.iter().find(|(known, _)| known == path);
        match written {
            Some((_, cell)) => Ok(cell.as_ref()),
            None => Ok(self.slots.get(&self.prepared.access, path)?),
        }
    }

    /// Creates or replaces a cell, or removes it.
    ///
    /// # Errors
    /// If it may not be written.
    pub fn write(&mut self, path: CellPath, cell: Option<Cell>) -> Result<(), Failure> {
        if let Some((_, now)) = self.writes.iter_mut().find(|(known, _)| *known == path) {
            self.ledger.replace(now.as_ref(), cell.as_ref());
            *now = cell;
            return Ok(());
        }
        if self.prepared.access.access(&path) != Some(Access::Write) {
            return Err(Failure::UndeclaredAccess);
        }
        let before = self.slots.get(&self.prepared.access, &path)?;
        self.ledger.replace(before, cell.as_ref());
        self.writes.push((path, cell));
        Ok(())
    }

    /// Adds to a cell, which is created if it does not exist. Cannot fail for want of room: what is
    /// ever issued of an asset fits a `u64`.
    ///
    /// # Errors
    /// If it may not be added to.
    pub fn add(&mut self, path: CellPath, added: Amount) -> Result<(), Failure> {
        match self.prepared.access.access(&path) {
            Some(Access::Add) => {
                self.ledger.add(&path, &added);
                self.adds.push((path, added));
                Ok(())
            }
            // What is read anyway is added to on the spot, so that it is written once.
            Some(Access::Write) => {
                let cell = Cell::credited(self.read(&path)?.cloned(), &path, &added);
                self.write(path, Some(cell))
            }
            Some(Access::Read) | None => Err(Failure::UndeclaredAccess),
        }
    }

    /// Tells whoever asks for the outcome something that the transaction's bytes do not.
    pub fn emit(&mut self, detail: Detail) {
        self.details.push(detail);
    }

    /// Creates a cell whose path follows from this transaction's id.
    ///
    /// # Errors
    /// If it may not be written.
    ///
    /// # Panics
    /// If it exists: ids never come twice.
    pub fn create(&mut self, path: CellPath, cell: Cell) -> Result<(), Failure> {
        let before = self.read(&path)?;
        assert_eq!(before, None, "{path:?} is named after a transaction that runs only now");
        self.write(path, Some(cell))
    }

    /// The payer's account.
    ///
    /// # Errors
    /// If an account does not pay.
    ///
    /// # Panics
    /// If another kind of cell lies on an account's path.
    pub fn payer(&self) -> Result<(CellPath, Account), Failure> {
        let path = self.payer_path(0)?;
        match self.read(&path)? {
            None => Ok((path, Account::default())),
            Some(Cell::Account(account)) => Ok((path, *account)),
            Some(other) => panic!("{path:?} should be an account but is {other:?}"),
        }
    }

    /// Frozen tokens; none if there is no such cell.
    ///
    /// # Errors
    /// If they may not be read.
    ///
    /// # Panics
    /// If another kind of cell lies on their path.
    pub fn energy(&self, path: &CellPath) -> Result<Energy, Failure> {
        match self.read(path)? {
            None => Ok(Energy::default()),
            Some(Cell::Energy(energy)) => Ok(energy.clone()),
            Some(other) => panic!("{path:?} should be frozen tokens but is {other:?}"),
        }
    }

    /// Whose signatures an account takes; `None` if its own key's.
    ///
    /// # Errors
    /// If they may not be read.
    ///
    /// # Panics
    /// If another kind of cell lies on their path.
    pub fn signers(&self, path: &CellPath) -> Result<Option<&Signers>, Failure> {
        match self.read(path)? {
            None => Ok(None),
            Some(Cell::MultiSig(signers)) => Ok(Some(signers)),
            Some(other) => panic!("{path:?} should be signers but is {other:?}"),
        }
    }

    /// Takes native tokens from the payer's account.
    ///
    /// # Errors
    /// If it holds fewer.
    pub fn debit_native(&mut self, amount: u64) -> Result<(), Failure> {
        let (path, account) = self.payer()?;
        let balance = account.balance.checked_sub(amount).ok_or(Failure::InsufficientBalance)?;
        self.write(path, Some(Cell::Account(Account { balance, ..account })))
    }

    /// Takes an issued asset from a balance, which is removed if nothing is left.
    ///
    /// # Errors
    /// If it holds less.
    ///
    /// # Panics
    /// If another kind of cell lies on a balance's path.
    pub fn debit_issued(
        &mut self,
        path: CellPath,
        asset: AssetId,
        amount: u64,
    ) -> Result<(), Failure> {
        let mut balance = match self.read(&path)? {
            None => return Err(Failure::InsufficientBalance),
            Some(Cell::Balance(balance)) => *balance,
            Some(other) => panic!("{path:?} should be a balance but is {other:?}"),
        };
        assert_eq!(balance.asset, asset, "the balance at {path:?} is of another asset");
        balance.amount = balance.amount.checked_sub(amount).ok_or(Failure::InsufficientBalance)?;
        self.write(path, (balance.amount > 0).then_some(Cell::Balance(balance)))
    }

    /// Takes an amount from the payer, whose balance of it lies at `path`.
    ///
    /// # Errors
    /// If it holds less.
    pub fn debit(&mut self, path: CellPath, taken: &Amount) -> Result<(), Failure> {
        match taken.asset {
            Asset::Native => self.debit_native(taken.amount),
            Asset::Issued(asset) => self.debit_issued(path, asset, taken.amount),
        }
    }

    /// Destroys native tokens that were taken from somewhere.
    pub fn burn_native(&mut self, amount: u64) {
        self.ledger.burn_native(amount);
    }

    /// Sets what was taken as a fee, from wherever.
    pub(super) fn set_fee(&mut self, fee: u64) {
        self.fee = fee;
    }

    /// What is to be done.
    ///
    /// # Panics
    /// If tokens appear or vanish: our own error, whatever the transaction is.
    pub(super) fn finish(self, outcome: Outcome) -> TxEffects {
        let effects = TxEffects {
            outcome,
            writes: self.writes,
            adds: self.adds,
            ledger: self.ledger,
            fee: self.fee,
            details: self.details,
        };
        assert!(effects.is_balanced(), "{:?} leaks: {effects:?}", self.prepared.transaction);
        effects
    }
}

#[cfg(test)]
mod tests;
