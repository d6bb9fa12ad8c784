//! Too little weight, too little reach and lost blocks are each told from a cluster that can go on.

use std::collections::BTreeSet;

use quorate_core::types::Height;

use super::{super::stage::Stage, Hopeless, Standing, recoverable};

fn standings(reach: &[&[u32]], archives: &[(u64, u64)]) -> Vec<Standing> {
    let one = |(number, (reach, (low, top))): (u32, (&&[u32], &(u64, u64)))| Standing {
        number,
        runs: true,
        reaches: reach.iter().copied().collect::<BTreeSet<u32>>(),
        archive: (*top > 0).then_some((Height::new(*low), Height::new(*top))),
    };
    (0..).zip(reach.iter().zip(archives)).map(one).collect()
}

const ALL: [&[u32]; 4] = [&[0, 1, 2, 3]; 4];

#[test]
fn three_of_four_can_go_on() {
    let stage = Stage::unwatched(4).corrupt(&[3]);
    let all = standings(&ALL, &[(1, 9), (1, 9), (1, 4), (0, 0)]);
    assert_eq!(recoverable(stage.scene(), &all), Ok(()));
}

#[test]
fn two_of_four_cannot() {
    let stage = Stage::unwatched(4).corrupt(&[3]);
    let mut all = standings(&ALL, &[(1, 9); 4]);
    all[0].runs = false;
    let found = recoverable(stage.scene(), &all);
    let together = vec![1, 2];
    assert_eq!(found, Err(Hopeless::NoQuorum { together, weight: 2, total: 4 }));
}

#[test]
fn reach_counts_both_ways_only() {
    let stage = Stage::unwatched(4);
    // n3 hears everybody and reaches nobody; the others are enough.
    let deaf: [&[u32]; 4] = [&[0, 1, 2, 3], &[0, 1, 2, 3], &[0, 1, 2, 3], &[]];
    assert_eq!(recoverable(stage.scene(), &standings(&deaf, &[(1, 9); 4])), Ok(()));
    let halves: [&[u32]; 4] = [&[1], &[0], &[3], &[2]];
    let found = recoverable(stage.scene(), &standings(&halves, &[(1, 9); 4]));
    assert!(matches!(found, Err(Hopeless::NoQuorum { weight: 2, .. })), "{found:?}");
}

#[test]
fn a_block_on_no_disk_is_gone() {
    let stage = Stage::unwatched(4);
    let found = recoverable(stage.scene(), &standings(&ALL, &[(7, 9), (8, 9), (1, 5), (1, 5)]));
    assert_eq!(found, Err(Hopeless::BlockGone { height: Height::new(6), needed_by: 2 }));
    let found = recoverable(stage.scene(), &standings(&ALL, &[(6, 9), (8, 9), (1, 5), (1, 5)]));
    assert_eq!(found, Ok(()));
}
