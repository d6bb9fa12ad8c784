//! The arithmetic everything else stands on: quorums, their intersections, and who may fail.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{Committee, CommitteeError, MEMBERS_MAX, Member};
use crate::{
    crypto::PublicKey,
    types::{PeerId, Stake, ValidatorId, ValidatorIndex},
};

/// A member whose key is its number, so that thousands cost nothing. Keys sort against numbers, to
/// tell index from name.
fn member(number: u32, weight: u64) -> Member {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&(u32::MAX - number).to_be_bytes());
    let mut peer = [0; 32];
    peer[..4].copy_from_slice(&number.to_be_bytes());
    Member {
        validator: ValidatorId::new(number),
        key: PublicKey::new(key),
        peer: PeerId::new(peer),
        weight: Stake::new(weight),
    }
}

fn members(weights: &[u64]) -> Vec<Member> {
    (0..).zip(weights).map(|(number, weight)| member(number, *weight)).collect()
}

fn committee(weights: &[u64]) -> Committee {
    Committee::new(members(weights)).expect("weights of a committee")
}

/// Everything that must hold of the thresholds of a committee, whatever its weights.
fn check_thresholds(committee: &Committee) {
    let total = u128::from(committee.total().get());
    let quorum = committee.quorum();
    let least = u128::from(quorum.get());
    assert_eq!(least, 2 * total / 3 + 1, "Q = floor(2W/3) + 1");
    assert!(committee.is_quorum(quorum), "P2: {quorum:?} of {total}");
    assert!(!committee.is_quorum(Stake::new(quorum.get() - 1)), "P2: one less than {quorum:?}");
    assert!(committee.is_quorum(committee.total()), "all together are a quorum");
    // Two quorums overlap in at least 2Q - W, and that is more than all Byzantine weight.
    let overlap = 2 * least - total;
    assert!(overlap * 3 > total, "P3: two quorums of {total} share only {overlap}");
    // Whatever may be Byzantine, the rest is a quorum: there is always somebody to go on.
    for weight in [0, 1, total / 3, total / 3 + 1, total - least, total - least + 1] {
        let some = Stake::new(u64::try_from(weight.min(total)).expect("at most the total"));
        let rest = Stake::new(committee.total().get() - some.get());
        assert_eq!(committee.is_tolerable(some), committee.is_quorum(rest), "{some:?} of {total}");
    }
}

#[test]
fn equal_weights_of_every_size() {
    for size in 1..=200 {
        for weight in [1, 7, u64::MAX / 200] {
            let committee = committee(&vec![weight; size]);
            check_thresholds(&committee);
            let expected = u64::try_from((size - 1) / 3).expect("small");
            assert_eq!(committee.faults_max(), expected, "{size} members");
        }
        let committee = committee(&vec![1; size]);
        for weight in 0..=u64::try_from(size).expect("small") {
            let stake = Stake::new(weight);
            assert_eq!(committee.is_quorum(stake), stake >= committee.quorum(), "{weight}/{size}");
            assert_eq!(committee.is_tolerable(stake), weight * 3 < committee.total().get());
        }
    }
}

/// The classic numbers, by hand.
#[test]
fn four_and_seven() {
    let figures = |size: usize| {
        let committee = committee(&vec![1; size]);
        (committee.quorum().get(), committee.faults_max())
    };
    assert_eq!(figures(1), (1, 0));
    assert_eq!(figures(3), (3, 0));
    assert_eq!(figures(4), (3, 1));
    assert_eq!(figures(6), (5, 1));
    assert_eq!(figures(7), (5, 2));
    assert_eq!(figures(100), (67, 33));
}

/// Every pair of quorums of every committee of four with weights up to four, member by member: they
/// share more than could be Byzantine.
#[test]
fn every_two_quorums_of_four_share_an_honest_member() {
    for code in 0..256u64 {
        let weights = [code % 4 + 1, code / 4 % 4 + 1, code / 16 % 4 + 1, code / 64 + 1];
        let committee = committee(&weights);
        let weigh = |set: u16| {
            let chosen = committee.members().filter(|(index, _)| set & (1 << index.get()) != 0);
            chosen.fold(Stake::ZERO, |sum, (_, member)| sum.plus(member.weight))
        };
        for a in (0..16).filter(|set| committee.is_quorum(weigh(*set))) {
            for b in (0..16).filter(|set| committee.is_quorum(weigh(*set))) {
                assert!(!committee.is_tolerable(weigh(a & b)), "P3: {weights:?} {a:04b} {b:04b}");
            }
        }
    }
}

#[test]
fn weights_at_the_edge_of_a_word() {
    for weights in [
        vec![u64::MAX],
        vec![u64::MAX - 1, 1],
        vec![u64::MAX / 3; 3],
        vec![u64::MAX / 2, u64::MAX / 2, 1],
        vec![1, 1, 1, u64::MAX - 3],
    ] {
        check_thresholds(&committee(&weights));
    }
    assert_eq!(committee(&[1, 1, 1, u64::MAX - 3]).faults_max(), 3);
    let beyond = Committee::new(members(&[u64::MAX, 1]));
    assert_eq!(beyond, Err(CommitteeError::TotalTooLarge));
}

#[test]
fn lists_that_are_no_committee() {
    assert_eq!(Committee::new(Vec::new()), Err(CommitteeError::Empty));
    let many = members(&vec![1; MEMBERS_MAX + 1]);
    assert_eq!(Committee::new(many), Err(CommitteeError::TooMany(MEMBERS_MAX + 1)));
    let weightless = Committee::new(members(&[1, 0, 1]));
    assert_eq!(weightless, Err(CommitteeError::NoWeight(ValidatorId::new(1))));
    let full = committee(&vec![1; MEMBERS_MAX]);
    assert_eq!(full.size(), MEMBERS_MAX);
}

#[test]
fn nobody_is_in_it_twice() {
    let base = members(&[1, 1, 1]);
    let twice = |change: fn(&mut Member, &Member)| {
        let mut list = base.clone();
        let model = list[0].clone();
        change(&mut list[2], &model);
        matches!(Committee::new(list), Err(CommitteeError::Duplicate(_)))
    };
    assert!(twice(|member, model| member.validator = model.validator));
    assert!(twice(|member, model| member.key = model.key));
    assert!(twice(|member, model| member.peer = model.peer));
    assert!(!twice(|member, model| member.weight = model.weight));
}

#[test]
fn a_stranger_has_no_weight() {
    let committee = committee(&[1, 1]);
    let stranger = ValidatorIndex::new(2);
    assert_eq!(committee.member(stranger), None);
    assert_eq!(committee.weight(stranger), Stake::ZERO);
    assert_eq!(committee.index_of_key(&PublicKey::new([9; 32])), None);
    assert_eq!(committee.index_of_peer(&PeerId::new([9; 32])), None);
}

fn weights() -> impl Strategy<Value = Vec<u64>> {
    let weight = prop_oneof![
        4 => 1..10u64,
        2 => select(vec![1, u64::MAX / 3, u64::MAX / 2, u64::MAX / 200]),
        1 => 1..u64::MAX,
    ];
    vec(weight, 1..40).prop_map(|weights| {
        // As many as fit in a total of 2^64 - 1.
        let mut total = 0u64;
        let fits = |weight: &u64| {
            let sum = total.checked_add(*weight);
            total = sum.unwrap_or(total);
            sum.is_some()
        };
        weights.into_iter().filter(fits).collect()
    })
}

proptest! {
    #[test]
    fn any_weights(weights in weights()) {
        check_thresholds(&committee(&weights));
    }

    /// No more than `faults_max` members can fail, and the lightest so many can.
    #[test]
    fn faults_max_is_tight(weights in weights()) {
        let committee = committee(&weights);
        let mut sorted = weights;
        sorted.sort_unstable();
        let faults = usize::try_from(committee.faults_max()).expect("at most 1024");
        let lightest = |count: usize| Stake::new(sorted[..count].iter().sum());
        prop_assert!(faults < sorted.len());
        prop_assert!(committee.is_tolerable(lightest(faults)));
        prop_assert!(!committee.is_tolerable(lightest(faults + 1)));
    }

    /// Two sets that weigh a quorum each share more than could be Byzantine.
    #[test]
    fn any_two_quorums(weights in weights(), a in any::<u64>(), b in any::<u64>()) {
        let committee = committee(&weights);
        let weigh = |set: u64| {
            let chosen = committee.members().filter(|(index, _)| set & (1 << index.get()) != 0);
            chosen.fold(Stake::ZERO, |sum, (_, member)| sum.plus(member.weight))
        };
        if committee.is_quorum(weigh(a)) && committee.is_quorum(weigh(b)) {
            prop_assert!(!committee.is_tolerable(weigh(a & b)));
        }
    }

    /// The order of the list does not matter, and every member is found by key, peer and index.
    #[test]
    fn order_does_not_matter(weights in weights(), turn in 0..40usize) {
        let committee = committee(&weights);
        let mut other = members(&weights);
        other.rotate_left(turn % weights.len());
        prop_assert_eq!(&Committee::new(other).expect("the same members"), &committee);
        for (index, member) in committee.members() {
            prop_assert_eq!(committee.index_of_key(&member.key), Some(index));
            prop_assert_eq!(committee.index_of_peer(&member.peer), Some(index));
            prop_assert_eq!(committee.member(index), Some(member));
        }
        let keys: Vec<PublicKey> = committee.members().map(|(_, member)| member.key).collect();
        prop_assert!(keys.is_sorted());
    }

    /// The digest commits to every field of every member.
    #[test]
    fn the_digest_tells_weights_apart(weights in weights(), place in 0..40usize) {
        let mut list = members(&weights);
        let place = place % list.len();
        let weight = list[place].weight.get();
        list[place].weight = Stake::new(if weight == 1 { 2 } else { weight - 1 });
        if let Ok(other) = Committee::new(list) {
            prop_assert_ne!(other.digest(), committee(&weights).digest());
        }
    }
}
