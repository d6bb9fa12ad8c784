//! The state, as the driver's single execution lane owns it, and the block transition.
//!
//! A block's transactions run in order, then its evidence is punished, then its fees are settled in
//! one epilogue. The state is a deterministic function of the genesis and the blocks; it is rebuilt
//! from them at restart.

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::Block,
    committee::{Committee, CommitteeError},
    config::Genesis,
    evidence::Evidence,
    execution::{
        access::{Prepared, Slots},
        cell::{Account, Cell, CellKind, CellPath, OffenceRecord, System, SystemKey},
        cells::{Cells, Supply},
        outcome::{ExecutedBlock, Standing},
        overlay::Overlay,
        transition::{Params, exec_tx},
    },
    transaction::{Address, Transaction},
    types::{ChainId, Digest, Height, ValidatorId},
};

/// Why a genesis cannot be executed upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// The validators are no committee.
    #[error("the genesis validators are no committee: {0}")]
    Committee(#[from] CommitteeError),
    /// Two opening balances of one account.
    #[error("account {} has two opening balances; give it one", .0.digest())]
    DuplicateAccount(Address),
    /// Balances and stakes do not add up to a `u64`.
    #[error("opening balances and stakes together are {0}, which exceeds 2^64 - 1")]
    SupplyTooLarge(u128),
}

/// The state after some height.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ExecutionState {
    chain_id: ChainId,
    committee: Committee,
    issued: u128,
    height: Height,
    cells: Cells,
}

impl ExecutionState {
    /// The state of the genesis.
    ///
    /// # Panics
    /// If the genesis is one that [`Self::try_new`] refuses; it was checked when it was loaded.
    #[must_use]
    pub fn new(genesis: &Genesis) -> Self {
        Self::try_new(genesis).expect("the genesis was checked when it was loaded")
    }

    /// The state of the genesis, if it makes sense.
    ///
    /// # Errors
    /// If the validators are no committee, an account appears twice, or all tokens together exceed a
    /// `u64`, which is what makes every later credit safe.
    pub fn try_new(genesis: &Genesis) -> Result<Self, GenesisError> {
        let committee = genesis.committee()?;
        let mut changes = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for account in &genesis.accounts {
            if !seen.insert(account.address) {
                return Err(GenesisError::DuplicateAccount(account.address));
            }
            // An account without tokens or history is one that does not exist.
            if account.balance > 0 {
                let cell = Cell::Account(Account { nonce: 0, balance: account.balance });
                changes.insert(CellPath::account(&account.address), Some(cell));
            }
        }
        for (_, member) in committee.members() {
            let path = CellPath::system(&SystemKey::Stake(member.validator));
            changes.insert(path, Some(Cell::System(System::Stake(member.weight.get()))));
        }
        let mut cells = Cells::default();
        cells.commit(changes.into_iter().collect());
        let issued = cells.supply().total();
        if issued > u128::from(u64::MAX) {
            return Err(GenesisError::SupplyTooLarge(issued));
        }
        Ok(Self { chain_id: genesis.chain_id, committee, issued, height: Height::ZERO, cells })
    }

    /// Executes the next block.
    ///
    /// # Panics
    /// If it is not the next one of this chain, or if tokens appear or vanish.
    pub fn execute(&mut self, block: &Block) -> ExecutedBlock {
        let header = block.header();
        assert_eq!(header.height, self.height.next(), "executing above height {}", self.height);
        assert_eq!(header.chain_id, self.chain_id, "block {} is of another chain", header.height);
        let params = Params { chain_id: self.chain_id, height: header.height };
        let mut overlay = Overlay::new(&self.cells);
        let transactions = &block.payload().transactions;
        let mut outcomes = Vec::with_capacity(transactions.len());
        let mut fees = 0u64;
        for transaction in transactions {
            let prepared = Prepared::new(transaction);
            let slots = Slots::load(&prepared.access, |path| overlay.read(path));
            let effects = exec_tx(&params, &slots, &prepared);
            overlay.fold(&effects);
            fees = fees.checked_add(effects.fee).expect("fees are part of the supply");
            outcomes.push((prepared.id, effects.outcome));
        }
        for evidence in &block.payload().evidence {
            punish(&mut overlay, &self.committee, header.height, evidence);
        }
        settle(&mut overlay, fees);
        let changes = overlay.into_changes();
        let balances = balances(&changes);
        self.cells.commit(changes);
        self.height = header.height;
        let supply = self.cells.supply();
        assert_eq!(supply.total(), self.issued, "height {}: tokens leak: {supply:?}", self.height);
        ExecutedBlock {
            height: self.height,
            state: self.digest(),
            outcomes,
            payers: self.payers(transactions),
            balances,
        }
    }

    /// The last height executed.
    #[must_use]
    pub fn height(&self) -> Height {
        self.height
    }

    /// Commits to every cell. Does not depend on the order or the blocks that made them.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.cells.digest()
    }

    /// Where all native tokens are.
    #[must_use]
    pub fn supply(&self) -> Supply {
        self.cells.supply()
    }

    /// The tokens the genesis issued: what [`Supply::total`] must be at every height.
    #[must_use]
    pub fn issued(&self) -> u128 {
        self.issued
    }

    /// The digest and the supply, worked out from nothing but the cells: for checkers.
    #[must_use]
    pub fn recomputed(&self) -> (Digest, Supply) {
        self.cells.recomputed()
    }

    /// An account; one that does not exist has nonce and balance zero.
    ///
    /// # Panics
    /// If the cell is no account, which its path rules out.
    #[must_use]
    pub fn account(&self, address: &Address) -> Account {
        match self.cells.read(&CellPath::account(address)) {
            None => Account::default(),
            Some(Cell::Account(account)) => *account,
            Some(other) => panic!("{address:?} should be an account but is {other:?}"),
        }
    }

    /// An account's native tokens, in the smallest unit.
    #[must_use]
    pub fn balance(&self, address: &Address) -> u64 {
        self.account(address).balance
    }

    /// The nonce an account's next transaction must carry.
    #[must_use]
    pub fn nonce(&self, address: &Address) -> u64 {
        self.account(address).nonce
    }

    /// What a validator has at stake; `None` if it never had any.
    #[must_use]
    pub fn stake(&self, validator: ValidatorId) -> Option<u64> {
        match self.cells.read(&CellPath::system(&SystemKey::Stake(validator))) {
            Some(Cell::System(System::Stake(amount))) => Some(*amount),
            _ => None,
        }
    }

    /// Every offence proven so far, ascending by validator, epoch and offence.
    #[must_use]
    pub fn offences(&self) -> Vec<OffenceRecord> {
        let record = |cell: &Cell| match cell {
            Cell::System(System::Offence(record)) => Some(*record),
            _ => None,
        };
        let mut found: Vec<OffenceRecord> = self.cells.values().filter_map(record).collect();
        found.sort_unstable();
        found
    }

    fn payers(&self, transactions: &[Transaction]) -> Vec<Standing> {
        let payers: BTreeSet<Address> =
            transactions.iter().map(|transaction| transaction.body.payer).collect();
        let standing = |address: Address| {
            let Account { nonce, balance } = self.account(&address);
            Standing { address, nonce, balance }
        };
        payers.into_iter().map(standing).collect()
    }
}

/// What is in the accounts among these cells; nothing in one that is gone.
fn balances(changes: &[(CellPath, Option<Cell>)]) -> Vec<(CellPath, u64)> {
    let account = |(path, cell): &(CellPath, Option<Cell>)| match cell {
        Some(Cell::Account(account)) => Some((*path, account.balance)),
        None if path.get()[0] == CellKind::Account.code() => Some((*path, 0)),
        _ => None,
    };
    changes.iter().filter_map(account).collect()
}

/// Records an offence and destroys the offender's stake, once per validator, epoch and offence.
///
/// Evidence that proves nothing changes nothing: validators refuse to vote for a block with any, but
/// a block that is final all the same must not stop the chain.
fn punish(overlay: &mut Overlay<'_>, committee: &Committee, height: Height, evidence: &Evidence) {
    let Some(offence) = evidence.offence() else { return };
    let Some(member) = committee.member(evidence.signer()) else { return };
    let (validator, epoch) = (member.validator, evidence.epoch());
    let path = CellPath::system(&SystemKey::Offence(validator, epoch, offence));
    if overlay.read(&path).is_some() {
        return;
    }
    let slashed = overlay.total(&SystemKey::Stake(validator));
    let record = OffenceRecord { validator, epoch, offence, height, slashed };
    overlay.write(path, Some(Cell::System(System::Offence(record))));
    if slashed > 0 {
        let burned = overlay.total(&SystemKey::Burned).checked_add(slashed);
        let burned = burned.expect("burned tokens are part of the supply");
        let stake = CellPath::system(&SystemKey::Stake(validator));
        overlay.write(stake, Some(Cell::System(System::Stake(0))));
        let burned = Cell::System(System::Burned(burned));
        overlay.write(CellPath::system(&SystemKey::Burned), Some(burned));
    }
}

/// Adds a block's fees to the total at once, so that it is no hot cell.
fn settle(overlay: &mut Overlay<'_>, fees: u64) {
    if fees == 0 {
        return;
    }
    let total = overlay.total(&SystemKey::Fees).checked_add(fees);
    let total = total.expect("fees are part of the supply");
    overlay.write(CellPath::system(&SystemKey::Fees), Some(Cell::System(System::Fees(total))));
}
