//! What a replica has asked to be executed, and what was answered.
//!
//! Finalized blocks come in by height and leave one at a time: at most one [`Job::Execute`] is under
//! way, because the driver owns one state. Never executes anything itself and never looks inside a
//! block.

use std::{collections::VecDeque, sync::Arc};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::Block,
    effect::{Effect, Effects},
    event::Event,
    execution::ExecutedBlock,
    job::Job,
    types::{Digest, Height},
};

/// The queue before the driver's execution lane.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Execution {
    /// The height of the last block whose result came back.
    executed: Height,
    /// The state after it, unless nothing was executed since the start.
    state: Option<Digest>,
    /// Heights above `executed`, contiguous. The first one is under way.
    queue: VecDeque<Arc<Block>>,
    /// Payload bytes in the queue.
    bytes: u64,
    /// Up to where blocks were delivered, once execution was halted: they are on disk, and executed
    /// after a restart.
    halted_at: Option<Height>,
}

impl Execution {
    /// Starts above `finalized`, up to which the driver has executed before the start.
    #[must_use]
    pub fn new(finalized: Height) -> Self {
        Self { executed: finalized, state: None, queue: VecDeque::new(), bytes: 0, halted_at: None }
    }

    /// Upon the next finalized block: queues it, and has it executed if nothing is under way. A block
    /// that was delivered before changes nothing.
    ///
    /// # Panics
    /// If a height is left out: finality is delivered in order.
    pub fn on_delivered(&mut self, block: Arc<Block>, fx: &mut Effects) {
        let height = block.header().height;
        let delivered = self.delivered_height();
        if height <= delivered {
            return;
        }
        assert_eq!(height, delivered.next(), "delivered {height} after {delivered}");
        if let Some(halted_at) = &mut self.halted_at {
            *halted_at = height;
            return;
        }
        self.bytes += u64::from(block.header().payload_len);
        self.queue.push_back(block);
        if self.queue.len() == 1 {
            self.run_next(fx);
        }
    }

    /// Upon a result: takes note, has the next block executed, and hands the result on to whoever
    /// else should know. `None` if this was not the result waited for.
    pub fn on_executed(&mut self, done: ExecutedBlock, fx: &mut Effects) -> Option<ExecutedBlock> {
        if self.queue.front().map(|block| block.header().height) != Some(done.height) {
            return None;
        }
        assert_eq!(done.height, self.executed.next(), "executed above {}", self.executed);
        let block = self.queue.pop_front().expect("the front was just looked at");
        self.bytes -= u64::from(block.header().payload_len);
        self.executed = done.height;
        self.state = Some(done.state);
        let counts = done.counts();
        fx.report(Event::Executed {
            height: done.height,
            state: done.state,
            applied: counts.applied,
            failed: counts.failed,
            skipped: counts.skipped,
        });
        self.run_next(fx);
        Some(done)
    }

    /// Executes nothing more: results differ, and each further one would bury why (P84). What is
    /// under way is not waited for.
    pub fn halt(&mut self) {
        self.halted_at.get_or_insert(self.executed.plus(queued(&self.queue)));
        self.queue.clear();
        self.bytes = 0;
    }

    /// The height of the last block whose result came back.
    #[must_use]
    pub fn executed_height(&self) -> Height {
        self.executed
    }

    /// The state after it; `None` if nothing was executed since the start.
    #[must_use]
    pub fn state(&self) -> Option<Digest> {
        self.state
    }

    /// The height of the last block delivered.
    ///
    /// # Panics
    /// Never: the queue is shorter than the chain.
    #[must_use]
    pub fn delivered_height(&self) -> Height {
        self.halted_at.unwrap_or(self.executed.plus(queued(&self.queue)))
    }

    /// Delivered blocks without a result, ascending. Their transactions are final but the mempool
    /// does not know what became of them yet.
    pub fn queued(&self) -> impl Iterator<Item = &Arc<Block>> {
        self.queue.iter()
    }

    /// Payload bytes of delivered blocks without a result.
    #[must_use]
    pub fn queued_bytes(&self) -> u64 {
        self.bytes
    }

    fn run_next(&self, fx: &mut Effects) {
        if let Some(block) = self.queue.front() {
            fx.push(Effect::Run(Job::Execute { block: Arc::clone(block) }));
        }
    }
}

fn queued(queue: &VecDeque<Arc<Block>>) -> u64 {
    u64::try_from(queue.len()).expect("queues are short")
}

#[cfg(test)]
mod tests;
