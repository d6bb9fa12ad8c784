//! A scenario with less time or fewer validators: what no longer has a place in it goes.

use quorate_core::time::Span;

use super::parts;
use crate::scenario::{
    Behaviour, End, Links, NodeName, Partition, Scenario, Selector, Split, StakePlan, Trigger,
    Until, Verb,
};

/// Ends the run at a time. Faults that would begin later go, and so does what is demanded later.
pub(super) fn end_at(scenario: &mut Scenario, end: Span) {
    scenario.run.max_time = end;
    parts::pin_draws(scenario);
    scenario.faults.retain(|fault| !matches!(fault.start, Trigger::Time(at) if at >= end));
    if let Some(liveness) = &mut scenario.liveness {
        // What comes after GST is in the run up to its end; what is demanded is demanded by then.
        liveness.bound = liveness.bound.min(end.minus(liveness.gst));
    }
    // Before GST nothing changes by it.
    scenario.liveness = scenario.liveness.take().filter(|liveness| liveness.gst < end);
}

/// Lets GST come at another time. Faults that would begin later go, others end by then.
pub(super) fn good_from(scenario: &mut Scenario, gst: Span) {
    let Some(liveness) = &mut scenario.liveness else { return };
    let earlier = liveness.gst.minus(gst);
    liveness.gst = gst;
    scenario.run.max_time = scenario.run.max_time.minus(earlier);
    parts::pin_draws(scenario);
    scenario.faults.retain(|fault| !matches!(fault.start, Trigger::Time(at) if at >= gst));
    for fault in &mut scenario.faults {
        let Trigger::Time(at) = fault.start else { continue };
        let left = gst.minus(at);
        match &mut fault.end {
            End::For(lasting) => *lasting = (*lasting).min(left),
            End::Until(Until::Time(until)) => *until = (*until).min(gst),
            End::Until(_) | End::Gst => {}
        }
        if let Verb::Kill { restart_after: Some(after), .. }
        | Verb::Stop { restart_after: Some(after), .. }
        | Verb::Reformat { restart_after: Some(after), .. } = &mut fault.verb
        {
            *after = (*after).min(left);
        }
    }
}

/// Leaves only the first so many validators. What names only others goes.
pub(super) fn to_validators(scenario: &mut Scenario, count: u32) {
    scenario.cluster.validators = count;
    if let StakePlan::List(weights) = &mut scenario.cluster.stake {
        weights.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    }
    parts::pin_draws(scenario);
    scenario
        .network
        .links
        .retain_mut(|link| retain(&mut link.from, count) & retain(&mut link.to, count));
    scenario.byzantine.retain_mut(|spec| {
        let rest = match &mut spec.behaviour {
            Behaviour::EquivocateProposal { split: Split::Groups(first, second) }
            | Behaviour::EquivocateVote { split: Split::Groups(first, second) } => {
                retain(first, count) & retain(second, count)
            }
            Behaviour::SilentTo { to } => narrow(to, count),
            _ => true,
        };
        narrow(&mut spec.nodes, count) & rest
    });
    scenario.faults.retain_mut(|fault| {
        let starts = match &mut fault.start {
            Trigger::Time(_) => true,
            Trigger::Height { node, .. }
            | Trigger::View { node, .. }
            | Trigger::Point { node, .. } => node.is_none_or(|name| is_left(&name, count)),
        };
        starts && narrow_verb(&mut fault.verb, count)
    });
}

fn is_left(name: &NodeName, count: u32) -> bool {
    name.validator.get() < count
}

/// Leaves only who is left; whether anybody is.
fn retain(names: &mut Vec<NodeName>, count: u32) -> bool {
    names.retain(|name| is_left(name, count));
    !names.is_empty()
}

fn narrow(selector: &mut Selector, count: u32) -> bool {
    match selector {
        Selector::Nodes(names) => retain(names, count),
        Selector::Random(drawn) => {
            *drawn = (*drawn).min(count);
            true
        }
        _ => true,
    }
}

fn narrow_verb(verb: &mut Verb, count: u32) -> bool {
    match verb {
        Verb::Drop { links, .. }
        | Verb::Duplicate { links, .. }
        | Verb::Delay { links, .. }
        | Verb::Reorder { links, .. }
        | Verb::Corrupt { links, .. }
        | Verb::Bandwidth { links, .. }
        | Verb::Clog { links } => match links {
            Links::All => true,
            Links::Touching(targets) => narrow(&mut targets.nodes, count),
            Links::Directed { from, to } => narrow(from, count) & narrow(to, count),
        },
        Verb::Partition { shape, .. } => match shape {
            Partition::Groups(groups) => {
                groups.retain_mut(|group| retain(group, count));
                !groups.is_empty()
            }
            Partition::Split(targets) | Partition::Bridge(targets) => {
                narrow(&mut targets.nodes, count)
            }
            Partition::OneWay { from, to } => narrow(from, count) & narrow(to, count),
            Partition::Ring { .. } => true,
        },
        verb => verb.targets_mut().is_none_or(|targets| {
            let among = targets.from.as_mut().is_none_or(|from| narrow(from, count));
            narrow(&mut targets.nodes, count) & among
        }),
    }
}
