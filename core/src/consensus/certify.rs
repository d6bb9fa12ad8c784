//! Certificates: from bytes to facts, and what each fact calls for (P34-P38).

use super::{Consensus, Pending, view_state::Held};
use crate::{
    certificate::{Certificate, Verified},
    effect::PeerFault,
    event::Event,
    notice::Out,
    planted::planted,
    store::Record,
    time::Now,
    types::{PeerId, View},
    vote::{Kind, Statement},
};

/// Nullifications kept in memory; older ones are on disk only (P38).
const NULLIFICATIONS_MAX: usize = 256;

impl Consensus {
    /// P34, P35: takes a certificate from a peer and has its signatures checked, unless it says
    /// nothing new. Certificates prove themselves, so it does not matter who sends them.
    pub(super) fn on_certificate(
        &mut self,
        now: Now,
        from: PeerId,
        certificate: Certificate,
        out: &mut Out<'_>,
    ) {
        if certificate.statement.epoch() != self.epoch || self.halted {
            return;
        }
        let (view, kind) = (certificate.view(), certificate.kind());
        if let Some(index) = self.committee.index_of_peer(&from) {
            self.peers.on_view(index, view.next());
            let peer = self.peers.peer(index);
            if !peer.is_trusted(now.mono) {
                return;
            }
        }
        let known = match self.views.get(&view) {
            Some(state) => state.has_certificate(kind),
            None => view <= self.finalized.view && !self.is_wanted_proof(view, kind),
        };
        if known {
            return;
        }
        let queue = self.offered.entry((view, kind)).or_default();
        if queue.iter().any(|(peer, _)| *peer == from) {
            return;
        }
        let first = queue.is_empty();
        queue.push_back((from, certificate));
        // P35: unsolicited work for far views is rationed per peer.
        let far = view > self.view.next() && !self.wants.contains_key(&(view, Some(kind)));
        if far && first {
            // Strangers are asked for nothing and counted nowhere, so they have no ration at all.
            let index = self.committee.index_of_peer(&from);
            if index.is_none_or(|index| !self.peers.peer(index).may_check_far(now.mono)) {
                self.offered.remove(&(view, kind));
                return;
            }
        }
        if first {
            self.check_offered(now, view, kind, out);
        }
    }

    /// Has the next certificate offered for a view checked; refuses those of the wrong shape.
    fn check_offered(&mut self, now: Now, view: View, kind: Kind, out: &mut Out<'_>) {
        loop {
            let front = self.offered.get(&(view, kind)).and_then(|queue| queue.front());
            let Some((from, certificate)) = front else {
                self.offered.remove(&(view, kind));
                return;
            };
            match certificate.checks(&self.context, &self.committee) {
                Ok(checks) => {
                    let pending = Pending::Certificate(*from, certificate.clone());
                    return self.verify(pending, checks, out);
                }
                Err(_) => {
                    let from = *from;
                    self.drop_offered(now, view, kind, from, out);
                }
            }
        }
    }

    /// A certificate proved to be none: so much for its sender.
    fn drop_offered(&mut self, now: Now, view: View, kind: Kind, from: PeerId, out: &mut Out<'_>) {
        out.fx.penalize(from, PeerFault::BadCertificate);
        if let Some(index) = self.committee.index_of_peer(&from) {
            self.peers.peer(index).distrust(now.mono);
        }
        if let Some(queue) = self.offered.get_mut(&(view, kind)) {
            queue.retain(|(peer, _)| *peer != from);
        }
    }

    /// Learns whether the signatures of a certificate hold.
    pub(super) fn on_certificate_checked(
        &mut self,
        now: Now,
        from: PeerId,
        certificate: Certificate,
        good: &[bool],
        out: &mut Out<'_>,
    ) {
        let (view, kind) = (certificate.view(), certificate.kind());
        if good.contains(&false) && !planted!(CertificateUnchecked) {
            self.drop_offered(now, view, kind, from, out);
            return self.check_offered(now, view, kind, out);
        }
        self.offered.remove(&(view, kind));
        self.on_certified(now, Verified::vouch(certificate), Some(from), out);
    }

    /// A certificate is held for the first time: gathered here from votes (`source` is `None`), or
    /// received and checked.
    pub(super) fn on_certified(
        &mut self,
        now: Now,
        certificate: Verified<Certificate>,
        source: Option<PeerId>,
        out: &mut Out<'_>,
    ) {
        let (view, kind) = (certificate.view(), certificate.kind());
        // A Finalization counts as a Notarization also for whoever asked for one (P39).
        let settles =
            |which: Kind| which == kind || (which == Kind::Notarize && kind == Kind::Finalize);
        let above = view > self.finalized.view;
        self.wants.retain(|(wanted, which), _| {
            *wanted != view
                || which.is_some_and(|which| which != kind && !(above && settles(which)))
        });
        if view <= self.finalized.view {
            return self.complete_proofs(now, &certificate, out);
        }
        if self.halted {
            return;
        }
        // A far certificate opens its view: enter before its state may be kept (P35).
        let enters = view >= self.view;
        if enters {
            self.views.entry(view).or_default();
        }
        let state = self.view_state(view);
        if state.has_certificate(kind) {
            return;
        }
        let contradicting = state.votes(kind).close(&certificate.statement);
        match kind {
            Kind::Notarize => state.notarization = Some(certificate.clone()),
            Kind::Nullify => state.nullification = Held::Here(certificate.clone()),
            Kind::Finalize => state.finalization = Some(certificate.clone()),
        }
        for vote in contradicting {
            let other = certificate.vote_of(vote.signer);
            let evidence = other.and_then(|other| crate::evidence::Evidence::of(&other, &vote));
            if let Some(evidence) = evidence {
                self.suspect(evidence, None, out);
            }
        }
        let id = certificate.statement.candidate().map(|candidate| candidate.id());
        out.fx.report(Event::Certified { kind, view, id, gathered: source.is_none() });

        // Written before any vote of a later view can be asked for: after any crash the entry proof of
        // every view this validator voted in is on its disk (P54).
        if !planted!(CertificateUnwritten) {
            out.write(vec![Record::Certificate((*certificate).clone())]);
        }
        self.relay(now, &certificate, source, out);
        match certificate.statement {
            Statement::Notarize(candidate) => {
                self.want_block(candidate.block, source, out);
                self.advance_to(now, view, kind, out);
                self.write_block(&candidate.block, out);
                self.try_finalize(view, out);
            }
            // The view is skipped, but whatever is under way for its block goes on (P38).
            Statement::Nullify { .. } if planted!(NullificationIgnored) => {}
            Statement::Nullify { .. } => self.advance_to(now, view, kind, out),
            Statement::Finalize(candidate) => {
                self.want_block(candidate.block, source, out);
                self.advance_to(now, view, kind, out);
                self.try_advance_finality(now, out);
            }
        }
        self.on_base_changed(now, out);
    }

    fn advance_to(&mut self, now: Now, view: View, kind: Kind, out: &mut Out<'_>) {
        if view >= self.view {
            self.enter(now, view.next(), kind, out);
        }
    }

    /// What waited for a certificate may go on.
    pub(super) fn on_base_changed(&mut self, now: Now, out: &mut Out<'_>) {
        self.try_notarize(now, out);
        if Some(self.schedule.leader(self.view)) == self.me {
            self.try_propose(now, out);
        }
    }

    /// P37: votes Finalize for a notarized candidate whose block is on its way to disk.
    pub(super) fn try_finalize(&mut self, view: View, out: &mut Out<'_>) {
        if view <= self.finalized.view {
            return;
        }
        let Some(candidate) = self.views.get(&view).and_then(|state| state.notarized()).copied()
        else {
            return;
        };
        if self.blocks.contains_key(&candidate.block) {
            self.write_block(&candidate.block, out);
            self.try_pledge(Statement::Finalize(candidate), out);
        }
    }

    /// Keeps the bytes of old nullifications on disk only; that they exist stays known (P38).
    pub(super) fn spill_nullifications(&mut self) {
        let here =
            |state: &super::view_state::ViewState| matches!(state.nullification, Held::Here(_));
        let held = self.views.values().filter(|state| here(state)).count();
        let excess = held.saturating_sub(NULLIFICATIONS_MAX);
        for state in self.views.values_mut().filter(|state| here(state)).take(excess) {
            state.nullification = Held::Spilled;
        }
    }
}
