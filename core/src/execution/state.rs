//! The state, as the driver's single execution lane owns it, and the block transition.
//!
//! A block names the cells it needs ([`ExecutionState::begin`]); with them its transactions run as if in
//! order, then one epilogue punishes its evidence and settles its fees ([`ExecutionState::finish`]).
//! [`ExecutionState::execute`] is both, on the cells held here. The state is a deterministic function of the genesis and the blocks; it is rebuilt
//! from them at restart.

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::Block,
    checkpoint::Checkpoint,
    codec::Bounded,
    committee::{Committee, CommitteeError},
    config::Genesis,
    execution::{
        access::Prepared,
        anchor::{CellProof, CellsProof},
        assets::AssetSupply,
        cell::{Account, Cell, CellKind, CellPath, OffenceRecord, System, SystemKey},
        cells::{Cells, Supply},
        checkpoints::Checkpointing,
        commitment::Commitment,
        epilogue::{self, Spent},
        ledger::flows_of_issued,
        outcome::{ExecutedBlock, Outcome, Standing},
        overlay::Overlay,
        prefetch::{CellSource, ReadError},
        schedule::{Executor, Options, Parallel},
        transition::{Params, TxEffects},
        undo::{RollbackError, Undo},
        work::{Done, Work},
    },
    merkle,
    transaction::{Address, AssetId, Authority, CoinId, Signers, TransactionKind},
    tree::{Path, PathProof},
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

/// Why cells are not the state of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The chain cannot have begun.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// Tokens appeared or vanished.
    #[error("the cells hold {held} tokens but the genesis issued {issued}")]
    Supply {
        /// By the genesis.
        issued: u128,
        /// By the cells.
        held: u128,
    },
    /// Tokens of an issued asset appeared or vanished.
    #[error("of asset {} {:?} are there, which is not what was issued", .0.digest(), .1)]
    Asset(AssetId, AssetSupply),
    /// A cell is not beyond the one before it.
    #[error("the cell at {0:?} is not beyond the one before it")]
    Order(CellPath),
    /// A cell is at a path of another kind.
    #[error("the cell at {0:?} is of another kind than its path")]
    Kind(CellPath),
    /// What a height replaced was not kept, though it was of heights before it or after it.
    #[error("what height {0} replaced is missing")]
    Undo(Height),
}

/// The state after some height.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ExecutionState {
    chain_id: ChainId,
    committee: Committee,
    issued: u128,
    height: Height,
    cells: Cells,
    checkpoints: Checkpointing,
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
                let cell = Cell::Account(Account::with_balance(account.balance));
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
        let checkpoints = Checkpointing::new(genesis.parameters.checkpoint_interval);
        Ok(Self {
            chain_id: genesis.chain_id,
            committee,
            issued,
            height: Height::ZERO,
            cells,
            checkpoints,
        })
    }

    /// Executes the next block in order, on the cells held here.
    ///
    /// # Panics
    /// If it is not the next one of this chain, or if tokens appear or vanish.
    pub fn execute(&mut self, block: &Block) -> ExecutedBlock {
        self.execute_on(block, &mut Executor::inline(Options::default()))
    }

    /// As [`Self::execute`], on an executor.
    ///
    /// # Panics
    /// As [`Self::execute`].
    pub fn execute_on<P: Parallel>(
        &mut self,
        block: &Block,
        executor: &mut Executor<P>,
    ) -> ExecutedBlock {
        let work = self.begin(block, executor);
        let cells = work.paths().iter().map(|path| self.cells.read(path).cloned()).collect();
        self.run(&work, cells, executor).0
    }

    /// Prepares the next block and names the cells it needs.
    ///
    /// # Panics
    /// If it is not the next one of this chain.
    #[must_use]
    pub fn begin<'a, P: Parallel>(&self, block: &'a Block, executor: &Executor<P>) -> Work<'a> {
        let header = block.header();
        assert_eq!(header.height, self.height.next(), "executing above height {}", self.height);
        assert_eq!(header.chain_id, self.chain_id, "block {} is of another chain", header.height);
        Work::new(block, &self.committee, executor.parallel())
    }

    /// Executes a prepared block on the cells it needs, in the order of [`Work::paths`].
    ///
    /// # Panics
    /// If it is not the next one any more, there is not one cell per path, or tokens appear or vanish.
    pub fn finish<P: Parallel>(
        &mut self,
        work: &Work<'_>,
        cells: Vec<Option<Cell>>,
        executor: &mut Executor<P>,
    ) -> Done {
        let (executed, overlay) = self.run(work, cells, executor);
        let before = |(path, before, _): (&CellPath, Option<&Cell>, _)| (*path, before.cloned());
        let undo = overlay.changed().map(before).collect();
        Done { executed, writes: overlay.changes(), undo }
    }

    /// The cells held here, to read blocks' cells from.
    #[must_use]
    pub fn source(&self) -> HeldCells<'_> {
        HeldCells(&self.cells)
    }

    fn run<P: Parallel>(
        &mut self,
        work: &Work<'_>,
        cells: Vec<Option<Cell>>,
        executor: &mut Executor<P>,
    ) -> (ExecutedBlock, Overlay) {
        let header = work.block.header();
        assert_eq!(header.height, self.height.next(), "executing above height {}", self.height);
        let (payload, prepared) = (work.block.payload(), &work.prepared);
        let params = Params { chain_id: self.chain_id, height: header.height };
        let mut overlay = Overlay::new(work.paths().to_vec(), cells);
        let effects =
            executor.run(&params, prepared, &work.plan, &mut overlay, &payload.transactions);
        assert_eq!(effects.len(), prepared.len(), "one result per transaction");
        let fees = effects.iter().map(|one| u128::from(one.fee)).sum();
        let burned = effects.iter().map(|one| u128::from(one.ledger.native.burned)).sum();
        check_ledger(&overlay, fees + burned, header.height);
        let fit = |sum: u128| u64::try_from(sum).expect("what was spent is part of the supply");
        let spent = Spent { fees: fit(fees), burned: fit(burned) };
        epilogue::run(&mut overlay, &self.committee, header.height, payload, spent);
        let changes = overlay.changes();
        let balances = balances(&changes);
        let flows = flows_of_issued(effects.iter().map(|one| &one.ledger));
        self.cells.commit_block(header.height, changes, &flows);
        self.height = header.height;
        let supply = self.cells.supply();
        assert_eq!(supply.total(), self.issued, "height {}: tokens leak: {supply:?}", self.height);
        let outcomes = prepared.iter().zip(&effects).map(|(one, done)| (one.id, done.outcome));
        let payers = work.payers().into_iter().map(|(address, path)| self.standing(address, &path));
        let (commitment, outcomes, payers) =
            (self.cells.commitment(), outcomes.collect(), payers.collect());
        let mut executed = ExecutedBlock::new(self.height, commitment, outcomes, payers, balances);
        executed.spent = spent_coins(prepared, &effects);
        let committee = self.committee.digest();
        executed.checkpoint = self.checkpoints.on_executed(work.block, &executed, committee);
        (executed, overlay)
    }

    /// The last height executed.
    #[must_use]
    pub fn height(&self) -> Height {
        self.height
    }

    /// The root of the state: commits to every cell, and does not depend on the blocks that made them.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.cells.digest()
    }

    /// The last few checkpoints, ascending.
    #[must_use]
    pub fn checkpoints(&self) -> Vec<Checkpoint> {
        self.checkpoints.made().copied().collect()
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

    /// All that the state is known by.
    #[must_use]
    pub fn commitment(&self) -> &Commitment {
        self.cells.commitment()
    }

    /// The same, worked out from nothing but the cells: for checkers.
    #[must_use]
    pub fn recomputed(&self) -> Commitment {
        self.cells.recomputed()
    }

    /// Takes back all blocks above `height`; one that is not below the last block changes nothing.
    ///
    /// # Errors
    /// If `height` is more than [`UNDO_HEIGHTS`] below the last block, or below where this state began.
    /// Then nothing changes.
    ///
    /// [`UNDO_HEIGHTS`]: super::UNDO_HEIGHTS
    pub fn rollback(&mut self, height: Height) -> Result<(), RollbackError> {
        self.cells.rollback(height)?;
        self.checkpoints.rollback(height);
        self.height = self.height.min(height);
        Ok(())
    }

    /// What is at a path, with a proof of it, or that there is nothing. See [`super::verify_cell`].
    ///
    /// # Panics
    /// Never: a leaf of the tree is a cell.
    #[must_use]
    pub fn prove(&self, path: &CellPath) -> (Option<Cell>, PathProof) {
        let cell = self.cells.read(path).cloned();
        let proof = self.cells.tree().prove(path.get(), |other| self.cells.element_at(other));
        (cell, proof)
    }

    /// As [`Self::prove`], for whoever holds a certificate of this state's root.
    #[must_use]
    pub fn prove_cell(&self, path: &CellPath) -> CellProof {
        let (cell, way) = self.prove(path);
        CellProof { cell, way }
    }

    /// As [`Self::prove_cell`], of the state after an earlier height, without going back there.
    ///
    /// `None` if that height is not executed yet or more than [`UNDO_HEIGHTS`] ago, or if more than
    /// `replaced_max` cells were replaced since, which is what the work grows with.
    ///
    /// [`UNDO_HEIGHTS`]: super::UNDO_HEIGHTS
    #[must_use]
    pub fn prove_cell_after(
        &self,
        height: Height,
        path: &CellPath,
        replaced_max: usize,
    ) -> Option<CellProof> {
        if height > self.height {
            return None;
        }
        let (cell, way) = self.cells.prove_past(path, height, replaced_max)?;
        Some(CellProof { cell, way })
    }

    /// What is at many paths, with one proof. Order and repetitions do not matter.
    ///
    /// # Panics
    /// If there are more than [`crate::tree::PATHS_MAX`] paths.
    #[must_use]
    pub fn prove_cells(&self, paths: &[CellPath]) -> CellsProof {
        let mut paths = paths.to_vec();
        paths.sort_unstable();
        paths.dedup();
        let raw: Vec<Path> = paths.iter().map(|path| *path.get()).collect();
        let way = self.cells.tree().prove_many(&raw, |other| self.cells.element_at(other));
        let cells = paths.into_iter().map(|path| (path, self.cells.read(&path).cloned()));
        CellsProof { cells: Bounded::new(cells.collect()), way }
    }

    /// The checkpoint that says what happened at `height`, and the proof that the receipts root of that
    /// height is among those it commits to: half of a [`super::ReceiptProof`], whose other half is
    /// [`crate::merkle::prove`] over [`ExecutedBlock::receipts`].
    ///
    /// `None` if that checkpoint is not made yet, or so long ago that it is forgotten.
    #[must_use]
    pub fn prove_receipts(&self, height: Height) -> Option<(Checkpoint, merkle::Proof)> {
        self.checkpoints.prove_receipts(height)
    }

    /// The state after `height` of a chain that began with `genesis`, if these are its cells.
    ///
    /// # Errors
    /// If the genesis is bad, or the cells hold more or less than was issued of native tokens or of an
    /// asset.
    pub(super) fn restored(
        genesis: &Genesis,
        height: Height,
        mut cells: Cells,
    ) -> Result<Self, RestoreError> {
        let Self { chain_id, committee, issued, checkpoints, .. } = Self::try_new(genesis)?;
        let held = cells.supply().total();
        if held != issued {
            return Err(RestoreError::Supply { issued, held });
        }
        if let Some((asset, supply)) = cells.unbalanced_asset() {
            return Err(RestoreError::Asset(asset, supply));
        }
        cells.begin_at(height);
        Ok(Self { chain_id, committee, issued, height, cells, checkpoints })
    }

    pub(super) fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Puts back what is remembered of earlier blocks.
    pub(super) fn recall(&mut self, undo: Undo, checkpoints: Checkpointing) {
        self.cells.recall(undo);
        self.checkpoints = checkpoints;
    }

    /// Where the tokens of every asset are of which anything was ever issued, kept block by block.
    #[must_use]
    pub fn asset_supplies(&self) -> &BTreeMap<AssetId, AssetSupply> {
        self.cells.asset_supplies()
    }

    /// The same, counted from nothing but the cells: for checkers.
    #[must_use]
    pub fn recounted_assets(&self) -> BTreeMap<AssetId, AssetSupply> {
        self.cells.recounted_assets().into_supplies()
    }

    /// A cell; `None` if there is none at that path.
    #[must_use]
    pub fn cell(&self, path: &CellPath) -> Option<&Cell> {
        self.cells.read(path)
    }

    /// All cells, ascending by path.
    pub fn all_cells(&self) -> impl Iterator<Item = &Cell> {
        self.cells.values()
    }

    /// An account; one that does not exist has nonce and balance zero.
    ///
    /// # Panics
    /// If the cell is no account, which its path rules out.
    #[must_use]
    pub fn account(&self, address: &Address) -> Account {
        let path = CellPath::account(address);
        match self.cells.read(&path) {
            None => Account::default(),
            Some(cell) => *account_at(&path, cell),
        }
    }

    /// Whose signatures an account takes; `None` if its own key's.
    ///
    /// # Panics
    /// If the cell is something else, which its path rules out.
    #[must_use]
    pub fn signers(&self, address: &Address) -> Option<&Signers> {
        let path = CellPath::multisig(address);
        match self.cells.read(&path)? {
            Cell::MultiSig(signers) => Some(signers),
            other => panic!("{path:?} should be signers but is {other:?}"),
        }
    }

    /// How the account at a path stands. Looks for its signers only where there are some.
    fn standing(&self, address: Address, path: &CellPath) -> Standing {
        let account = self.cells.read(path).map(|cell| *account_at(path, cell)).unwrap_or_default();
        let signers = match account.authority {
            Authority::Key => None,
            Authority::MultiSig => self.signers(&address).cloned(),
        };
        Standing { address, nonce: account.nonce, balance: account.balance, signers }
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
}

/// The cells of a state, as a source.
#[derive(Clone, Copy, Debug)]
pub struct HeldCells<'a>(&'a Cells);

impl CellSource for HeldCells<'_> {
    fn fetch(&mut self, paths: &[CellPath]) -> Result<Vec<Option<Cell>>, ReadError> {
        Ok(paths.iter().map(|path| self.0.read(path).cloned()).collect())
    }
}

/// The coins that transactions with these effects spent, ascending.
fn spent_coins(prepared: &[Prepared<'_>], effects: &[TxEffects]) -> Vec<CoinId> {
    let all = prepared.iter().zip(effects);
    let applied = all.filter(|(_, done)| done.outcome == Outcome::Applied);
    let inputs = |one: &Prepared<'_>| match &one.transaction.body.kind {
        TransactionKind::Coins(coins) => coins.inputs.to_vec(),
        _ => Vec::new(),
    };
    let mut spent: Vec<CoinId> = applied.flat_map(|(one, _)| inputs(one)).collect();
    spent.sort_unstable();
    spent
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

/// The block's ledger before its epilogue: what left the cells is what was taken as fees or burned.
fn check_ledger(overlay: &Overlay, spent: u128, height: Height) {
    let held = |cell: Option<&Cell>| cell.map_or(0, |cell| Supply::of(cell).total());
    let (mut before, mut after) = (0u128, 0u128);
    for (_, old, new) in overlay.changed() {
        before += held(old);
        after += held(new);
    }
    if before != after + spent {
        let changes: Vec<_> = overlay.changed().collect();
        panic!("height {height}: {before} became {after}, {spent} were spent: {changes:#?}");
    }
}

fn account_at<'a>(path: &CellPath, cell: &'a Cell) -> &'a Account {
    match cell {
        Cell::Account(account) => account,
        other => panic!("{path:?} should be an account but is {other:?}"),
    }
}
