//! What a validator keeps on disk, as records in one log and as the fold of that log.
//!
//! Drivers append [`Record`]s in the order they are emitted. [`Stored`] is what a log means: the
//! simulator and the tests keep one in memory beside their log, a database keeps the same maps as
//! column families. Implements P54 (order of records) and P55 (recovery).

use std::{collections::BTreeMap, sync::Arc};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::{Block, Candidate},
    certificate::Certificate,
    checkpoint::Checkpoint,
    evidence::Evidence,
    proof::CommitProof,
    signer::SignState,
    types::{Digest, Height, View},
    vote::Kind,
};

/// One thing to keep. Idempotent: applying a record twice changes nothing more.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Record {
    /// A candidate's block, final or not yet.
    Block(Arc<Block>),
    /// A certificate above the finalized view: an entry proof or a notarization.
    Certificate(Certificate),
    /// Blocks became final. They were recorded before.
    Finalized(Finalized),
    /// Why a height is final. A later record for the same height replaces an earlier one.
    Proof(CommitProof),
    /// An offence that was seen.
    Evidence(Evidence),
    /// What a quorum says the state is.
    Checkpoint(Certificate<Checkpoint>),
}

/// An advance of finality: towards the candidate a Finalization names, or all the way to it.
///
/// A validator that catches up may learn the lower ancestors first; then the last of `blocks` is not
/// the tip's and only the chain of final blocks grows, not the finalized view.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Finalized {
    /// The candidate that a Finalization names.
    pub tip: Candidate,
    /// The Finalization.
    pub certificate: Certificate,
    /// The blocks that became final, with their heights: ascending and contiguous from the previous
    /// final height, at least one.
    pub blocks: Vec<(Height, Digest)>,
}

impl Finalized {
    /// The last of the blocks.
    ///
    /// # Panics
    /// If there are none; an advance has at least one.
    #[must_use]
    pub fn head(&self) -> (Height, Digest) {
        *self.blocks.last().expect("finality advances by at least one block")
    }

    /// Whether the tip itself was reached.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.head().1 == self.tip.block
    }
}

/// Several records to be made durable together.
pub type Batch = Vec<Record>;

/// A finalized block and its proof.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ArchivedBlock {
    /// The block.
    pub block: Arc<Block>,
    /// Its proof, complete or not.
    pub proof: Option<CommitProof>,
}

/// Where finalized blocks are read from when a peer asks.
pub trait Archive {
    /// The finalized block at a height.
    fn at_height(&self, height: Height) -> Option<ArchivedBlock>;
    /// A block by its digest, final or not.
    fn by_digest(&self, digest: &Digest) -> Option<Arc<Block>>;
    /// The proof whose candidate's view is the lowest at or above `view`.
    fn proof_at_view(&self, view: View) -> Option<CommitProof>;
    /// A certificate above the finalized view.
    fn certificate(&self, view: View, kind: Kind) -> Option<Certificate>;
}

/// The fold of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Stored {
    /// The last advance of finality that reached its tip, and the tip's height.
    pub finalized: Option<(Finalized, Height)>,
    /// Final blocks, contiguous, up to the tip or beyond.
    pub archive: BTreeMap<Height, ArchivedBlock>,
    /// Blocks not yet final.
    pub blocks: BTreeMap<Digest, Arc<Block>>,
    /// Certificates above the finalized view.
    pub certificates: BTreeMap<(View, Kind), Certificate>,
    /// Offences seen.
    pub evidence: Vec<Evidence>,
    /// Certified checkpoints.
    pub checkpoints: BTreeMap<Height, Certificate<Checkpoint>>,
    heights_by_view: BTreeMap<View, Height>,
}

impl Stored {
    /// Applies one record.
    ///
    /// # Panics
    /// If finality skips a height or names a block that was not recorded: the log is out of order.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Block(block) => {
                // At a final height there is nothing more to decide.
                if block.header().height > self.head() {
                    self.blocks.insert(block.digest(), Arc::clone(block));
                }
            }
            Record::Certificate(certificate) => {
                let place = (certificate.view(), certificate.kind());
                if place.0 > self.finalized_view() {
                    self.certificates.insert(place, certificate.clone());
                }
            }
            Record::Finalized(advance) => self.finalize(advance),
            Record::Proof(proof) => {
                if let Some(archived) = self.archive.get_mut(&proof.height) {
                    if let Some(earlier) = archived.proof.replace(proof.clone()) {
                        self.heights_by_view.remove(&earlier.candidate.view);
                    }
                    self.heights_by_view.insert(proof.candidate.view, proof.height);
                }
            }
            Record::Evidence(evidence) => {
                if !self.evidence.contains(evidence) {
                    self.evidence.push(*evidence);
                }
            }
            Record::Checkpoint(certificate) => {
                self.checkpoints.insert(certificate.statement.height, certificate.clone());
            }
        }
    }

    fn finalized_view(&self) -> View {
        self.finalized.as_ref().map_or(View::ZERO, |(last, _)| last.tip.view)
    }

    /// The highest final height, whether or not its Finalization's own candidate was reached.
    fn head(&self) -> Height {
        self.archive.last_key_value().map_or(Height::ZERO, |(height, _)| *height)
    }

    fn finalize(&mut self, advance: &Finalized) {
        if self.finalized_view() >= advance.tip.view {
            return;
        }
        for (height, digest) in &advance.blocks {
            let held = self.head();
            if *height <= held {
                continue;
            }
            assert!(
                self.archive.is_empty() || *height == held.next(),
                "I5: finality skips from height {held} to {height}",
            );
            let block = self.blocks.get(digest);
            let block = block.expect("I6: a block is recorded before it is final");
            let archived = ArchivedBlock { block: Arc::clone(block), proof: None };
            self.archive.insert(*height, archived);
        }
        let (head, _) = advance.head();
        self.blocks.retain(|_, block| block.header().height > head);
        if advance.is_complete() {
            self.certificates.retain(|(view, _), _| *view > advance.tip.view);
            self.finalized = Some((advance.clone(), head));
        } else {
            let certificate = advance.certificate.clone();
            self.certificates.insert((advance.tip.view, Kind::Finalize), certificate);
        }
    }

    /// Forgets finalized blocks below a height: a retention policy, the driver's to choose.
    pub fn prune_below(&mut self, height: Height) {
        self.archive = self.archive.split_off(&height);
        self.heights_by_view.retain(|_, held| *held >= height);
        // The newest one stays: it is what the state is judged by.
        let newest = self.checkpoints.last_key_value().map(|(newest, _)| *newest);
        self.checkpoints =
            self.checkpoints.split_off(&newest.map_or(height, |newest| newest.min(height)));
    }

    /// What a replica starts from. `computed` are the checkpoints of the heights that were executed
    /// again for this start (`ExecutionState::checkpoints`).
    #[must_use]
    pub fn recover(&self, signer: SignerRecord, computed: Vec<Checkpoint>) -> Recovered {
        let block_at = |height: Height| self.archive.get(&height).map(|one| Arc::clone(&one.block));
        let finalized = self.finalized.as_ref().map(|(advance, height)| RecoveredTip {
            candidate: advance.tip,
            certificate: advance.certificate.clone(),
            block: block_at(*height).expect("I6: retention never drops the finalized tip"),
        });
        Recovered {
            finalized,
            head: self.archive.last_key_value().map(|(_, archived)| Arc::clone(&archived.block)),
            certificates: self.certificates.values().cloned().collect(),
            blocks: self.blocks.values().cloned().collect(),
            proofs: self
                .archive
                .values()
                .filter_map(|archived| archived.proof.clone())
                .filter(|proof| proof.missing().next().is_some())
                .collect(),
            evidence: self.evidence.clone(),
            checkpoint: self.checkpoints.last_key_value().map(|(_, held)| held.clone()),
            computed,
            signer,
        }
    }
}

impl Archive for Stored {
    fn at_height(&self, height: Height) -> Option<ArchivedBlock> {
        self.archive.get(&height).cloned()
    }

    fn by_digest(&self, digest: &Digest) -> Option<Arc<Block>> {
        let unfinalized = self.blocks.get(digest).cloned();
        unfinalized.or_else(|| {
            let mut recent = self.archive.values().rev().take(RECENT_BLOCKS).map(|one| &one.block);
            recent.find(|block| block.digest() == *digest).cloned()
        })
    }

    fn proof_at_view(&self, view: View) -> Option<CommitProof> {
        let (_, height) = self.heights_by_view.range(view..).next()?;
        self.archive.get(height)?.proof.clone()
    }

    fn certificate(&self, view: View, kind: Kind) -> Option<Certificate> {
        self.certificates.get(&(view, kind)).cloned()
    }
}

/// How many finalized blocks are searched by digest. Whoever asks by digest is asking for a block
/// near the tip; older ones are asked for by height.
pub const RECENT_BLOCKS: usize = 64;

/// What the driver found of the signer's record at start.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum SignerRecord {
    /// Intact, or freshly made with the key.
    Intact(SignState),
    /// Lost or damaged: this key never votes again (amnesia).
    Lost,
}

/// The finalized tip as it was stored.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RecoveredTip {
    /// The candidate.
    pub candidate: Candidate,
    /// Its Finalization.
    pub certificate: Certificate,
    /// Its block.
    pub block: Arc<Block>,
}

/// What a replica starts from: the store's content above and at finality, and the signer's record.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Recovered {
    /// The finalized tip.
    pub finalized: Option<RecoveredTip>,
    /// The highest block known to be final: the tip's, or one beyond it on the way to a
    /// Finalization whose ancestors are still being fetched.
    pub head: Option<Arc<Block>>,
    /// Certificates above it.
    pub certificates: Vec<Certificate>,
    /// Blocks above it.
    pub blocks: Vec<Arc<Block>>,
    /// Commit proofs that still lack something.
    pub proofs: Vec<CommitProof>,
    /// Offences seen.
    pub evidence: Vec<Evidence>,
    /// The newest certified checkpoint.
    pub checkpoint: Option<Certificate<Checkpoint>>,
    /// Checkpoints as they were computed again, ascending.
    pub computed: Vec<Checkpoint>,
    /// What the key has promised.
    pub signer: SignerRecord,
}

impl Recovered {
    /// A validator's first start, with nothing stored and nothing promised.
    #[must_use]
    pub fn nothing() -> Self {
        Stored::default().recover(SignerRecord::Intact(SignState::default()), Vec::new())
    }
}

#[cfg(test)]
mod tests;
