//! Whom a selector means, against the world as it is when a fault fires.
//!
//! What is drawn is keyed by the fault and the how many-th time it fires. A validator that runs twice
//! is hit on both machines unless a name says which.

use quorate_core::types::{Height, View};

use super::{
    cluster::{Cluster, node_of},
    keyed::Key,
    network::Machine,
};
use crate::{
    check::Scene,
    scenario::{NodeName, Selector, Targets},
};

/// What a selector is resolved against.
pub struct Ground<'a> {
    /// The machines.
    pub cluster: &'a Cluster,
    /// Who is honest.
    pub scene: &'a Scene,
    /// Who has a Byzantine behaviour, ascending.
    pub byzantine: &'a [u32],
}

impl Ground<'_> {
    /// The machines that targets stand for, ascending.
    #[must_use]
    pub fn targets(&self, targets: &Targets, key: Key) -> Vec<Machine> {
        let Some(from) = &targets.from else {
            return self.machines(&targets.nodes, key);
        };
        let among = self.machines(from, key.within(1));
        let node = |machine: &Machine| self.cluster.common.node(*machine).number();
        let mut pool: Vec<u32> = among.iter().map(node).collect();
        pool.sort_unstable();
        pool.dedup();
        // Of a twin only the machine that is meant.
        let mut machines = self.machines_from(&targets.nodes, &pool, key);
        machines.retain(|machine| among.contains(machine));
        machines
    }

    /// The machines that a selector stands for, ascending.
    #[must_use]
    pub fn machines(&self, selector: &Selector, key: Key) -> Vec<Machine> {
        self.machines_from(selector, &self.all(), key)
    }

    fn machines_from(&self, selector: &Selector, pool: &[u32], key: Key) -> Vec<Machine> {
        if let Selector::Nodes(names) = selector {
            return self.named(names);
        }
        let numbers = self.numbers(selector, pool, key);
        let mut machines: Vec<Machine> = numbers
            .iter()
            .flat_map(|number| self.cluster.common.machines_of(*number))
            .copied()
            .collect();
        machines.sort_unstable();
        machines
    }

    /// The machines with these names.
    #[must_use]
    pub fn named(&self, names: &[NodeName]) -> Vec<Machine> {
        names.iter().filter_map(|name| self.cluster.common.machine(node_of(*name))).collect()
    }

    /// What is drawn is drawn from the pool. How many a minority or a majority is, and what weighs
    /// enough, goes by the whole cluster.
    fn numbers(&self, selector: &Selector, pool: &[u32], key: Key) -> Vec<u32> {
        let all = self.all();
        match selector {
            Selector::Nodes(names) => names.iter().map(|name| name.validator.get()).collect(),
            Selector::All => all,
            Selector::One => shuffled(pool, key, 1),
            Selector::Minority => shuffled(pool, key, all.len().saturating_sub(1) / 2),
            Selector::Majority => shuffled(pool, key, all.len() / 2 + 1),
            Selector::Random(count) => {
                shuffled(pool, key, usize::try_from(*count).unwrap_or(usize::MAX))
            }
            Selector::Leader => vec![self.cluster.common.leader(self.highest_view())],
            Selector::NextLeader => vec![self.cluster.common.leader(self.highest_view().next())],
            Selector::F => self.tolerable(pool, key),
            Selector::FPlusOne => self.one_too_many(pool, key),
            Selector::Quorum => self.quorum(pool, key),
            Selector::Honest => self.without(&all, self.byzantine),
            Selector::Byzantine => self.byzantine.to_vec(),
            Selector::Behind => self.behind(),
        }
    }

    fn all(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = self.scene.actors().iter().map(|actor| actor.number).collect();
        numbers.sort_unstable();
        numbers
    }

    fn without(&self, all: &[u32], others: &[u32]) -> Vec<u32> {
        all.iter().copied().filter(|number| !others.contains(number)).collect()
    }

    fn weight(&self, number: u32) -> u128 {
        self.scene.actor(number).map_or(0, |actor| u128::from(actor.weight))
    }

    /// As many as weigh less than a third, in drawn order; whoever would be too much is passed over.
    fn tolerable(&self, pool: &[u32], key: Key) -> Vec<u32> {
        let mut sum = 0;
        let mut chosen = shuffled(pool, key, pool.len());
        chosen.retain(|number| {
            let heavier = sum + self.weight(*number);
            let fits = !self.scene.reaches_one_third(heavier);
            if fits {
                sum = heavier;
            }
            fits
        });
        chosen
    }

    fn one_too_many(&self, pool: &[u32], key: Key) -> Vec<u32> {
        let mut chosen = self.tolerable(pool, key);
        let rest = self.without(&shuffled(pool, key, pool.len()), &chosen);
        chosen.extend(rest.first());
        chosen
    }

    fn quorum(&self, pool: &[u32], key: Key) -> Vec<u32> {
        let mut sum = 0;
        let mut chosen = shuffled(pool, key, pool.len());
        let mut reached = false;
        chosen.retain(|number| {
            let wanted = !reached;
            sum += self.weight(*number);
            reached = self.scene.outweighs_two_thirds(sum);
            wanted
        });
        chosen
    }

    fn honest_statuses(&self) -> impl Iterator<Item = &super::cluster::Status> {
        let honest = |number| self.scene.honesty.is_honest(number);
        self.cluster.statuses().iter().filter(move |status| honest(status.node.number()))
    }

    /// The highest view that any honest validator is in.
    #[must_use]
    pub fn highest_view(&self) -> View {
        self.honest_statuses().map(|status| status.view).max().unwrap_or(View::ZERO)
    }

    /// The highest height that any honest validator has finalized.
    #[must_use]
    pub fn highest_height(&self) -> Height {
        self.honest_statuses().map(|status| status.height).max().unwrap_or(Height::ZERO)
    }

    fn behind(&self) -> Vec<u32> {
        let lowest = self.cluster.statuses().iter().map(|status| status.height).min();
        let mut numbers: Vec<u32> = self
            .cluster
            .statuses()
            .iter()
            .filter(|status| Some(status.height) == lowest)
            .map(|status| status.node.number())
            .collect();
        numbers.dedup();
        numbers
    }
}

/// So many of these, in drawn order (Fisher and Yates, 1938).
#[must_use]
pub fn shuffled(all: &[u32], key: Key, count: usize) -> Vec<u32> {
    let mut order = all.to_vec();
    for last in (1..order.len()).rev() {
        let bound = u64::try_from(last).expect("machines are few") + 1;
        let other = key.below(bound, 0, bound);
        order.swap(last, usize::try_from(other).expect("below the bound"));
    }
    order.truncate(count);
    order
}
