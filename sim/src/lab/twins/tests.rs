//! Every schedule once, none twice, and each is a sound scenario that says what its number says.

use std::collections::BTreeSet;

use super::*;
use crate::scenario;

fn plan(validators: u32, twins: u32, views: u32, groups: u8) -> Plan {
    Plan::new(validators, twins, views, groups, 1).unwrap_or_else(|error| panic!("{error}"))
}

/// Stirling numbers of the second kind, summed.
#[test]
fn splits_are_as_many_as_they_should_be() {
    assert_eq!(splits(5, 1).len(), 1);
    assert_eq!(splits(5, 2).len(), 16);
    assert_eq!(splits(5, 3).len(), 41);
    assert_eq!(splits(5, 5).len(), 52, "Bell's number");
    let all: BTreeSet<Vec<u8>> = splits(8, 3).into_iter().collect();
    assert_eq!(all.len(), splits(8, 3).len());
    assert_eq!(subsets(4, 1).len(), 4);
    assert_eq!(subsets(7, 2).len(), 21);
}

#[test]
fn a_number_is_a_schedule() {
    let plan = plan(4, 1, 2, 2);
    assert_eq!(plan.numbers(), 0..4 * 16 * 16);
    let all: BTreeSet<(Vec<u32>, Vec<u64>)> = plan
        .numbers()
        .map(|number| plan.schedule(number))
        .map(|schedule| (schedule.twins, schedule.splits))
        .collect();
    assert_eq!(all.len(), 4 * 16 * 16);
}

/// Of every schedule and its image under exchanging a validator with its twin exactly one is canonical,
/// unless they are the same.
#[test]
fn one_of_each_pair_is_canonical() {
    let plan = plan(4, 1, 2, 2);
    let place_of = |split: &Vec<u8>| -> u64 {
        let place = plan.splits.iter().position(|one| one == split).expect("it is listed");
        u64::try_from(place).expect("few")
    };
    let mut canonical = 0;
    for number in plan.numbers() {
        let schedule = plan.schedule(number);
        let exchanged = |split: &u64| plan.exchange(plan.split(*split), &schedule.twins, 1);
        let image = Schedule {
            twins: schedule.twins.clone(),
            splits: schedule.splits.iter().map(|split| place_of(&exchanged(split))).collect(),
        };
        let (own, other) = (plan.is_canonical(&schedule), plan.is_canonical(&image));
        assert!(own || other, "none of {schedule:?} and its image is canonical");
        assert_eq!(own && other, schedule == image, "{schedule:?} and {image:?}");
        canonical += u64::from(own);
    }
    // Half of all, and half of those that are their own image (8 of 16 splits).
    assert_eq!(canonical, 4 * (16 * 16 + 8 * 8) / 2);
}

/// The scenario names the leaders that the run will have, and is a file.
#[test]
fn a_schedule_is_a_scenario() {
    let plan = plan(4, 1, 3, 2);
    for number in plan.numbers().step_by(997) {
        let made = plan.scenario(number);
        let read = scenario::parse("twins", made.to_toml().as_bytes())
            .unwrap_or_else(|problems| panic!("{number}: {problems}"));
        assert_eq!(read.digest(), made.digest());
        let schedule = plan.schedule(number);
        let common = Common::new(&made, run_seed(plan.seed()), &[]);
        let leader = common.leader(View::new(u64::from(schedule.twins[0]) + 1));
        assert_eq!(made.byzantine[0].nodes, Selector::Nodes(vec![NodeName::new(leader)]));
        let heals = made.faults.iter().filter(|fault| fault.verb == Verb::Heal).count();
        assert_eq!(heals, 3);
        for fault in &made.faults {
            let Verb::Partition { shape: Partition::Groups(groups), .. } = &fault.verb else {
                continue;
            };
            let named: usize = groups.iter().map(Vec::len).sum();
            assert_eq!(named, 5, "everybody and the twin are in some group");
        }
    }
}

#[test]
fn samples_are_canonical_different_and_the_same_again() {
    let large = plan(4, 1, 8, 2);
    let chosen = large.sample(200);
    assert_eq!(chosen.len(), 200);
    assert_eq!(chosen, large.sample(200));
    assert!(chosen.iter().all(|number| large.is_canonical(&large.schedule(*number))));
    let other = Plan::new(4, 1, 8, 2, 2).expect("it is one").sample(200);
    assert_ne!(chosen, other, "another seed draws others");
    let small = plan(4, 1, 1, 2);
    assert_eq!(small.sample(10_000).len(), 4 * (16 + 8) / 2, "all there are");
    assert!(small.sample(5).len() <= 10);
}

#[test]
fn plans_that_are_none() {
    let error = |validators, twins, views, groups| {
        Plan::new(validators, twins, views, groups, 1).expect_err("there is no such plan")
    };
    assert_eq!(error(4, 1, 0, 2), PlanError::Nothing);
    assert_eq!(error(4, 2, 8, 2), PlanError::TooManyTwins { twins: 2, validators: 4 });
    assert_eq!(error(10, 3, 8, 2), PlanError::TooManyReplicas(13));
    assert_eq!(error(4, 1, 40, 2), PlanError::TooManySchedules);
}
