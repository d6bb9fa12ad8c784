//! The sections that are there once: `[run]` to `[expect]`.

use std::{collections::BTreeSet, num::NonZeroU64};

use quorate_core::{config::Parameters, time::Span, types::Height};

use super::{
    condition::{self, Cast},
    distribution, fault,
};
use crate::scenario::{
    SEED_END,
    model::{
        Check, Clock, Cluster, Codec, Crypto, Disk, Execution, Expect, Invariant, IoErrors, Jobs,
        LinkModel, LinkOverride, Liveness, Mark, MemoryLimits, Mix, Network, Order, Outcome,
        Pattern, Run, SeedRange, StakePlan, Torn, Workload,
    },
    reader::{Reader, Section},
    scalar,
    tree::{Kind, Tree},
};

/// No message is faster than this: the simulator's windows are at least as wide.
pub(super) const DELAY_MIN: Span = Span::from_micros(50);

/// The largest cluster.
const VALIDATORS_MAX: u32 = 100;

/// Reads an optional section, or gives its default.
fn optional<T: Default>(
    top: &Section<'_>,
    name: &'static str,
    read: impl FnOnce(&Section<'_>) -> T,
) -> T {
    let section = top.take(name).and_then(|tree| top.reader().section(&format!("[{name}]"), tree));
    let Some(section) = section else { return T::default() };
    let value = read(&section);
    section.finish();
    value
}

pub(super) fn run(top: &Section<'_>) -> Run {
    optional(top, "run", |section| {
        let default = Run::default();
        Run {
            seeds: section
                .take("seeds")
                .and_then(|tree| read_seeds(section.reader(), tree))
                .unwrap_or(default.seeds),
            max_time: section.positive_span("max_time").unwrap_or(default.max_time),
            stop_at_height: height(section, "stop_at_height"),
            reserialize: section.probability("reserialize").unwrap_or(default.reserialize),
            checkpoint_interval: section
                .positive_span("checkpoint_interval")
                .unwrap_or(default.checkpoint_interval),
            heights_kept: section
                .small_number("heights_kept", 1..1_000_001)
                .unwrap_or(default.heights_kept),
        }
    })
}

fn read_seeds(reader: &Reader, tree: &Tree) -> Option<SeedRange> {
    let section = reader.section("`seeds`", tree)?;
    let start = section.require("start").and_then(|tree| reader.number(tree, 0..SEED_END));
    let count = section.require("count").and_then(|tree| reader.number(tree, 1..1 << 40));
    section.finish();
    Some(SeedRange { start: start?, count: count? })
}

fn height(section: &Section<'_>, key: &'static str) -> Option<Height> {
    section.number(key, 1..1_000_000_000).map(Height::new)
}

pub(super) fn cluster(top: &Section<'_>) -> Cluster {
    if top.take("cluster").is_none() {
        top.reader().problem(&(0..0), "there is no [cluster]: say how many `validators` it has");
    }
    optional(top, "cluster", |section| {
        let default = Cluster::default();
        let reader = section.reader();
        let validators = section
            .require("validators")
            .and_then(|_| section.small_number("validators", 1..VALIDATORS_MAX + 1))
            .unwrap_or(default.validators);
        let stake = section
            .take("stake")
            .and_then(|tree| read_stake(reader, tree, validators))
            .unwrap_or(default.stake);
        let crypto = section
            .take("crypto")
            .and_then(|tree| {
                reader.word(tree, "crypto", &[(Crypto::Real, "real"), (Crypto::Mock, "mock")])
            })
            .unwrap_or(default.crypto);
        let codec = section
            .take("codec")
            .and_then(|tree| {
                reader.word(tree, "codec", &[(Codec::Memory, "memory"), (Codec::Wire, "wire")])
            })
            .unwrap_or(default.codec);
        Cluster { validators, stake, crypto, codec }
    })
}

fn read_stake(reader: &Reader, tree: &Tree, validators: u32) -> Option<StakePlan> {
    let Kind::List(list) = &tree.kind else {
        if !matches!(tree.kind, Kind::Text(_)) {
            return reader.wrong_type(tree, "\"equal\", \"skewed\" or a list of weights");
        }
        let words = [(StakePlan::Equal, "equal"), (StakePlan::Skewed, "skewed")];
        return reader.word(tree, "stake", &words);
    };
    let weights: Option<Vec<u64>> =
        list.iter().map(|item| reader.number(item, 1..1 << 48)).collect();
    let weights = weights?;
    if u32::try_from(weights.len()) != Ok(validators) {
        reader
            .problem(&tree.place, format!("{} weights for {validators} validators", weights.len()));
        return None;
    }
    Some(StakePlan::List(weights))
}

pub(super) fn protocol(top: &Section<'_>) -> Parameters {
    let mut parameters = Parameters::default();
    let section = top.take("protocol").and_then(|tree| top.reader().section("[protocol]", tree));
    let Some(section) = section else { return parameters };
    let spans: [(&'static str, &mut Span); 8] = [
        ("delay_min", &mut parameters.delay_min),
        ("delay_max", &mut parameters.delay_max),
        ("timeout_max", &mut parameters.timeout_max),
        ("retry_base", &mut parameters.retry_base),
        ("status_interval", &mut parameters.status_interval),
        ("skip_after", &mut parameters.skip_after),
        ("idle_block_interval", &mut parameters.idle_block_interval),
        ("timestamp_ahead_max", &mut parameters.timestamp_ahead_max),
    ];
    for (key, value) in spans {
        // Only a block interval of nothing means something: as fast as it goes.
        let given = if key == "idle_block_interval" {
            section.span(key)
        } else {
            section.positive_span(key)
        };
        *value = given.unwrap_or(*value);
    }
    let small: [(&'static str, &mut u32); 2] = [
        ("payload_bytes_max", &mut parameters.payload_bytes_max),
        ("transactions_max", &mut parameters.transactions_max),
    ];
    for (key, value) in small {
        *value = section.small_number(key, 1..u32::MAX).unwrap_or(*value);
    }
    let large: [(&'static str, &mut u64); 2] = [
        ("mempool_bytes_max", &mut parameters.mempool_bytes_max),
        ("mempool_transactions_max", &mut parameters.mempool_transactions_max),
    ];
    for (key, value) in large {
        *value = section.number(key, 1..u64::MAX).unwrap_or(*value);
    }
    let interval = section.number("checkpoint_interval", 1..u64::MAX).and_then(NonZeroU64::new);
    parameters.checkpoint_interval = interval.unwrap_or(parameters.checkpoint_interval);
    if parameters.delay_min > parameters.delay_max {
        section
            .reader()
            .problem(section.place(), "`delay_min` must not be longer than `delay_max`");
    }
    section.finish();
    parameters
}

pub(super) fn network(top: &Section<'_>, validators: u32) -> Network {
    optional(top, "network", |section| {
        let model = link_model(section, &LinkModel::default());
        let links = section
            .take("link")
            .map(|tree| read_links(section.reader(), tree, &model, validators))
            .unwrap_or_default();
        Network { model, links }
    })
}

fn link_model(section: &Section<'_>, base: &LinkModel) -> LinkModel {
    LinkModel {
        delay: distribution::take(section, "delay", DELAY_MIN).unwrap_or(base.delay),
        drop: section.probability("drop").unwrap_or(base.drop),
        duplicate: section.probability("duplicate").unwrap_or(base.duplicate),
        reorder: section.probability("reorder").unwrap_or(base.reorder),
        corrupt: section.probability("corrupt").unwrap_or(base.corrupt),
        bandwidth: section.number("bandwidth", 1..u64::MAX).or(base.bandwidth),
    }
}

fn read_links(
    reader: &Reader,
    tree: &Tree,
    base: &LinkModel,
    validators: u32,
) -> Vec<LinkOverride> {
    let cast = Cast::new(validators);
    let Some(list) = reader.list(tree, "tables written as `[[network.link]]`") else {
        return Vec::new();
    };
    list.iter()
        .filter_map(|tree| {
            let section = reader.section("[[network.link]]", tree)?;
            let model = link_model(&section, base);
            let (from, to) = (section.require("from"), section.require("to"));
            let from = from.and_then(|tree| condition::names(reader, tree, &cast));
            let to = to.and_then(|tree| condition::names(reader, tree, &cast));
            section.finish();
            Some(LinkOverride { from: from?, to: to?, model })
        })
        .collect()
}

pub(super) fn clock(top: &Section<'_>) -> Clock {
    optional(top, "clock", |section| {
        let reader = section.reader();
        let skew_max = section.take("skew").and_then(|tree| {
            let inner = reader.section("`skew`", tree)?;
            let max = inner.required_span("max");
            inner.finish();
            max
        });
        let drift_max_ppm = section.take("drift").and_then(|tree| {
            let inner = reader.section("`drift`", tree)?;
            let max =
                inner.require("max_ppm").and_then(|_| inner.small_number("max_ppm", 0..1_000_000));
            inner.finish();
            max
        });
        Clock {
            skew_max: skew_max.unwrap_or(Span::ZERO),
            drift_max_ppm: drift_max_ppm.unwrap_or(0),
        }
    })
}

pub(super) fn disk(top: &Section<'_>) -> Disk {
    optional(top, "disk", |section| {
        let default = Disk::default();
        let reader = section.reader();
        let torn_write = section.take("torn_write").and_then(|tree| {
            let inner = reader.section("`torn_write`", tree)?;
            inner.require("p");
            let (p, sector) = (inner.probability("p"), fault::sector(&inner));
            inner.finish();
            Some(Torn { p: p?, sector: sector? })
        });
        let io_error = section.take("io_error").and_then(|tree| {
            let inner = reader.section("`io_error`", tree)?;
            inner.require("p");
            let (p, ops) = (inner.probability("p"), fault::disk_ops(&inner));
            inner.finish();
            Some(IoErrors { p: p?, ops: ops? })
        });
        Disk {
            fsync: distribution::take(section, "fsync", Span::ZERO).unwrap_or(default.fsync),
            lost_unsynced: section.probability("lost_unsynced").unwrap_or(default.lost_unsynced),
            torn_write: torn_write.unwrap_or(default.torn_write),
            bitrot: section.probability("bitrot").unwrap_or(default.bitrot),
            misdirected_write: section
                .probability("misdirected_write")
                .unwrap_or(default.misdirected_write),
            io_error: io_error.unwrap_or(default.io_error),
            atlas: section.boolean("atlas").unwrap_or(default.atlas),
        }
    })
}

pub(super) fn jobs(top: &Section<'_>) -> Jobs {
    optional(top, "jobs", |section| Jobs {
        delay: distribution::take(section, "delay", Span::ZERO).unwrap_or(Jobs::default().delay),
    })
}

pub(super) fn execution(top: &Section<'_>) -> Execution {
    optional(top, "execution", |section| {
        let default = Execution::default();
        let words = [
            (Order::Mixed, "mixed"),
            (Order::Sequential, "sequential"),
            (Order::Waves, "waves"),
            (Order::Shuffled, "shuffled"),
        ];
        let order = section.take("order");
        let order = order.and_then(|tree| section.reader().word(tree, "order", &words));
        Execution {
            order: order.unwrap_or(default.order),
            test_mode: section.boolean("test_mode").unwrap_or(default.test_mode),
        }
    })
}

fn read_mix(reader: &Reader, tree: &Tree) -> Option<Mix> {
    let section = reader.section("`mix`", tree)?;
    let share = |pattern: Pattern| section.small_number(pattern.name(), 0..1_001).unwrap_or(0);
    let shares = Pattern::ALL.map(share);
    section.finish();
    if shares.iter().all(|share| *share == 0) {
        reader.problem(&tree.place, "a mix of nothing: give at least one pattern a share");
        return None;
    }
    Some(Mix { shares })
}

pub(super) fn workload(top: &Section<'_>) -> Workload {
    optional(top, "workload", |section| {
        let default = Workload::default();
        let accounts = section.small_number("accounts", 1..1_000_001).unwrap_or(default.accounts);
        let start = section.span("start").unwrap_or(default.start);
        let stop = section.span("stop");
        if let Some(stop) = stop
            && stop <= start
            && let Some(tree) = section.take("stop")
        {
            section.reader().problem(&tree.place, "the workload stops before it starts");
        }
        Workload {
            tx_per_second: section
                .small_number("tx_per_second", 0..1_000_001)
                .unwrap_or(default.tx_per_second),
            accounts,
            hot_accounts: section
                .small_number("hot_accounts", 0..accounts.saturating_add(1))
                .unwrap_or(default.hot_accounts),
            mix: section
                .take("mix")
                .and_then(|tree| read_mix(section.reader(), tree))
                .unwrap_or(default.mix),
            invalid: section.probability("invalid").unwrap_or(default.invalid),
            resubmit: section.probability("resubmit").unwrap_or(default.resubmit),
            start,
            stop,
        }
    })
}

pub(super) fn liveness(top: &Section<'_>, before: &LinkModel, max_time: Span) -> Option<Liveness> {
    let tree = top.take("liveness")?;
    let reader = top.reader();
    let section = reader.section("[liveness]", tree)?;
    let gst = section.required_span("gst");
    let bound = section.require("bound").and_then(|_| section.positive_span("bound"));
    let after = section.take("after").and_then(|tree| {
        let inner = reader.section("`after`", tree)?;
        let model = link_model(&inner, before);
        inner.finish();
        Some(model)
    });
    section.take("gst").zip(gst).filter(|(_, gst)| *gst >= max_time).inspect(|(tree, _)| {
        reader.problem_with_help(
            &tree.place,
            "GST would never come",
            format!("the run is over at `max_time`, {}", scalar::span_text(max_time)),
        );
    });
    let (gst, bound) = (gst?, bound?);
    if gst < max_time
        && gst.plus(bound) > max_time
        && let Some(tree) = section.take("bound")
    {
        reader.problem_with_help(
            &tree.place,
            "the run is over before the bound is",
            format!(
                "`gst` and `bound` end at {}, `max_time` is {}",
                scalar::span_text(gst.plus(bound)),
                scalar::span_text(max_time),
            ),
        );
    }
    section.finish();
    Some(Liveness { gst, after, bound })
}

pub(super) fn check(top: &Section<'_>) -> Check {
    optional(top, "check", |section| {
        let default = Check::default();
        let reader = section.reader();
        let invariants = section
            .take("invariants")
            .and_then(|tree| read_invariants(reader, tree))
            .unwrap_or(default.invariants);
        let memory = section.take("memory").and_then(|tree| {
            let inner = reader.section("`memory`", tree)?;
            let base = MemoryLimits::default();
            let memory = MemoryLimits {
                pending_messages_max: inner
                    .number("pending_messages_max", 1..u64::MAX)
                    .unwrap_or(base.pending_messages_max),
                votes_max: inner.number("votes_max", 1..u64::MAX).unwrap_or(base.votes_max),
            };
            inner.finish();
            Some(memory)
        });
        Check { invariants, memory: memory.unwrap_or(default.memory) }
    })
}

fn read_invariants(reader: &Reader, tree: &Tree) -> Option<BTreeSet<Invariant>> {
    match &tree.kind {
        Kind::Text(text) if text == "all" => Some(Check::default().invariants),
        Kind::List(list) => {
            let mut invariants = BTreeSet::new();
            for item in list {
                if let Some(invariant) = reader.word(item, "invariant", &Invariant::ALL) {
                    invariants.insert(invariant);
                }
            }
            Some(invariants)
        }
        _ => reader.wrong_type(tree, "\"all\", or a list of invariants"),
    }
}

pub(super) fn expect(top: &Section<'_>, check: &Check, run: &Run, has_gst: bool) -> Expect {
    optional(top, "expect", |section| {
        let reader = section.reader();
        let outcome = section.take("outcome").and_then(|tree| {
            let outcome = read_outcome(reader, tree)?;
            let owed = match outcome {
                Outcome::Stall | Outcome::Violation(Invariant::Liveness) => {
                    Some(Invariant::Liveness)
                }
                Outcome::Violation(invariant) => Some(invariant),
                Outcome::Pass => None,
            };
            if owed == Some(Invariant::Liveness) && !has_gst {
                reader.problem(&tree.place, "without [liveness] no progress is owed");
            } else if let Some(invariant) = owed.filter(|owed| !check.invariants.contains(owed)) {
                reader.problem(
                    &tree.place,
                    format!("`{}` is not among the invariants of [check]", invariant.name()),
                );
            }
            Some(outcome)
        });
        let finalized_min = height(section, "finalized_min");
        if let (Some(wanted), Some(stop)) = (finalized_min, run.stop_at_height)
            && wanted > stop
            && let Some(tree) = section.take("finalized_min")
        {
            reader.problem(&tree.place, format!("the run stops at height {stop}"));
        }
        Expect {
            outcome: outcome.unwrap_or(Outcome::Pass),
            sometimes: section
                .take("sometimes")
                .and_then(|tree| read_marks(reader, tree))
                .unwrap_or_default(),
            finalized_min,
            culprits_min: section.small_number("culprits_min", 1..VALIDATORS_MAX + 1),
        }
    })
}

fn read_outcome(reader: &Reader, tree: &Tree) -> Option<Outcome> {
    const EXPECTED: &str = "\"pass\", \"stall\" or \"violation:INVARIANT\"";
    let text = reader.text(tree, EXPECTED)?;
    match text {
        "pass" => return Some(Outcome::Pass),
        "stall" => return Some(Outcome::Stall),
        _ => {}
    }
    let Some(name) = text.strip_prefix("violation:") else {
        return reader.wrong_type(tree, EXPECTED);
    };
    let found = Invariant::ALL.iter().find(|(_, known)| *known == name);
    if found.is_none() {
        reader.unknown(
            &tree.place,
            &format!("unknown invariant {name:?}"),
            name,
            Invariant::ALL.iter().map(|(_, known)| *known),
        );
    }
    found.map(|(invariant, _)| Outcome::Violation(*invariant))
}

fn read_marks(reader: &Reader, tree: &Tree) -> Option<BTreeSet<Mark>> {
    let list = reader.list(tree, "a list of marks such as [\"view_change_completed\"]")?;
    let marks: Vec<Option<Mark>> =
        list.iter().map(|item| reader.word(item, "mark", &Mark::ALL)).collect();
    marks.into_iter().collect()
}
