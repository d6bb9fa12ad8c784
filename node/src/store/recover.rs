//! Starting again: the state from its cells, what was decided above it executed again, and everything else
//! that a replica starts from.
//!
//! The state must have the digest that was stored with it, and every checkpoint computed here must be the
//! one that a quorum certified. If not, what is known is written down and nothing is changed.

use std::sync::Arc;

use quorate_core::{
    block::Block,
    certificate::Certificate,
    checkpoint::Checkpoint,
    config::Genesis,
    evidence::Evidence,
    execution::{
        ExecutionState, Executor, Kept, KeptRoots, Options, UNDO_HEIGHTS,
        cell::{Cell, CellPath},
        prefetch::read_all,
    },
    proof::CommitProof,
    store::{Finalized, Recovered, RecoveredTip, SignerRecord},
    types::Height,
};

use super::{
    Store,
    columns::Column,
    error::StoreError,
    guard,
    keys::{self, Key},
    values::Committed,
};

/// What a node starts from.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// The state after the last final block.
    pub execution: ExecutionState,
    /// Blocks that were executed again to get there.
    pub executed_again: u64,
    consensus: ConsensusRows,
}

/// What consensus has written: see the fields of [`Recovered`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConsensusRows {
    finalized: Option<RecoveredTip>,
    head: Option<Arc<Block>>,
    certificates: Vec<Certificate>,
    blocks: Vec<Arc<Block>>,
    proofs: Vec<CommitProof>,
    evidence: Vec<Evidence>,
    checkpoint: Option<Certificate<Checkpoint>>,
}

impl Recovery {
    /// What a replica starts from, with what the driver found of the signer's record.
    #[must_use]
    pub fn recovered(&self, signer: SignerRecord) -> Recovered {
        self.consensus.clone().recovered(signer, self.execution.checkpoints())
    }
}

impl ConsensusRows {
    pub(super) fn recovered(self, signer: SignerRecord, computed: Vec<Checkpoint>) -> Recovered {
        let Self { finalized, head, certificates, blocks, proofs, evidence, checkpoint } = self;
        Recovered {
            finalized,
            head,
            certificates,
            blocks,
            proofs,
            evidence,
            checkpoint,
            computed,
            signer,
        }
    }
}

impl Store {
    /// Puts together what a node starts from. Blocks that were decided but whose execution was lost are
    /// executed again, in order, and committed.
    ///
    /// # Errors
    /// If the disk fails, something is damaged or missing, the cells are not the state whose digest was
    /// stored with them, or a quorum certified another result.
    ///
    /// # Panics
    /// If `genesis` is not the one the store was opened with, or tokens appear or vanish in a block.
    pub fn recover(&self, genesis: &Genesis) -> Result<Recovery, StoreError> {
        guard::check();
        assert!(!self.0.database.is_read_only(), "opened to be looked at only");
        self.put_together(genesis)
    }

    /// As [`Self::recover`]. What is executed again is committed unless the store is only looked at.
    pub(super) fn put_together(&self, genesis: &Genesis) -> Result<Recovery, StoreError> {
        assert_eq!(genesis.digest(), self.genesis_digest(), "opened with another genesis");
        let mut execution = self.restore()?;
        for computed in execution.checkpoints() {
            self.check_against_certified(&computed)?;
        }
        let executed_again = self.execute_again(&mut execution)?;
        let consensus = self.consensus_rows()?;
        Ok(Recovery { execution, executed_again, consensus })
    }

    /// The state after the last height committed, from its cells.
    pub(super) fn restore(&self) -> Result<ExecutionState, StoreError> {
        let committed = self.committed()?;
        let kept = self.kept(committed.height)?;
        let restored = ExecutionState::restore(&self.0.genesis, kept);
        let state = restored.map_err(|error| self.corrupt("the state", error.to_string()))?;
        self.check_state(&committed, &state)?;
        Ok(state)
    }

    fn check_state(&self, stored: &Committed, state: &ExecutionState) -> Result<(), StoreError> {
        let found = state.commitment();
        if *found == stored.commitment {
            return Ok(());
        }
        let dump = self.dump_other_state(stored, found);
        let (height, stored, found) = (stored.height, stored.commitment.root, found.root);
        Err(StoreError::OtherState { height, found, stored, dump })
    }

    fn kept(&self, height: Height) -> Result<Kept, StoreError> {
        let database = &self.0.database;
        let mut cells: Vec<(CellPath, Cell)> = Vec::new();
        database.scan(
            Column::Cells,
            &[],
            |_| true,
            |key, value| {
                let path = database.decode(Column::Cells, key, key)?;
                cells.push((path, database.decode(Column::Cells, key, value)?));
                Ok(())
            },
        )?;
        let mut undo = Vec::new();
        let oldest = height.minus(UNDO_HEIGHTS).next();
        database.scan(
            Column::Undo,
            &keys::from_height(oldest),
            |_| true,
            |key, value| {
                let own = self.height_in(Column::Undo, key)?;
                undo.push((own, database.decode(Column::Undo, key, value)?));
                Ok(())
            },
        )?;
        let mut roots = Vec::new();
        let mut at = Kept::roots_from(height, &self.0.genesis).max(Height::new(1));
        while at <= height {
            if let Some(executed) = self.executed_at(at)? {
                let (receipts, outbox) = (executed.receipts, executed.outbox);
                roots.push(KeptRoots { height: at, receipts, outbox });
            }
            at = at.next();
        }
        let mut checkpoints = Vec::new();
        database.scan(
            Column::Snapshots,
            &[],
            |_| true,
            |key, value| {
                checkpoints.push(database.decode(Column::Snapshots, key, value)?);
                Ok(())
            },
        )?;
        Ok(Kept { height, cells, undo, roots, checkpoints })
    }

    /// Executes what is final above the state. Returns how many blocks that was.
    fn execute_again(&self, execution: &mut ExecutionState) -> Result<u64, StoreError> {
        let (from, head) = (execution.height(), self.head());
        if from > head {
            let why = format!("height {from} is executed, but only {head} is final");
            return Err(self.corrupt("meta/committed", why));
        }
        if from < head {
            tracing::info!(above = %from, upto = %head, "executing decided blocks again");
        }
        let mut executor = Executor::inline(Options::default());
        while execution.height() < head {
            let height = execution.height().next();
            let archived = self.block_at(height)?;
            let lost = || self.corrupt(&format!("headers/{height}"), "is missing".to_owned());
            let block = archived.ok_or_else(lost)?.block;
            let work = execution.begin(&block, &executor);
            let cells = read_all(&mut execution.source(), work.paths());
            let cells = cells.expect("cells held in memory can be read");
            let done = execution.finish(&work, cells, &mut executor);
            if !self.0.database.is_read_only() {
                self.commit(&block, &done, execution)?;
            }
            if let Some(computed) = &done.executed.checkpoint {
                self.check_against_certified(computed)?;
            }
        }
        Ok(head.delta_from(from))
    }

    fn check_against_certified(&self, ours: &Checkpoint) -> Result<(), StoreError> {
        let Some(certificate) = self.checkpoint_at(ours.height)? else { return Ok(()) };
        let certified = &certificate.statement;
        if certified == ours {
            return Ok(());
        }
        let dump = self.dump_divergence(ours, &certificate)?;
        let words = |one: &Checkpoint| {
            let Checkpoint { block, state_root, receipts_root, .. } = one;
            format!("block {block}, state {state_root}, receipts {receipts_root}")
        };
        let (ours, certified, height) = (words(ours), words(certified), ours.height);
        Err(StoreError::Diverged { height, ours, certified, dump })
    }

    /// Everything a replica starts from but the state.
    pub(super) fn consensus_rows(&self) -> Result<ConsensusRows, StoreError> {
        let database = &self.0.database;
        let tip: Option<(Finalized, Height)> = database.read(&Key::tip())?;
        let final_block = |height: Height| -> Result<Arc<Block>, StoreError> {
            let lost = || self.corrupt(&format!("headers/{height}"), "is missing".to_owned());
            Ok(self.block_at(height)?.ok_or_else(lost)?.block)
        };
        let finalized = match tip {
            None => None,
            Some((advance, height)) => Some(RecoveredTip {
                candidate: advance.tip,
                certificate: advance.certificate,
                block: final_block(height)?,
            }),
        };
        let (archive, pending, incomplete) = {
            let index = self.index();
            (index.archive, index.pending.clone(), index.incomplete.clone())
        };
        let head = archive.map(|(_, head)| final_block(head)).transpose()?;
        let mut blocks = Vec::new();
        for (digest, header) in pending {
            let block = self.body(header.height, &digest)?;
            let lost = || self.corrupt(&format!("bodies/{digest}"), "is missing".to_owned());
            blocks.push(block.ok_or_else(lost)?);
        }
        let mut proofs = Vec::new();
        for height in incomplete {
            proofs.push(database.expect(&Key::proof(height))?);
        }
        let mut certificates = Vec::new();
        let within = |key: &[u8]| key.first() == Some(&keys::CERTIFICATES);
        database.scan(Column::Consensus, &[keys::CERTIFICATES], within, |key, value| {
            certificates.push(database.decode(Column::Consensus, key, value)?);
            Ok(())
        })?;
        let evidence = self.evidence()?;
        let checkpoint = self.newest_checkpoint(Height::new(u64::MAX))?;
        Ok(ConsensusRows { finalized, head, certificates, blocks, proofs, evidence, checkpoint })
    }

    pub(super) fn height_in(&self, column: Column, key: &[u8]) -> Result<Height, StoreError> {
        let odd = || self.0.database.damage(column, key, "is no key of this column");
        keys::leading_number(key).map(Height::new).ok_or_else(odd)
    }

    pub(super) fn corrupt(&self, what: &str, why: String) -> StoreError {
        StoreError::Corrupt { dir: self.dir().to_path_buf(), what: what.to_owned(), why }
    }
}
