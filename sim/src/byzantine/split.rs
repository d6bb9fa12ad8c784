//! Who is told which of two stories, the same way for the whole of a view.

use std::collections::BTreeMap;

use quorate_core::{random::Rng, types::View};

use crate::scenario::Split;

/// The two audiences of one view. Somebody may be in both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Halves {
    /// Who hears the first story.
    pub first: Vec<u32>,
    /// Who hears the second.
    pub second: Vec<u32>,
}

/// Views whose audiences are remembered.
const VIEWS_MAX: usize = 64;

/// Audiences by view.
pub struct Audiences {
    split: Split,
    views: BTreeMap<View, Halves>,
}

impl Audiences {
    /// Split as a scenario says.
    #[must_use]
    pub fn new(split: Split) -> Self {
        Self { split, views: BTreeMap::new() }
    }

    /// The audiences of a view among `peers`.
    pub fn of(&mut self, view: View, peers: &[u32], rng: &mut Rng) -> Halves {
        if let Some(halves) = self.views.get(&view) {
            return halves.clone();
        }
        let halves = match &self.split {
            Split::Random => random_halves(peers, rng),
            Split::Groups(first, second) => {
                let inside = |group: &[crate::scenario::NodeName], number: u32| {
                    group.iter().any(|name| name.validator.get() == number)
                };
                let hears = |own: &[_], other: &[_]| {
                    let hears = |number: &&u32| inside(own, **number) || !inside(other, **number);
                    peers.iter().filter(hears).copied().collect()
                };
                Halves { first: hears(first, second), second: hears(second, first) }
            }
        };
        self.views.insert(view, halves.clone());
        if self.views.len() > VIEWS_MAX {
            self.views.pop_first();
        }
        halves
    }
}

fn random_halves(peers: &[u32], rng: &mut Rng) -> Halves {
    let mut shuffled = peers.to_vec();
    for last in (1..shuffled.len()).rev() {
        let bound = u64::try_from(last).expect("a committee's size fits") + 1;
        let other = usize::try_from(rng.below(bound)).expect("below a committee's size");
        shuffled.swap(last, other);
    }
    let mut first = shuffled.split_off(shuffled.len() / 2);
    first.sort_unstable();
    shuffled.sort_unstable();
    Halves { first, second: shuffled }
}

/// Those of `to` that are in `half`.
#[must_use]
pub fn within(to: &[u32], half: &[u32]) -> Vec<u32> {
    to.iter().filter(|number| half.contains(number)).copied().collect()
}
