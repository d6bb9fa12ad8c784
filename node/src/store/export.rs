//! Blocks as lines of JSON, for people and for other programs.

use std::io::Write;

use quorate_core::{
    codec,
    execution::Outcome,
    store::ArchivedBlock,
    types::{Digest, Height},
};
use serde_json::{Value, json};

use super::{Store, error::StoreError};

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lines could not be written.
    #[error("the export could not be written: {0}; check the place it goes to")]
    Write(#[from] std::io::Error),
}

impl Store {
    /// Writes one line for each final block from a height to another that is kept. Returns how many.
    ///
    /// `block` in a line is the whole block in its one encoding, in hexadecimal; the rest of the line can be
    /// worked out from it, except `outcomes`, which only an executed height has.
    ///
    /// # Errors
    /// If the store cannot be read, or `out` not be written.
    pub fn export(
        &self,
        from: Height,
        to: Height,
        out: &mut dyn Write,
    ) -> Result<u64, ExportError> {
        let Some(lowest) = self.lowest() else { return Ok(0) };
        let (mut height, last) = (from.max(lowest), to.min(self.head()));
        let mut count = 0;
        while height <= last {
            // Pruned meanwhile: the rest may still be there.
            if let Some(archived) = self.block_at(height)? {
                let line = line(&archived, self.receipts(height)?.as_deref());
                writeln!(out, "{line}")?;
                count += 1;
            }
            height = height.next();
        }
        out.flush()?;
        Ok(count)
    }
}

fn line(archived: &ArchivedBlock, outcomes: Option<&[(Digest, Outcome)]>) -> Value {
    let (block, header) = (&archived.block, archived.block.header());
    let transactions: Vec<String> =
        block.payload().transactions.iter().map(|one| one.id().to_string()).collect();
    let outcomes = outcomes
        .map(|all| all.iter().map(|(_, outcome)| outcome.to_string()).collect::<Vec<String>>());
    json!({
        "height": header.height.get(),
        "digest": block.digest().to_string(),
        "parent": header.parent.to_string(),
        "epoch": header.epoch.get(),
        "origin_view": header.origin_view.get(),
        "view": archived.proof.as_ref().map(|proof| proof.candidate.view.get()),
        "proposer": header.proposer.get(),
        "timestamp_ms": header.timestamp.get(),
        "payload_bytes": header.payload_len,
        "transactions": transactions,
        "outcomes": outcomes,
        "evidence": block.payload().evidence.len(),
        "block": hex::encode(codec::encode(&**block)),
    })
}
