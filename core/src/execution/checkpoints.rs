//! The checkpoints of executed blocks: the state's root, and what happened since the one before.
//!
//! Kept beside the cells: whoever executes on arrives at the same checkpoints as everybody else. Not part
//! of the state. Nothing here signs or compares. Implements P80.

use std::{collections::BTreeMap, num::NonZeroU64};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::Block,
    checkpoint::Checkpoint,
    execution::{ExecutedBlock, KeptRoots, UNDO_HEIGHTS},
    merkle,
    planted::planted,
    types::{Digest, Height},
};

/// Checkpoints remembered: after a restart they are compared with what was signed before.
pub const MADE_MAX: usize = 64;

/// What has happened of late, and the last few checkpoints.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(super) struct Checkpointing {
    interval: NonZeroU64,
    /// The receipts root and outbox root of the last heights: of all since the last checkpoint, also
    /// after as many blocks as can be were taken back.
    roots: BTreeMap<Height, (Digest, Digest)>,
    made: BTreeMap<Height, Checkpoint>,
}

/// What is remembered of the past is no part of a state: one that was put together from chunks is the
/// same as one that was executed.
impl PartialEq for Checkpointing {
    fn eq(&self, other: &Self) -> bool {
        self.interval == other.interval
    }
}

impl Eq for Checkpointing {}

impl Checkpointing {
    pub(super) fn new(interval: NonZeroU64) -> Self {
        Self { interval, roots: BTreeMap::new(), made: BTreeMap::new() }
    }

    /// What was kept of the last heights and checkpoints; more of either than is needed does no harm.
    pub(super) fn kept(
        interval: NonZeroU64,
        roots: &[KeptRoots],
        checkpoints: Vec<Checkpoint>,
    ) -> Self {
        let roots = roots.iter().map(|one| (one.height, (one.receipts, one.outbox))).collect();
        let mut made: BTreeMap<Height, Checkpoint> =
            checkpoints.into_iter().map(|checkpoint| (checkpoint.height, checkpoint)).collect();
        while made.len() > MADE_MAX {
            made.pop_first();
        }
        Self { interval, roots, made }
    }

    /// The lowest height whose roots a state after `height` needs.
    #[must_use]
    pub(super) fn lowest_needed(height: Height, interval: NonZeroU64) -> Height {
        height.minus(UNDO_HEIGHTS.saturating_add(interval.get()))
    }

    /// Takes in what came of the next block. The checkpoint of its height, if there is to be one.
    ///
    /// A state that began between two checkpoints, from a snapshot, does not know what happened before,
    /// so it does not make the first one.
    pub(super) fn on_executed(
        &mut self,
        block: &Block,
        executed: &ExecutedBlock,
        committee: Digest,
    ) -> Option<Checkpoint> {
        let (header, height) = (block.header(), executed.height);
        self.roots.insert(height, (executed.receipts_root, executed.outbox_root));
        self.roots = self.roots.split_off(&Self::lowest_needed(height, self.interval));
        if height.get() % self.interval != 0 && header.next_committee.is_none() {
            return None;
        }
        let above = self.previous(height);
        let since: Vec<(Digest, Digest)> =
            self.roots.range(above.next()..).map(|(_, roots)| *roots).collect();
        if u64::try_from(since.len()) != Ok(height.delta_from(above)) {
            return None;
        }
        let (receipts, outboxes): (Vec<Digest>, Vec<Digest>) = since.into_iter().unzip();
        let checkpoint = Checkpoint {
            epoch: header.epoch,
            height,
            block: block.digest(),
            state_root: match planted!(CheckpointOtherHeight) {
                true => executed.receipts_root,
                false => executed.state,
            },
            receipts_root: merkle::root(&receipts),
            outbox_root: merkle::root(&outboxes),
            committee,
            next_committee: header.next_committee,
        };
        self.made.insert(height, checkpoint);
        if self.made.len() > MADE_MAX {
            self.made.pop_first();
        }
        Some(checkpoint)
    }

    /// The height of the checkpoint before `height`: at a multiple of the interval, or at the end of
    /// an epoch.
    fn previous(&self, height: Height) -> Height {
        let below = height.minus(1);
        let multiple = Height::new(below.get() - below.get() % self.interval);
        let last = self.made.range(..height).next_back();
        last.map_or(multiple, |(last, _)| multiple.max(*last))
    }

    /// The checkpoint that says what happened at `height`, and the proof of that height's receipts root
    /// among those that it commits to. `None` if there is none yet, or it is forgotten.
    pub(super) fn prove_receipts(&self, height: Height) -> Option<(Checkpoint, merkle::Proof)> {
        let (upto, checkpoint) = self.made.range(height..).next()?;
        let above = self.previous(*upto);
        let index = height.get().checked_sub(above.next().get())?;
        let roots = self.roots.range(above.next()..=*upto);
        let receipts: Vec<Digest> = roots.map(|(_, (receipts, _))| *receipts).collect();
        let complete = u64::try_from(receipts.len()) == Ok(upto.delta_from(above));
        let proof = complete.then(|| merkle::prove(&receipts, index)).flatten()?;
        Some((*checkpoint, proof))
    }

    /// Forgets what was above `height`.
    pub(super) fn rollback(&mut self, height: Height) {
        self.roots.split_off(&height.next());
        self.made.split_off(&height.next());
    }

    /// The last few, ascending.
    pub(super) fn made(&self) -> impl Iterator<Item = &Checkpoint> {
        self.made.values()
    }
}

#[cfg(test)]
mod tests;
