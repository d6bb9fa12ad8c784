//! Saying things again, helping those behind, asking for what is missing (P45-P48).

use super::{Consensus, Want};
use crate::{
    certificate::Certificate,
    effect::Recipients,
    job::fitting,
    message::{CERTIFICATES_MAX, CertificateRequest, Message, Status, VOTES_MAX},
    notice::{Notice, Out},
    planted::planted,
    time::{Now, Span},
    types::{PeerId, View},
    vote::{Kind, Vote},
};

/// Unfinalized views, besides the current one, whose own votes are resent.
const RESENT_VIEWS: usize = 8;

/// A certificate asked for is asked for again after so many delays.
const WANT_DELAYS: u64 = 2;

impl Consensus {
    /// P45: still in the same view. Resends my votes of it and of the highest unfinalized views, and
    /// what lets others into it; whether or not I could give it up.
    pub(super) fn on_standstill(&mut self, now: Now, out: &mut Out<'_>) {
        self.pacemaker.rearm_retry(now.mono, &mut self.rng, &self.parameters);
        if planted!(ResendForgotten) {
            return;
        }
        let votes: Vec<Vote> = self
            .views
            .range(..=self.view)
            .rev()
            .filter(|(_, state)| !state.mine.votes.is_empty())
            .take(RESENT_VIEWS + 1)
            .flat_map(|(_, state)| state.mine.votes.iter().copied())
            .collect();
        if !votes.is_empty() {
            out.fx.send(Recipients::Committee, Message::Votes(fitting::<_, VOTES_MAX>(votes)));
        }
        if let Some(proof) = self.entry_proof() {
            send_certificates(Recipients::Committee, vec![proof], out);
        }
    }

    /// The certificate that let me into the current view.
    fn entry_proof(&self) -> Option<Certificate> {
        let before = self.view.previous()?;
        let held = match self.views.get(&before) {
            Some(state) => state.entry_proof(),
            None => self.finalized.certificate.as_ref(),
        };
        held.map(|certificate| (**certificate).clone())
    }

    /// P49: whatever was sent while there was no connection is lost. Says again what matters now: my
    /// proposal and my votes of the current view.
    pub(crate) fn on_connected(&mut self, now: Now, peer: PeerId, out: &mut Out<'_>) {
        let Some(index) = self.committee.index_of_peer(&peer) else { return };
        let may = self.peers.peer(index).may_be_answered(now.mono);
        let Some(state) = self.views.get(&self.view).filter(|_| may && !self.halted) else {
            return;
        };
        for vote in &state.mine.votes {
            let message = self.voiced(vote);
            out.fx.send(Recipients::One(peer), message);
        }
    }

    /// P46: a peer says where it stands. If it is behind it gets what moves it on, now and then.
    pub(super) fn on_status(&mut self, now: Now, from: PeerId, status: &Status, out: &mut Out<'_>) {
        if status.epoch != self.epoch || self.halted {
            return;
        }
        let mut help = Vec::new();
        if status.finalized_view < self.finalized.view {
            help.extend(self.finalized.certificate.as_ref().map(|held| (**held).clone()));
        }
        if let Some(index) = self.committee.index_of_peer(&from) {
            self.peers.on_view(index, status.view);
            let pause = self.parameters.retry_base;
            let peer = self.peers.peer(index);
            if peer.helped.is_some_and(|last| now.mono.since(last) < pause) {
                return;
            }
            if status.view < self.view {
                help.extend(self.entry_proof());
            }
            if !help.is_empty() {
                self.peers.peer(index).helped = Some(now.mono);
            }
        }
        help.dedup();
        if !help.is_empty() {
            send_certificates(Recipients::One(from), help, out);
        }
    }

    /// P46: the heartbeat. Also looks again at what is missing, so that nothing that was asked for and
    /// given up stays forgotten.
    pub(super) fn on_status_due(&mut self, now: Now, out: &mut Out<'_>) {
        if self.next_status > now.mono {
            return;
        }
        self.next_status = now.mono.plus(self.rng.jittered(self.parameters.status_interval, 20));
        let status = Status {
            epoch: self.epoch,
            view: self.view,
            finalized_view: self.finalized.view,
            finalized_height: self.finalized.head.height,
            finalized_id: self.finalized.id,
            checkpoint: self.checkpoint,
        };
        out.fx.send(Recipients::Committee, Message::Status(status));
        self.want_missing(now, out);
    }

    /// P47: passes a certificate on: at once to the next leader and to those behind whose vote is not
    /// in it, later to whoever is still behind. Pushing every certificate to everybody would cost
    /// more than all votes together.
    pub(super) fn relay(
        &mut self,
        now: Now,
        certificate: &Certificate,
        source: Option<PeerId>,
        out: &mut Out<'_>,
    ) {
        let view = certificate.view();
        let next_leader = self.schedule.leader(view.next());
        let mut to: Vec<PeerId> = self
            .peers
            .behind(self.me, view)
            .filter(|(index, _)| *index == next_leader || !certificate.signers.contains(*index))
            .map(|(_, peer)| peer)
            .filter(|peer| Some(*peer) != source)
            .collect();
        to.sort_unstable();
        if !to.is_empty() {
            send_certificates(Recipients::Some(to), vec![certificate.clone()], out);
        }
        let pause = self.rng.jittered(Span::from_millis(75), 33);
        self.relays.insert((now.mono.plus(pause), view, certificate.kind()));
    }

    /// P47: the second, later round.
    pub(super) fn on_relay_due(&mut self, now: Now, out: &mut Out<'_>) {
        while let Some((at, view, kind)) = self.relays.first().copied() {
            if at > now.mono {
                return;
            }
            self.relays.pop_first();
            let held = self.views.get(&view).and_then(|state| state.certificate(kind));
            let Some(certificate) = held.map(|certificate| (**certificate).clone()) else {
                continue;
            };
            let to: Vec<PeerId> = self.peers.behind(self.me, view).map(|(_, peer)| peer).collect();
            if !to.is_empty() {
                send_certificates(Recipients::Some(to), vec![certificate], out);
            }
        }
    }

    /// P48: asks for a certificate, of one peer first or of all, and keeps asking until it is held or
    /// no longer needed. Asking again for what was asked for changes nothing.
    pub(super) fn want_certificate(
        &mut self,
        now: Now,
        view: View,
        kind: Option<Kind>,
        hint: Option<PeerId>,
        out: &mut Out<'_>,
    ) {
        if self.wants.contains_key(&(view, kind)) {
            return;
        }
        self.want_later(now, view, kind);
        let to = hint.map_or(Recipients::Committee, Recipients::One);
        self.ask(view, kind, to, out);
    }

    /// Notes a certificate as wanted, without hurry.
    pub(super) fn want_later(&mut self, now: Now, view: View, kind: Option<Kind>) {
        let next = now.mono.plus(self.pacemaker.delay().times(WANT_DELAYS));
        self.wants.entry((view, kind)).or_insert(Want { next });
    }

    /// P48: asks everybody for what is still wanted.
    pub(super) fn on_wants_due(&mut self, now: Now, out: &mut Out<'_>) {
        let pause = self.pacemaker.delay().times(WANT_DELAYS);
        let mut due = Vec::new();
        for (place, want) in &mut self.wants {
            if want.next <= now.mono {
                want.next = now.mono.plus(pause);
                due.push(*place);
            }
        }
        for (view, kind) in due {
            self.ask(view, kind, Recipients::Committee, out);
        }
    }

    fn ask(&self, view: View, kind: Option<Kind>, to: Recipients, out: &mut Out<'_>) {
        if planted!(WantForgotten) {
            return;
        }
        let request = CertificateRequest { epoch: self.epoch, view, kind };
        out.fx.send(to, Message::CertificateRequest(request));
    }

    /// P48: answers with what is held of a view, or with my own votes of it.
    pub(super) fn on_certificate_request(
        &mut self,
        now: Now,
        from: PeerId,
        request: &CertificateRequest,
        out: &mut Out<'_>,
    ) {
        let Some(index) = self.committee.index_of_peer(&from) else { return };
        if request.epoch != self.epoch || !self.peers.peer(index).may_be_answered(now.mono) {
            return;
        }
        let CertificateRequest { view, kind, .. } = *request;
        if view <= self.finalized.view {
            match (kind, &self.finalized.certificate) {
                (Some(_), _) => {
                    out.notice(Notice::CertificatesWanted { by: from, view, kind: None })
                }
                (None, Some(certificate)) => {
                    send_certificates(Recipients::One(from), vec![(**certificate).clone()], out);
                }
                (None, None) => {}
            }
            return;
        }
        let Some(state) = self.views.get(&view) else { return };
        let held: Vec<Certificate> = Kind::ALL
            .into_iter()
            .filter(|held| kind.is_none_or(|kind| answers(*held, kind)))
            .filter_map(|kind| state.certificate(kind))
            .map(|certificate| (**certificate).clone())
            .collect();
        if !held.is_empty() {
            return send_certificates(Recipients::One(from), held, out);
        }
        if state.is_nullified() && kind.is_none_or(|kind| kind == Kind::Nullify) {
            let kind = Some(Kind::Nullify);
            return out.notice(Notice::CertificatesWanted { by: from, view, kind });
        }
        if !state.mine.votes.is_empty() {
            let votes = fitting::<_, VOTES_MAX>(state.mine.votes.clone());
            out.fx.send(Recipients::One(from), Message::Votes(votes));
        }
    }

    /// Counts everybody as heard from now: silence before the start says nothing.
    pub(super) fn hear_all(&mut self, now: Now) {
        for (index, _) in self.committee.members() {
            self.peers.peer(index).heard.get_or_insert(now.mono);
        }
    }
}

/// Whether a certificate of kind `held` is what somebody wants who asks for `kind` (P39).
fn answers(held: Kind, kind: Kind) -> bool {
    held == kind || (held == Kind::Finalize && kind == Kind::Notarize)
}

fn send_certificates(to: Recipients, certificates: Vec<Certificate>, out: &mut Out<'_>) {
    let certificates = fitting::<_, CERTIFICATES_MAX>(certificates);
    out.fx.send(to, Message::Certificates(certificates));
}
