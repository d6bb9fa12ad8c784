//! After the world has become good, every honest validator finalizes something new in every span of the
//! bound's length.
//!
//! Nothing is demanded before. A validator that its own disk keeps down, or that is not honest, owes
//! nothing. Whether the rest could have made progress at all is for [`super::oracle`] to say.

use std::collections::{BTreeMap, BTreeSet};

use quorate_core::{event::Event, time::Span, types::Height};

use super::{Checker, Scene, Violation};
use crate::{
    scenario::Invariant,
    trace::{Observation, What},
};

/// How far everybody is, and when to look next.
pub struct Liveness {
    bound: u64,
    deadline: u64,
    reached: BTreeMap<u32, Height>,
    /// Heights at the last look.
    before: BTreeMap<u32, Height>,
    excused: BTreeSet<u32>,
    armed: bool,
}

impl Liveness {
    /// Demands progress from `gst` on, one height per `bound`.
    ///
    /// # Panics
    /// If the bound is zero; the scenario was checked before.
    #[must_use]
    pub fn new(gst: Span, bound: Span) -> Self {
        assert!(bound > Span::ZERO, "a bound of no time at all");
        Self {
            bound: bound.nanos(),
            deadline: gst.nanos(),
            reached: BTreeMap::new(),
            before: BTreeMap::new(),
            excused: BTreeSet::new(),
            armed: false,
        }
    }

    /// Looks at every deadline that lies before `now`.
    fn look(&mut self, scene: &Scene, now: u64) -> Result<(), Violation> {
        while self.deadline < now {
            if self.armed {
                self.demand(scene)?;
            }
            // The first deadline is GST itself, where only the starting heights are noted.
            self.armed = true;
            self.before = self.reached.clone();
            self.deadline = self.deadline.saturating_add(self.bound);
        }
        Ok(())
    }

    fn demand(&self, scene: &Scene) -> Result<(), Violation> {
        let height = |of: &BTreeMap<u32, Height>, number: u32| {
            of.get(&number).copied().unwrap_or(Height::ZERO)
        };
        let mut numbers: Vec<u32> = scene.actors().iter().map(|actor| actor.number).collect();
        numbers.sort_unstable();
        numbers.retain(|number| scene.honesty.is_honest(*number) && !self.excused.contains(number));
        let stuck: Vec<String> = numbers
            .into_iter()
            .filter(|number| height(&self.reached, *number) <= height(&self.before, *number))
            .map(|number| format!("n{number} at height {}", height(&self.reached, number)))
            .collect();
        if stuck.is_empty() {
            return Ok(());
        }
        let span = Span::from_nanos(self.bound);
        let detail = format!("nothing new within {span:?}: {}", stuck.join(", "));
        Err(Violation { invariant: Invariant::Liveness, at: self.deadline, node: None, detail })
    }
}

impl Checker for Liveness {
    fn invariant(&self) -> Invariant {
        Invariant::Liveness
    }

    fn watches_time(&self) -> bool {
        true
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        self.look(scene, observation.at)?;
        let number = observation.node.number();
        match &observation.what {
            What::Reported(event) => {
                if let Event::Finalized { height, .. } = event.as_ref() {
                    let reached = self.reached.entry(number).or_default();
                    *reached = (*reached).max(*height);
                }
            }
            What::WentDown(_) => {
                self.excused.insert(number);
            }
            What::Started { .. } => {
                self.excused.remove(&number);
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, scene: &Scene, at: u64) -> Result<(), Violation> {
        self.look(scene, at.saturating_add(1))
    }
}

#[cfg(test)]
mod tests;
