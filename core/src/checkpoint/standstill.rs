//! Saying things again, helping those behind, and the alarm (P87, P88).

use super::Checkpoints;
use crate::{
    effect::Recipients,
    event::Event,
    job::fitting,
    message::{CHECKPOINT_VOTES_MAX, Message, Status},
    notice::Out,
    time::Now,
    types::{Height, PeerId},
};

/// The pause before votes are sent again never grows beyond this many times its base.
const RESEND_GROWTH_MAX: u64 = 5;

/// Finality may be ahead of the newest certificate by this many intervals before somebody should look.
const OVERDUE_INTERVALS: u64 = 4;

impl Checkpoints {
    /// Arms the timer, unless it is running.
    pub(super) fn arm_resend(&mut self, now: Now) {
        if self.resend.is_none() {
            self.resend_pause = self.pause;
            self.resend = Some(now.mono.plus(self.rng.jittered(self.resend_pause, 20)));
        }
    }

    /// A certificate came: the pause begins anew for what is still open.
    pub(super) fn disarm_resend(&mut self) {
        if !self.open.values().any(|open| open.mine.is_some()) {
            self.resend = None;
        }
    }

    /// P87: my votes are not certified yet. Sends them again, all of them.
    pub(super) fn on_resend_due(&mut self, now: Now, out: &mut Out<'_>) {
        if self.resend.is_none_or(|at| at > now.mono) {
            return;
        }
        let votes: Vec<_> = self.open.values().filter_map(|open| open.mine).collect();
        let votes = fitting::<_, CHECKPOINT_VOTES_MAX>(votes);
        out.fx.send(Recipients::Committee, Message::CheckpointVotes(votes));
        let most = self.pause.times(RESEND_GROWTH_MAX);
        self.resend_pause = self.resend_pause.scaled(3, 2).min(most);
        self.resend = Some(now.mono.plus(self.rng.jittered(self.resend_pause, 20)));
    }

    /// P87: a heartbeat says which certificate its sender has.
    pub(super) fn on_status(&mut self, now: Now, from: PeerId, status: &Status, out: &mut Out<'_>) {
        if status.epoch == self.epoch && status.checkpoint < self.certified_height() {
            self.help(now, from, out);
        }
    }

    /// P87: gives a peer the newest certificate; a member once in a while at the most.
    pub(super) fn help(&mut self, now: Now, to: PeerId, out: &mut Out<'_>) {
        let Some(certificate) = self.certificate().cloned() else { return };
        if let Some(peer) = self.peers.get_mut(&to) {
            if peer.helped.is_some_and(|last| now.mono.since(last) < self.pause) {
                return;
            }
            peer.helped = Some(now.mono);
        }
        let message = Message::CheckpointCertificate(Box::new(certificate));
        out.fx.send(Recipients::One(to), message);
    }

    /// Learns how far finality has come.
    pub(crate) fn on_finalized(&mut self, height: Height, out: &mut Out<'_>) {
        self.finalized = self.finalized.max(height);
        self.check_alarm(out);
    }

    /// P88: says once that finality has run ahead of checkpoints, and once that it no longer is.
    pub(super) fn check_alarm(&mut self, out: &mut Out<'_>) {
        let certified = self.certified_height();
        let ahead = self.finalized.delta_from(certified);
        let overdue = ahead > self.interval.saturating_mul(OVERDUE_INTERVALS);
        if overdue == self.overdue {
            return;
        }
        self.overdue = overdue;
        out.fx.report(if overdue {
            Event::CheckpointsOverdue { certified, finalized: self.finalized }
        } else {
            Event::CheckpointsResumed { certified }
        });
    }
}
