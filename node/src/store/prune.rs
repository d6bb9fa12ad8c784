//! Forgetting old blocks, by policy: the chain goes on being verifiable from what is kept.
//!
//! In small steps, so that nobody waits for more than one write: some heights leave the archive at once, in
//! ranges, and then what the index says of their transactions goes one height after the other. A height's
//! receipts go last, so that whoever is interrupted finds there what is left to do. Rows are looked for without
//! any lock. Never forgotten are the heights that a restart, a rollback or a peer near the tip may need, and the
//! newest certified checkpoint.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    time::Duration,
};

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

/// Heights that leave the archive with one write, and that a running node lets come together before: every
/// range that is deleted costs whoever reads past it.
const HEIGHTS_AT_ONCE: u64 = 64;

/// Transactions that leave the index with one write.
const TRANSACTIONS_AT_ONCE: usize = 1_024;

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
        match self.policy() {
            None => Ok(Pruned { heights: 0, lowest: self.lowest() }),
            Some(bound) => self.prune_below(bound),
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

    /// Whether there is a policy to forget by.
    #[must_use]
    pub fn has_policy(&self) -> bool {
        self.0.options.blocks_kept.is_some()
    }

    /// Forgets final blocks by the policy until it is told to stop, with a pause whenever nothing is left to
    /// do. For a thread of its own.
    ///
    /// # Errors
    /// If the disk fails or a row is damaged.
    pub fn keep_pruning(
        &self,
        stop: &Receiver<Infallible>,
        pause: Duration,
    ) -> Result<(), StoreError> {
        guard::check();
        loop {
            let bound = self.policy().unwrap_or(Height::ZERO).min(self.prunable_below()?);
            let mut heights = 0;
            while let Some(forgotten) = self.step(bound, HEIGHTS_AT_ONCE)? {
                heights += forgotten;
                if stop.try_recv() == Err(TryRecvError::Disconnected) {
                    return Ok(());
                }
            }
            if heights > 0 {
                tracing::debug!(heights, lowest = ?self.lowest(), "old blocks are forgotten");
                self.drop_files()?;
            }
            if stop.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                return Ok(());
            }
        }
    }

    /// As [`Self::prune_below`], whatever may still be needed: at most up to the finalized tip.
    pub(super) fn prune_to(&self, bound: Height) -> Result<Pruned, StoreError> {
        let mut heights = 0;
        while let Some(forgotten) = self.step(bound, 1)? {
            heights += forgotten;
        }
        if heights > 0 {
            self.drop_files()?;
        }
        Ok(Pruned { heights, lowest: self.lowest() })
    }

    /// What the policy would have forgotten.
    fn policy(&self) -> Option<Height> {
        self.0.options.blocks_kept.map(|kept| self.head().minus(kept).next())
    }

    /// Does a little of what is to be done; `None` if there is nothing, or fewer heights than are worth it.
    /// Returns how many heights have left the archive.
    fn step(&self, bound: Height, worth: u64) -> Result<Option<u64>, StoreError> {
        if let Some(height) = self.half_forgotten()? {
            self.drop_receipts(height)?;
            return Ok(Some(0));
        }
        match self.lowest() {
            Some(lowest) if lowest.plus(worth) <= bound => {
                let upto = bound.min(lowest.plus(HEIGHTS_AT_ONCE));
                self.drop_blocks(lowest, upto)?;
                Ok(Some(upto.delta_from(lowest)))
            }
            _ => Ok(None),
        }
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

    /// Takes heights out of the archive.
    pub(super) fn drop_blocks(&self, from: Height, to: Height) -> Result<(), StoreError> {
        let database = &self.0.database;
        let mut changes = database.changes();
        let mut height = from;
        while height < to {
            if let Some(header) = self.header_at(height)? {
                changes.delete(&Key::block(&digest_of(&header)));
            }
            let proof: Option<CommitProof> = database.read(&Key::proof(height))?;
            if let Some(view) = proof.map(|proof| proof.candidate.view)
                && database.read(&Key::view(view))? == Some(height)
            {
                changes.delete(&Key::view(view));
            }
            height = height.next();
        }
        let (first, end) = (keys::from_height(from), keys::from_height(to));
        for column in [Column::Headers, Column::Bodies] {
            changes.delete_range(column, &first, &end);
        }
        self.drop_checkpoints(to, &mut changes)?;
        let mut index = self.index();
        if index.archive.is_none_or(|(lowest, _)| lowest != from) {
            // Somebody else pruned meanwhile.
            return Ok(());
        }
        let gone: BTreeSet<Height> = index.incomplete.range(..to).copied().collect();
        gone.iter().for_each(|height| changes.delete(&Key::incomplete(*height)));
        changes.write(Durability::Logged)?;
        index.prune_below(to);
        self.publish(&index);
        Ok(())
    }

    /// The newest checkpoint stays: it is what the state is judged by.
    fn drop_checkpoints(&self, below: Height, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        let newest = self.newest_checkpoint(Height::new(u64::MAX))?;
        let newest = newest.map_or(below, |certificate| certificate.statement.height);
        let first = Key::checkpoint(Height::ZERO);
        let end = Key::checkpoint(below.min(newest));
        changes.delete_range(first.column, &first.bytes, &end.bytes);
        Ok(())
    }

    /// A height that has left the archive and not the index.
    pub(super) fn half_forgotten(&self) -> Result<Option<Height>, StoreError> {
        let Some(lowest) = self.lowest() else { return Ok(None) };
        let (column, from) = (Column::Receipts, keys::from_height(Height::new(1)));
        let Some((key, _)) = self.0.database.first_from(column, &from)? else { return Ok(None) };
        let height = self.height_in(column, &key)?;
        Ok((height < lowest).then_some(height))
    }

    /// Takes the transactions of a height out of the index, and then its receipts.
    pub(super) fn drop_receipts(&self, height: Height) -> Result<(), StoreError> {
        let database = &self.0.database;
        let outcomes: Option<Vec<(Digest, Outcome)>> = database.read(&Key::outcomes(height))?;
        for some in outcomes.unwrap_or_default().chunks(TRANSACTIONS_AT_ONCE) {
            self.drop_places(&self.places_at(height, some)?)?;
        }
        let mut changes = database.changes();
        changes.delete(&Key::roots(height));
        changes.delete(&Key::outcomes(height));
        changes.write(Durability::Logged)
    }

    /// Which of a height's transactions the index finds there.
    pub(super) fn places_at(
        &self,
        height: Height,
        outcomes: &[(Digest, Outcome)],
    ) -> Result<Places, StoreError> {
        let mut places = Places { height, carried_out: Vec::new(), skipped: Vec::new() };
        for (id, outcome) in outcomes {
            if self.is_placed(id, height)? {
                match outcome {
                    Outcome::Skipped(_) => places.skipped.push(*id),
                    _ => places.carried_out.push(*id),
                }
            }
        }
        Ok(places)
    }

    /// Takes transactions out of the index. One that was skipped may have been found elsewhere meanwhile: that is
    /// looked up again while no block can be committed.
    pub(super) fn drop_places(&self, places: &Places) -> Result<(), StoreError> {
        let mut changes = self.0.database.changes();
        places.carried_out.iter().for_each(|id| changes.delete(&Key::transaction(id)));
        let _lane = (!places.skipped.is_empty()).then(|| self.lane());
        for id in &places.skipped {
            if self.is_placed(id, places.height)? {
                changes.delete(&Key::transaction(id));
            }
        }
        changes.write(Durability::Logged)
    }

    fn is_placed(&self, id: &Digest, height: Height) -> Result<bool, StoreError> {
        let place: Option<Place> = self.0.database.read(&Key::transaction(id))?;
        Ok(place.is_some_and(|place| place.height == height))
    }

    /// Gives back the room of files in which everything is forgotten; compaction does the rest in time.
    fn drop_files(&self) -> Result<(), StoreError> {
        let database = &self.0.database;
        let Some(lowest) = self.lowest() else { return Ok(()) };
        let (first, end) = (keys::from_height(Height::new(1)), keys::from_height(lowest));
        for column in [Column::Headers, Column::Bodies, Column::Receipts] {
            let dropped =
                database.raw().delete_file_in_range_cf(database.handle(column), first, end);
            dropped.map_err(|error| database.error(error))?;
        }
        Ok(())
    }
}

/// Transactions that the index finds at a height.
#[derive(Debug)]
pub(super) struct Places {
    height: Height,
    /// They are found there for ever.
    carried_out: Vec<Digest>,
    /// A block that is committed meanwhile may change where they are found.
    skipped: Vec<Digest>,
}
