//! What a smaller scenario may not ask for: a failure with more liars than the protocol tolerates is no
//! finding, and fewer validators tolerate fewer.

use std::collections::BTreeSet;

use crate::scenario::{Scenario, Selector, Verb};

/// Whether those that lie, and those whose disks lose or damage what was written, weigh less than a
/// third together. Who is drawn by the seed is taken for the first ones that are not named.
pub(super) fn is_tolerated(scenario: &Scenario) -> bool {
    let lying = scenario.byzantine.iter().map(|spec| &spec.nodes);
    let damaged = scenario.faults.iter().filter_map(|fault| match &fault.verb {
        Verb::Reformat { targets, .. }
        | Verb::FsyncLie { targets, .. }
        | Verb::Bitrot { targets, .. }
        | Verb::MisdirectedWrite { targets, .. }
        | Verb::Diverge { targets } => Some(&targets.nodes),
        _ => None,
    });
    let mut bad = BTreeSet::new();
    let mut drawn = 0;
    for selector in lying.chain(damaged) {
        match selector {
            Selector::Nodes(names) => bad.extend(names.iter().map(|name| name.validator.get())),
            // As many as are tolerated, or counted already.
            Selector::F | Selector::Byzantine => {}
            Selector::One | Selector::Leader | Selector::NextLeader => drawn = drawn.max(1),
            Selector::Random(count) => drawn = drawn.max(*count),
            _ => drawn = scenario.cluster.validators,
        }
    }
    let others: Vec<u32> =
        (0..scenario.cluster.validators).filter(|number| !bad.contains(number)).collect();
    bad.extend(others.into_iter().zip(0..drawn).map(|(number, _)| number));
    scenario.cluster.tolerates(&bad)
}
