//! How the last heights became final, step by step.

use std::{collections::VecDeque, time::Instant};

use quorate_core::{
    types::{Height, ValidatorIndex, View},
    vote::Kind,
};

use crate::{
    api::json::{ReasonJson, StepJson, TimelineJson, TimelineStepJson},
    published::{NodeEvent, RECENT_HEIGHTS},
};

/// Steps of one height that are kept. A height that takes more is in trouble that the first ones explain.
const STEPS_MAX: usize = 1_000;

/// Timelines of the last heights, and of the one under way.
#[derive(Debug)]
pub(super) struct Timelines {
    done: VecDeque<TimelineJson>,
    open: Vec<TimelineStepJson>,
    began: Instant,
    incomplete: bool,
}

impl Timelines {
    pub(super) fn new(now: Instant) -> Self {
        Self { done: VecDeque::new(), open: Vec::new(), began: now, incomplete: true }
    }

    /// Something was not seen.
    pub(super) fn miss(&mut self) {
        self.incomplete = true;
    }

    pub(super) fn take(&mut self, event: &NodeEvent, now: Instant) {
        match event {
            NodeEvent::Entered { view, leader, .. } => {
                self.add(now, *view, StepJson::Entered, Some(*leader), None);
            }
            NodeEvent::ViewChange { view, leader, reason } => {
                self.add(now, *view, StepJson::TimedOut, Some(*leader), Some((*reason).into()));
            }
            NodeEvent::Certified { kind, view, .. } => {
                let what = match kind {
                    Kind::Notarize => StepJson::Notarized,
                    Kind::Nullify => StepJson::Nullified,
                    Kind::Finalize => StepJson::Finalized,
                };
                self.add(now, *view, what, None, None);
            }
            NodeEvent::Finalized(summary) => self.close(summary.height, now),
            _ => {}
        }
    }

    fn add(
        &mut self,
        now: Instant,
        view: View,
        what: StepJson,
        leader: Option<ValidatorIndex>,
        reason: Option<ReasonJson>,
    ) {
        if self.open.len() == STEPS_MAX {
            self.incomplete = true;
            return;
        }
        let at = now.saturating_duration_since(self.began);
        self.open.push(TimelineStepJson {
            at_ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            view: view.get(),
            what,
            leader: leader.map(ValidatorIndex::get),
            reason,
        });
    }

    fn close(&mut self, height: Height, now: Instant) {
        let steps = std::mem::take(&mut self.open);
        self.done.push_back(TimelineJson {
            height: height.get(),
            incomplete: self.incomplete,
            steps,
        });
        if self.done.len() > RECENT_HEIGHTS {
            self.done.pop_front();
        }
        self.began = now;
        self.incomplete = false;
    }

    pub(super) fn at(&self, height: Height) -> Option<TimelineJson> {
        self.done.iter().rev().find(|one| one.height == height.get()).cloned()
    }
}
