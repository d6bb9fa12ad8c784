//! `twins`: numbered schedules of leaders and partitions, all of them or a sample.

use super::{
    Runner,
    account::grouped,
    arguments_lab::TwinsOptions,
    campaign::{Campaign, Share},
    console::{Console, Stop},
};
use crate::lab::twins::Plan;

pub(super) fn twins(
    options: &TwinsOptions,
    runner: Runner,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let plan =
        Plan::new(options.validators, options.twins, options.views, options.groups, options.seed)
            .map_err(|error| Stop::Usage(error.to_string()))?;
    let make = |number: u64| (plan.scenario(number), plan.seed());
    let campaign = Campaign { name: "twins", make: &make, bundle: &options.bundle };
    let all = plan.numbers();
    if let Some(number) = options.schedule {
        if !all.contains(&number) {
            return Err(Stop::Usage(format!("there are only {} schedules", grouped(all.end))));
        }
        let again = format!(
            "cargo sim twins --validators {} --twins {} --views {} --groups {} --seed {} \
             --schedule {number}",
            options.validators, options.twins, options.views, options.groups, options.seed
        );
        return campaign.one(number, options.print, &again, runner, console);
    }
    let share = Share {
        shard: options.shard,
        jobs: options.jobs,
        budget: options.budget,
        output: options.output.as_deref(),
    };
    writeln!(
        console.err,
        "{} schedules of {} splits in each view",
        grouped(all.end),
        grouped(plan.splits())
    )?;
    if let Some(wanted) = options.sample {
        let chosen = plan.sample(wanted);
        let total = u64::try_from(chosen.len()).unwrap_or(u64::MAX);
        return campaign.run(chosen.into_iter(), Some(total), &share, runner, console);
    }
    let canonical = all.filter(|number| plan.is_canonical(&plan.schedule(*number)));
    campaign.run(canonical, None, &share, runner, console)
}
