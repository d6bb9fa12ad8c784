//! How fast a whole simulated cluster runs: views, simulated time and messages per second of wall time.
//!
//! Steady links of 10 ms, leaders that never idle, no faults, every checker on. A view takes two delays
//! of simulated time, so the three rates say what a sweep costs. With real signatures each one is checked
//! once per run, not once by each validator.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use quorate_core::time::Span;
use quorate_sim::{
    report::{RunOptions, RunReport, Verdict},
    run::run,
    scenario::{Crypto, Distribution, LinkModel, Scenario},
};

/// Validators and how long to simulate them: about as many messages for each.
const SIZES: [(u32, Span); 3] =
    [(4, Span::from_millis(4_000)), (7, Span::from_millis(3_000)), (25, Span::from_millis(1_000))];

fn scenario(validators: u32, time: Span, crypto: Crypto) -> Scenario {
    let mut scenario = Scenario::quiet("cluster", validators);
    scenario.run.max_time = time;
    scenario.cluster.crypto = crypto;
    scenario.protocol.idle_block_interval = Span::ZERO;
    let delay = Distribution::Constant(Span::from_millis(10));
    scenario.network.model = LinkModel { delay, ..LinkModel::default() };
    scenario
}

fn play(scenario: &Scenario) -> RunReport {
    let report = run(scenario, 1, &RunOptions::default());
    assert_eq!(report.verdict, Verdict::Held, "{} validators", scenario.cluster.validators);
    report
}

/// The best of a few runs, in numbers that criterion does not print.
#[expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
fn tell(name: &str, scenario: &Scenario) -> RunReport {
    let runs = (0..3).map(|_| play(scenario));
    let best = runs.min_by_key(|report| report.wall).expect("three runs");
    let per_second = |count: u64| u128::from(count) * 1_000_000_000 / best.wall.as_nanos();
    let simulated = Duration::from_nanos(best.simulated.nanos());
    println!(
        "{name}: per second of wall time {} views, {:.1} simulated seconds, {} messages, {} steps",
        per_second(best.counters.views),
        simulated.as_secs_f64() / best.wall.as_secs_f64(),
        per_second(best.counters.messages_delivered),
        per_second(best.counters.steps),
    );
    best
}

fn cluster(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cluster");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(5));
    for (validators, time) in SIZES {
        for (crypto, label) in [(Crypto::Mock, "mock"), (Crypto::Real, "real")] {
            let scenario = scenario(validators, time, crypto);
            let name = format!("{validators} validators, {label} signatures");
            let report = tell(&name, &scenario);
            group.throughput(Throughput::Elements(report.counters.messages_delivered));
            group.bench_function(name, |bencher| bencher.iter(|| play(black_box(&scenario))));
        }
    }
    group.finish();
}

criterion_group!(benches, cluster);
criterion_main!(benches);
