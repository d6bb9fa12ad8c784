//! Final blocks, their proofs, and what else peers ask for.
//!
//! [`Archive`] has no way to fail, because a store in memory cannot. What fails here is remembered for
//! [`Store::failure`], and the answer is that there is nothing: a peer asks somebody else.

use std::sync::Arc;

use quorate_core::{
    block::{Block, Header},
    certificate::Certificate,
    proof::CommitProof,
    store::{Archive, ArchivedBlock, RECENT_BLOCKS},
    types::{Digest, Height, View},
    vote::Kind,
};

use super::{
    Store,
    columns::Column,
    error::StoreError,
    keys::{self, Key},
};

impl Store {
    /// The final block at a height.
    ///
    /// # Errors
    /// If the disk fails or a row is damaged.
    pub fn block_at(&self, height: Height) -> Result<Option<ArchivedBlock>, StoreError> {
        let Some(header) = self.header_at(height)? else { return Ok(None) };
        let proof = self.proof_at(height)?;
        match self.body(height, &digest_of(&header))? {
            Some(block) => Ok(Some(ArchivedBlock { block, proof })),
            // Pruned between the reads, or lost.
            None if self.header_at(height)?.is_none() => Ok(None),
            None => {
                let key = Key::body(height, &digest_of(&header));
                Err(self.0.database.damage(key.column, &key.bytes, "the block is missing"))
            }
        }
    }

    /// The final header at a height.
    ///
    /// # Errors
    /// If the disk fails or a row is damaged.
    pub fn header_at(&self, height: Height) -> Result<Option<Header>, StoreError> {
        self.0.database.read(&Key::header(height))
    }

    /// Why a height is final, as far as that is known.
    ///
    /// # Errors
    /// If the disk fails or a row is damaged.
    pub fn proof_at(&self, height: Height) -> Result<Option<CommitProof>, StoreError> {
        self.0.database.read(&Key::proof(height))
    }

    /// The height of a final block.
    ///
    /// # Errors
    /// If the disk fails or a row is damaged.
    pub fn height_of(&self, digest: &Digest) -> Result<Option<Height>, StoreError> {
        let height: Option<Height> = self.0.database.read(&Key::block(digest))?;
        Ok(height.filter(|height| *height <= self.head()))
    }

    /// A block by its digest, final or not, unless it became final long ago.
    pub(super) fn recent_block(&self, digest: &Digest) -> Result<Option<Arc<Block>>, StoreError> {
        let Some(height) = self.0.database.read::<Height>(&Key::block(digest))? else {
            return Ok(None);
        };
        let recent = u64::try_from(RECENT_BLOCKS).expect("a small constant");
        if height.plus(recent) <= self.head() {
            return Ok(None);
        }
        self.body(height, digest)
    }

    pub(super) fn body(
        &self,
        height: Height,
        digest: &Digest,
    ) -> Result<Option<Arc<Block>>, StoreError> {
        let key = Key::body(height, digest);
        let Some(block) = self.0.database.read::<Block>(&key)? else { return Ok(None) };
        if block.digest() != *digest || block.header().height != height {
            return Err(self.0.database.damage(key.column, &key.bytes, "holds another block"));
        }
        Ok(Some(Arc::new(block)))
    }

    fn proof_deciding(&self, view: View) -> Result<Option<CommitProof>, StoreError> {
        let (database, from) = (&self.0.database, Key::view(view));
        let Some((key, value)) = database.first_from(from.column, &from.bytes)? else {
            return Ok(None);
        };
        if key.first() != Some(&keys::VIEWS) {
            return Ok(None);
        }
        let height: Height = database.decode(Column::Consensus, &key, &value)?;
        self.proof_at(height)
    }

    fn or_remember<T>(&self, found: Result<Option<T>, StoreError>) -> Option<T> {
        found.unwrap_or_else(|error| {
            tracing::error!(%error, "the store could not answer");
            self.0.failure.get_or_init(|| error);
            None
        })
    }
}

impl Archive for Store {
    fn at_height(&self, height: Height) -> Option<ArchivedBlock> {
        self.or_remember(self.block_at(height))
    }

    fn by_digest(&self, digest: &Digest) -> Option<Arc<Block>> {
        self.or_remember(self.recent_block(digest))
    }

    fn proof_at_view(&self, view: View) -> Option<CommitProof> {
        self.or_remember(self.proof_deciding(view))
    }

    fn certificate(&self, view: View, kind: Kind) -> Option<Certificate> {
        self.or_remember(self.0.database.read(&Key::certificate(view, kind)))
    }
}

pub(super) fn digest_of(header: &Header) -> Digest {
    quorate_core::digest::digest_of(quorate_core::digest::Domain::Header, header)
}
