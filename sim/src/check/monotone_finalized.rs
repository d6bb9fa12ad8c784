//! A validator's finality only grows: by one height at a time, child upon parent, and a restart loses
//! nothing that was durable.
//!
//! Judged by the log: a block may become final only directly above the highest final one, and after a
//! restart the height on the disk is at least the last durable and at most the last written. Also
//! judged by what the replica reports in each of its lives.

use std::collections::{BTreeMap, VecDeque};

use quorate_core::{
    event::Event,
    store::{Finalized, Record},
    types::{Digest, Height, Seq},
};

use super::{Checker, Scene, Violation};
use crate::{
    scenario::Invariant,
    trace::{NodeIndex, Observation, What},
};

/// Where one node's finality stands.
#[derive(Clone, Debug, Default)]
struct Standing {
    /// Final blocks by height as written, from the last durable height up.
    chain: BTreeMap<Height, Digest>,
    /// The height after each log entry that is not durable yet.
    pending: VecDeque<(Seq, Height)>,
    durable: Height,
    reported: Height,
}

impl Standing {
    fn head(&self) -> Height {
        self.chain.last_key_value().map_or(Height::ZERO, |(height, _)| *height)
    }
}

/// Where every node's finality stands.
#[derive(Default)]
pub struct MonotoneFinalized {
    nodes: BTreeMap<NodeIndex, Standing>,
}

impl Checker for MonotoneFinalized {
    fn invariant(&self) -> Invariant {
        Invariant::MonotoneFinalized
    }

    fn observe(&mut self, scene: &Scene, observation: &Observation) -> Result<(), Violation> {
        if !scene.honesty.is_honest_node(observation.node) {
            return Ok(());
        }
        let standing = self.nodes.entry(observation.node).or_default();
        let judged = match &observation.what {
            What::Wrote { seq, records } => records.iter().try_for_each(|record| match record {
                Record::Finalized(advance) => on_advance(scene, standing, *seq, advance),
                _ => Ok(()),
            }),
            What::Durable { upto } => {
                on_durable(standing, *upto);
                Ok(())
            }
            What::Started { life, height, survived, .. } => {
                on_started(standing, *life, *height, *survived)
            }
            What::Reported(event) => match event.as_ref() {
                Event::Finalized { height, block, .. } => on_reported(standing, *height, block),
                _ => Ok(()),
            },
            _ => Ok(()),
        };
        judged.map_err(|detail| Violation::of(Invariant::MonotoneFinalized, observation, detail))
    }
}

fn on_advance(
    scene: &Scene,
    standing: &mut Standing,
    seq: Seq,
    advance: &Finalized,
) -> Result<(), String> {
    if advance.blocks.is_empty() {
        return Err("an advance of finality without blocks".to_owned());
    }
    for (height, block) in &advance.blocks {
        let head = standing.head();
        if *height <= head {
            // Another candidate of a final block may become final as well; the block must be the same.
            let held = standing.chain.get(height);
            if held.is_some_and(|held| held != block) {
                return Err(format!("height {height} was final with another block"));
            }
            continue;
        }
        if *height != head.next() {
            return Err(format!("finality went from height {head} to {height}"));
        }
        let parent = standing.chain.get(&head).copied();
        let parent = parent.or((head == Height::ZERO).then_some(scene.context.genesis));
        let Some(place) = scene.lineage.place(block) else {
            return Err(format!("block {block:?} became final before anybody showed it"));
        };
        if place.height != *height || Some(place.parent) != parent {
            return Err(format!("block {block:?} at height {height} is no child of the one below"));
        }
        standing.chain.insert(*height, *block);
    }
    standing.pending.push_back((seq, standing.head()));
    Ok(())
}

fn on_durable(standing: &mut Standing, upto: Seq) {
    while let Some((_, height)) = standing.pending.pop_front_if(|(seq, _)| *seq <= upto) {
        standing.durable = standing.durable.max(height);
    }
    // A little more than the head stays, for blocks that become final a second time.
    let lowest = standing.durable.minus(RECENT);
    while standing.chain.first_key_value().is_some_and(|(height, _)| *height < lowest) {
        standing.chain.pop_first();
    }
}

/// Final heights below the durable one that are still compared.
const RECENT: u64 = 64;

fn on_started(
    standing: &mut Standing,
    life: u32,
    height: Height,
    survived: Seq,
) -> Result<(), String> {
    let (durable, written) = (standing.durable, standing.head());
    if life == 0 {
        return Ok(());
    }
    if height < durable {
        return Err(format!("came back at height {height}, although {durable} was durable"));
    }
    if height > written {
        return Err(format!("came back at height {height}, but only {written} was ever written"));
    }
    let kept = standing.pending.iter().filter(|(seq, _)| *seq <= survived).map(|(_, top)| *top);
    let expected = kept.max().unwrap_or(durable).max(durable);
    if height != expected {
        return Err(format!("came back at height {height}, but its log reaches {expected}"));
    }
    standing.chain.split_off(&height.next());
    standing.pending.clear();
    standing.durable = height;
    standing.reported = height;
    Ok(())
}

fn on_reported(standing: &mut Standing, height: Height, block: &Digest) -> Result<(), String> {
    let before = standing.reported;
    if height != before.next() {
        return Err(format!("reported height {height} final after {before}"));
    }
    if height > standing.durable {
        return Err(format!("reported height {height} final before it was durable"));
    }
    if standing.chain.get(&height).is_some_and(|held| held != block) {
        return Err(format!("reported another block than it wrote at height {height}"));
    }
    standing.reported = height;
    Ok(())
}

#[cfg(test)]
mod tests;
