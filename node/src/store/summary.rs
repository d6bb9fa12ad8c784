//! What a list says of a final block: read without taking its transactions apart.

use borsh::BorshDeserialize as _;
use quorate_core::{
    block::{Header, TRANSACTIONS_MAX},
    proof::CommitProof,
    store::ArchivedBlock,
    types::{Digest, Height},
};

use super::{Store, archive::digest_of, error::StoreError, guard, keys::Key};

/// A final block without its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockSummary {
    /// Its header.
    pub header: Header,
    /// Its digest.
    pub digest: Digest,
    /// How many transactions it has.
    pub transactions: u32,
    /// Why it is final, as far as that is known.
    pub proof: Option<CommitProof>,
}

impl From<&ArchivedBlock> for BlockSummary {
    fn from(found: &ArchivedBlock) -> Self {
        let transactions = found.block.payload().transactions.len();
        Self {
            header: found.block.header().clone(),
            digest: found.block.digest(),
            transactions: u32::try_from(transactions).unwrap_or(u32::MAX),
            proof: found.proof.clone(),
        }
    }
}

impl Store {
    /// The final block at a height, without its transactions.
    ///
    /// # Errors
    /// If the disk fails or a row is damaged.
    pub fn summary_at(&self, height: Height) -> Result<Option<BlockSummary>, StoreError> {
        let Some(header) = self.header_at(height)? else { return Ok(None) };
        let (digest, proof) = (digest_of(&header), self.proof_at(height)?);
        match self.count_transactions(&header, &digest)? {
            Some(transactions) => Ok(Some(BlockSummary { header, digest, transactions, proof })),
            // Pruned between the reads, or lost.
            None if self.header_at(height)?.is_none() => Ok(None),
            None => {
                let key = Key::body(height, &digest);
                Err(self.0.database.damage(key.column, &key.bytes, "the block is missing"))
            }
        }
    }

    /// The count that a block's transactions begin with, right after the header.
    fn count_transactions(
        &self,
        header: &Header,
        digest: &Digest,
    ) -> Result<Option<u32>, StoreError> {
        guard::check();
        let (database, key) = (&self.0.database, Key::body(header.height, digest));
        let found = database.raw().get_pinned_cf(database.handle(key.column), &key.bytes);
        let Some(bytes) = found.map_err(|error| database.error(error))? else { return Ok(None) };
        let damage = |why| database.damage(key.column, &key.bytes, why);
        let mut rest: &[u8] = &bytes;
        let held = Header::deserialize(&mut rest).map_err(|_| damage("cannot be decoded"))?;
        if held != *header {
            return Err(damage("holds another block"));
        }
        let count = u32::deserialize(&mut rest).map_err(|_| damage("cannot be decoded"))?;
        match usize::try_from(count).is_ok_and(|count| count <= TRANSACTIONS_MAX) {
            true => Ok(Some(count)),
            false => Err(damage("cannot be decoded")),
        }
    }
}
