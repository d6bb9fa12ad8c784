//! No two honest validators finalize different blocks at one height, or different candidates in one
//! view.
//!
//! Judged by what they write to their logs and by what they report. A validator that halts because it
//! saw two final chains counts as well, unless so many are dishonest that two can exist.

use std::{collections::BTreeMap, fmt::Debug};

use quorate_core::{
    block::Candidate,
    event::Event,
    store::Record,
    types::{Digest, Epoch, Height, View},
};

use super::{Checker, Scene, Violation};
use crate::{
    scenario::Invariant,
    trace::{NodeIndex, Observation, What},
};

/// What was finalized first, and by whom.
#[derive(Default)]
pub struct Agreement {
    heights: BTreeMap<Height, (Digest, NodeIndex)>,
    views: BTreeMap<(Epoch, View), (Candidate, NodeIndex)>,
}

impl Checker for Agreement {
    fn invariant(&self) -> Invariant {
        Invariant::Agreement
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        if !scene.honesty.is_honest_node(observation.node) {
            return Ok(());
        }
        match &observation.what {
            What::Wrote { records, .. } => {
                for record in records.iter() {
                    let Record::Finalized(advance) = record else { continue };
                    for (height, block) in &advance.blocks {
                        compare(
                            &mut self.heights,
                            "height",
                            *height,
                            block,
                            observation,
                            Digest::clone,
                        )?;
                    }
                    let place = (advance.tip.epoch, advance.tip.view);
                    compare(
                        &mut self.views,
                        "view",
                        place,
                        &advance.tip,
                        observation,
                        Candidate::id,
                    )?;
                }
                Ok(())
            }
            What::Reported(event) => match event.as_ref() {
                Event::Finalized { height, block, .. } => {
                    compare(&mut self.heights, "height", *height, block, observation, Digest::clone)
                }
                Event::SafetyHalt { height } if is_tolerable(scene) => {
                    let detail =
                        format!("{} saw two final chains above height {height}", observation.node);
                    Err(Violation::of(Invariant::Agreement, observation, detail))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// Whether so little weight is dishonest that no second final chain can exist anywhere.
fn is_tolerable(scene: &Scene) -> bool {
    !scene.reaches_one_third(scene.dishonest_weight())
}

fn compare<K: Ord + Copy + Debug, V: PartialEq + Copy>(
    known: &mut BTreeMap<K, (V, NodeIndex)>,
    what: &str,
    place: K,
    value: &V,
    observation: &Observation,
    id: impl Fn(&V) -> Digest,
) -> Result<(), Violation> {
    let (first, by) = known.entry(place).or_insert((*value, observation.node));
    if first == value {
        return Ok(());
    }
    let (node, ours, theirs) = (observation.node, id(value), id(first));
    let detail = format!("at {what} {place:?} {by} finalized {theirs:?} and {node} {ours:?}");
    Err(Violation::of(Invariant::Agreement, observation, detail))
}

#[cfg(test)]
mod tests;
