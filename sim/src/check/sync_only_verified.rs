//! Nothing enters an honest validator's store that is not proven.
//!
//! A block carries the payload its header commits to. Blocks become final only below a Finalization
//! that a quorum really signed, in an unbroken chain of parents. Evidence holds two votes its signer
//! really signed.

use std::{collections::VecDeque, sync::Arc};

use quorate_core::{
    block::Block,
    store::{Finalized, Record},
    vote::{Kind, Statement},
};

use super::{Checker, Scene, Violation, evidence_never_blames_honest::is_real};
use crate::{
    scenario::Invariant,
    trace::{Observation, What},
};

/// Blocks remembered as good: as many as are under way at once, since all nodes share them.
const BLOCKS_MAX: usize = 64;

/// Judges each record by itself; the scene remembers the rest.
#[derive(Default)]
pub struct SyncOnlyVerified {
    good: VecDeque<Arc<Block>>,
}

impl Checker for SyncOnlyVerified {
    fn invariant(&self) -> Invariant {
        Invariant::SyncOnlyVerified
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        let What::Wrote { records, .. } = &observation.what else { return Ok(()) };
        if !scene.honesty.is_honest_node(observation.node) {
            return Ok(());
        }
        let judged = records.iter().try_for_each(|record| match record {
            Record::Block(block) => self.check_block(block),
            Record::Finalized(advance) => check_advance(scene, advance),
            Record::Certificate(certificate) => scene.judge(certificate),
            Record::Checkpoint(certificate) => scene.examine(certificate),
            Record::Proof(proof) => proof.certificates().try_for_each(|one| scene.judge(one)),
            Record::Evidence(evidence) if !is_real(scene, evidence) => {
                Err("evidence of votes that were never signed".to_owned())
            }
            Record::Evidence(_) => Ok(()),
        });
        judged.map_err(|reason| {
            let detail = format!("stored unproven: {reason}");
            Violation::of(Invariant::SyncOnlyVerified, observation, detail)
        })
    }
}

impl SyncOnlyVerified {
    fn check_block(&mut self, block: &Arc<Block>) -> Result<(), String> {
        if self.good.iter().any(|good| Arc::ptr_eq(good, block)) {
            return Ok(());
        }
        if block.header().payload_root != block.payload().root() {
            return Err(format!("block {:?} with another payload", block.digest()));
        }
        self.good.push_back(Arc::clone(block));
        if self.good.len() > BLOCKS_MAX {
            self.good.pop_front();
        }
        Ok(())
    }
}

fn check_advance(scene: &Scene, advance: &Finalized) -> Result<(), String> {
    scene.judge(&advance.certificate)?;
    let statement = advance.certificate.statement;
    if statement.kind() != Kind::Finalize || statement != Statement::Finalize(advance.tip) {
        return Err("finality by a certificate of something else".to_owned());
    }
    for (height, block) in &advance.blocks {
        if scene.lineage.place(block).is_none_or(|place| place.height != *height) {
            return Err(format!("block {block:?} is not of height {height}"));
        }
        if !scene.lineage.descends(advance.tip.block, *block) {
            return Err(format!("block {block:?} is no ancestor of the finalized one"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
