//! Entering views and giving up on them (P20, P42-P44).
//!
//! A view is entered only with a certificate of the one before; a timer never moves a validator on. That
//! keeps honest validators within one message delay of each other.

use super::Consensus;
use crate::{
    event::{Event, TimeoutReason},
    notice::Out,
    time::Now,
    types::{Stake, View},
    vote::{Kind, Statement},
};

impl Consensus {
    /// P20: enters `view`, whose entry proof of kind `by` is held.
    pub(super) fn enter(&mut self, now: Now, view: View, by: Kind, out: &mut Out<'_>) {
        assert!(view > self.view, "P20: entering {view} from {}", self.view);
        self.forgo(self.view, out);
        self.view = view;
        let timeout = self.start_view(now);
        let leader = self.schedule.leader(view);
        out.fx.report(Event::Entered { view, leader, by, timeout });
        self.act_in_view(now, out);
    }

    /// Arms the timers of the current view. Returns how long it waits for a proposal.
    pub(super) fn start_view(&mut self, now: Now) -> crate::time::Span {
        let skip = self.may_skip_leader(now);
        let timeout = self.pacemaker.arm(now.mono, self.unfinalized(), skip, &self.parameters);
        let view = self.view;
        self.view_state(view).entered = Some(now.mono);
        self.spill_nullifications();
        timeout
    }

    /// P41: growth counts from the last finalization, so one that comes after the current view was
    /// entered brings that view's timers down to what they would be had it come before. Without this
    /// a dead leader right after a long outage would be waited for as long as the outage taught.
    pub(super) fn shorten_timers(&mut self) {
        let Some(entered) = self.views.get(&self.view).and_then(|state| state.entered) else {
            return;
        };
        self.pacemaker.shorten(entered, self.unfinalized(), &self.parameters);
    }

    /// Does whatever the current view already calls for.
    pub(super) fn act_in_view(&mut self, now: Now, out: &mut Out<'_>) {
        let view = self.view;
        if Some(self.schedule.leader(view)) == self.me {
            self.try_propose(now, out);
        }
        if matches!(self.view_state(view).slot, super::view_state::Slot::Refused(_)) {
            self.give_up(now, TimeoutReason::InvalidProposal, out);
        }
        self.on_leader_nullify(now, view, out);
        self.try_notarize(now, out);
    }

    /// Views since the last finalization, beyond what f leaders in a row explain (P41).
    fn unfinalized(&self) -> u64 {
        let slack = self.committee.faults_max() + 2;
        self.view.delta_from(self.finalized.view).saturating_sub(slack)
    }

    /// P42: whether the leader of the current view has been silent for so long, while a quorum was
    /// heard, that waiting for it is pointless. Bounded, so that a validator that merely hears
    /// nothing cannot skip everybody.
    fn may_skip_leader(&self, now: Now) -> bool {
        let span = self.parameters.skip_after;
        let leader = self.schedule.leader(self.view);
        if Some(leader) == self.me || !self.peers.is_silent(leader, now.mono, span) {
            return false;
        }
        let own = self.me.map_or(Stake::ZERO, |me| self.committee.weight(me));
        let heard = self.peers.weight_heard(now.mono, span).plus(own);
        let window = 2 * self.committee.faults_max() + 2;
        if !self.committee.is_quorum(heard) || self.view.delta_from(self.finalized.view) > window {
            return false;
        }
        let mut skipped = std::collections::BTreeSet::from([leader]);
        let mut view = self.finalized.view.next();
        while view < self.view {
            let turn = self.schedule.leader(view);
            if Some(turn) != self.me && self.peers.is_silent(turn, now.mono, span) {
                skipped.insert(turn);
            }
            view = view.next();
        }
        let weight = skipped
            .into_iter()
            .fold(Stake::ZERO, |sum, index| sum.plus(self.committee.weight(index)));
        self.committee.is_tolerable(weight)
    }

    /// Acts on the timers of the current view.
    pub(super) fn on_view_timers(&mut self, now: Now, out: &mut Out<'_>) {
        let passed =
            |deadline: Option<crate::time::Instant>| deadline.is_some_and(|at| at <= now.mono);
        if passed(self.pacemaker.propose) {
            self.pacemaker.propose = None;
            self.propose_now(now, out);
        }
        if passed(self.pacemaker.timestamp) {
            self.pacemaker.timestamp = None;
            self.try_notarize(now, out);
        }
        if passed(self.pacemaker.leader) {
            let silent = self.may_skip_leader(now);
            let reason =
                if silent { TimeoutReason::LeaderInactive } else { TimeoutReason::NoProposal };
            self.give_up(now, reason, out);
        }
        if passed(self.pacemaker.advance) {
            self.give_up(now, TimeoutReason::NoCertificate, out);
        }
        if passed(self.pacemaker.retry) {
            self.on_standstill(now, out);
        }
    }

    /// P44: asks to leave the current view, if Finalize does not forbid it, and in every case starts
    /// the standstill timer: a validator that has voted Finalize may not give up, and if it also fell
    /// silent the view could stall.
    pub(super) fn give_up(&mut self, now: Now, reason: TimeoutReason, out: &mut Out<'_>) {
        let view = self.view;
        self.pacemaker.leader = None;
        self.pacemaker.propose = None;
        if reason == TimeoutReason::NoCertificate {
            self.pacemaker.advance = None;
        }
        self.pacemaker.arm_retry(now.mono, &mut self.rng);
        let already = self.view_state(view).mine.nullify;
        if already {
            return;
        }
        let nullifies = self.try_pledge(Statement::Nullify { epoch: self.epoch, view }, out);
        out.fx.report(Event::TimedOut { view, reason, nullifies });
    }

    /// A leader that gives up its own view will not propose in it: give up as well (P44).
    ///
    /// Its vote is checked alone first. That f + 1 others gave up is no reason: f Byzantine and one
    /// slow validator could then end every honest leader's view.
    pub(super) fn on_leader_nullify(&mut self, now: Now, view: View, out: &mut Out<'_>) {
        let leader = self.schedule.leader(view);
        if view != self.view || Some(leader) == self.me {
            return;
        }
        let votes = self.view_state(view).votes(Kind::Nullify);
        if votes.is_checked(leader) {
            self.give_up(now, TimeoutReason::LeaderNullified, out);
        } else if let Some(vote) = votes.take_single(leader) {
            self.check_votes(vec![vote], out);
        }
    }
}
