//! What one machine of a replica leaves for another. Each notice has exactly one receiver, and
//! `replica.rs` passes them on in one exhaustive match; machines never call each other.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    block::Block,
    certificate::{Certificate, Verified},
    effect::{Effect, Effects},
    evidence::Evidence,
    execution::ExecutedBlock,
    job::JobIds,
    message::Body,
    proof::CommitProof,
    store::Batch,
    types::{Digest, Height, PeerId, Seq, View},
    vote::Kind,
};

/// One thing another machine should know.
#[derive(Clone, Debug)]
pub(crate) enum Notice {
    /// consensus -> mempool: I lead `view`; what should the block carry? Nothing that is in
    /// `ancestors`, and nothing at all if execution lags too far behind.
    PayloadWanted {
        /// The view to propose in.
        view: View,
        /// The block's height.
        height: Height,
        /// Blocks not delivered yet between finality and the new one, ascending.
        ancestors: Vec<Arc<Block>>,
        /// The payload must be empty.
        empty: bool,
    },
    /// consensus -> mempool: which of this block's transactions do you have, and which of them were
    /// checked?
    BlockProposed {
        /// The view it is proposed in.
        view: View,
        /// Whole or announced.
        body: Body,
    },
    /// consensus -> sync: a block that was wanted is needed no more.
    BlockForgone(Digest),
    /// consensus -> sync: I need this block, which some quorum has accepted, or its leader announced.
    BlockWanted {
        /// Its digest.
        digest: Digest,
        /// Who should have it.
        hint: Option<PeerId>,
    },
    /// consensus -> sync: I need the finalized blocks from this height.
    BlocksWanted {
        /// The first of them.
        from: Height,
    },
    /// consensus -> sync: a peer asks for certificates I no longer keep in memory.
    CertificatesWanted {
        /// Who asks.
        by: PeerId,
        /// The view.
        view: View,
        /// The kind, if it is above finality.
        kind: Option<Kind>,
    },
    /// consensus -> execution, and checkpoints' alarm: these blocks are final and durable, in height order.
    Delivered(Vec<Arc<Block>>),
    /// sync -> consensus: the block that was wanted, its payload checked.
    BlockFetched(Arc<Block>),
    /// sync -> consensus: final blocks, checked, and the Finalization that proves them.
    BlocksFetched {
        /// Ascending and contiguous.
        blocks: Vec<Arc<Block>>,
        /// Of the last block or a descendant.
        finalization: Verified<Certificate>,
        /// Checked commit proofs of some of them.
        proofs: Vec<CommitProof>,
    },
    /// execution -> mempool, consensus' pace, and checkpoints: a block was executed.
    Executed(ExecutedBlock),
    /// checkpoints -> consensus: two votes that contradict each other, and who sent the second.
    Suspected {
        /// Not checked.
        evidence: Box<Evidence>,
        /// Who sent the second.
        from: PeerId,
    },
    /// checkpoints -> consensus: the newest certified height, for heartbeats.
    Checkpointed(Height),
    /// checkpoints -> execution, and consensus' proposals: results differ, so nothing more is executed.
    ExecutionHalted,
}

/// Where a machine puts what should happen next.
pub(crate) struct Out<'a> {
    /// For the driver.
    pub(crate) fx: &'a mut Effects,
    /// For other machines.
    pub(crate) notices: &'a mut VecDeque<Notice>,
    /// Names for jobs.
    pub(crate) jobs: &'a mut JobIds,
    /// The next place in the log.
    pub(crate) next_seq: &'a mut Seq,
}

impl Out<'_> {
    /// Emits a write and returns its place in the log.
    pub(crate) fn write(&mut self, batch: Batch) -> Seq {
        let seq = self.take_seq();
        self.fx.push(Effect::Write { seq, batch });
        seq
    }

    /// The next place in the log, which all machines share.
    pub(crate) fn take_seq(&mut self) -> Seq {
        let seq = *self.next_seq;
        *self.next_seq = seq.next();
        seq
    }

    /// Leaves a notice.
    pub(crate) fn notice(&mut self, notice: Notice) {
        self.notices.push_back(notice);
    }
}
