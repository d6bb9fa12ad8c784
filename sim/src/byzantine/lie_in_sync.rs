//! Answers questions for blocks with the wrong ones.
//!
//! By the number of the question: every block in the answer is a millisecond younger than the true one, so
//! its digest is another's; or it has lost its payload and keeps its header; or all blocks are true and
//! their Finalization does not hold; or the last block is another, and a Finalization of a later view says
//! in everybody's name that it is final. Whatever else is in the answer is true.

use std::sync::Arc;

use quorate_core::{
    block::{Block, Candidate, Header, Payload},
    codec::Bounded,
    message::{BlockResponse, Message},
    vote::Statement,
};

use super::{
    Behaviour, Context, Outgoing, bad_signature::spoil_certificate, forge::in_the_name_of_all,
};

/// Lies in every answer that holds a block.
pub struct LieInSync;

impl Behaviour for LieInSync {
    fn name(&self) -> &'static str {
        "lie_in_sync"
    }

    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let Message::BlockResponse(response) = outgoing.message.as_ref() else {
            out.push(outgoing);
            return;
        };
        let lie = match response.id % 4 {
            0 => with_blocks(response, younger),
            1 => with_blocks(response, emptied),
            3 => forked(context, response).unwrap_or_else(|| with_blocks(response, younger)),
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

/// The same chain with another end, which all seem to have finalized.
fn forked(context: &Context<'_>, response: &BlockResponse) -> Option<BlockResponse> {
    let finalized = *response.finalization.as_ref()?.statement.candidate()?;
    let mut blocks = response.blocks.to_vec();
    let last = blocks.last_mut()?;
    *last = Arc::new(younger(last));
    let (view, block) = (finalized.view.next(), last.digest());
    let tip = Candidate { view, block, ..finalized };
    let finalization = in_the_name_of_all(context, Statement::Finalize(tip));
    Some(BlockResponse {
        blocks: Bounded::new(blocks),
        links: Bounded::default(),
        finalization: Some(finalization),
        ..response.clone()
    })
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
