//! What the API asks for.

use quorate_core::{
    certificate::Certificate,
    checkpoint::Checkpoint,
    evidence::Evidence,
    execution::Outcome,
    types::{Digest, Height},
};

use super::{
    Store,
    columns::Column,
    error::StoreError,
    keys::{self, Key},
    values::{Committed, ExecutedRoots, Place, TransactionPlace},
};

impl Store {
    /// The last height executed, and the state after it.
    ///
    /// # Errors
    /// If the disk fails or the row is damaged.
    pub fn committed(&self) -> Result<Committed, StoreError> {
        self.0.database.expect(&Key::committed())
    }

    /// Where a transaction is; `None` if it was never in a block, or its block is no longer kept.
    ///
    /// # Errors
    /// If the disk fails or the row is damaged.
    pub fn transaction(&self, id: &Digest) -> Result<Option<TransactionPlace>, StoreError> {
        let place: Option<Place> = self.0.database.read(&Key::transaction(id))?;
        Ok(place.filter(|place| self.is_kept(place.height)).map(TransactionPlace::from))
    }

    /// The id and fate of every transaction of an executed height, in block order; `None` if it was not
    /// executed, or is no longer kept.
    ///
    /// # Errors
    /// If the disk fails or the row is damaged.
    pub fn receipts(&self, height: Height) -> Result<Option<Vec<(Digest, Outcome)>>, StoreError> {
        let found = self.0.database.read(&Key::outcomes(height))?;
        Ok(found.filter(|_| self.is_kept(height)))
    }

    /// Whether a height is not one that was forgotten, of which rows may be left for a moment.
    fn is_kept(&self, height: Height) -> bool {
        self.lowest().is_none_or(|lowest| lowest <= height)
    }

    /// What an executed height came to.
    ///
    /// # Errors
    /// If the disk fails or the row is damaged.
    pub fn executed_at(&self, height: Height) -> Result<Option<ExecutedRoots>, StoreError> {
        self.0.database.read(&Key::roots(height))
    }

    /// The certified checkpoint of a height.
    ///
    /// # Errors
    /// If the disk fails or the row is damaged.
    pub fn checkpoint_at(
        &self,
        height: Height,
    ) -> Result<Option<Certificate<Checkpoint>>, StoreError> {
        self.0.database.read(&Key::checkpoint(height))
    }

    /// The newest certified checkpoint at or below a height.
    ///
    /// # Errors
    /// If the disk fails or the row is damaged.
    pub fn newest_checkpoint(
        &self,
        upto: Height,
    ) -> Result<Option<Certificate<Checkpoint>>, StoreError> {
        let (database, to) = (&self.0.database, Key::checkpoint(upto));
        let Some((key, value)) = database.last_to(to.column, &to.bytes)? else { return Ok(None) };
        if key.first() != Some(&keys::CHECKPOINTS) {
            return Ok(None);
        }
        database.decode(to.column, &key, &value).map(Some)
    }

    /// Offences that were seen, in the order in which they were recorded.
    ///
    /// # Errors
    /// If the disk fails or a row is damaged.
    pub fn evidence(&self) -> Result<Vec<Evidence>, StoreError> {
        let (database, mut all) = (&self.0.database, Vec::new());
        let within = |key: &[u8]| key.first() == Some(&keys::EVIDENCE);
        database.scan(Column::Consensus, &[keys::EVIDENCE], within, |key, value| {
            all.push(database.decode(Column::Consensus, key, value)?);
            Ok(())
        })?;
        Ok(all)
    }
}
