//! Names, selectors, triggers and ends.

use std::collections::BTreeSet;

use quorate_core::{
    time::Span,
    types::{Height, ValidatorId, View},
};

use crate::scenario::{
    condition::{CrashPoint, End, NodeName, Selector, Trigger, Until},
    reader::{Reader, Section},
    scalar,
    tree::{Kind, Tree},
};

/// The largest height or view a file may name.
const COUNTER_MAX: u64 = 1_000_000_000;

/// Who there is to be named.
pub(super) struct Cast {
    pub(super) validators: u32,
    pub(super) twins: BTreeSet<u32>,
}

impl Cast {
    pub(super) fn new(validators: u32) -> Self {
        Self { validators, twins: BTreeSet::new() }
    }

    fn describe(&self) -> String {
        let last = self.validators.saturating_sub(1);
        let twins: String = self.twins.iter().map(|number| format!(", n{number}'")).collect();
        match self.validators {
            0..=8 => {
                let names: Vec<String> = (0..self.validators).map(|n| format!("n{n}")).collect();
                format!("there are {}{twins}", names.join(", "))
            }
            _ => format!("there are n0 to n{last}{twins}"),
        }
    }
}

/// Reads one replica's name.
pub(super) fn name(reader: &Reader, tree: &Tree, cast: &Cast) -> Option<NodeName> {
    let text = reader.text(tree, "a validator such as \"n2\"")?;
    parse_name(reader, tree, text, cast)
}

fn parse_name(reader: &Reader, tree: &Tree, text: &str, cast: &Cast) -> Option<NodeName> {
    let (plain, twin) = match text.strip_suffix('\'') {
        Some(plain) => (plain, true),
        None => (text, false),
    };
    let number = plain.strip_prefix('n').and_then(canonical_number);
    match number {
        Some(number) if number < cast.validators && (!twin || cast.twins.contains(&number)) => {
            Some(NodeName { validator: ValidatorId::new(number), twin })
        }
        Some(number) if number < cast.validators => {
            reader.problem_with_help(
                &tree.place,
                format!("validator n{number} has no twin"),
                "give it the behaviour `twin` by name",
            );
            None
        }
        _ => {
            reader.problem_with_help(
                &tree.place,
                format!("there is no validator {text:?}"),
                cast.describe(),
            );
            None
        }
    }
}

/// Digits without a sign and without a leading zero.
fn canonical_number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Reads a list of names, ascending, none twice.
pub(super) fn names(reader: &Reader, tree: &Tree, cast: &Cast) -> Option<Vec<NodeName>> {
    let list = reader.list(tree, "a list of validators such as [\"n1\", \"n2\"]")?;
    if list.is_empty() {
        reader.problem(&tree.place, "the list names nobody");
        return None;
    }
    let mut names = BTreeSet::new();
    let mut sound = true;
    for item in list {
        match name(reader, item, cast) {
            Some(name) if names.insert(name) => {}
            Some(name) => {
                reader.problem(&item.place, format!("{name} is named twice"));
                sound = false;
            }
            None => sound = false,
        }
    }
    sound.then(|| names.into_iter().collect())
}

/// Reads a selector: a name, a list of names, or one of the words.
pub(super) fn selector(reader: &Reader, tree: &Tree, cast: &Cast) -> Option<Selector> {
    if matches!(tree.kind, Kind::List(_)) {
        return names(reader, tree, cast).map(Selector::Nodes);
    }
    let text = reader.text(tree, "a validator, a list of validators, or a selector")?;
    if let Some(count) = text.strip_prefix("random:") {
        return random(reader, tree, count, cast);
    }
    let words = [
        (Selector::All, "all"),
        (Selector::One, "one"),
        (Selector::Minority, "minority"),
        (Selector::Majority, "majority"),
        (Selector::Leader, "leader"),
        (Selector::NextLeader, "next_leader"),
        (Selector::F, "f"),
        (Selector::FPlusOne, "f+1"),
        (Selector::Quorum, "quorum"),
        (Selector::Honest, "honest"),
        (Selector::Byzantine, "byzantine"),
        (Selector::Behind, "behind"),
    ];
    if let Some((selector, _)) = words.iter().find(|(_, word)| *word == text) {
        return Some(selector.clone());
    }
    if text.strip_prefix('n').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        return parse_name(reader, tree, text, cast).map(|name| Selector::Nodes(vec![name]));
    }
    let known = words.iter().map(|(_, word)| *word).chain(["random:K"]);
    reader.unknown(
        &tree.place,
        &format!("{text:?} is neither a validator ({}) nor a selector", cast.describe()),
        text,
        known,
    );
    None
}

fn random(reader: &Reader, tree: &Tree, count: &str, cast: &Cast) -> Option<Selector> {
    match canonical_number(count) {
        Some(count) if (1..=cast.validators).contains(&count) => Some(Selector::Random(count)),
        _ => {
            reader.problem(
                &tree.place,
                format!("`random:K` takes a number from 1 to {}", cast.validators),
            );
            None
        }
    }
}

/// Reads when a fault begins.
pub(super) fn trigger(section: &Section<'_>, cast: &Cast, max_time: Span) -> Option<Trigger> {
    let tree = section.require("at")?;
    let reader = section.reader();
    match &tree.kind {
        Kind::Text(_) => {
            let at = reader.span(tree)?;
            if at >= max_time {
                reader.problem_with_help(
                    &tree.place,
                    "the fault would never begin",
                    format!("the run is over at `max_time`, {}", scalar::span_text(max_time)),
                );
                return None;
            }
            Some(Trigger::Time(at))
        }
        Kind::Table(_) => {
            let inner = reader.section("`at`", tree)?;
            let read = logical_trigger(&inner, cast);
            inner.finish();
            read
        }
        _ => reader.wrong_type(tree, "a time such as \"3s\", or a table such as { height = 12 }"),
    }
}

fn logical_trigger(section: &Section<'_>, cast: &Cast) -> Option<Trigger> {
    let reader = section.reader();
    let node = match section.take("node") {
        Some(tree) => Some(name(reader, tree, cast)?),
        None => None,
    };
    let height = section.take("height");
    let view = section.take("view");
    let point = section.take("point");
    let nth = section.take("nth");
    if let (Some(nth), None) = (nth, point) {
        reader.problem(&nth.place, "`nth` counts how often a `point` is passed");
        return None;
    }
    match (height, view, point) {
        (Some(tree), None, None) => {
            let height = Height::new(reader.number(tree, 1..COUNTER_MAX)?);
            Some(Trigger::Height { height, node })
        }
        (None, Some(tree), None) => {
            let view = View::new(reader.number(tree, 1..COUNTER_MAX)?);
            Some(Trigger::View { view, node })
        }
        (None, None, Some(tree)) => {
            let (point, proposal_only) = crash_point(reader, tree)?;
            let nth = match nth {
                Some(tree) => reader.number(tree, 1..1_000_001)?,
                None => 1,
            };
            let nth = u32::try_from(nth).expect("checked to be at most a million");
            Some(Trigger::Point { point, proposal_only, node, nth })
        }
        _ => {
            reader.problem(section.place(), "`at` takes exactly one of `height`, `view`, `point`");
            None
        }
    }
}

fn crash_point(reader: &Reader, tree: &Tree) -> Option<(CrashPoint, bool)> {
    let text = reader.text(tree, "a crash point such as \"vote.after_sync_before_send\"")?;
    let table: Vec<((CrashPoint, bool), String)> = [("vote", false), ("proposal", true)]
        .into_iter()
        .flat_map(|(prefix, proposal_only)| {
            CrashPoint::ALL
                .into_iter()
                .map(move |point| ((point, proposal_only), format!("{prefix}.{}", point.name())))
        })
        .collect();
    let found = table.iter().find(|(_, name)| name == text).map(|(value, _)| *value);
    if found.is_none() {
        reader.unknown(
            &tree.place,
            &format!("unknown crash point {text:?}"),
            text,
            table.iter().map(|(_, name)| name.as_str()),
        );
    }
    found
}

/// Reads when a fault ends. `start` is when it begins, if that is a time.
pub(super) fn end(section: &Section<'_>, start: Option<Span>, gst: Option<Span>) -> Option<End> {
    let reader = section.reader();
    let (lasting, until) = (section.take("for"), section.take("until"));
    match (lasting, until) {
        (None, None) => Some(End::Gst),
        (Some(_), Some(tree)) => {
            reader.problem(&tree.place, "a fault ends either `for` or `until`, not both");
            None
        }
        (Some(tree), None) => {
            let lasting = section.positive_span("for")?;
            if let Some(start) = start {
                within_gst(reader, tree, start.plus(lasting), gst)?;
            }
            Some(End::For(lasting))
        }
        (None, Some(tree)) => read_until(section, tree, start, gst),
    }
}

fn read_until(
    section: &Section<'_>,
    tree: &Tree,
    start: Option<Span>,
    gst: Option<Span>,
) -> Option<End> {
    let reader = section.reader();
    match &tree.kind {
        Kind::Text(text) if text == "gst" => {
            if gst.is_none() {
                reader.problem(&tree.place, "there is no GST without [liveness]");
                return None;
            }
            Some(End::Gst)
        }
        Kind::Text(_) => {
            let until = reader.span(tree)?;
            if start.is_some_and(|start| until <= start) {
                reader.problem(&tree.place, "the fault ends before it begins");
                return None;
            }
            within_gst(reader, tree, until, gst)?;
            Some(End::Until(Until::Time(until)))
        }
        Kind::Table(_) => {
            let inner = reader.section("`until`", tree)?;
            let (height, changes) = (inner.take("height"), inner.take("view_changes"));
            let until = match (height, changes) {
                (Some(tree), None) => reader
                    .number(tree, 1..COUNTER_MAX)
                    .map(|height| Until::Height(Height::new(height))),
                (None, Some(tree)) => reader
                    .number(tree, 1..1_000_001)
                    .and_then(|count| u32::try_from(count).ok())
                    .map(Until::ViewChanges),
                _ => {
                    reader.problem(
                        inner.place(),
                        "`until` takes exactly one of `height`, `view_changes`",
                    );
                    None
                }
            };
            inner.finish();
            until.map(End::Until)
        }
        _ => reader.wrong_type(
            tree,
            "a time such as \"5s\", \"gst\", or a table such as { view_changes = 1 }",
        ),
    }
}

/// Whatever has a known time must be over by GST: from there on progress is owed.
pub(super) fn within_gst(reader: &Reader, tree: &Tree, at: Span, gst: Option<Span>) -> Option<()> {
    match gst {
        Some(gst) if at > gst => {
            reader.problem_with_help(
                &tree.place,
                format!("the fault lasts until {}, beyond GST", scalar::span_text(at)),
                format!("every fault is over at `liveness.gst`, {}", scalar::span_text(gst)),
            );
            None
        }
        _ => Some(()),
    }
}
