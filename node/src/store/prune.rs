//! Forgetting old blocks, by policy: the chain goes on being verifiable from what is kept.
//!
//! Rows by height go in ranges; what the index says of them goes one by one. Never forgotten are the heights
//! that a restart, a rollback or a peer near the tip may need, and the newest certified checkpoint.

use std::collections::BTreeSet;

use quorate_core::{
    execution::{Outcome, UNDO_HEIGHTS},
    proof::CommitProof,
    store::{Finalized, RECENT_BLOCKS},
    types::{Digest, Height},
};

use super::{
    Store,
    archive::digest_of,
    columns::Column,
    database::{Changes, Durability},
    error::StoreError,
    guard,
    keys::{self, Key},
    values::Place,
};

/// Heights forgotten with one write: others who append wait for no more than that.
const HEIGHTS_AT_ONCE: u64 = 64;

/// What pruning did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Heights forgotten.
    pub heights: u64,
    /// The lowest one kept, if there is any.
    pub lowest: Option<Height>,
}

impl Store {
    /// Forgets final blocks by the policy of the options. May be called at any time, from any thread.
    ///
    /// # Errors
    /// If the disk fails or a row is damaged.
    pub fn prune(&self) -> Result<Pruned, StoreError> {
        match self.0.options.blocks_kept {
            None => Ok(Pruned { heights: 0, lowest: self.lowest() }),
            Some(kept) => self.prune_below(self.head().minus(kept).next()),
        }
    }

    /// Forgets final blocks below a height, or below the lowest one that must be kept.
    ///
    /// # Errors
    /// If the disk fails or a row is damaged.
    pub fn prune_below(&self, height: Height) -> Result<Pruned, StoreError> {
        guard::check();
        self.prune_to(height.min(self.prunable_below()?))
    }

    /// As [`Self::prune_below`], whatever may still be needed: at most up to the finalized tip.
    pub(super) fn prune_to(&self, bound: Height) -> Result<Pruned, StoreError> {
        let mut heights = 0;
        while let Some(lowest) = self.lowest()
            && lowest < bound
        {
            let upto = bound.min(lowest.plus(HEIGHTS_AT_ONCE));
            self.prune_range(lowest, upto)?;
            heights += upto.delta_from(lowest);
        }
        if heights > 0 {
            self.drop_files(bound)?;
        }
        Ok(Pruned { heights, lowest: self.lowest() })
    }

    /// The lowest height that must be kept.
    fn prunable_below(&self) -> Result<Height, StoreError> {
        let tip: Option<(Finalized, Height)> = self.0.database.read(&Key::tip())?;
        let tip = tip.map_or(Height::ZERO, |(_, height)| height);
        // A rollback goes back by the undo records; the state there wants the roots of as many heights
        // again, to know what a checkpoint commits to.
        let interval = self.0.genesis.parameters.checkpoint_interval.get();
        let margin = (2 * UNDO_HEIGHTS).saturating_add(interval);
        let executed = self.committed()?.height.minus(margin);
        let recent = u64::try_from(RECENT_BLOCKS).expect("a small constant");
        Ok(tip.min(executed).min(self.head().minus(recent)))
    }

    fn prune_range(&self, from: Height, to: Height) -> Result<(), StoreError> {
        let database = &self.0.database;
        let mut index = self.index();
        if index.archive.is_none_or(|(lowest, _)| lowest != from) {
            // Somebody else pruned meanwhile.
            return Ok(());
        }
        let mut changes = database.changes();
        let mut height = from;
        while height < to {
            self.prune_index(height, &mut changes)?;
            height = height.next();
        }
        let (first, end) = (keys::from_height(from), keys::from_height(to));
        for column in [Column::Headers, Column::Bodies, Column::Receipts] {
            changes.delete_range(column, &first, &end);
        }
        self.prune_checkpoints(to, &mut changes)?;
        let gone: BTreeSet<Height> = index.incomplete.range(..to).copied().collect();
        gone.iter().for_each(|height| changes.delete(&Key::incomplete(*height)));
        changes.write(Durability::Logged)?;
        index.prune_below(to);
        self.publish(&index);
        Ok(())
    }

    /// What the index says of one height, unless it says something newer by now.
    fn prune_index(&self, height: Height, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        let database = &self.0.database;
        if let Some(header) = self.header_at(height)? {
            changes.delete(&Key::block(&digest_of(&header)));
        }
        let proof: Option<CommitProof> = database.read(&Key::proof(height))?;
        if let Some(view) = proof.map(|proof| proof.candidate.view)
            && database.read(&Key::view(view))? == Some(height)
        {
            changes.delete(&Key::view(view));
        }
        let outcomes: Option<Vec<(Digest, Outcome)>> = database.read(&Key::outcomes(height))?;
        for (id, _) in outcomes.into_iter().flatten() {
            let place: Option<Place> = database.read(&Key::transaction(&id))?;
            if place.is_some_and(|place| place.height == height) {
                changes.delete(&Key::transaction(&id));
            }
        }
        Ok(())
    }

    /// The newest checkpoint stays: it is what the state is judged by.
    fn prune_checkpoints(
        &self,
        below: Height,
        changes: &mut Changes<'_>,
    ) -> Result<(), StoreError> {
        let newest = self.newest_checkpoint(Height::new(u64::MAX))?;
        let newest = newest.map_or(below, |certificate| certificate.statement.height);
        let first = Key::checkpoint(Height::ZERO);
        let end = Key::checkpoint(below.min(newest));
        changes.delete_range(first.column, &first.bytes, &end.bytes);
        Ok(())
    }

    /// Gives back the room of files in which everything is forgotten; compaction does the rest in time.
    fn drop_files(&self, below: Height) -> Result<(), StoreError> {
        let database = &self.0.database;
        let (first, end) = (keys::from_height(Height::new(1)), keys::from_height(below));
        for column in [Column::Headers, Column::Bodies, Column::Receipts] {
            let dropped =
                database.raw().delete_file_in_range_cf(database.handle(column), first, end);
            dropped.map_err(|error| database.error(error))?;
        }
        Ok(())
    }
}
