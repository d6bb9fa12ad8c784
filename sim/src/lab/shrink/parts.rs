//! What a scenario can be taken apart into: its faults and its behaviours, and the names in them.

use crate::scenario::{Behaviour, Links, NodeName, Partition, Scenario, Selector, Verb};

/// One of them, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A `[[fault]]`.
    Fault(usize),
    /// A `[[byzantine]]`.
    Behaviour(usize),
}

/// Writes down what every fault and behaviour draws, so that it stays when places change.
pub(super) fn pin_draws(scenario: &mut Scenario) {
    for (place, fault) in (0..).zip(&mut scenario.faults) {
        fault.draw = Some(fault.draw_at(place));
    }
    for (place, spec) in (0_u32..).zip(&mut scenario.byzantine) {
        spec.draw = Some(spec.draw.unwrap_or(place));
    }
}

/// All of them, behaviours first: the end of the list is tried alone after the beginning.
pub(super) fn all(scenario: &Scenario) -> Vec<Part> {
    let behaviours = (0..scenario.byzantine.len()).map(Part::Behaviour);
    behaviours.chain((0..scenario.faults.len()).map(Part::Fault)).collect()
}

/// Each in a group of its own.
pub(super) fn singly(scenario: &Scenario) -> Vec<Vec<Part>> {
    all(scenario).into_iter().map(|part| vec![part]).collect()
}

/// All of one verb or one behaviour together.
pub(super) fn by_kind(scenario: &Scenario) -> Vec<Vec<Part>> {
    let mut groups: Vec<(&str, Vec<Part>)> = Vec::new();
    for part in all(scenario) {
        let kind = match part {
            Part::Fault(place) => scenario.faults[place].verb.name(),
            Part::Behaviour(place) => scenario.byzantine[place].behaviour.name(),
        };
        match groups.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, group)) => group.push(part),
            None => groups.push((kind, vec![part])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The scenario with only these.
pub(super) fn only(scenario: &Scenario, kept: &[Part]) -> Scenario {
    let mut scenario = scenario.clone();
    pin_draws(&mut scenario);
    let mut place = 0;
    scenario.faults.retain(|_| {
        place += 1;
        kept.contains(&Part::Fault(place - 1))
    });
    let mut place = 0;
    scenario.byzantine.retain(|_| {
        place += 1;
        kept.contains(&Part::Behaviour(place - 1))
    });
    scenario
}

/// Lists of names of which one can be left out.
fn lists(scenario: &mut Scenario) -> Vec<&mut Vec<NodeName>> {
    let mut lists = Vec::new();
    for spec in &mut scenario.byzantine {
        if let Behaviour::SilentTo { to } = &mut spec.behaviour {
            lists.extend(names(to));
        }
        lists.extend(names(&mut spec.nodes));
    }
    for fault in &mut scenario.faults {
        match &mut fault.verb {
            Verb::Drop { links, .. }
            | Verb::Duplicate { links, .. }
            | Verb::Delay { links, .. }
            | Verb::Reorder { links, .. }
            | Verb::Corrupt { links, .. }
            | Verb::Bandwidth { links, .. }
            | Verb::Clog { links } => match links {
                Links::All => {}
                Links::Touching(targets) => lists.extend(names(&mut targets.nodes)),
                Links::Directed { from, to } => {
                    lists.extend(names(from));
                    lists.extend(names(to));
                }
            },
            Verb::Partition { shape, .. } => match shape {
                Partition::Groups(groups) => lists.extend(groups),
                Partition::Split(targets) | Partition::Bridge(targets) => {
                    lists.extend(names(&mut targets.nodes));
                }
                Partition::OneWay { from, to } => {
                    lists.extend(names(from));
                    lists.extend(names(to));
                }
                Partition::Ring { .. } => {}
            },
            verb => {
                if let Some(targets) = verb.targets_mut() {
                    lists.extend(names(&mut targets.nodes));
                }
            }
        }
    }
    lists
}

/// Whom behaviours are of and faults hit. Draws of links stay what they are.
fn targets(scenario: &mut Scenario) -> Vec<&mut Selector> {
    let liars = scenario.byzantine.iter_mut().map(|spec| &mut spec.nodes);
    let hit =
        scenario.faults.iter_mut().filter_map(|fault| Some(&mut fault.verb.targets_mut()?.nodes));
    liars.chain(hit).collect()
}

/// The places of those that the seed or the moment draws, or that are many without being named.
pub(super) fn unnamed(scenario: &Scenario) -> Vec<usize> {
    let mut scenario = scenario.clone();
    let targets = (0..).zip(targets(&mut scenario));
    targets.filter(|(_, who)| !matches!(who, Selector::Nodes(_))).map(|(place, _)| place).collect()
}

/// Names one validator in such a place, unless somebody is named there by now.
pub(super) fn name(scenario: &mut Scenario, place: usize, name: NodeName) {
    let who = targets(scenario).swap_remove(place);
    if matches!(who, Selector::Nodes(_)) {
        return;
    }
    *who = Selector::Nodes(vec![name]);
    let mut hit = scenario.faults.iter_mut().filter_map(|fault| fault.verb.targets_mut());
    if let Some(fault) = place.checked_sub(scenario.byzantine.len())
        && let Some(targets) = hit.nth(fault)
    {
        // A name is drawn from nobody.
        targets.from = None;
    }
}

fn names(selector: &mut Selector) -> Option<&mut Vec<NodeName>> {
    match selector {
        Selector::Nodes(names) => Some(names),
        _ => None,
    }
}

/// How many names there are of which one can be left out.
pub(super) fn names_in(scenario: &Scenario) -> usize {
    let mut scenario = scenario.clone();
    lists(&mut scenario).iter().map(|list| list.len()).sum()
}

/// Leaves one of the names out, unless its list has no other.
pub(super) fn drop_name(scenario: &mut Scenario, place: usize) {
    let mut place = place;
    for list in lists(scenario) {
        if place < list.len() {
            if list.len() > 1 {
                list.remove(place);
            }
            return;
        }
        place -= list.len();
    }
}
