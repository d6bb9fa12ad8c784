//! Certificates of checkpoints: from bytes to facts (P85, P86).

use super::{Checkpoint, Checkpoints, Divergence, Pending, Source, UPCOMING_MAX};
use crate::{
    certificate::{Certificate, Verified},
    effect::PeerFault,
    event::Event,
    notice::{Notice, Out},
    planted::planted,
    store::Record,
    time::{Now, Span},
    types::PeerId,
};

/// After a bad certificate no other is looked at from this peer for so long.
const DISTRUST: Span = Span::from_millis(1_000);

impl Checkpoints {
    /// P85: takes a certificate from anybody and has its signatures checked, unless it says nothing
    /// new. One at a time; at most one other per peer waits behind it.
    pub(super) fn on_certificate(
        &mut self,
        now: Now,
        from: PeerId,
        certificate: Certificate<Checkpoint>,
        out: &mut Out<'_>,
    ) {
        let Checkpoint { epoch, height, .. } = certificate.statement;
        if epoch != self.epoch || height <= self.certified_height() {
            return;
        }
        // A stranger is not rationed by its name, which it may change: it is not listened to.
        let Some(peer) = self.peers.get(&from) else { return };
        let waits = self.offered.iter().any(|(other, _)| *other == from);
        if now.mono < peer.distrusted_until || waits {
            return;
        }
        self.offered.push_back((from, certificate));
        if self.offered.len() == 1 {
            self.check_offered(now, out);
        }
    }

    /// Has the next certificate checked that says something new; refuses those of the wrong shape.
    fn check_offered(&mut self, now: Now, out: &mut Out<'_>) {
        while let Some((from, certificate)) = self.offered.front() {
            let Checkpoint { height, committee, .. } = certificate.statement;
            if height <= self.certified_height() {
                self.offered.pop_front();
                continue;
            }
            let made_here =
                height.get().is_multiple_of(self.interval) && committee == self.committee.digest();
            match certificate.checks(&self.context, &self.committee) {
                Ok(checks) if made_here => {
                    let pending = Pending::Certificate(*from, certificate.clone());
                    return self.verify(pending, checks, out);
                }
                Ok(_) | Err(_) => self.drop_offered(now, *from, out),
            }
        }
    }

    /// A certificate proved to be none: so much for its sender.
    fn drop_offered(&mut self, now: Now, from: PeerId, out: &mut Out<'_>) {
        out.fx.penalize(from, PeerFault::BadCertificate);
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.distrusted_until = now.mono.plus(DISTRUST);
        }
        self.offered.retain(|(other, _)| *other != from);
    }

    /// Learns whether the signatures of a certificate hold.
    pub(super) fn on_certificate_checked(
        &mut self,
        now: Now,
        from: PeerId,
        certificate: Certificate<Checkpoint>,
        good: &[bool],
        out: &mut Out<'_>,
    ) {
        if good.contains(&false) && !planted!(CheckpointUnchecked) {
            self.drop_offered(now, from, out);
        } else {
            self.offered.retain(|(other, _)| *other != from);
            self.on_certified(Verified::vouch(certificate), false, out);
        }
        self.check_offered(now, out);
    }

    /// P86: a newer certificate is held: gathered here from votes, or received and checked. Everything
    /// at or below its height is settled.
    pub(super) fn on_certified(
        &mut self,
        certificate: Verified<Certificate<Checkpoint>>,
        gathered: bool,
        out: &mut Out<'_>,
    ) {
        let theirs = certificate.statement;
        if theirs.height <= self.certified_height() {
            return;
        }
        out.write(vec![Record::Checkpoint((*certificate).clone())]);
        let Checkpoint { height, state_root, .. } = theirs;
        out.fx.report(Event::Checkpointed { height, state_root, gathered });
        out.notice(Notice::Checkpointed(height));
        self.certified = Some(certificate);
        self.dissenters.clear();

        let above = self.open.split_off(&height.next());
        let settled = std::mem::replace(&mut self.open, above).remove(&height);
        self.promised = self.promised.split_off(&height.next());
        match self.computed.get(&height).copied() {
            Some(ours) if ours != theirs => {
                self.halt(Divergence { ours, theirs, source: Source::Certificate }, out);
            }
            Some(_) => {}
            // Not computed yet: compared when it is.
            None => self.expect(theirs),
        }
        for vote in settled.into_iter().flat_map(|mut open| open.votes.close(&theirs)) {
            // That I differ is said louder.
            if Some(vote.signer) != self.me {
                self.suspect_dissent(vote, out);
            }
        }
        self.check_alarm(out);
        self.disarm_resend();
        // The window has moved.
        self.try_pledge(out);
    }

    /// Remembers what execution should arrive at. The lowest heights are kept and the newest one: the
    /// first that differs is the one to look at.
    pub(super) fn expect(&mut self, theirs: Checkpoint) {
        if self.upcoming.len() == UPCOMING_MAX {
            self.upcoming.pop_last();
        }
        self.upcoming.insert(theirs.height, theirs);
    }
}
