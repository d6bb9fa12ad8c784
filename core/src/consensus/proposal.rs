//! Judging a leader's proposal (P23-P25).

use std::sync::Arc;

use super::{Consensus, HeldBlock, Pending, view_state::Slot};
use crate::{
    block::{Block, Candidate, Header},
    effect::{Effect, PeerFault},
    event::{Event, TimeoutReason},
    job::{BlockFault, Job, JobId, Unchecked},
    message::{Body, Justify, Proposal, SKIPS_INLINE_MAX},
    notice::{Notice, Out},
    planted::planted,
    store::Record,
    time::Now,
    types::{PeerId, View},
    vote::{Kind, Statement},
};

/// Whether the current view's proposal may be voted for.
enum Judgement {
    /// Yes.
    Good,
    /// Not yet: something was asked for, or time must pass.
    Wait,
    /// Never.
    Bad,
}

impl Consensus {
    /// P23: takes a proposal and every certificate in it, and asks what is here of its block, so that it
    /// can be checked.
    pub(super) fn on_proposal(
        &mut self,
        now: Now,
        from: PeerId,
        proposal: Arc<Proposal>,
        out: &mut Out<'_>,
    ) {
        let Statement::Notarize(candidate) = proposal.notarize.statement else {
            return out.fx.penalize(from, PeerFault::MalformedProposal);
        };
        if candidate.epoch != self.epoch {
            return;
        }
        let leader = self.schedule.leader(candidate.view);
        if proposal.notarize.signer != leader || self.peers.id(leader) != from {
            return out.fx.penalize(from, PeerFault::NotTheLeader);
        }
        if !self.is_well_formed(&candidate, &proposal) {
            return out.fx.penalize(from, PeerFault::MalformedProposal);
        }
        self.take_justify(now, from, &proposal.justify, out);

        let view = candidate.view;
        self.peers.on_view(leader, view);
        if view <= self.finalized.view || view > self.view.next() {
            return;
        }
        // A second, different candidate shows as a conflict of the leader's votes (P60).
        if !self.offer_vote(now, from, proposal.notarize, out) && !planted!(NotarizeTwice) {
            return;
        }
        let state = self.view_state(view);
        if state.slot != Slot::Empty && !planted!(NotarizeTwice) {
            return;
        }
        let body = proposal.body.clone();
        state.slot = Slot::Proposed(proposal);
        out.notice(Notice::BlockProposed { view, body });
    }

    /// Has a proposal's signatures and the payload of its block checked. The signatures of transactions
    /// at other places than `unchecked` were checked before.
    pub(super) fn check_proposed(
        &mut self,
        now: Now,
        proposal: Arc<Proposal>,
        block: Arc<Block>,
        unchecked: Vec<u16>,
        out: &mut Out<'_>,
    ) {
        let Some(candidate) = proposal.notarize.statement.candidate().copied() else { return };
        let from = self.peers.id(proposal.notarize.signer);
        let vote = self.context.check(&self.committee, &proposal.notarize);
        let mut checks = vec![vote.expect("the leader is a member")];
        for evidence in &block.payload().evidence {
            match evidence.checks(&self.context, &self.committee) {
                Some(both) => checks.extend(both),
                None => return self.refuse(now, candidate, from, out),
            }
        }
        let (view, id, unchecked) = (candidate.view, out.jobs.next(), Unchecked::Only(unchecked));
        self.pending.insert(id, Pending::Proposal(view));
        self.view_state(view).slot = Slot::Checking { proposal, block: Arc::clone(&block) };
        out.fx.push(Effect::Run(Job::CheckBlock { id, block, unchecked, checks }));
    }

    /// Whether a proposal agrees with itself and the limits; no honest leader's fails this.
    fn is_well_formed(&self, candidate: &Candidate, proposal: &Proposal) -> bool {
        let body = &proposal.body;
        let header: &Header = body.header();
        let count = u32::try_from(body.transactions()).expect("bounded by the encoding");
        let announced = match body {
            // P26: no honest leader announces what is hardly shorter than the block.
            Body::Compact(compact) => {
                compact.is_well_formed() && compact.encoded_len() <= header.payload_len / 2
            }
            Body::Full(_) => true,
        };
        announced
            && candidate.block == body.digest()
            && candidate.parent_view < candidate.view
            && header.epoch == candidate.epoch
            && header.chain_id == self.chain_id
            && header.origin_view == candidate.view
            && header.proposer == proposal.notarize.signer
            && header.payload_len <= self.parameters.payload_bytes_max
            && count <= self.parameters.transactions_max
            && header.next_committee.is_none()
            && body.evidence().iter().all(|evidence| evidence.epoch() == candidate.epoch)
            && justifies(candidate, &proposal.justify)
    }

    fn take_justify(&mut self, now: Now, from: PeerId, justify: &Justify, out: &mut Out<'_>) {
        for certificate in justify.parent.iter().chain(&justify.skips) {
            self.on_certificate(now, from, certificate.clone(), out);
        }
    }

    /// Learns whether the signatures and the payload hold.
    pub(crate) fn on_block_checked(
        &mut self,
        now: Now,
        id: JobId,
        good: &[bool],
        fault: Option<BlockFault>,
        out: &mut Out<'_>,
    ) {
        let Some(Pending::Proposal(view)) = self.pending.remove(&id) else { return };
        if view <= self.finalized.view {
            return;
        }
        let state = self.view_state(view);
        let Slot::Checking { proposal, block } = state.slot.clone() else { return };
        let vote = proposal.notarize;
        let Some(candidate) = vote.statement.candidate().copied() else { return };
        let from = self.peers.id(vote.signer);

        let (signed, evidence) = good.split_first().expect("the leader's vote was asked about");
        if !signed {
            self.view_state(view).slot = Slot::Empty;
            self.view_state(view).votes(Kind::Notarize).on_checked(&vote, false);
            return out.fx.penalize(from, PeerFault::BadVoteSignature);
        }
        self.count_checked(now, vote, out);
        if view <= self.finalized.view {
            return;
        }
        let announced = matches!(proposal.body, Body::Compact(_));
        let fault = fault.filter(|_| !(announced && planted!(CompactUnchecked)));
        if announced && fault == Some(BlockFault::PayloadMismatch) {
            return self.fetch_announced(view, out);
        }
        if fault.is_some() || evidence.contains(&false) {
            return self.refuse(now, candidate, from, out);
        }
        let state = self.view_state(view);
        state.arrival = state.entered.map(|entered| now.mono.since(entered));
        state.slot = Slot::Accepted { candidate, block: Arc::clone(&block) };
        out.fx.report(Event::ProposalAccepted { candidate });
        self.on_block(now, block, out);
    }

    /// Nobody may vote for this candidate: the leader is at fault and its view pointless.
    fn refuse(&mut self, now: Now, candidate: Candidate, from: PeerId, out: &mut Out<'_>) {
        out.fx.penalize(from, PeerFault::InvalidBlock);
        self.view_state(candidate.view).slot = Slot::Refused(candidate);
        if candidate.view == self.view {
            self.give_up(now, TimeoutReason::InvalidProposal, out);
        }
    }

    /// Takes in a block whose payload was checked: proposed or fetched.
    pub(super) fn on_block(&mut self, now: Now, block: Arc<Block>, out: &mut Out<'_>) {
        let digest = block.digest();
        self.blocks.entry(digest).or_insert_with(|| HeldBlock::new(block, false));
        let waiting: Vec<View> = self
            .views
            .iter()
            .filter(|(_, state)| {
                state.notarized().is_some_and(|candidate| candidate.block == digest)
            })
            .map(|(view, _)| *view)
            .collect();
        for view in waiting {
            self.try_finalize(view, out);
        }
        self.try_advance_finality(now, out);
        self.try_notarize(now, out);
        if Some(self.schedule.leader(self.view)) == self.me {
            self.try_propose(now, out);
        }
    }

    /// P24: votes Notarize for the current view's proposal as soon as everything it rests on is held.
    pub(super) fn try_notarize(&mut self, now: Now, out: &mut Out<'_>) {
        let view = self.view;
        let Some(state) = self.views.get(&view) else { return };
        let Slot::Accepted { candidate, block } = &state.slot else { return };
        let voted = match &state.mine.notarize {
            Some(mine) => !planted!(NotarizeTwice) || mine == candidate,
            None => false,
        };
        if voted || (state.mine.nullify && !planted!(NotarizeAfterNullify)) || !self.votes {
            return;
        }
        let (candidate, block) = (*candidate, Arc::clone(block));
        match self.judge(now, &candidate, block.header(), out) {
            Judgement::Wait => {}
            Judgement::Bad => {
                let leader = self.peers.id(self.schedule.leader(view));
                self.refuse(now, candidate, leader, out);
            }
            Judgement::Good => {
                self.write_block(&candidate.block, out);
                if self.try_pledge(Statement::Notarize(candidate), out) {
                    self.pacemaker.leader = None;
                    self.pacemaker.timestamp = None;
                    if planted!(FinalizeUnnotarized) {
                        self.try_pledge(Statement::Finalize(candidate), out);
                    }
                }
            }
        }
    }

    /// P24, P25: ancestry, link, and timestamp.
    fn judge(
        &mut self,
        now: Now,
        candidate: &Candidate,
        header: &Header,
        out: &mut Out<'_>,
    ) -> Judgement {
        let hint = self.peers.id(self.schedule.leader(candidate.view));

        // The parent is the finalized tip, or notarized above it. Anything below conflicts with it.
        let parent = candidate.parent_view;
        let parent_block = if parent < self.finalized.view {
            return Judgement::Bad;
        } else if parent == self.finalized.view {
            if candidate.parent_id != self.finalized.id {
                return Judgement::Bad;
            }
            self.finalized.head.block
        } else {
            match self.views.get(&parent).and_then(|state| state.notarized()) {
                Some(held) if held.id() == candidate.parent_id || planted!(AncestryUnchecked) => {
                    held.block
                }
                // Only one candidate of a view can be notarized, and it is another.
                Some(_) => return Judgement::Bad,
                None => {
                    self.want_certificate(now, parent, Some(Kind::Notarize), Some(hint), out);
                    return Judgement::Wait;
                }
            }
        };

        // Every view between was given up by a quorum. All that is missing is asked for together.
        let mut skipped = candidate.view;
        let mut missing = Vec::new();
        while let Some(view) = skipped.previous().filter(|view| *view > parent) {
            if !self.views.get(&view).is_some_and(|state| state.is_nullified()) {
                missing.push(view);
                if missing.len() == SKIPS_INLINE_MAX {
                    break;
                }
            }
            skipped = view;
        }
        if !missing.is_empty() && !planted!(SkippedViewUnproven) {
            for view in missing {
                self.want_certificate(now, view, Some(Kind::Nullify), Some(hint), out);
            }
            return Judgement::Wait;
        }

        let Some(parent) = self.parent_of(parent_block) else {
            self.want_block(parent_block, Some(hint), out);
            return Judgement::Wait;
        };
        let linked = header.parent == parent_block && header.height == parent.height.next();
        let later = header.timestamp > parent.timestamp;
        if !(linked || planted!(AncestryUnchecked)) || !(later || planted!(TimestampBackwards)) {
            return Judgement::Bad;
        }

        // P25: a block from the future is no offence: whose clock is wrong cannot be known.
        let ahead = self.parameters.timestamp_ahead_max;
        let allowed = now.wall.plus_millis(ahead.millis());
        if header.timestamp > allowed {
            let wait = header.timestamp.get() - allowed.get();
            let due = now.mono.plus(crate::time::Span::from_millis(wait));
            self.pacemaker.timestamp = Some(due);
            return Judgement::Wait;
        }
        Judgement::Good
    }

    /// Emits a held block's record, once.
    pub(super) fn write_block(&mut self, digest: &crate::types::Digest, out: &mut Out<'_>) {
        let Some(held) = self.blocks.get_mut(digest).filter(|held| !held.written) else { return };
        held.written = true;
        if planted!(BlockUnwritten) {
            return;
        }
        let record = Record::Block(Arc::clone(&held.block));
        out.write(vec![record]);
    }
}

/// Whether the certificates shown are about the candidate's parent and the views it skips.
fn justifies(candidate: &Candidate, justify: &Justify) -> bool {
    let parent = justify.parent.as_ref().is_none_or(|certificate| {
        certificate.statement.candidate().is_some_and(|parent| {
            parent.view == candidate.parent_view && parent.id() == candidate.parent_id
        })
    });
    let between = candidate.parent_view.next()..candidate.view;
    let skips = justify.skips.iter().all(|certificate| {
        certificate.kind() == Kind::Nullify && between.contains(&certificate.view())
    });
    parent && skips
}
