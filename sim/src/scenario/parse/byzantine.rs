//! `[[byzantine]]`.

use std::collections::BTreeSet;

use quorate_core::{
    time::Span,
    types::{Height, View},
};

use super::{condition, condition::Cast, distribution, fault};
use crate::scenario::{
    byzantine::{Behaviour, ByzantineSpec, MessageKind, Mutation, Split, When},
    condition::{NodeName, Selector},
    model::Cluster,
    problem::line_of,
    reader::{Reader, Section},
    tree::{Kind, Tree},
};

/// Messages per second of `flood`, unless it says otherwise.
const FLOOD_DEFAULT: u32 = 1_000;

pub(super) fn read(section: Section<'_>, cast: &mut Cast, source: &str) -> Option<ByzantineSpec> {
    let reader = section.reader();
    let line = line_of(source, section.place().start);
    let Some(tree) = section.require("kind") else {
        section.abandon();
        return None;
    };
    let nodes = read_nodes(&section, cast);
    let behaviour = read_behaviour(&section, tree, cast, nodes.as_ref());
    let Some(behaviour) = behaviour else {
        // The keys of a behaviour nobody knows cannot be judged.
        section.abandon();
        return None;
    };
    if !behaviour.is_available() {
        reader.problem_with_help(
            &tree.place,
            format!("behaviour `{}` is not available in this build", behaviour.name()),
            "`quorate-sim list --behaviours` shows those that are",
        );
    }
    let when = read_when(&section);
    let after = section.span("after").unwrap_or(Span::ZERO);
    let draw = fault::read_draw(&section);
    section.finish();
    Some(ByzantineSpec { nodes: nodes?, behaviour, when: when?, after, draw, line })
}

fn read_nodes(section: &Section<'_>, cast: &Cast) -> Option<Selector> {
    let (tree, selector) = fault::selector(section, cast)?;
    match &selector {
        Selector::Nodes(names) if names.iter().any(|name| name.twin) => {
            section.reader().problem(&tree.place, "a twin has the behaviour of its validator");
            None
        }
        Selector::Nodes(_)
        | Selector::One
        | Selector::F
        | Selector::FPlusOne
        | Selector::All
        | Selector::Random(_) => Some(selector),
        _ => {
            section.reader().problem_with_help(
                &tree.place,
                format!("`{selector}` cannot be known before the run begins"),
                "use names, `one`, `f`, `f+1`, `random:K` or `all`",
            );
            None
        }
    }
}

fn read_behaviour(
    section: &Section<'_>,
    tree: &Tree,
    cast: &mut Cast,
    nodes: Option<&Selector>,
) -> Option<Behaviour> {
    let reader = section.reader();
    let word = reader.text(tree, "a behaviour such as \"twin\"")?;
    Some(match word {
        "equivocate_proposal" => {
            Behaviour::EquivocateProposal { split: read_split(section, cast)? }
        }
        "equivocate_vote" => Behaviour::EquivocateVote { split: read_split(section, cast)? },
        "twin" => {
            if let Some(Selector::Nodes(names)) = nodes {
                cast.twins.extend(names.iter().map(|name| name.validator.get()));
            }
            Behaviour::Twin
        }
        "withhold" => Behaviour::Withhold { kinds: read_kinds(section)? },
        "silent_to" => {
            let tree = section.require("to")?;
            Behaviour::SilentTo { to: condition::selector(reader, tree, cast)? }
        }
        "garbage" => Behaviour::Garbage,
        "bad_signature" => Behaviour::BadSignature,
        "conflicting_certificate" => Behaviour::ConflictingCertificate,
        "replay_stale" => Behaviour::ReplayStale,
        "amnesia" => Behaviour::Amnesia,
        "delay_proposal" => {
            Behaviour::DelayProposal { by: distribution::require(section, "by", Span::ZERO)? }
        }
        "invalid_block" => Behaviour::InvalidBlock,
        "unpayable" => Behaviour::Unpayable,
        "wrong_state_root" => Behaviour::WrongStateRoot,
        "lie_in_sync" => Behaviour::LieInSync,
        "forge" => Behaviour::Forge,
        "skip_parent" => Behaviour::SkipParent,
        "steal" => Behaviour::Steal,
        "flood" => Behaviour::Flood {
            messages_per_second: match section.take("messages_per_second") {
                None => FLOOD_DEFAULT,
                Some(tree) => u32::try_from(reader.number(tree, 1..1_000_001)?).ok()?,
            },
        },
        "mutate" => Behaviour::Mutate {
            scope: match section.take("scope") {
                None => Mutation::Any,
                Some(tree) => reader.word(
                    tree,
                    "scope",
                    &[(Mutation::Small, "small"), (Mutation::Any, "any")],
                )?,
            },
        },
        _ => {
            reader.unknown(
                &tree.place,
                &format!("unknown behaviour {word:?}"),
                word,
                Behaviour::NAMES.into_iter(),
            );
            return None;
        }
    })
}

fn read_split(section: &Section<'_>, cast: &Cast) -> Option<Split> {
    let reader = section.reader();
    let Some(tree) = section.take("split") else { return Some(Split::Random) };
    let groups = reader.list(tree, "two lists of validators")?;
    let [first, second] = groups else {
        return reader.wrong_type(tree, "two lists of validators");
    };
    let (first_names, second_names) =
        (condition::names(reader, first, cast), condition::names(reader, second, cast));
    Some(Split::Groups(first_names?, second_names?))
}

fn read_kinds(section: &Section<'_>) -> Option<Vec<MessageKind>> {
    let reader = section.reader();
    let tree = section.require("messages")?;
    let list = reader.list(tree, "a list of message kinds such as [\"vote\"]")?;
    let mut kinds = BTreeSet::new();
    for item in list {
        kinds.insert(reader.word(item, "message kind", &MessageKind::ALL)?);
    }
    if kinds.is_empty() {
        reader.problem(&tree.place, "the list names no message");
        return None;
    }
    Some(kinds.into_iter().collect())
}

fn read_when(section: &Section<'_>) -> Option<When> {
    #[derive(Clone, Copy)]
    enum Mode {
        Always,
        Random,
        AtHeights,
        AtViews,
    }
    let reader = section.reader();
    let Some(tree) = section.take("when") else { return Some(When::Always) };
    if let Kind::Text(text) = &tree.kind {
        if text == "always" {
            return Some(When::Always);
        }
        return reader.wrong_type(tree, "\"always\", or a table with `mode`");
    }
    let inner = reader.section("`when`", tree)?;
    let modes = [
        (Mode::Always, "always"),
        (Mode::Random, "random"),
        (Mode::AtHeights, "at_heights"),
        (Mode::AtViews, "at_views"),
    ];
    let mode = inner.require("mode").and_then(|tree| reader.word(tree, "mode", &modes));
    let Some(mode) = mode else {
        inner.abandon();
        return None;
    };
    let when = match mode {
        Mode::Always => Some(When::Always),
        Mode::Random => {
            let given = inner.require("p").is_some();
            inner.probability("p").filter(|_| given).map(When::Random)
        }
        Mode::AtHeights => numbers(reader, &inner, "heights")
            .map(|list| When::AtHeights(list.into_iter().map(Height::new).collect())),
        Mode::AtViews => numbers(reader, &inner, "views")
            .map(|list| When::AtViews(list.into_iter().map(View::new).collect())),
    };
    inner.finish();
    when
}

fn numbers(reader: &Reader, section: &Section<'_>, key: &'static str) -> Option<BTreeSet<u64>> {
    let tree = section.require(key)?;
    let list = reader.list(tree, "a list of numbers")?;
    let numbers: Option<BTreeSet<u64>> =
        list.iter().map(|item| reader.number(item, 1..u64::MAX)).collect();
    if numbers.as_ref().is_some_and(BTreeSet::is_empty) {
        reader.problem(&tree.place, "the list is empty");
        return None;
    }
    numbers
}

/// The heaviest validators that can come out Byzantine, or `None` if it is tolerated by definition.
pub(super) fn worst_case<'a>(
    cluster: &Cluster,
    selectors: impl Iterator<Item = &'a Selector>,
) -> Option<BTreeSet<u32>> {
    let everybody: BTreeSet<u32> = (0..cluster.validators).collect();
    let mut named: BTreeSet<u32> = BTreeSet::new();
    let mut drawn = 0_usize;
    let mut tolerated = false;
    for selector in selectors {
        match selector {
            Selector::Nodes(names) => {
                named.extend(names.iter().map(|NodeName { validator, .. }| validator.get()));
            }
            Selector::One => drawn += 1,
            Selector::Random(count) => drawn += usize::try_from(*count).unwrap_or(usize::MAX),
            // `f` is one set in the whole scenario and tolerated by definition.
            Selector::F => tolerated = true,
            Selector::FPlusOne
            | Selector::All
            | Selector::Minority
            | Selector::Majority
            | Selector::Leader
            | Selector::NextLeader
            | Selector::Quorum
            | Selector::Honest
            | Selector::Byzantine
            | Selector::Behind => return Some(everybody),
        }
    }
    if tolerated {
        return if named.is_empty() && drawn == 0 { None } else { Some(everybody) };
    }
    let stakes = cluster.stakes();
    let mut others: Vec<u32> = everybody.difference(&named).copied().collect();
    let weight = |number: &u32| {
        usize::try_from(*number).ok().and_then(|at| stakes.get(at)).map_or(0, |stake| stake.get())
    };
    others.sort_by_key(|number| (std::cmp::Reverse(weight(number)), *number));
    named.extend(others.into_iter().take(drawn));
    Some(named)
}
