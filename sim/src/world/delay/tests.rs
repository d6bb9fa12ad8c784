//! Each distribution stays in its bounds and has roughly the mean it promises.

use quorate_core::{random::Seed, time::Span};

use super::sample;
use crate::{scenario::Distribution, world::keyed::Key};

fn samples(distribution: Distribution) -> Vec<u64> {
    let key = Key::new(&Seed::from_number(1), "delay", 0);
    (0..20_000).map(|place| sample(&distribution, key.at(place, 0))).collect()
}

fn span(nanos: u64) -> Span {
    Span::from_nanos(nanos)
}

#[test]
fn every_sample_is_in_bounds() {
    for distribution in [
        Distribution::Constant(span(7)),
        Distribution::Uniform { min: span(5), max: span(9) },
        Distribution::Normal {
            min: span(100),
            mean: span(1_000),
            std: span(400),
            cap: span(1_500),
        },
        Distribution::Exponential { min: span(50), mean: span(100), cap: span(300) },
        Distribution::Pareto { min: span(100), shape_milli: 1_500, cap: span(5_000) },
    ] {
        for sample in samples(distribution) {
            assert!(sample >= distribution.floor().nanos(), "{distribution:?} gave {sample}");
            assert!(sample <= distribution.ceiling().nanos(), "{distribution:?} gave {sample}");
        }
    }
}

#[test]
fn uniform_reaches_both_bounds() {
    let found = samples(Distribution::Uniform { min: span(5), max: span(9) });
    assert!(found.contains(&5) && found.contains(&9));
}

#[test]
fn means_are_close_to_what_is_asked() {
    let close = |distribution: Distribution, expected: u64| {
        let found = samples(distribution);
        let mean = found.iter().sum::<u64>() / u64::try_from(found.len()).expect("few samples");
        assert!(
            mean.abs_diff(expected) * 50 < expected,
            "{distribution:?}: {mean}, not {expected}"
        );
    };
    let cap = span(u64::MAX);
    close(Distribution::Uniform { min: span(1_000), max: span(3_000) }, 2_000);
    let (mean, std) = (span(10_000), span(1_000));
    close(Distribution::Normal { min: Span::ZERO, mean, std, cap }, 10_000);
    close(Distribution::Exponential { min: span(5_000), mean: span(40_000), cap }, 40_000);
    // The mean of a Pareto is scale * shape / (shape - 1).
    close(Distribution::Pareto { min: span(1_000), shape_milli: 5_000, cap }, 1_250);
}
