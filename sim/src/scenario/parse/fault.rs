//! `[[fault]]`: what all faults share, and what each verb takes.

use std::collections::BTreeSet;

use quorate_core::time::Span;

use super::{Frame, condition, condition::Cast, distribution};
use crate::scenario::{
    condition::{End, Selector, Trigger},
    fault::{ClockReading, DiskOp, Fault, InFlight, Links, Partition, Targets, Verb},
    problem::line_of,
    quantity::{Ppm, SignedSpan},
    reader::{Reader, Section},
    scalar,
    tree::{Kind, Tree},
};

const OPS: [(DiskOp, &str); 3] =
    [(DiskOp::Write, "write"), (DiskOp::Sync, "sync"), (DiskOp::Read, "read")];

const IN_FLIGHT: [(InFlight, &str); 2] = [(InFlight::Keep, "keep"), (InFlight::Drop, "drop")];

/// Bytes per sector of a torn write, unless it says otherwise.
const SECTOR_DEFAULT: u32 = 512;

pub(super) fn read(section: Section<'_>, frame: &Frame<'_>) -> Option<Fault> {
    let reader = section.reader();
    let cast = &frame.cast;
    let line = line_of(frame.source, section.place().start);
    let word = section
        .require("kind")
        .and_then(|tree| reader.text(tree, "a verb such as \"kill\"").map(|word| (tree, word)));
    let Some((tree, word)) = word else {
        section.abandon();
        return None;
    };
    if !Verb::NAMES.contains(&word) {
        reader.unknown(
            &tree.place,
            &format!("unknown verb {word:?}"),
            word,
            Verb::NAMES.into_iter(),
        );
        section.abandon();
        return None;
    }
    let verb = read_verb(&section, word, cast);
    if verb.as_ref().is_some_and(|verb| !verb.is_available()) {
        reader.problem(&tree.place, format!("verb `{word}` is not available in this build"));
    }
    let start = condition::trigger(&section, cast, frame.max_time);
    let begins = match start {
        Some(Trigger::Time(at)) => Some(at),
        _ => None,
    };
    let end = condition::end(&section, begins, frame.gst);
    let end = check_end(&section, word, end, begins, frame.gst);
    let repeat = read_repeat(&section, start.as_ref());
    let must_fire = section.boolean("must_fire").unwrap_or(true);
    let draw = read_draw(&section);
    if let Some(start) = &start {
        check_start(&section, word, start, frame.gst);
    }
    section.finish();
    Some(Fault { verb: verb?, start: start?, end: end?, repeat: repeat?, must_fire, draw, line })
}

/// The number that draws are keyed by, if it is not the place in the file.
pub(super) fn read_draw(section: &Section<'_>) -> Option<u32> {
    section.small_number("draw", 0..Fault::DRAW_MAX + 1)
}

/// Which verbs happen at once, so that they have no end.
fn is_momentary(word: &str) -> bool {
    matches!(word, "heal" | "restart" | "resume" | "diverge" | "jump" | "upgrade")
}

fn check_end(
    section: &Section<'_>,
    word: &str,
    end: Option<End>,
    begins: Option<Span>,
    gst: Option<Span>,
) -> Option<End> {
    let reader = section.reader();
    let given = section.take("for").or_else(|| section.take("until"));
    match given {
        Some(tree) if is_momentary(word) => {
            reader.problem(&tree.place, format!("`{word}` happens at once and has no end"));
            return None;
        }
        Some(tree) if section.take("restart_after").is_some() => {
            reader.problem(&tree.place, "`restart_after` already says when it ends");
            return None;
        }
        None if word == "swizzle_clog" => {
            reader.problem(section.place(), "`swizzle_clog` needs `for`, which it is spread over");
            return None;
        }
        _ => {}
    }
    if let (Some(begins), Some(tree)) = (begins, section.take("restart_after")) {
        // Its type was judged with the verb; here only the moment counts.
        if let Kind::Text(text) = &tree.kind
            && let Ok(down) = scalar::span(text)
        {
            condition::within_gst(reader, tree, begins.plus(down), gst)?;
        }
    }
    end
}

fn check_start(section: &Section<'_>, word: &str, start: &Trigger, gst: Option<Span>) {
    let reader = section.reader();
    let Some(tree) = section.take("at") else { return };
    match start {
        Trigger::Time(at) => {
            if gst.is_some_and(|gst| *at >= gst) {
                let gst = scalar::span_text(gst.unwrap_or(Span::ZERO));
                reader.problem_with_help(
                    &tree.place,
                    "the fault begins after GST",
                    format!("every fault is over at `liveness.gst`, {gst}"),
                );
            }
        }
        Trigger::Point { .. } if !matches!(word, "kill" | "stop" | "pause" | "reformat") => {
            reader.problem(
                &tree.place,
                "only `kill`, `stop`, `pause` and `reformat` can begin at a crash point",
            );
        }
        Trigger::Point { .. } | Trigger::Height { .. } | Trigger::View { .. } => {}
    }
}

fn read_repeat(section: &Section<'_>, start: Option<&Trigger>) -> Option<u32> {
    let Some(tree) = section.take("repeat") else { return Some(1) };
    let repeat = section.small_number("repeat", 1..1_001)?;
    if repeat > 1 && start.is_some_and(|start| !matches!(start, Trigger::Point { .. })) {
        section.reader().problem(&tree.place, "only a fault at a crash point can repeat");
        return None;
    }
    Some(repeat)
}

fn read_verb(section: &Section<'_>, word: &str, cast: &Cast) -> Option<Verb> {
    match word {
        "drop" | "duplicate" | "delay" | "reorder" | "corrupt" | "bandwidth" | "partition"
        | "clog" | "swizzle_clog" | "isolate" | "heal" => read_network(section, word, cast),
        "skew" | "drift" | "jump" | "strobe" | "freeze" => {
            let targets = targets(section, cast);
            read_clock(section, word, targets)
        }
        "lost_unsynced" | "torn_write" | "bitrot" | "misdirected_write" | "io_error"
        | "latency" | "full" | "fsync_lie" => {
            let targets = targets(section, cast);
            read_disk(section, word, targets)
        }
        _ => {
            let targets = targets(section, cast);
            read_process(section, word, targets)
        }
    }
}

fn read_network(section: &Section<'_>, word: &str, cast: &Cast) -> Option<Verb> {
    let reader = section.reader();
    Some(match word {
        "drop" => {
            let (links, p) = (links(section, cast), likely(section));
            Verb::Drop { links: links?, p: p? }
        }
        "duplicate" => {
            let (links, p) = (links(section, cast), likely(section));
            Verb::Duplicate { links: links?, p: p? }
        }
        "corrupt" => {
            let (links, p) = (links(section, cast), likely(section));
            Verb::Corrupt { links: links?, p: p? }
        }
        "delay" => {
            let links = links(section, cast);
            let delay = distribution::require(section, "delay", super::sections::DELAY_MIN);
            Verb::Delay { links: links?, delay: delay? }
        }
        "reorder" => {
            let (links, p) = (links(section, cast), likely(section));
            let by = distribution::require(section, "by", Span::ZERO);
            Verb::Reorder { links: links?, p: p?, by: by? }
        }
        "bandwidth" => {
            let links = links(section, cast);
            let rate = section
                .require("bytes_per_second")
                .and_then(|tree| reader.number(tree, 1..u64::MAX));
            Verb::Bandwidth { links: links?, bytes_per_second: rate? }
        }
        "partition" => {
            let (shape, in_flight) = (read_partition(section, cast), in_flight(section));
            Verb::Partition { shape: shape?, in_flight: in_flight? }
        }
        "clog" => Verb::Clog { links: links(section, cast)? },
        "swizzle_clog" => Verb::SwizzleClog { targets: targets(section, cast)? },
        "isolate" => {
            let (targets, in_flight) = (targets(section, cast), in_flight(section));
            Verb::Isolate { targets: targets?, in_flight: in_flight? }
        }
        _ => Verb::Heal,
    })
}

fn read_process(section: &Section<'_>, word: &str, targets: Option<Targets>) -> Option<Verb> {
    let reader = section.reader();
    Some(match word {
        "kill" => {
            let restart_after = section.positive_span("restart_after");
            Verb::Kill { targets: targets?, restart_after }
        }
        "stop" => {
            let restart_after = section.positive_span("restart_after");
            Verb::Stop { targets: targets?, restart_after }
        }
        "reformat" => {
            let restart_after = section.positive_span("restart_after");
            Verb::Reformat { targets: targets?, restart_after }
        }
        "restart" => Verb::Restart { targets: targets? },
        "diverge" => Verb::Diverge { targets: targets? },
        "pause" => Verb::Pause { targets: targets? },
        "resume" => Verb::Resume { targets: targets? },
        "crash_loop" => {
            let least = Span::from_millis(1);
            let up = distribution::require(section, "up", least);
            let down = distribution::require(section, "down", least);
            Verb::CrashLoop { targets: targets?, up: up?, down: down? }
        }
        "slow" => {
            let factor = section.require("factor").and_then(|tree| thousandths(reader, tree));
            Verb::Slow { targets: targets?, factor_milli: factor? }
        }
        _ => {
            let version =
                section.require("version").and_then(|tree| reader.text(tree, "a version's name"));
            Verb::Upgrade { targets: targets?, version: version?.to_owned() }
        }
    })
}

fn read_clock(section: &Section<'_>, word: &str, targets: Option<Targets>) -> Option<Verb> {
    let reader = section.reader();
    Some(match word {
        "skew" => {
            let by = signed_span(section);
            Verb::Skew { targets: targets?, by: by? }
        }
        "drift" => {
            let ppm = section.require("ppm").and_then(|tree| match tree.kind {
                Kind::Integer(number) if (-999_999..=999_999).contains(&number) => {
                    i32::try_from(number).ok()
                }
                _ => reader.wrong_type(tree, "a whole number from -999999 to 999999"),
            });
            Verb::Drift { targets: targets?, ppm: ppm? }
        }
        "jump" => {
            let (by, clock) = (signed_span(section), read_jump_clock(section));
            let (by, clock) = (by?, clock?);
            if by.back && clock != ClockReading::Wall {
                reader.problem(section.place(), "the monotonic clock never goes back");
                return None;
            }
            Verb::Jump { targets: targets?, by, clock }
        }
        "strobe" => {
            let (amplitude, period) = (section.require("amplitude"), section.require("period"));
            let amplitude = amplitude.and_then(|_| section.positive_span("amplitude"));
            let period = period.and_then(|_| section.positive_span("period"));
            Verb::Strobe { targets: targets?, amplitude: amplitude?, period: period? }
        }
        _ => Verb::Freeze { targets: targets? },
    })
}

fn read_jump_clock(section: &Section<'_>) -> Option<ClockReading> {
    let Some(tree) = section.take("clock") else { return Some(ClockReading::Wall) };
    section.reader().word(
        tree,
        "clock",
        &[
            (ClockReading::Wall, "wall"),
            (ClockReading::Monotonic, "monotonic"),
            (ClockReading::Both, "both"),
        ],
    )
}

fn read_disk(section: &Section<'_>, word: &str, targets: Option<Targets>) -> Option<Verb> {
    let p = match word {
        "latency" | "full" => Some(Ppm::NEVER),
        "fsync_lie" | "lost_unsynced" if section.take("p").is_none() => Some(Ppm::ALWAYS),
        _ => likely(section),
    };
    Some(match word {
        "lost_unsynced" => Verb::LostUnsynced { targets: targets?, p: p? },
        "torn_write" => {
            let sector = sector(section);
            Verb::TornWrite { targets: targets?, p: p?, sector: sector? }
        }
        "bitrot" => Verb::Bitrot { targets: targets?, p: p? },
        "misdirected_write" => Verb::MisdirectedWrite { targets: targets?, p: p? },
        "io_error" => {
            let ops = disk_ops(section);
            Verb::IoError { targets: targets?, p: p?, ops: ops? }
        }
        "latency" => {
            let fsync = distribution::require(section, "fsync", Span::ZERO);
            Verb::Latency { targets: targets?, fsync: fsync? }
        }
        "full" => Verb::Full { targets: targets? },
        _ => Verb::FsyncLie { targets: targets?, p: p? },
    })
}

/// The bytes of a sector, which have a default.
pub(super) fn sector(section: &Section<'_>) -> Option<u32> {
    match section.take("sector") {
        None => Some(SECTOR_DEFAULT),
        Some(_) => section.small_number("sector", 1..1_048_577),
    }
}

/// The disk operations that fail: writes and syncs unless listed.
pub(super) fn disk_ops(section: &Section<'_>) -> Option<Vec<DiskOp>> {
    let reader = section.reader();
    let Some(tree) = section.take("ops") else {
        return Some(vec![DiskOp::Write, DiskOp::Sync]);
    };
    let list = reader.list(tree, "a list of \"write\", \"sync\", \"read\"")?;
    let mut ops = BTreeSet::new();
    for item in list {
        ops.insert(reader.word(item, "disk operation", &OPS)?);
    }
    if ops.is_empty() {
        reader.problem(&tree.place, "the list names no operation");
        return None;
    }
    Some(ops.into_iter().collect())
}

fn read_partition(section: &Section<'_>, cast: &Cast) -> Option<Partition> {
    #[derive(Clone, Copy)]
    enum Mode {
        Symmetric,
        OneWay,
        Bridge,
        Ring,
    }
    let reader = section.reader();
    let mode = match section.take("mode") {
        None => Mode::Symmetric,
        Some(tree) => reader.word(
            tree,
            "mode",
            &[
                (Mode::Symmetric, "symmetric"),
                (Mode::OneWay, "one_way"),
                (Mode::Bridge, "bridge"),
                (Mode::Ring, "ring"),
            ],
        )?,
    };
    match mode {
        Mode::Symmetric => match section.take("groups") {
            Some(tree) => read_groups(reader, tree, cast).map(Partition::Groups),
            None if section.take("node").is_none() && section.take("nodes").is_none() => {
                reader.problem(section.place(), "a partition needs `groups`, or `node`");
                None
            }
            None => targets(section, cast).map(Partition::Split),
        },
        Mode::OneWay => {
            let from = section.require("from");
            let to = section.require("to");
            let from = from.and_then(|tree| condition::selector(reader, tree, cast));
            let to = to.and_then(|tree| condition::selector(reader, tree, cast));
            Some(Partition::OneWay { from: from?, to: to? })
        }
        Mode::Bridge => targets(section, cast).map(Partition::Bridge),
        Mode::Ring => Some(Partition::Ring {
            reach: match section.take("reach") {
                // With this many on either side everybody hears a majority, itself included.
                None => cast.validators.div_ceil(4).max(1),
                Some(_) => section.small_number("reach", 1..101)?,
            },
        }),
    }
}

fn read_groups(
    reader: &Reader,
    tree: &Tree,
    cast: &Cast,
) -> Option<Vec<Vec<crate::scenario::condition::NodeName>>> {
    let list = reader.list(tree, "lists of validators such as [[\"n0\"], [\"n1\", \"n2\"]]")?;
    let mut seen = BTreeSet::new();
    let mut groups = Vec::new();
    let mut sound = true;
    for item in list {
        let Some(names) = condition::names(reader, item, cast) else {
            sound = false;
            continue;
        };
        for name in &names {
            if !seen.insert(*name) {
                reader.problem(&item.place, format!("{name} is in two groups"));
                sound = false;
            }
        }
        groups.push(names);
    }
    if sound && groups.is_empty() {
        reader.problem(&tree.place, "there is no group");
        return None;
    }
    sound.then_some(groups)
}

fn in_flight(section: &Section<'_>) -> Option<InFlight> {
    match section.take("in_flight") {
        None => Some(InFlight::Keep),
        Some(tree) => section.reader().word(tree, "in_flight", &IN_FLIGHT),
    }
}

/// Reads `node`, or `nodes`: the same thing, for one and for several.
pub(super) fn selector<'a>(section: &Section<'a>, cast: &Cast) -> Option<(&'a Tree, Selector)> {
    let reader = section.reader();
    let tree = match (section.take("node"), section.take("nodes")) {
        (Some(_), Some(tree)) => {
            reader.problem(&tree.place, "`node` and `nodes` are the same key: use one of them");
            return None;
        }
        (None, None) => {
            section.require("node")?;
            return None;
        }
        (Some(tree), None) | (None, Some(tree)) => tree,
    };
    condition::selector(reader, tree, cast).map(|selector| (tree, selector))
}

fn targets(section: &Section<'_>, cast: &Cast) -> Option<Targets> {
    let from = match section.take("among") {
        None => Some(None),
        Some(tree) => condition::selector(section.reader(), tree, cast).map(Some),
    };
    let (_, nodes) = selector(section, cast)?;
    Some(Targets { nodes, from: from? })
}

fn links(section: &Section<'_>, cast: &Cast) -> Option<Links> {
    let reader = section.reader();
    let (from, to) = (section.take("from"), section.take("to"));
    let touching = section.take("node").or_else(|| section.take("nodes"));
    section.take("among");
    match (touching, from, to) {
        (None, None, None) => Some(Links::All),
        (Some(_), None, None) => targets(section, cast).map(Links::Touching),
        (Some(tree), _, _) => {
            reader.problem(&tree.place, "links are named by `node`, or by `from` and `to`");
            None
        }
        (None, from, to) => {
            let end = |tree: Option<&Tree>| match tree {
                None => Some(Selector::All),
                Some(tree) => condition::selector(reader, tree, cast),
            };
            let (from, to) = (end(from), end(to));
            Some(Links::Directed { from: from?, to: to? })
        }
    }
}

fn likely(section: &Section<'_>) -> Option<Ppm> {
    section.require("p")?;
    section.probability("p")
}

fn signed_span(section: &Section<'_>) -> Option<SignedSpan> {
    let tree = section.require("by")?;
    let text = section.reader().text(tree, "a duration with an optional sign")?;
    match scalar::signed_span(text) {
        Ok(by) => Some(by),
        Err(expected) => section.reader().wrong_type(tree, &expected),
    }
}

/// A positive decimal number, in thousandths.
pub(super) fn thousandths(reader: &Reader, tree: &Tree) -> Option<u32> {
    let text = match &tree.kind {
        Kind::Integer(number) => number.to_string(),
        Kind::Fraction(text) => text.clone(),
        _ => return reader.wrong_type(tree, "a positive number such as 2.5"),
    };
    match scalar::thousandths(&text) {
        Ok(value) => Some(value),
        Err(expected) => reader.wrong_type(tree, &expected),
    }
}
