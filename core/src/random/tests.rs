//! Randomness as a value: the same from the same seed, whenever it is put down and taken up again.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Rng, Seed};
use crate::{
    codec::{self, DecodeError},
    time::Span,
};

#[test]
fn a_seed_is_one_stream() {
    let draw = |seed: Seed| -> Vec<u64> {
        let mut rng = seed.rng();
        (0..20).map(|_| rng.next()).collect()
    };
    assert_eq!(draw(Seed::from_number(1)), draw(Seed::from_number(1)));
    assert_ne!(draw(Seed::from_number(1)), draw(Seed::from_number(2)));
}

/// Forks differ by label and by entity, and no label runs over into an entity or another label.
#[test]
fn forks_are_independent() {
    let seed = Seed::from_number(1);
    let labels = ["", "a", "b", "aa", "a\0", "disk", "diskdisk"];
    let forks: BTreeSet<[u8; 32]> = labels
        .iter()
        .flat_map(|label| (0..20).map(|entity| *seed.fork(label, entity).get()))
        .collect();
    assert_eq!(forks.len(), labels.len() * 20);
    assert_ne!(seed.fork("a", 1).fork("b", 1), seed.fork("b", 1).fork("a", 1));
}

#[test]
fn below_reaches_every_number_and_no_more() {
    let mut rng = Seed::from_number(1).rng();
    for bound in 1..20 {
        let seen: BTreeSet<u64> = (0..500).map(|_| rng.below(bound)).collect();
        assert_eq!(seen, (0..bound).collect());
    }
    assert!((0..100).all(|_| rng.below(1) == 0));
    assert!((0..100).any(|_| rng.below(u64::MAX) > u64::MAX / 2));
}

#[test]
#[should_panic(expected = "below zero")]
fn nothing_is_below_zero() {
    Seed::from_number(1).rng().below(0);
}

/// A position beyond the stream's end would come back as another one.
#[test]
fn a_position_that_does_not_exist_is_refused() {
    let seed = Seed::from_number(1);
    for position in [u128::MAX, 1 << 68, 1 << 100] {
        let bytes = codec::encode(&(seed, position));
        assert_eq!(codec::decode::<Rng>(&bytes, 64), Err(DecodeError::NotCanonical));
    }
}

proptest! {
    /// Encoded and decoded after any number of draws, a stream goes on where it was.
    #[test]
    fn a_stream_goes_on_where_it_was(number in any::<u64>(), draws in 0..200usize) {
        let mut rng = Seed::from_number(number).rng();
        for _ in 0..draws {
            rng.next();
        }
        let mut again: Rng = codec::decode(&codec::encode(&rng), 64).expect("its own encoding");
        prop_assert_eq!(&again, &rng);
        for _ in 0..40 {
            prop_assert_eq!(again.next(), rng.next());
        }
        prop_assert_eq!(&again, &rng);
        again.next();
        prop_assert_ne!(&again, &rng);
    }

    #[test]
    fn jitter_stays_within_its_percentage(nanos in 0..1_000_000_000u64, percent in 0..150u64) {
        let span = Span::from_nanos(nanos);
        let jittered = Seed::from_number(nanos).rng().jittered(span, percent);
        let share = percent.min(100);
        prop_assert!(jittered >= span.scaled(100 - share, 100));
        prop_assert!(jittered <= span.scaled(100 + share, 100));
    }
}
