//! What lies in one node's log, followed from outside.
//!
//! Appended records count as being in the log; after a restart only those that survived do.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use quorate_core::{
    proof::CommitProof,
    store::{Batch, Record},
    types::{Digest, Height, Seq, View},
    vote::Kind,
};

use crate::trace::What;

/// Commit proofs kept: enough to compare validators soon after they disagree.
const PROOFS_MAX: usize = 512;

/// Final blocks kept below the head: a validator that catches up may vote for one.
const RECENT: u64 = 64;

/// The meaning of a log.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// Blocks that are not final, and some that became final last.
    pub blocks: BTreeSet<Digest>,
    /// The candidate's id per certificate at or above the finalized view; none for a Nullification.
    pub certificates: BTreeMap<(View, Kind), Option<Digest>>,
    /// The view of the last candidate finality has reached.
    pub finalized_view: View,
    /// The highest final block; none before the first.
    pub head: Option<(Height, Digest)>,
    /// Why the last heights are final.
    pub proofs: BTreeMap<Height, CommitProof>,
    /// The last final blocks by height.
    pub chain: BTreeMap<Height, Digest>,
    /// `blocks`, lowest first.
    by_height: BTreeSet<(Height, Digest)>,
}

impl Content {
    fn apply(&mut self, record: &Record) {
        match record {
            Record::Block(block) => {
                self.blocks.insert(block.digest());
                self.by_height.insert((block.header().height, block.digest()));
            }
            Record::Certificate(certificate) => {
                let id = certificate.statement.candidate().map(|candidate| candidate.id());
                self.certificates.insert((certificate.view(), certificate.kind()), id);
            }
            Record::Finalized(advance) => {
                let head = advance.head();
                self.head = Some(head);
                self.chain.extend(advance.blocks.iter().copied());
                while self.chain.len() > PROOFS_MAX {
                    self.chain.pop_first();
                }
                if advance.is_complete() && advance.tip.view > self.finalized_view {
                    self.finalized_view = advance.tip.view;
                    self.certificates =
                        self.certificates.split_off(&(advance.tip.view, Kind::Notarize));
                }
                let is_old = |lowest: &&(Height, Digest)| lowest.0.plus(RECENT) < head.0;
                while let Some((_, digest)) = self.by_height.first().filter(is_old).copied() {
                    self.blocks.remove(&digest);
                    self.by_height.pop_first();
                }
            }
            Record::Proof(proof) => {
                self.proofs.insert(proof.height, proof.clone());
                if self.proofs.len() > PROOFS_MAX {
                    self.proofs.pop_first();
                }
            }
            Record::Evidence(_) => {}
        }
    }
}

/// One node's log: what is sure to be on the disk, and what was appended since.
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    sure: Content,
    tail: VecDeque<(Seq, Arc<Batch>)>,
    appended: Content,
    durable: Seq,
}

impl Mirror {
    /// Takes in what happened at the node.
    pub fn observe(&mut self, what: &What) {
        match what {
            What::Wrote { seq, records } => {
                records.iter().for_each(|record| self.appended.apply(record));
                self.tail.push_back((*seq, Arc::clone(records)));
            }
            What::Durable { upto } => {
                self.durable = self.durable.max(*upto);
                self.settle(*upto);
            }
            What::Started { height, survived, .. } => {
                self.settle(*survived);
                self.tail.clear();
                let held = self.sure.head.map_or(Height::ZERO, |(height, _)| height);
                if *height < held {
                    // The disk was emptied or replaced: what is on it now was not written here.
                    self.sure = Content::default();
                }
                self.appended = self.sure.clone();
                self.durable = Seq::ZERO;
            }
            _ => {}
        }
    }

    fn settle(&mut self, upto: Seq) {
        while self.tail.front().is_some_and(|(seq, _)| *seq <= upto) {
            let (_, records) = self.tail.pop_front().expect("it has a front");
            records.iter().for_each(|record| self.sure.apply(record));
        }
    }

    /// Everything in the log, durable or not.
    #[must_use]
    pub fn appended(&self) -> &Content {
        &self.appended
    }

    /// What no honest disk may lose any more.
    #[must_use]
    pub fn sure(&self) -> &Content {
        &self.sure
    }

    /// The last log entry of this life that is durable.
    #[must_use]
    pub fn durable(&self) -> Seq {
        self.durable
    }
}
