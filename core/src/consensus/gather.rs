//! Putting an announced block together (P27-P29).
//!
//! What the mempool does not have is asked of the leader, once. Whatever goes wrong after that, the
//! block is fetched whole by its digest, like any other. Nothing here decides what is voted for: a block
//! is judged only when it is whole and checked (P24).

use std::sync::Arc;

use super::{Consensus, view_state::Slot};
use crate::{
    block::Block,
    codec::Bounded,
    compact::{CompactBlock, Parts, ShortIds, sealed_id},
    effect::Recipients,
    event::Event,
    message::{Body, Message, Proposal, TransactionsRequest, TransactionsResponse},
    notice::{Notice, Out},
    planted::planted,
    time::Now,
    types::{Digest, PeerId, View},
    vote::Kind,
};

impl Consensus {
    /// The mempool has said which transactions of a whole proposed block need no second check.
    pub(crate) fn on_screened(
        &mut self,
        now: Now,
        view: View,
        block: Arc<Block>,
        unchecked: Vec<u16>,
        out: &mut Out<'_>,
    ) {
        let state = self.views.get(&view);
        let Some(Slot::Proposed(proposal)) = state.map(|state| &state.slot) else { return };
        let proposal = Arc::clone(proposal);
        self.check_proposed(now, proposal, block, unchecked, out);
    }

    /// P27: the mempool has said what it has of an announced block. If that is all, the block is
    /// checked; if not, the leader is asked for the rest.
    pub(crate) fn on_gathered(&mut self, now: Now, view: View, parts: Parts, out: &mut Out<'_>) {
        let state = self.views.get(&view);
        let Some(Slot::Proposed(proposal)) = state.map(|state| &state.slot) else { return };
        let (proposal, missing) = (Arc::clone(proposal), parts.missing());
        if missing.is_empty() {
            return self.join(now, proposal, parts, out);
        }
        let count = |count: usize| u32::try_from(count).expect("at most ten thousand");
        out.fx.report(Event::TransactionsMissing {
            view,
            missing: count(missing.len()),
            transactions: count(proposal.body.transactions()),
        });
        let (leader, block) = (self.peers.id(proposal.notarize.signer), proposal.body.digest());
        let request = TransactionsRequest { view, block, places: Bounded::new(missing) };
        if !planted!(CompactNeverAsks) {
            out.fx.send(Recipients::One(leader), Message::TransactionsRequest(request));
            self.asks.insert((now.mono.plus(self.pacemaker.delay()), view));
        }
        self.view_state(view).slot = Slot::Gathering { proposal, parts };
    }

    /// P28: takes the transactions that the leader was asked for, if they are those it announced.
    pub(super) fn on_transactions_response(
        &mut self,
        now: Now,
        from: PeerId,
        response: TransactionsResponse,
        out: &mut Out<'_>,
    ) {
        let view = response.view;
        let state = self.views.get_mut(&view);
        // A late answer, or one that repeats, is no offence.
        let Some(Slot::Gathering { proposal, parts }) = state.map(|state| &mut state.slot) else {
            return;
        };
        let Some(compact) = announced(proposal) else { return };
        let leader = proposal.notarize.signer;
        if self.peers.id(leader) != from || compact.digest() != response.block {
            return;
        }
        let missing = parts.missing();
        if !fits(compact, &missing, &response) {
            // It may answer what an earlier life of mine asked for, so it is no offence.
            return self.fetch_announced(view, out);
        }
        let (proposal, mut parts) = (Arc::clone(proposal), parts.clone());
        for (place, transaction) in missing.into_iter().zip(response.transactions.into_inner()) {
            parts.put(place, transaction, false);
        }
        self.join(now, proposal, parts, out);
    }

    /// Has a block that was put together checked.
    fn join(&mut self, now: Now, proposal: Arc<Proposal>, parts: Parts, out: &mut Out<'_>) {
        let Some(compact) = announced(&proposal) else { return };
        let (block, unchecked) = parts.join(compact);
        self.check_proposed(now, proposal, block, unchecked, out);
    }

    /// P29: what was put together is not what was announced, or the leader gives no answer: the block is
    /// fetched whole. Of two transactions with one short id the wrong one may be here, so this is
    /// nobody's fault.
    pub(super) fn fetch_announced(&mut self, view: View, out: &mut Out<'_>) {
        let state = self.view_state(view);
        let proposal = match &state.slot {
            Slot::Gathering { proposal, .. } | Slot::Checking { proposal, .. } => {
                Arc::clone(proposal)
            }
            Slot::Empty
            | Slot::Proposed(_)
            | Slot::Fetching(_)
            | Slot::Accepted { .. }
            | Slot::Refused(_) => return,
        };
        let digest = proposal.body.digest();
        let notarized = state.notarized().is_some_and(|candidate| candidate.block == digest);
        state.slot = Slot::Fetching(Arc::clone(&proposal));
        if view == self.view || notarized {
            let holder = self.holder(&proposal);
            self.want_block(digest, Some(holder), out);
        }
    }

    /// Somebody who holds the block: a member whose Notarize for it is here, or else its leader.
    fn holder(&mut self, proposal: &Proposal) -> PeerId {
        let leader = proposal.notarize.signer;
        let members: Vec<_> = self.committee.members().map(|(index, _)| index).collect();
        let votes = self.view_state(proposal.notarize.statement.view()).votes(Kind::Notarize);
        let voted = |index: &crate::types::ValidatorIndex| {
            let vote = votes.vote_of(*index);
            vote.is_some_and(|vote| vote.statement == proposal.notarize.statement)
        };
        let others: Vec<_> =
            members.into_iter().filter(|index| *index != leader && voted(index)).collect();
        let Some(count) = u64::try_from(others.len()).ok().filter(|count| *count > 0) else {
            return self.peers.id(leader);
        };
        let place = usize::try_from(self.rng.below(count)).expect("below a small count");
        self.peers.id(others[place])
    }

    /// P29: the leader has not answered in time.
    pub(super) fn on_asks_due(&mut self, now: Now, out: &mut Out<'_>) {
        while let Some((at, view)) = self.asks.first().copied().filter(|(at, _)| *at <= now.mono) {
            self.asks.remove(&(at, view));
            let state = self.views.get(&view);
            if state.is_some_and(|state| matches!(state.slot, Slot::Gathering { .. })) {
                self.fetch_announced(view, out);
            }
        }
    }

    /// P29: a fetched block may be one that was announced; its payload was checked.
    pub(super) fn on_announced_fetched(&mut self, now: Now, block: &Arc<Block>, out: &mut Out<'_>) {
        let waiting = self.views.values().find_map(|state| match &state.slot {
            Slot::Gathering { proposal, .. } | Slot::Fetching(proposal) => {
                (proposal.body.digest() == block.digest()).then(|| Arc::clone(proposal))
            }
            _ => None,
        });
        if let Some(proposal) = waiting {
            self.check_proposed(now, proposal, Arc::clone(block), Vec::new(), out);
        }
    }

    /// P29: a view that nobody certified is left: its block is not fetched any more. Or the blocks that
    /// Byzantine leaders announce and nobody has would fill the room for those that are needed.
    pub(super) fn forgo(&mut self, view: View, out: &mut Out<'_>) {
        let Some(state) = self.views.get(&view) else { return };
        if let Slot::Fetching(proposal) = &state.slot
            && state.notarized().is_none()
        {
            out.notice(Notice::BlockForgone(proposal.body.digest()));
        }
    }

    /// Whether the leader was asked for what is missing of this block.
    pub(super) fn is_gathering(&self, block: &Digest) -> bool {
        self.asks.iter().any(|(_, view)| {
            self.views.get(view).is_some_and(|state| match &state.slot {
                Slot::Gathering { proposal, .. } => proposal.body.digest() == *block,
                _ => false,
            })
        })
    }
}

fn announced(proposal: &Proposal) -> Option<&CompactBlock> {
    match &proposal.body {
        Body::Compact(compact) => Some(compact),
        Body::Full(_) => None,
    }
}

/// Whether an answer is one transaction for each that is missing, with the short id announced.
fn fits(compact: &CompactBlock, missing: &[u16], response: &TransactionsResponse) -> bool {
    let names = ShortIds::of(&compact.digest());
    response.transactions.len() == missing.len()
        && missing.iter().zip(&response.transactions).all(|(place, transaction)| {
            let sealed = sealed_id(&transaction.id(), &transaction.signatures);
            compact.short_at(*place) == Some(names.short(&sealed))
        })
}
