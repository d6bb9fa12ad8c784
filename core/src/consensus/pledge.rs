//! The one choke-point: nothing else may ask for a signature (P10-P14).
//!
//! The guards here are the safety of the protocol. What was asked for is recorded at once, before it
//! is durable or signed, so two pledges in flight cannot contradict each other either.

use super::{Consensus, OPEN_VIEWS};
use crate::{
    effect::{Effect, Recipients},
    notice::Out,
    planted::planted,
    signer::{Pledge, SafetyState},
    time::Now,
    types::View,
    vote::{Statement, Vote},
};

impl Consensus {
    /// The view at and below which nothing is signed any more; never lowered (P10).
    pub(super) fn safety_floor(&self) -> View {
        self.floor.max(self.finalized.view).max(self.view.minus(OPEN_VIEWS))
    }

    /// Asks for a signature if the guards permit it. Returns whether it did.
    pub(super) fn try_pledge(&mut self, statement: Statement, out: &mut Out<'_>) -> bool {
        if !self.may_pledge(&statement) {
            return false;
        }
        self.pledge(statement, out);
        true
    }

    /// The guards (P10-P13).
    fn may_pledge(&self, statement: &Statement) -> bool {
        let view = statement.view();
        if !self.votes || self.halted || statement.epoch() != self.epoch {
            return false;
        }
        if view <= self.safety_floor() {
            return false;
        }
        let Some(state) = self.views.get(&view) else {
            // Nothing was signed, notarized or proposed there; only giving up needs nothing else.
            return matches!(statement, Statement::Nullify { .. }) && view == self.view;
        };
        let mine = &state.mine;
        match statement {
            // P11: one Notarize per view, none after giving up, only in the current view.
            Statement::Notarize(_) => {
                (mine.notarize.is_none() || planted!(NotarizeTwice))
                    && (!mine.nullify || planted!(NotarizeAfterNullify))
                    && view == self.view
            }
            // P12: never after Finalize. A Notarize of mine does not hinder it.
            Statement::Nullify { .. } => {
                mine.finalize.is_none() && !mine.nullify && view == self.view
            }
            // P13: one Finalize per view, none after giving up, only what a quorum notarized, and
            // only with the block on its way to disk: a quorum that finalizes a view can never skip
            // it, so if every copy of its block could vanish the chain would halt for ever.
            Statement::Finalize(candidate) => {
                let written = self.blocks.get(&candidate.block).is_some_and(|held| held.written);
                let notarized =
                    state.notarized() == Some(candidate) || planted!(FinalizeUnnotarized);
                let kept = !mine.nullify || planted!(FinalizeAfterNullify);
                mine.finalize.is_none() && kept && notarized && written
            }
        }
    }

    /// Records and emits a pledge. Called with the guards checked, or at a restart with a statement
    /// the signer has on record: the only path past the guards.
    pub(super) fn pledge(&mut self, statement: Statement, out: &mut Out<'_>) {
        let safety = SafetyState { epoch: self.epoch, floor: self.safety_floor() };
        self.view_state(statement.view()).mine.note(&statement);
        self.pledges.push_back(statement);
        let seq = out.take_seq();
        out.fx.push(Effect::Pledge { seq, pledge: Pledge::View { safety, statement } });
    }

    /// P14: the vote is durable and signed. It counts and goes out, also if the view has moved on.
    ///
    /// # Panics
    /// If the answer is not to the oldest pledge: the driver broke the order of the log.
    pub(crate) fn on_pledged(&mut self, now: Now, vote: Vote, out: &mut Out<'_>) {
        let asked = self.pledges.pop_front();
        assert!(
            asked == Some(vote.statement),
            "I9: signed {:?} in answer to {asked:?}",
            vote.statement
        );
        let view = vote.statement.view();
        if view <= self.finalized.view || self.halted {
            return;
        }
        self.view_state(view).mine.votes.push(vote);
        let message = self.first_voiced(&vote, out);
        out.fx.send(Recipients::Committee, message);
        if !planted!(OwnVoteUncounted) {
            self.count_checked(now, vote, out);
        }
    }
}
