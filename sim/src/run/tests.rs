//! A run is a function of the scenario and the seed.

use quorate_core::time::Span;

use super::run;
use crate::{
    report::{RunOptions, Verdict},
    scenario::{Distribution, LinkModel, Scenario, Workload},
};

fn quiet(validators: u32, millis: u64) -> Scenario {
    let mut scenario = Scenario::quiet("quiet", validators);
    scenario.run.max_time = Span::from_millis(millis);
    let delay = Distribution::Constant(Span::from_millis(10));
    scenario.network.model = LinkModel { delay, ..LinkModel::default() };
    scenario.workload = Workload { tx_per_second: 50, ..Workload::default() };
    scenario
}

#[test]
fn the_same_scenario_and_seed_give_the_same_hash_on_two_threads() {
    let scenario = quiet(4, 2_000);
    let first = run(&scenario, 1, &RunOptions::default());
    let second = run(&scenario, 1, &RunOptions::default());
    assert_eq!(first.verdict, Verdict::Held);
    assert!(first.counters.observations > 0);
    assert_eq!(first.trace_hash, second.trace_hash);
    assert_eq!(first.counters, second.counters);
    let other = run(&scenario, 2, &RunOptions::default());
    assert_ne!(first.trace_hash, other.trace_hash);
}
