//! Taking in votes and noticing offences (P30-P33, P60-P62).

use super::{Consensus, Pending};
use crate::{
    certificate::Verified,
    crypto::SignatureCheck,
    effect::{PeerFault, Recipients},
    event::Event,
    evidence::Evidence,
    message::Message,
    notice::Out,
    planted::planted,
    store::Record,
    time::Now,
    types::{PeerId, View},
    vote::{Kind, Vote},
    vote_set::Offer,
};

impl Consensus {
    /// P30: takes a vote from its signer.
    pub(super) fn on_vote(&mut self, now: Now, from: PeerId, vote: Vote, out: &mut Out<'_>) {
        let statement = &vote.statement;
        match self.committee.index_of_peer(&from) {
            None => return out.fx.penalize(from, PeerFault::UnknownSigner),
            Some(index) if index != vote.signer => {
                return out.fx.penalize(from, PeerFault::NotItsVote);
            }
            Some(_) => {}
        }
        if statement.epoch() != self.epoch {
            return;
        }
        let (view, kind) = (statement.view(), statement.kind());
        // Whoever finalizes a view has left it.
        let reached = if kind == Kind::Finalize { view.next() } else { view };
        self.peers.on_view(vote.signer, reached);
        if view <= self.finalized.view || view > self.view.next() {
            return;
        }
        let agrees = self.offer_vote(now, from, vote, out);
        if agrees && kind == Kind::Nullify && vote.signer == self.schedule.leader(view) {
            self.on_leader_nullify(now, view, out);
        }
    }

    /// Stores a vote of an open view, or learns that it contradicts another. Returns whether the vote
    /// agrees with everything held of its signer.
    pub(super) fn offer_vote(
        &mut self,
        now: Now,
        from: PeerId,
        vote: Vote,
        out: &mut Out<'_>,
    ) -> bool {
        if let Some(evidence) = self.contradiction(&vote) {
            self.suspect(evidence, Some(from), out);
            return false;
        }
        let (view, kind) = (vote.statement.view(), vote.statement.kind());
        let state = self.view_state(view);
        if state.has_certificate(kind) {
            return true;
        }
        match state.votes(kind).offer(vote) {
            Offer::Stored => self.count(now, view, kind, out),
            Offer::Ignored => {}
            Offer::Conflict(held) => {
                unreachable!("{held:?} against {vote:?} was looked for above")
            }
            Offer::Suspect => {
                let busy = self.pending.values().any(
                    |one| matches!(one, Pending::Suspect(other) if other.signer == vote.signer),
                );
                if !busy {
                    let check = self.context.check(&self.committee, &vote);
                    let check = check.expect("the signer is a member");
                    self.verify(Pending::Suspect(vote), vec![check], out);
                }
            }
        }
        true
    }

    /// Two statements of one signer that exclude each other, the given vote being one (P60-P62).
    fn contradiction(&mut self, vote: &Vote) -> Option<Evidence> {
        let state = self.views.get_mut(&vote.statement.view())?;
        Kind::ALL.into_iter().find_map(|kind| {
            let stored = state.votes(kind).vote_of(vote.signer).copied();
            let held = stored.or_else(|| state.certificate(kind)?.vote_of(vote.signer));
            held.and_then(|held| Evidence::of(&held, vote))
        })
    }

    /// Has both votes of a contradiction checked, unless this offence is known already.
    pub(super) fn suspect(&mut self, evidence: Evidence, from: Option<PeerId>, out: &mut Out<'_>) {
        let Some(offence) = evidence.offence().filter(|_| !planted!(EvidenceDropped)) else {
            return;
        };
        if self.evidence.contains_key(&(evidence.signer(), offence)) {
            return;
        }
        // One check per signer at a time bounds what an equivocator can make others compute.
        let busy = self.pending.values().any(
            |one| matches!(one, Pending::Evidence(other, _) if other.signer() == evidence.signer()),
        );
        if busy {
            return;
        }
        if let Some(checks) = evidence.checks(&self.context, &self.committee) {
            self.verify(Pending::Evidence(evidence, from), checks.to_vec(), out);
        }
    }

    /// Takes evidence that another machine here found.
    pub(crate) fn on_suspected(&mut self, evidence: Evidence, from: PeerId, out: &mut Out<'_>) {
        if !self.halted {
            self.suspect(evidence, Some(from), out);
        }
    }

    /// Takes evidence that somebody else found.
    pub(super) fn on_evidence(&mut self, from: PeerId, evidence: Evidence, out: &mut Out<'_>) {
        if evidence.epoch() != self.epoch {
            return;
        }
        if evidence.checks(&self.context, &self.committee).is_none() {
            return out.fx.penalize(from, PeerFault::BadEvidence);
        }
        self.suspect(evidence, Some(from), out);
    }

    /// P62: both signatures hold: an offence. Kept before anything is dropped, told to everybody so
    /// that every leader can include it. If one does not hold, its place is freed for the other.
    pub(super) fn on_evidence_checked(
        &mut self,
        now: Now,
        evidence: Evidence,
        from: Option<PeerId>,
        good: &[bool],
        out: &mut Out<'_>,
    ) {
        let votes = evidence.votes();
        if good.iter().all(|good| *good || planted!(EvidenceUnchecked)) {
            let offence = evidence.offence().expect("checked before the job");
            let place = (evidence.signer(), offence);
            if self.evidence.insert(place, evidence).is_none() {
                self.unpunished.insert(place);
                out.write(vec![Record::Evidence(evidence)]);
                out.fx.report(Event::Evidence(Box::new(evidence)));
                out.fx.send(Recipients::Committee, Message::Evidence(Box::new(evidence)));
            }
            return;
        }
        if let Some(from) = from {
            out.fx.penalize(from, PeerFault::BadEvidence);
        }
        for (vote, good) in votes.into_iter().zip(good) {
            // Whoever counts checkpoints has them checked again with the next batch.
            let Some(vote) = vote.about_view() else { continue };
            let view = vote.statement.view();
            if view <= self.finalized.view || view > self.view.next() {
                continue;
            }
            if *good {
                self.count_checked(now, vote, out);
                continue;
            }
            // Only what the signer itself sent is held against it: anybody can make up evidence.
            let Some(state) = self.views.get_mut(&view) else { continue };
            let votes = state.votes(vote.statement.kind());
            if votes.vote_of(vote.signer) == Some(&vote) {
                votes.on_checked(&vote, false);
            }
        }
    }

    /// P31: if the votes of a view could now reach a quorum, has them checked.
    fn count(&mut self, now: Now, view: View, kind: Kind, out: &mut Out<'_>) {
        let Some(state) = self.views.get_mut(&view) else { return };
        if state.has_certificate(kind) {
            return;
        }
        // P33: a quorum of checked votes is a certificate.
        if let Some(certificate) = state.votes(kind).certificate(&self.committee) {
            return self.on_certified(now, Verified::vouch(certificate), None, out);
        }
        if let Some(batch) = state.votes(kind).take_batch(&self.committee) {
            self.check_votes(batch, out);
        }
    }

    /// Emits the signature checks of stored votes, all of one statement.
    pub(super) fn check_votes(&mut self, votes: Vec<Vote>, out: &mut Out<'_>) {
        let Some(first) = votes.first() else { return };
        // One statement, many signers: what they signed is hashed once.
        let message = self.context.message(&first.statement);
        let checks = votes
            .iter()
            .map(|vote| SignatureCheck {
                key: self.committee.member(vote.signer).expect("signers are members").key,
                message,
                signature: vote.signature,
            })
            .collect();
        self.verify(Pending::Votes(votes), checks, out);
    }

    /// Learns which votes of a batch hold (P31, P32).
    pub(super) fn on_votes_checked(
        &mut self,
        now: Now,
        votes: &[Vote],
        good: &[bool],
        out: &mut Out<'_>,
    ) {
        for (vote, good) in votes.iter().zip(good) {
            let good = &(*good || planted!(VoteUnchecked));
            if !good {
                out.fx.penalize(self.peers.id(vote.signer), PeerFault::BadVoteSignature);
            }
            if let Some(state) = self.views.get_mut(&vote.statement.view()) {
                state.votes(vote.statement.kind()).on_checked(vote, *good);
            }
        }
        let Some(first) = votes.first() else { return };
        let (view, kind) = (first.statement.view(), first.statement.kind());
        self.count(now, view, kind, out);
        if kind == Kind::Nullify && view == self.view {
            self.on_leader_nullify(now, view, out);
        }
    }

    /// Learns whether a suspect's vote holds (P32).
    pub(super) fn on_suspect_checked(
        &mut self,
        now: Now,
        vote: Vote,
        good: &[bool],
        out: &mut Out<'_>,
    ) {
        if good == [true] {
            self.count_checked(now, vote, out);
        } else {
            out.fx.penalize(self.peers.id(vote.signer), PeerFault::BadVoteSignature);
        }
    }

    /// Counts a vote whose signature is known to hold.
    pub(super) fn count_checked(&mut self, now: Now, vote: Vote, out: &mut Out<'_>) {
        let (view, kind) = (vote.statement.view(), vote.statement.kind());
        if view <= self.finalized.view || view > self.view.next() {
            return;
        }
        let state = self.view_state(view);
        if state.has_certificate(kind) {
            return;
        }
        state.votes(kind).insert_checked(vote);
        self.count(now, view, kind, out);
        if kind == Kind::Nullify {
            self.on_leader_nullify(now, view, out);
        }
    }
}
