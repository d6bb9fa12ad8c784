//! Signing checkpoints, counting those of others, and noticing who disagrees (P80-P84).

use super::{COMPUTED_MAX, Checkpoint, Checkpoints, Divergence, Pending, Source};
use crate::{
    certificate::Verified,
    effect::{Effect, PeerFault, Recipients},
    event::Event,
    evidence::Evidence,
    job::fitting,
    message::{CHECKPOINT_VOTES_MAX, Message},
    notice::{Notice, Out},
    signer::Pledge,
    time::Now,
    types::{Height, PeerId},
    vote::Vote,
    vote_set::Offer,
};

impl Checkpoints {
    /// P80: a checkpoint was computed: at once, or again after a restart. Compares it with all that
    /// is known of its height, and signs it.
    pub(crate) fn on_computed(&mut self, ours: Checkpoint, out: &mut Out<'_>) {
        let height = ours.height;
        self.computed.insert(height, ours);
        if self.computed.len() > COMPUTED_MAX {
            self.computed.pop_first();
        }
        let certified = self.upcoming.remove(&height);
        self.upcoming = self.upcoming.split_off(&height);
        let newest = self.certified.as_ref().map(|held| held.statement);
        let certified = certified.or(newest.filter(|newest| newest.height == height));
        if let Some(theirs) = certified {
            if theirs != ours {
                self.halt(Divergence { ours, theirs, source: Source::Certificate }, out);
            }
            return;
        }
        if height <= self.certified_height() {
            return;
        }
        // P89: one signature a height, for ever. What this life computes cannot change it.
        if let Some(theirs) = self.promised.get(&height).copied()
            && theirs != ours
        {
            return self.halt(Divergence { ours, theirs, source: Source::OwnPromise }, out);
        }
        self.try_pledge(out);
        self.count(height, out);
    }

    /// P81: asks for the signature of every open checkpoint that was computed and is not signed yet.
    pub(super) fn try_pledge(&mut self, out: &mut Out<'_>) {
        if !self.votes || self.halted.is_some() {
            return;
        }
        let certified = self.certified_height().max(self.floor);
        let last = self.last_open();
        if certified >= last {
            return;
        }
        for (height, checkpoint) in self.computed.range(certified.next()..=last) {
            let open = self.open.entry(*height).or_default();
            if open.pledged {
                continue;
            }
            let checkpoint = *checkpoint;
            open.pledged = true;
            self.pledges.push_back(checkpoint);
            let seq = out.take_seq();
            let pledge = Pledge::Checkpoint { certified, checkpoint };
            out.fx.push(Effect::Pledge { seq, pledge });
        }
    }

    /// P81: the vote is durable and signed. It counts and goes out, unless a certificate made it
    /// worthless.
    ///
    /// # Panics
    /// If the answer is not to the oldest pledge: the driver broke the order of the log.
    pub(crate) fn on_pledged(&mut self, now: Now, vote: Vote<Checkpoint>, out: &mut Out<'_>) {
        let asked = self.pledges.pop_front();
        let signed = vote.statement;
        assert!(asked == Some(signed), "I9: signed {signed:?} in answer to {asked:?}");
        if self.halted.is_some() {
            return;
        }
        let Some(open) = self.open.get_mut(&signed.height) else { return };
        open.mine = Some(vote);
        open.votes.insert_checked(vote);
        let votes = fitting::<_, CHECKPOINT_VOTES_MAX>(vec![vote]);
        out.fx.send(Recipients::Committee, Message::CheckpointVotes(votes));
        self.arm_resend(now);
        self.count(signed.height, out);
    }

    /// P82: takes a vote from its signer.
    pub(super) fn on_vote(
        &mut self,
        now: Now,
        from: PeerId,
        vote: Vote<Checkpoint>,
        out: &mut Out<'_>,
    ) {
        match self.committee.index_of_peer(&from) {
            None => return out.fx.penalize(from, PeerFault::UnknownSigner),
            Some(index) if index != vote.signer => {
                return out.fx.penalize(from, PeerFault::NotItsVote);
            }
            Some(_) => {}
        }
        let height = vote.statement.height;
        if vote.statement.epoch != self.epoch {
            return;
        }
        if height <= self.certified_height() {
            return self.on_late_vote(now, from, vote, out);
        }
        if !self.is_open(height) {
            return;
        }
        match self.open.entry(height).or_default().votes.offer(vote) {
            Offer::Stored => self.count(height, out),
            Offer::Ignored => {}
            Offer::Conflict(held) => self.accuse(from, &held, &vote, out),
            Offer::Suspect => {
                let busy = self.pending.values().any(
                    |one| matches!(one, Pending::Suspect(other) if other.signer == vote.signer),
                );
                if !busy {
                    self.check_alone(vote, Pending::Suspect(vote), out);
                }
            }
        }
    }

    /// A vote for what is certified already: its sender does not know. A vote for something else at
    /// the newest certified height names a validator that computes something else.
    fn on_late_vote(&mut self, now: Now, from: PeerId, vote: Vote<Checkpoint>, out: &mut Out<'_>) {
        self.help(now, from, out);
        let Some(certified) = &self.certified else { return };
        if vote.statement.height != certified.statement.height
            || vote.statement == certified.statement
        {
            return;
        }
        if let Some(held) = certified.vote_of(vote.signer) {
            return self.accuse(from, &held, &vote, out);
        }
        self.suspect_dissent(vote, out);
    }

    /// P82: two votes of one signer for one height are an offence, if both signatures hold.
    fn accuse(
        &self,
        from: PeerId,
        held: &Vote<Checkpoint>,
        vote: &Vote<Checkpoint>,
        out: &mut Out<'_>,
    ) {
        if let Some(evidence) = Evidence::of(held, vote) {
            out.notice(Notice::Suspected { evidence: Box::new(evidence), from });
        }
    }

    fn check_alone(&mut self, vote: Vote<Checkpoint>, pending: Pending, out: &mut Out<'_>) {
        let check = self.context.check(&self.committee, &vote);
        self.verify(pending, vec![check.expect("signers are members")], out);
    }

    /// P83: if the votes of a height could now reach a quorum, or a third against what was computed
    /// here, has them checked. Acts on what is checked.
    fn count(&mut self, height: Height, out: &mut Out<'_>) {
        let Some(open) = self.open.get_mut(&height) else { return };
        if let Some(certificate) = open.votes.certificate(&self.committee) {
            return self.on_certified(Verified::vouch(certificate), true, out);
        }
        let due = open.votes.take_batch(&self.committee);
        let ours = self.computed.get(&height);
        let against = ours.and_then(|ours| open.votes.take_dissent(ours, &self.committee));
        for batch in due.into_iter().chain(against) {
            let checks = batch
                .iter()
                .map(|vote| self.context.check(&self.committee, vote))
                .map(|check| check.expect("signers are members"))
                .collect();
            self.verify(Pending::Votes(batch), checks, out);
        }
        self.judge(height, out);
    }

    /// P84: a third of the weight computed something else, so at least one honest validator did.
    fn judge(&mut self, height: Height, out: &mut Out<'_>) {
        let Some(open) = self.open.get(&height) else { return };
        let Some(ours) = self.computed.get(&height).copied() else { return };
        let (weight, theirs) = open.votes.dissent(&ours, &self.committee);
        if let Some(theirs) = theirs.filter(|_| !self.committee.is_tolerable(weight)) {
            self.halt(Divergence { ours, theirs, source: Source::Votes }, out);
        }
    }

    /// Learns which votes of a batch hold (P83). One that does not is removed, its slot free again.
    pub(super) fn on_votes_checked(
        &mut self,
        votes: &[Vote<Checkpoint>],
        good: &[bool],
        out: &mut Out<'_>,
    ) {
        for (vote, good) in votes.iter().zip(good) {
            if !good {
                self.penalize_signer(vote, out);
            }
            if let Some(open) = self.open.get_mut(&vote.statement.height) {
                open.votes.on_checked(vote, *good);
            }
        }
        if let Some(first) = votes.first() {
            self.count(first.statement.height, out);
        }
    }

    /// Learns whether a suspect's vote holds.
    pub(super) fn on_suspect_checked(
        &mut self,
        vote: Vote<Checkpoint>,
        good: &[bool],
        out: &mut Out<'_>,
    ) {
        if good != [true] {
            return self.penalize_signer(&vote, out);
        }
        let height = vote.statement.height;
        if let Some(open) = self.open.get_mut(&height) {
            open.votes.insert_checked(vote);
            self.count(height, out);
        }
    }

    fn penalize_signer(&self, vote: &Vote<Checkpoint>, out: &mut Out<'_>) {
        let member = self.committee.member(vote.signer).expect("signers are members");
        out.fx.penalize(member.peer, PeerFault::BadVoteSignature);
    }

    /// Has a vote checked that contradicts the newest certificate, once per signer.
    pub(super) fn suspect_dissent(&mut self, vote: Vote<Checkpoint>, out: &mut Out<'_>) {
        let busy =
            |one: &Pending| matches!(one, Pending::Dissent(other) if other.signer == vote.signer);
        if !self.dissenters.contains(&vote.signer) && !self.pending.values().any(busy) {
            self.check_alone(vote, Pending::Dissent(vote), out);
        }
    }

    /// P84: names a validator that computed something else than a quorum.
    pub(super) fn on_dissent_checked(
        &mut self,
        vote: &Vote<Checkpoint>,
        good: &[bool],
        out: &mut Out<'_>,
    ) {
        if good != [true] {
            return self.penalize_signer(vote, out);
        }
        let Some(certified) = self.certified.as_ref().map(|held| held.statement) else { return };
        if certified.height == vote.statement.height && self.dissenters.insert(vote.signer) {
            out.fx.report(Event::CheckpointDissent {
                signer: vote.signer,
                height: certified.height,
                certified: certified.state_root,
                theirs: vote.statement.state_root,
            });
        }
    }
}
