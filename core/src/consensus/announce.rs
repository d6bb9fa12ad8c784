//! Announcing the own block by short ids, and giving what others lack (P26, P28).
//!
//! The announcement is made with the block and sent once, when the leader's Notarize comes back
//! signed. Whatever is said again is said whole.

use std::sync::Arc;

use super::Consensus;
use crate::{
    block::Block,
    codec::Bounded,
    compact::CompactBlock,
    effect::Recipients,
    event::Event,
    message::{Body, Message, Proposal, TransactionsRequest, TransactionsResponse},
    notice::Out,
    time::Now,
    transaction::Transaction,
    types::{PeerId, View},
    vote::{Statement, Vote},
};

/// Bytes of the smallest payload that is announced: of a smaller one the transactions that one more
/// round trip might be needed for are worth more than the bytes.
const ANNOUNCED_BYTES_MIN: u32 = 8 * 1024;

/// A block is sent whole if its view is further beyond the finalized one: when views fail, whatever
/// made them fail, nothing should depend on what others have.
const ANNOUNCED_LAG_MAX: u64 = 4;

/// Requests for transactions of one block that are answered per peer. One is enough unless an answer
/// is lost; each may cost as much as the block.
const ANSWERS_MAX: u8 = 2;

impl Consensus {
    /// P26: the announcement of a block of mine, if it is worth one. A pure function of the block, the
    /// views and what the mempool says of its transactions.
    pub(super) fn announcement(
        &self,
        view: View,
        block: &Block,
        sealed: &[crate::types::Digest],
        fresh: &[u16],
    ) -> Option<(View, Arc<CompactBlock>)> {
        let body_bytes = block.header().payload_len;
        let lag = view.delta_from(self.finalized.view);
        if body_bytes < ANNOUNCED_BYTES_MIN || lag > ANNOUNCED_LAG_MAX {
            return None;
        }
        let compact = CompactBlock::of(block, sealed, fresh)?;
        let pays = compact.encoded_len() <= body_bytes / 2;
        pays.then(|| (view, Arc::new(compact)))
    }

    /// The message that carries my vote for the first time: the announcement, if there is one.
    pub(super) fn first_voiced(&mut self, vote: &Vote, out: &mut Out<'_>) -> Message {
        let view = vote.statement.view();
        let announced = self.announcement.take_if(|(announced, _)| *announced == view);
        let (Some((_, compact)), Statement::Notarize(candidate)) = (announced, &vote.statement)
        else {
            return self.voiced(vote);
        };
        assert_eq!(compact.digest(), candidate.block, "P26: {view} announces another block");
        out.fx.report(Event::Announced {
            view,
            bytes: compact.encoded_len(),
            body_bytes: compact.header().payload_len,
        });
        let justify = self.justify(candidate);
        let body = Body::Compact(compact);
        Message::Proposal(Arc::new(Proposal { notarize: *vote, body, justify }))
    }

    /// P28: gives a member the transactions that it lacks of a block held here.
    pub(super) fn on_transactions_request(
        &mut self,
        now: Now,
        from: PeerId,
        request: &TransactionsRequest,
        out: &mut Out<'_>,
    ) {
        let Some(index) = self.committee.index_of_peer(&from) else { return };
        if !self.peers.peer(index).may_be_answered(now.mono) {
            return;
        }
        let mut given: Vec<Transaction> = Vec::new();
        if let Some(held) = self.blocks.get_mut(&request.block) {
            let answers = held.answers.entry(index).or_insert(0);
            let transactions = &held.block.payload().transactions;
            let ascending = request.places.is_sorted_by(|one, next| one < next);
            let wanted = request.places.iter().map(|place| transactions.get(usize::from(*place)));
            let Some(wanted) = wanted.collect::<Option<Vec<_>>>().filter(|_| ascending) else {
                return;
            };
            if wanted.is_empty() || *answers >= ANSWERS_MAX {
                return;
            }
            *answers += 1;
            given.extend(wanted.into_iter().cloned());
            out.fx.report(Event::TransactionsGiven {
                view: request.view,
                count: u32::try_from(given.len()).expect("at most ten thousand"),
                bytes: given.iter().map(Transaction::encoded_len).sum(),
            });
        }
        let response = TransactionsResponse {
            view: request.view,
            block: request.block,
            transactions: Bounded::new(given),
        };
        out.fx.send(Recipients::One(from), Message::TransactionsResponse(response));
    }
}
