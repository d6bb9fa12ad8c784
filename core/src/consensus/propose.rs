//! Proposing (P21, P22).

use std::sync::Arc;

use super::{Consensus, Head, HeldBlock, view_state::Slot};
use crate::{
    block::{Block, Candidate, EVIDENCE_MAX, Header, Payload},
    codec::Bounded,
    event::Event,
    job::fitting,
    mempool::Selection,
    message::{Body, Justify, Message, Proposal, SKIPS_INLINE_MAX},
    notice::{Notice, Out},
    planted::planted,
    store::Record,
    time::Now,
    types::{Digest, View},
    vote::{Kind, Statement, Vote},
};

/// A leader proposes nothing but empty blocks while execution is this far behind, so that finality
/// never runs away from execution.
const EXECUTION_LAG_MAX: u64 = 32;

/// What a proposal builds on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Base {
    view: View,
    id: Digest,
    block: Digest,
}

impl Consensus {
    /// P21: proposes if it is my turn, I have not yet, and a base is proven. A leader without
    /// transactions first waits a little for some (P43).
    pub(super) fn try_propose(&mut self, now: Now, out: &mut Out<'_>) {
        if !self.is_my_turn() {
            return;
        }
        let idle = self.parameters.idle_block_interval;
        let rushed = !self.mempool_empty || !self.unpunished.is_empty();
        if rushed || idle == crate::time::Span::ZERO {
            return self.propose_now(now, out);
        }
        if self.pacemaker.propose.is_none() {
            let view = self.view;
            let entered = self.view_state(view).entered.unwrap_or(now.mono);
            let due = entered.plus(self.idle_pause());
            if due <= now.mono {
                return self.propose_now(now, out);
            }
            self.pacemaker.propose = Some(due);
        }
    }

    /// How long an idle leader waits: never more than half of what others wait for it.
    pub(super) fn idle_pause(&self) -> crate::time::Span {
        let half = self.pacemaker.delay();
        self.parameters.idle_block_interval.min(half)
    }

    fn is_my_turn(&self) -> bool {
        let untouched = self.views.get(&self.view).is_none_or(|state| {
            state.mine.notarize.is_none() && !state.mine.nullify && state.slot == Slot::Empty
        });
        self.votes
            && !self.halted
            && untouched
            && Some(self.schedule.leader(self.view)) == self.me
            && self.view > self.safety_floor()
    }

    /// Asks for a payload, once the base and its block are at hand.
    pub(super) fn propose_now(&mut self, now: Now, out: &mut Out<'_>) {
        if !self.is_my_turn() {
            return;
        }
        let Some(base) = self.base(now, out) else { return };
        let Some(parent) = self.parent_of(base.block) else {
            return self.want_block(base.block, None, out);
        };
        let ancestors = match self.unfinalized_ancestors(base.block) {
            Ok(ancestors) => ancestors,
            Err(missing) => return self.want_block(missing, None, out),
        };
        let behind = parent.height.delta_from(self.executed) > EXECUTION_LAG_MAX;
        let empty = behind || self.execution_halted;
        out.notice(Notice::PayloadWanted {
            view: self.view,
            height: parent.height.next(),
            ancestors,
            empty,
        });
    }

    /// The highest notarized view, or the finalized one, from which every view up to the current one
    /// is nullified. Asks for what it lacks: a view below that has neither certificate here has one
    /// somewhere, since somebody left it.
    fn base(&mut self, now: Now, out: &mut Out<'_>) -> Option<Base> {
        let mut view = self.view.previous()?;
        loop {
            if view == self.finalized.view {
                return Some(Base {
                    view,
                    id: self.finalized.id,
                    block: self.finalized.head.block,
                });
            }
            let state = self.views.get(&view);
            if let Some(candidate) = state.and_then(|state| state.notarized()) {
                return Some(Base { view, id: candidate.id(), block: candidate.block });
            }
            let skipped = state.is_some_and(|state| state.is_nullified());
            if !skipped && !planted!(SkippedViewUnproven) {
                self.want_certificate(now, view, None, None, out);
                return None;
            }
            view = view.previous()?;
        }
    }

    /// What judging a child of this block needs: the finalized tip or a block in memory.
    pub(super) fn parent_of(&self, block: Digest) -> Option<Head> {
        if block == self.finalized.head.block {
            return Some(self.finalized.head);
        }
        self.blocks.get(&block).map(|held| Head::of(&held.block))
    }

    /// Blocks that execution has not been given yet, up to `block`, ascending; or the one between
    /// it and the finalized tip that is missing.
    fn unfinalized_ancestors(&self, block: Digest) -> Result<Vec<Arc<Block>>, Digest> {
        let mut above = Vec::new();
        let mut digest = block;
        while digest != self.finalized.head.block {
            let held = self.blocks.get(&digest).ok_or(digest)?;
            above.push(Arc::clone(&held.block));
            digest = held.block.header().parent;
        }
        let undelivered = self.deliveries.iter().flat_map(|(_, blocks)| blocks).cloned();
        Ok(undelivered.chain(above.into_iter().rev()).collect())
    }

    /// P22: makes the block, writes it, and asks for the signature. The proposal itself goes out when
    /// the signature comes back.
    pub(crate) fn on_payload(
        &mut self,
        now: Now,
        view: View,
        selection: Selection,
        out: &mut Out<'_>,
    ) {
        if view != self.view || !self.is_my_turn() {
            return;
        }
        let Some(base) = self.base(now, out) else { return };
        let Some(parent) = self.parent_of(base.block) else { return };
        let evidence: Vec<_> =
            self.unpunished.iter().map(|place| self.evidence[place]).take(EVIDENCE_MAX).collect();
        let Selection { transactions, sealed, fresh } = selection;
        let payload = Payload { transactions, evidence: Bounded::new(evidence) };
        let height = parent.height.next();
        let header = Header {
            chain_id: self.chain_id,
            epoch: self.epoch,
            height,
            parent: base.block,
            origin_view: view,
            proposer: self.me.expect("only a member has a turn"),
            payload_root: payload.root(),
            payload_len: payload.encoded_len(),
            timestamp: match planted!(TimestampBackwards) {
                true => now.wall,
                false => parent.timestamp.plus_millis(1).max(now.wall),
            },
            evidence_root: payload.evidence_root(),
            next_committee: None,
        };
        let transactions = u32::try_from(payload.transactions.len()).expect("at most 10,000");
        let block = Arc::new(Block::new(header, payload));
        let candidate = Candidate {
            epoch: self.epoch,
            view,
            parent_view: base.view,
            parent_id: base.id,
            block: block.digest(),
        };
        self.pacemaker.propose = None;
        self.pacemaker.leader = None;
        out.write(vec![Record::Block(Arc::clone(&block))]);
        self.announcement = self.announcement(view, &block, &sealed, &fresh);
        self.blocks.insert(block.digest(), HeldBlock::new(Arc::clone(&block), true));
        self.view_state(view).slot = Slot::Accepted { candidate, block };
        let pledged = self.try_pledge(Statement::Notarize(candidate), out);
        assert!(pledged, "P22: the guards were checked before building");
        out.fx.report(Event::Proposed { candidate, height, transactions });
    }

    /// The message that carries a vote of mine: my proposal, whole, if it is the leader's and its block is at
    /// hand.
    pub(super) fn voiced(&self, vote: &Vote) -> Message {
        let Statement::Notarize(candidate) = &vote.statement else { return Message::Vote(*vote) };
        let leads = Some(self.schedule.leader(candidate.view)) == self.me;
        match self.blocks.get(&candidate.block).filter(|_| leads) {
            Some(held) => Message::Proposal(Arc::new(Proposal {
                notarize: *vote,
                body: Body::Full(Arc::clone(&held.block)),
                justify: self.justify(candidate),
            })),
            None => Message::Vote(*vote),
        }
    }

    /// The certificates that prove a candidate's ancestry, as far as they are in memory.
    pub(super) fn justify(&self, candidate: &Candidate) -> Justify {
        let parent = match self.views.get(&candidate.parent_view) {
            Some(state) => state.notarized_by(),
            None => self.finalized.certificate.as_ref(),
        };
        let skipped = self.views.range(candidate.parent_view.next()..candidate.view);
        let skips = skipped
            .filter_map(|(_, state)| state.certificate(Kind::Nullify))
            .take(SKIPS_INLINE_MAX)
            .map(|certificate| (**certificate).clone())
            .collect();
        Justify { parent: parent.map(|certificate| (**certificate).clone()), skips: fitting(skips) }
    }
}
