//! A store and a signer in memory, which outlive the engines that use them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quorate_core::{
    block::Block,
    certificate::Certificate,
    config::Genesis,
    execution::{Done, ExecutionState},
    proof::CommitProof,
    signer::{Pledge, SignState},
    store::{Archive, ArchivedBlock, Batch, Recovered, SignerRecord, Stored},
    testing::cast::Cast,
    types::{Digest, Height, View},
    vote::{Kind, Promise, Vote},
};

use crate::{
    driver::{Commits, Log, Reads, Signs},
    exit::{Exit, Failure},
};

/// What is on the disk.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) stored: Stored,
    pub(super) promised: SignState,
    /// Heights and roots of committed blocks, in order.
    pub(super) committed: Vec<(Height, Digest)>,
    pub(super) syncs: u32,
}

/// A disk in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Arc<Mutex<Content>>);

impl Memory {
    /// What is on it.
    pub(super) fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a node that starts now finds, and the state after executing all of it again.
    pub(super) fn recover(&self, genesis: &Genesis) -> (Recovered, ExecutionState) {
        let content = self.content();
        let mut state = ExecutionState::new(genesis);
        for archived in content.stored.archive.values() {
            let _ = state.execute(&archived.block);
        }
        let signer = SignerRecord::Intact(content.promised.clone());
        (content.stored.recover(signer, state.checkpoints()), state)
    }
}

impl Log for Memory {
    fn append(&mut self, batches: &[Batch]) -> Result<(), Failure> {
        let mut content = self.content();
        batches.iter().flatten().for_each(|record| content.stored.apply(record));
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Failure> {
        self.content().syncs += 1;
        Ok(())
    }
}

impl Commits for Memory {
    fn commit(
        &mut self,
        block: &Block,
        done: &Done,
        execution: &ExecutionState,
    ) -> Result<(), Failure> {
        let height = block.header().height;
        assert_eq!((height, done.executed.state), (execution.height(), execution.digest()));
        self.content().committed.push((height, execution.digest()));
        Ok(())
    }
}

impl Archive for Memory {
    fn at_height(&self, height: Height) -> Option<ArchivedBlock> {
        self.content().stored.at_height(height)
    }

    fn by_digest(&self, digest: &Digest) -> Option<Arc<Block>> {
        self.content().stored.by_digest(digest)
    }

    fn proof_at_view(&self, view: View) -> Option<CommitProof> {
        self.content().stored.proof_at_view(view)
    }

    fn certificate(&self, view: View, kind: Kind) -> Option<Certificate> {
        self.content().stored.certificate(view, kind)
    }
}

impl Reads for Memory {
    fn failure(&self) -> Option<Failure> {
        None
    }
}

/// The signer of the member at index 0, whose record is on the same disk.
#[derive(Debug)]
pub(super) struct MemorySigner {
    cast: Cast,
    disk: Memory,
}

impl MemorySigner {
    pub(super) fn new(cast: &Cast, disk: &Memory) -> Self {
        Self { cast: cast.clone(), disk: disk.clone() }
    }
}

impl Signs for MemorySigner {
    fn sign(&mut self, pledges: &[Pledge]) -> Result<Vec<Vote<Promise>>, Failure> {
        let mut content = self.disk.content();
        let mut promised = content.promised.clone();
        for pledge in pledges {
            let refused = |refusal| Failure::new(Exit::Key, format!("refused: {refusal}"));
            promised.record(pledge).map_err(refused)?;
        }
        content.promised = promised;
        Ok(pledges.iter().map(|pledge| self.cast.vote(0, pledge.promise())).collect())
    }
}
