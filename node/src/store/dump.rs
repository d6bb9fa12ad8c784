//! What is written down for a person before the node stops: everything needed to find the block that gave
//! another result.

use std::path::PathBuf;

use quorate_core::{
    certificate::Certificate, checkpoint::Checkpoint, codec, execution::Commitment, types::Height,
};
use serde_json::{Value, json};

use super::{Store, error::StoreError, values::Committed};

impl Store {
    /// The cells are not the state that was stored with them.
    pub(super) fn dump_other_state(
        &self,
        stored: &Committed,
        found: &Commitment,
    ) -> Option<PathBuf> {
        let height = stored.height;
        let content = json!({
            "what": "the cells are not the state whose digest was stored with them",
            "height": height.get(),
            "block": stored.block.to_string(),
            "stored": commitment(&stored.commitment),
            "found": commitment(found),
            "schema": super::SCHEMA,
        });
        self.dump(format!("other-state-{height}.json"), &content)
    }

    /// A quorum certified another result: every block since the checkpoint before, and what came of it here.
    pub(super) fn dump_divergence(
        &self,
        ours: &Checkpoint,
        certificate: &Certificate<Checkpoint>,
    ) -> Result<Option<PathBuf>, StoreError> {
        let height = ours.height;
        let interval = self.0.genesis.parameters.checkpoint_interval.get();
        let mut heights = Vec::new();
        let mut at = height.minus(interval).next();
        while at <= height {
            heights.push(self.describe_executed(at)?);
            at = at.next();
        }
        let content = json!({
            "what": "a quorum certified another result than the one computed here",
            "height": height.get(),
            "genesis": self.genesis_digest().to_string(),
            "ours": checkpoint(ours),
            "certified": checkpoint(&certificate.statement),
            "certificate": hex::encode(codec::encode(certificate)),
            "heights": heights,
        });
        Ok(self.dump(format!("divergence-{height}.json"), &content))
    }

    fn describe_executed(&self, height: Height) -> Result<Value, StoreError> {
        let (block, roots) = (self.block_at(height)?, self.executed_at(height)?);
        Ok(json!({
            "height": height.get(),
            "block": block.map(|archived| hex::encode(codec::encode(&*archived.block))),
            "state": roots.map(|roots| commitment(&roots.commitment)),
            "receipts_root": roots.map(|roots| roots.receipts.to_string()),
        }))
    }

    /// Where it was written to; nowhere if nothing is to be written. That it could not be is no reason to say
    /// less about what was found.
    fn dump(&self, name: String, content: &Value) -> Option<PathBuf> {
        if self.0.database.is_read_only() {
            return None;
        }
        let path = self.dump_path(&name);
        let text = serde_json::to_vec_pretty(content).expect("plain values");
        if let Err(error) = std::fs::write(&path, text) {
            tracing::error!(path = %path.display(), %error, "the dump could not be written");
        }
        Some(path)
    }
}

fn commitment(one: &Commitment) -> Value {
    json!({
        "root": one.root.to_string(),
        "lanes": one.lanes.to_string(),
        "supply": one.supply.total().to_string(),
    })
}

fn checkpoint(one: &Checkpoint) -> Value {
    json!({
        "height": one.height.get(),
        "block": one.block.to_string(),
        "state_root": one.state_root.to_string(),
        "receipts_root": one.receipts_root.to_string(),
        "outbox_root": one.outbox_root.to_string(),
        "committee": one.committee.to_string(),
    })
}
