//! Answers questions for blocks with the wrong ones.
//!
//! Every block in an answer is a millisecond younger than the true one, so its digest is another's; the
//! Finalization and the proofs are the true ones.

use std::sync::Arc;

use quorate_core::{
    block::{Block, Header},
    codec::Bounded,
    message::{BlockResponse, Message},
};

use super::{Behaviour, Context, Outgoing};

/// Lies in every answer that holds a block.
pub struct LieInSync;

impl Behaviour for LieInSync {
    fn name(&self) -> &'static str {
        "lie_in_sync"
    }

    fn edit(&mut self, _context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let Message::BlockResponse(response) = outgoing.message.as_ref() else {
            out.push(outgoing);
            return;
        };
        let younger = |block: &Arc<Block>| {
            let header = block.header();
            let header = Header { timestamp: header.timestamp.plus_millis(1), ..header.clone() };
            Arc::new(Block::new(header, block.payload().clone()))
        };
        let blocks = Bounded::new(response.blocks.iter().map(younger).collect());
        let lie = BlockResponse { blocks, ..response.clone() };
        out.push(outgoing.instead(outgoing.to.clone(), Message::BlockResponse(lie)));
    }
}

#[cfg(test)]
mod tests;
