//! Whose turn it is: in proportion, evenly spread, the same for everybody.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};

use super::{LeaderSchedule, TURNS_MAX};
use crate::{
    committee::Committee,
    random::Seed,
    testing::cast::{Cast, member},
    types::{ValidatorIndex, View},
};

fn schedule(weights: &[u64], seed: u64) -> (Committee, LeaderSchedule) {
    let members = (0..).zip(weights).map(|(number, weight)| member(number, *weight)).collect();
    let committee = Committee::new(members).expect("weights of a committee");
    let schedule = LeaderSchedule::new(&committee, &Seed::from_number(seed));
    (committee, schedule)
}

fn turns_each(schedule: &LeaderSchedule) -> BTreeMap<ValidatorIndex, usize> {
    let mut turns = BTreeMap::new();
    for leader in schedule.turns() {
        *turns.entry(*leader).or_default() += 1;
    }
    turns
}

/// The most that a member's turns so far are behind or ahead of its share, in turns.
fn deviation(committee: &Committee, schedule: &LeaderSchedule) -> u128 {
    let round = i128::try_from(schedule.turns().len()).expect("small");
    let whole = turns_each(schedule);
    let mut worst = 0;
    for (index, _) in committee.members() {
        let share = i128::try_from(whole[&index]).expect("small");
        let (mut taken, mut steps) = (0, 0);
        for leader in schedule.turns() {
            steps += 1;
            taken += i128::from(*leader == index);
            // Rounded away from zero.
            worst = worst
                .max((taken * round - steps * share).unsigned_abs().div_ceil(round.unsigned_abs()));
        }
    }
    worst
}

#[test]
fn equal_weights_take_one_turn_each() {
    for size in [1, 4, 7, 100] {
        let (_, schedule) = schedule(&vec![5; size], 1);
        assert_eq!(schedule.turns().len(), size);
        assert!(turns_each(&schedule).values().all(|turns| *turns == 1));
    }
}

#[test]
fn turns_follow_weights() {
    let (committee, schedule) = schedule(&[10, 20, 30, 40], 3);
    assert_eq!(schedule.turns().len(), 10, "weights are divided by what they share");
    for (index, member) in committee.members() {
        let turns = u64::try_from(turns_each(&schedule)[&index]).expect("small");
        assert_eq!(turns * 10, member.weight.get());
    }
}

/// The heaviest does not take its turns in a row: that is what "smooth" is for.
#[test]
fn the_heaviest_is_spread() {
    let (committee, schedule) = schedule(&[5, 1, 1], 1);
    let heavy = committee.members().find(|(_, member)| member.weight.get() == 5).expect("it").0;
    let longest =
        schedule.turns().split(|leader| *leader != heavy).map(<[ValidatorIndex]>::len).max();
    assert_eq!(longest, Some(2), "{:?}", schedule.turns());
}

#[test]
fn views_go_round_and_round() {
    let (_, schedule) = schedule(&[1, 2, 3], 1);
    let round = u64::try_from(schedule.turns().len()).expect("small");
    for view in 0..round {
        let leader = schedule.leader(View::new(view));
        assert_eq!(leader, schedule.leader(View::new(view + 7 * round)));
        assert_eq!(leader, schedule.turns()[usize::try_from(view).expect("small")]);
    }
    let _ = schedule.leader(View::new(u64::MAX));
}

/// The same for everybody, and another order for another epoch.
#[test]
fn the_seed_decides_the_order_and_nothing_else_does() {
    let cast = Cast::equal(7);
    let of = |seed| LeaderSchedule::new(cast.committee(), &Seed::from_number(seed));
    assert_eq!(of(1), of(1));
    let orders: BTreeSet<_> = (0..50).map(|seed| of(seed).turns().to_vec()).collect();
    assert!(orders.len() > 45, "only {} orders of 5040 in 50 seeds", orders.len());
    let firsts: BTreeSet<_> = orders.iter().map(|turns| turns[0]).collect();
    assert_eq!(firsts.len(), 7, "everybody is first for some seed");
}

/// Weights that differ by the whole width of a word still give a short round and a turn to everybody.
#[test]
fn a_whale_leaves_a_turn_to_everybody() {
    let (committee, schedule) = schedule(&[u64::MAX - 3, 1, 1, 1], 1);
    let turns = turns_each(&schedule);
    assert_eq!(turns.len(), committee.size());
    let limit = usize::try_from(TURNS_MAX).expect("small") + committee.size();
    assert!(schedule.turns().len() <= limit, "{} turns", schedule.turns().len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In any weights: a turn for everybody, in proportion, and never far from the share.
    #[test]
    fn proportional_and_even(weights in vec(1..50u64, 1..12), seed in any::<u64>()) {
        let (committee, schedule) = schedule(&weights, seed);
        let turns = turns_each(&schedule);
        prop_assert_eq!(turns.len(), committee.size());
        let round = u64::try_from(schedule.turns().len()).expect("small");
        for (index, member) in committee.members() {
            let own = u64::try_from(turns[&index]).expect("small");
            prop_assert_eq!(own * committee.total().get(), member.weight.get() * round);
        }
        let worst = deviation(&committee, &schedule);
        prop_assert!(worst <= 2, "{worst} turns from the share: {weights:?}");
    }

    /// Scaled down to fit a round, shares stay within one turn or one in `TURNS_MAX` of the weight.
    #[test]
    fn long_rounds_are_scaled(weights in vec(1..u64::MAX / 12, 2..12)) {
        let (committee, schedule) = schedule(&weights, 1);
        for (index, turns) in turns_each(&schedule) {
            let exact = u128::from(committee.weight(index).get()) * u128::from(TURNS_MAX)
                / u128::from(committee.total().get());
            let turns = u128::try_from(turns).expect("small");
            prop_assert!(turns == exact.max(1) || u64::try_from(schedule.turns().len()).expect("small") < TURNS_MAX - 12);
        }
    }
}
