//! Looking at everything: `quorate db verify`.
//!
//! Walks the chain of final headers, each with its block, proof, receipts and index, and the state from its
//! cells. Changes nothing, and does not stop at the first thing it finds. Signatures are not checked again:
//! nothing was ever stored that was not.

use quorate_core::{
    block::Block,
    digest::{Domain, digest_of},
    execution::Outcome,
    merkle,
    types::{Digest, Height},
};

use super::{Store, archive, error::StoreError, guard, values::ExecutedRoots};

/// Findings listed; of more the number is enough.
const FINDINGS_MAX: usize = 1_000;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub at: String,
    /// What.
    pub what: String,
}

/// What a walk over everything saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Final blocks.
    pub blocks: u64,
    /// Transactions in executed blocks.
    pub transactions: u64,
    /// Cells of the state.
    pub cells: u64,
    /// What is wrong: empty if nothing is. At most a thousand.
    pub findings: Vec<Finding>,
}

impl Verification {
    fn add(&mut self, at: impl Into<String>, what: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { at: at.into(), what: what.into() });
        }
    }

    /// Takes what could be read; what could not is a finding.
    fn take<T>(&mut self, at: &str, found: Result<T, StoreError>) -> Option<T> {
        found.map_err(|error| self.add(at, error.to_string())).ok()
    }
}

impl Store {
    /// Walks over everything. `progress` is told how many of how many heights are done, now and then.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Verification {
        guard::check();
        let mut seen = Verification::default();
        if let Some(lowest) = self.lowest() {
            self.verify_chain(lowest, &mut seen, progress);
        }
        let state = self.restore();
        if let Some(state) = seen.take("cells", state) {
            seen.cells = state.entries().map(|_| 1).sum();
            if state.recomputed() != *state.commitment() {
                seen.add("cells", "the state's digest is not the one that its cells have");
            }
        }
        let rows = self.consensus_rows();
        seen.take("consensus", rows);
        seen
    }

    fn verify_chain(
        &self,
        lowest: Height,
        seen: &mut Verification,
        progress: &mut dyn FnMut(u64, u64),
    ) {
        let head = self.head();
        let executed = self.committed().map(|committed| committed.height);
        let executed = seen.take("meta/committed", executed).unwrap_or(Height::ZERO);
        let mut parent = (lowest == Height::new(1)).then(|| self.genesis_digest());
        let (mut height, all) = (lowest, head.next().delta_from(lowest));
        while height <= head {
            parent = self.verify_height(height, parent, height <= executed, seen);
            seen.blocks += 1;
            if seen.blocks.is_multiple_of(256) || seen.blocks == all {
                progress(seen.blocks, all);
            }
            height = height.next();
        }
    }

    /// One height. The digest of its header, for the next one; `None` if it cannot be read.
    fn verify_height(
        &self,
        height: Height,
        parent: Option<Digest>,
        is_executed: bool,
        seen: &mut Verification,
    ) -> Option<Digest> {
        let at = format!("height {height}");
        let Some(header) = seen.take(&at, self.header_at(height))? else {
            seen.add(&at, "the header is missing");
            return None;
        };
        let digest = archive::digest_of(&header);
        if header.height != height {
            seen.add(&at, format!("the header is of height {}", header.height));
        }
        if parent.is_some_and(|parent| parent != header.parent) {
            seen.add(&at, format!("the parent is {}, which is not below it", header.parent));
        }
        if seen.take(&at, self.height_of(&digest)).is_some_and(|held| held != Some(height)) {
            seen.add(&at, "the index does not find the block");
        }
        self.verify_proof(height, &digest, &at, seen);
        let archived = seen.take(&at, self.block_at(height)).flatten();
        if let Some(archived) = archived {
            verify_payload(&archived.block, &at, seen);
            if is_executed {
                self.verify_execution(&archived.block, &at, seen);
            }
        }
        Some(digest)
    }

    fn verify_proof(&self, height: Height, digest: &Digest, at: &str, seen: &mut Verification) {
        let Some(proof) = seen.take(at, self.proof_at(height)).flatten() else { return };
        if proof.height != height || proof.candidate.block != *digest {
            seen.add(at, "the proof is of another block");
        }
    }

    fn verify_execution(&self, block: &Block, at: &str, seen: &mut Verification) {
        let height = block.header().height;
        let Some(outcomes) = seen.take(at, self.receipts(height)).flatten() else {
            return seen.add(at, "the receipts are missing");
        };
        let Some(roots) = seen.take(at, self.executed_at(height)).flatten() else {
            return seen.add(at, "what it came to is missing");
        };
        seen.transactions += u64::try_from(outcomes.len()).expect("memory is finite");
        let leaves: Vec<Digest> =
            outcomes.iter().map(|one| digest_of(Domain::Receipt, one)).collect();
        if merkle::root(&leaves) != roots.receipts || roots.block != block.digest() {
            seen.add(at, "the receipts are not those of the block");
        }
        let ids =
            block.payload().transactions.iter().map(quorate_core::transaction::Transaction::id);
        if !ids.eq(outcomes.iter().map(|(id, _)| *id)) {
            seen.add(at, "the receipts are of other transactions");
        }
        self.verify_places(height, &outcomes, at, seen);
        self.verify_checkpoint(height, &roots, at, seen);
    }

    fn verify_places(
        &self,
        height: Height,
        outcomes: &[(Digest, Outcome)],
        at: &str,
        seen: &mut Verification,
    ) {
        for (index, (id, outcome)) in (0u32..).zip(outcomes) {
            let place = seen.take(at, self.transaction(id)).flatten();
            let is_here = place.is_some_and(|place| {
                (place.height, place.index, place.outcome) == (height, index, *outcome)
            });
            // One that was skipped may be found elsewhere.
            let is_skipped = matches!(outcome, Outcome::Skipped(_)) && place.is_some();
            if !is_here && !is_skipped {
                seen.add(at, format!("the index does not find transaction {id}"));
            }
        }
    }

    fn verify_checkpoint(
        &self,
        height: Height,
        roots: &ExecutedRoots,
        at: &str,
        seen: &mut Verification,
    ) {
        let Some(certificate) = seen.take(at, self.checkpoint_at(height)).flatten() else { return };
        if certificate.statement.state_root != roots.commitment.root {
            seen.add(at, "a quorum certified another state");
        }
    }
}

fn verify_payload(block: &Block, at: &str, seen: &mut Verification) {
    let (header, payload) = (block.header(), block.payload());
    let is_committed_to = header.payload_root == payload.root()
        && header.payload_len == payload.encoded_len()
        && header.evidence_root == payload.evidence_root();
    if !is_committed_to {
        seen.add(at, "the payload is not the one that the header commits to");
    }
}
