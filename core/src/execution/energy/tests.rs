//! Energy at the edges of its window.

use proptest::prelude::*;

use super::*;

fn energy(frozen: u64, used: u64) -> Energy {
    Energy { frozen, used, height: Height::new(100), ..Energy::default() }
}

#[test]
fn comes_back_in_a_straight_line_and_is_whole_after_the_window() {
    let energy = energy(1_200, 1_200);
    let available = |after| energy.available_at(Height::new(100).plus(after));
    assert_eq!((available(0), available(1), available(600)), (0, 1, 600));
    assert_eq!((available(ENERGY_WINDOW - 1), available(ENERGY_WINDOW)), (1_199, 1_200));
    assert_eq!(available(u64::MAX - 100), 1_200);
}

/// One unit comes back at the very end of the window: rounding never gives energy away.
#[test]
fn little_use_is_rounded_against_the_user() {
    let energy = energy(1, 1);
    assert_eq!(energy.available_at(Height::new(99 + ENERGY_WINDOW)), 0);
    assert_eq!(energy.available_at(Height::new(100 + ENERGY_WINDOW)), 1);
}

#[test]
fn unfrozen_tokens_give_no_energy_but_what_was_used_stays_used() {
    let some = energy(10, 50);
    assert_eq!(some.available_at(Height::new(100)), 0);
    assert_eq!(some.after_use(1, Height::new(100)), None);
    let none = energy(0, 50);
    assert!(!none.is_empty_at(Height::new(100)), "the use is remembered");
    assert!(none.is_empty_at(Height::new(100 + ENERGY_WINDOW)));
}

proptest! {
    /// However use is spread over blocks, nobody gets more than what is frozen at once, nor more than
    /// twice that within one window.
    #[test]
    fn never_more_than_what_is_frozen(
        frozen in 1..u64::MAX,
        uses in proptest::collection::vec((0..400u64, any::<u64>()), 1..20),
    ) {
        let mut energy = Energy { frozen, ..Energy::default() };
        let mut height = Height::new(1);
        let mut total = 0u128;
        for (later, wish) in uses {
            height = height.plus(later);
            let amount = wish.min(energy.available_at(height));
            let before = energy.used_at(height);
            energy = energy.after_use(amount, height).expect("it is available");
            prop_assert_eq!(energy.used_at(height), before + amount);
            prop_assert!(energy.used_at(height) <= frozen);
            prop_assert!(energy.used_at(height.next()) <= energy.used_at(height));
            if height.get() <= ENERGY_WINDOW {
                total += u128::from(amount);
            }
        }
        prop_assert!(total <= 2 * u128::from(frozen));
    }
}
