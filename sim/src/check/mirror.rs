//! What lies in one node's log, followed from outside.
//!
//! Appended records count as being in the log; after a restart only those that survived do.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use quorate_core::{
    block::Candidate,
    evidence::Evidence,
    proof::CommitProof,
    store::{Batch, Record},
    types::{Digest, Height, Seq, ValidatorIndex, View},
    vote::{Kind, Promise},
};

use crate::trace::What;

/// Commit proofs kept: enough to compare validators soon after they disagree.
const PROOFS_MAX: usize = 512;

/// Final blocks kept below the head: a validator that catches up may vote for one.
const RECENT: u64 = 64;

/// Batches after which a restart begins to fold from a newer point.
const TAIL_MAX: usize = 1024;

/// Who broke a rule, and which: by the kinds of two statements of a view, or none for two checkpoints.
pub type Wrong = (ValidatorIndex, Option<(Kind, Kind)>);

/// What a piece of evidence is about.
#[must_use]
pub fn wrong_of(evidence: &Evidence) -> Wrong {
    let [first, second] = evidence.votes().map(|vote| match &vote.statement {
        Promise::View(statement) => Some(statement.kind()),
        Promise::Checkpoint(_) => None,
    });
    let kinds = first.zip(second);
    (evidence.signer(), kinds.map(|(one, other)| (one.min(other), one.max(other))))
}

/// One record of a batch, shared with the observation it came in.
#[derive(Clone, Debug)]
struct Place {
    batch: Arc<Batch>,
    nth: usize,
}

/// The meaning of a log.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// Blocks that are not final, and some that became final last.
    pub blocks: BTreeSet<Digest>,
    /// The candidate per certificate at or above the finalized view; none for a Nullification.
    pub certificates: BTreeMap<(View, Kind), Option<Candidate>>,
    /// The view of the last candidate finality has reached.
    pub finalized_view: View,
    /// The highest final block; none before the first.
    pub head: Option<(Height, Digest)>,
    /// The last final blocks by height.
    pub chain: BTreeMap<Height, Digest>,
    /// What there is evidence of.
    pub wrongs: BTreeSet<Wrong>,
    /// Why the last heights are final.
    proofs: BTreeMap<Height, Place>,
    /// `blocks`, lowest first.
    by_height: BTreeSet<(Height, Digest)>,
}

impl Content {
    /// Why a height is final, if that is known of it.
    #[must_use]
    pub fn proof(&self, height: Height) -> Option<&CommitProof> {
        self.proofs.get(&height).map(Place::proof)
    }

    /// Why the heights from one up are final, ascending.
    pub fn proofs_from(&self, height: Height) -> impl DoubleEndedIterator<Item = &CommitProof> {
        self.proofs.range(height..).map(|(_, place)| place.proof())
    }

    fn apply(&mut self, batch: &Arc<Batch>) {
        for (nth, record) in batch.iter().enumerate() {
            match record {
                Record::Block(block) => {
                    self.blocks.insert(block.digest());
                    self.by_height.insert((block.header().height, block.digest()));
                }
                Record::Certificate(certificate) => {
                    let candidate = certificate.statement.candidate().copied();
                    self.certificates.insert((certificate.view(), certificate.kind()), candidate);
                }
                Record::Finalized(advance) => {
                    let head = advance.head();
                    self.head = Some(head);
                    self.chain.extend(advance.blocks.iter().copied());
                    while self.chain.len() > PROOFS_MAX {
                        self.chain.pop_first();
                    }
                    if advance.is_complete() && advance.tip.view > self.finalized_view {
                        self.finalize(advance.tip.view);
                    }
                    let is_old = |lowest: &&(Height, Digest)| lowest.0.plus(RECENT) < head.0;
                    while let Some((_, digest)) = self.by_height.first().filter(is_old).copied() {
                        self.blocks.remove(&digest);
                        self.by_height.pop_first();
                    }
                }
                Record::Proof(proof) => {
                    self.proofs.insert(proof.height, Place { batch: Arc::clone(batch), nth });
                    if self.proofs.len() > PROOFS_MAX {
                        self.proofs.pop_first();
                    }
                }
                Record::Evidence(evidence) => {
                    self.wrongs.insert(wrong_of(evidence));
                }
                Record::Checkpoint(_) => {}
            }
        }
    }

    fn finalize(&mut self, view: View) {
        self.finalized_view = view;
        let is_below = |(held, _): &(View, Kind)| *held < view;
        while self.certificates.first_key_value().is_some_and(|(place, _)| is_below(place)) {
            self.certificates.pop_first();
        }
    }
}

impl Place {
    fn proof(&self) -> &CommitProof {
        match &self.batch[self.nth] {
            Record::Proof(proof) => proof,
            other => unreachable!("only places of proofs are kept, not of {other:?}"),
        }
    }
}

/// One node's log: everything appended to it, and enough of how it came about to tell what a crash
/// has left of it.
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    appended: Content,
    /// What was durable at some time, and every batch appended since.
    base: Content,
    tail: VecDeque<(Seq, Arc<Batch>)>,
    /// The next base, once everything up to its last batch is durable.
    rising: Option<(Seq, Content)>,
    durable: Seq,
    /// Heights that become final on disk when these entries are durable.
    advancing: VecDeque<(Seq, Height)>,
    /// The height up to which finality is durable.
    settled: Height,
}

impl Mirror {
    /// Takes in what happened at the node.
    pub fn observe(&mut self, what: &What) {
        match what {
            What::Wrote { seq, records } => {
                self.appended.apply(records);
                if let Some((height, _)) = self.appended.head {
                    self.advancing.push_back((*seq, height));
                }
                self.tail.push_back((*seq, Arc::clone(records)));
                if self.tail.len() >= TAIL_MAX && self.rising.is_none() {
                    self.rising = Some((*seq, self.appended.clone()));
                }
            }
            What::Durable { upto } => {
                self.durable = self.durable.max(*upto);
                while let Some((_, height)) = self.advancing.pop_front_if(|(seq, _)| *seq <= *upto)
                {
                    self.settled = height;
                }
                if let Some((last, content)) = self.rising.take_if(|(last, _)| *last <= *upto) {
                    self.base = content;
                    while self.tail.front().is_some_and(|(seq, _)| *seq <= last) {
                        self.tail.pop_front();
                    }
                }
            }
            What::Started { height, survived, .. } => self.restart(*height, *survived),
            _ => {}
        }
    }

    /// Keeps what was durable and what else survived.
    fn restart(&mut self, height: Height, survived: Seq) {
        let upto = self.durable.max(survived);
        let mut kept = std::mem::take(&mut self.base);
        for (_, batch) in self.tail.drain(..).filter(|(seq, _)| *seq <= upto) {
            kept.apply(&batch);
        }
        let held = kept.head.map_or(Height::ZERO, |(height, _)| height);
        if height < held {
            // The disk was emptied or replaced: what is on it now was not written here.
            kept = Content::default();
        }
        let settled = kept.head.map_or(Height::ZERO, |(height, _)| height);
        *self = Self { appended: kept.clone(), base: kept, settled, ..Self::default() };
    }

    /// The final block at one of the last heights, if no honest disk may lose any more that it is.
    #[must_use]
    pub fn surely_final(&self, height: Height) -> Option<Digest> {
        let block = self.appended.chain.get(&height).copied();
        block.filter(|_| height <= self.settled)
    }

    /// Everything in the log, durable or not.
    #[must_use]
    pub fn appended(&self) -> &Content {
        &self.appended
    }
}
