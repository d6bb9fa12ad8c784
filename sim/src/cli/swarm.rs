//! `swarm`: scenarios at random, one for each seed, until the seeds or the budget are over.

use std::ops::Range;

use super::{
    Runner,
    arguments_lab::SwarmOptions,
    campaign::{Campaign, Share},
    console::{Console, Stop},
};
use crate::lab::swarm;

/// Seeds, unless they or a budget are given.
const SEEDS: Range<u64> = 0..100;

pub(super) fn swarm(
    options: &SwarmOptions,
    runner: Runner,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let validators = validators(options)?;
    let make = |seed: u64| (swarm::scenario(seed, &validators), seed);
    let campaign = Campaign { name: "swarm", make: &make, bundle: &options.bundle };
    if let Some(seed) = options.seed {
        let again = format!(
            "cargo sim swarm --seed {seed} --validators {}..{}",
            validators.start, validators.end
        );
        return campaign.one(seed, options.print, &again, runner, console);
    }
    let (seeds, total) = match (&options.seeds, options.budget) {
        (Some(seeds), _) => (seeds.clone(), Some(seeds.end - seeds.start)),
        (None, None) => (SEEDS, Some(SEEDS.end - SEEDS.start)),
        (None, Some(_)) => (0..u64::MAX, None),
    };
    let share = Share {
        shard: options.shard,
        jobs: options.jobs,
        budget: options.budget,
        output: options.output.as_deref(),
    };
    campaign.run(seeds, total, &share, runner, console)
}

fn validators(options: &SwarmOptions) -> Result<Range<u32>, Stop> {
    let Some(asked) = &options.validators else { return Ok(swarm::VALIDATORS) };
    let bound = |number: u64| u32::try_from(number).ok().filter(|number| *number <= 101);
    match (bound(asked.start), bound(asked.end)) {
        (Some(start), Some(end)) if start > 0 => Ok(start..end),
        _ => Err(Stop::Usage("a cluster has 1 to 100 validators".to_owned())),
    }
}
