//! Answers questions for blocks with the wrong ones.
//!
//! By the number of the question: every block in the answer is a millisecond younger than the true one, so
//! its digest is another's; or it has lost its payload and keeps its header; or all blocks are true and
//! their Finalization does not hold. Whatever else is in the answer is true.

use std::sync::Arc;

use quorate_core::{
    block::{Block, Header, Payload},
    codec::Bounded,
    message::{BlockResponse, Message},
};

use super::{Behaviour, Context, Outgoing, bad_signature::spoil_certificate};

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
        let lie = match response.id % 3 {
            0 => with_blocks(response, younger),
            1 => with_blocks(response, emptied),
            _ => match &response.finalization {
                Some(finalization) => BlockResponse {
                    finalization: Some(spoil_certificate(finalization)),
                    ..response.clone()
                },
                None => with_blocks(response, younger),
            },
        };
        out.push(outgoing.instead(outgoing.to.clone(), Message::BlockResponse(lie)));
    }
}

fn with_blocks(response: &BlockResponse, lie: fn(&Block) -> Block) -> BlockResponse {
    let blocks = response.blocks.iter().map(|block| Arc::new(lie(block)));
    BlockResponse { blocks: Bounded::new(blocks.collect()), ..response.clone() }
}

/// Another block, made a millisecond later.
fn younger(block: &Block) -> Block {
    let header = block.header();
    let header = Header { timestamp: header.timestamp.plus_millis(1), ..header.clone() };
    Block::new(header, block.payload().clone())
}

/// The same header without what it commits to; another block if that is nothing.
fn emptied(block: &Block) -> Block {
    if block.payload().is_empty() {
        return younger(block);
    }
    Block::new(block.header().clone(), Payload::default())
}

#[cfg(test)]
mod tests;
