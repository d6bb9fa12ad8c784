//! Every metric there is.
//!
//! Names are without the prefix `quorate_` and, for counters, without `_total`. Units are seconds and bytes.

use quorate_core::types::Stake;

use super::{
    metric::{Kind, Metric, Samples, Series, Source, number},
    reading::{ClassReading, Readings},
};

/// Series of a histogram of seconds: its buckets, the last one, sum and count.
const SECONDS: u32 = 18 + 3;
/// Series of a histogram of counts.
const COUNTS: u32 = 10 + 3;

const fn read(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    series: Series,
    help: &'static str,
    from: fn(&Readings, &mut Samples),
) -> Metric {
    Metric { name, kind, labels, series, help, source: Source::Reading(from) }
}

/// A number without labels that goes up and down.
const fn gauge(
    name: &'static str,
    help: &'static str,
    from: fn(&Readings, &mut Samples),
) -> Metric {
    read(name, Kind::Gauge, &[], Series::Fixed(1), help, from)
}

/// A number without labels that grows.
const fn count(
    name: &'static str,
    help: &'static str,
    from: fn(&Readings, &mut Samples),
) -> Metric {
    read(name, Kind::Counter, &[], Series::Fixed(1), help, from)
}

macro_rules! driver {
    ($name:literal, $kind:ident, $labels:expr, $series:expr, $field:ident, $help:literal) => {
        Metric {
            name: $name,
            kind: Kind::$kind,
            labels: &$labels,
            series: Series::Fixed($series),
            help: $help,
            source: Source::Driver(|registry, metric, driver| {
                registry.register(metric.name, metric.help, driver.$field.clone());
            }),
        }
    };
}

/// Every metric, by theme.
pub const METRICS: &[Metric] = &[
    read(
        "build_info",
        Kind::Gauge,
        &["version"],
        Series::Fixed(1),
        "Always 1; the label says which version runs",
        |_, samples| samples.labelled("version", env!("CARGO_PKG_VERSION"), 1),
    ),
    // Is it alive?
    gauge("finalized_height", "The highest final height", |r, s| {
        s.one(r.snapshot.finalized_height.get())
    }),
    gauge("executed_height", "The last height executed", |r, s| {
        s.one(r.snapshot.executed_height.get())
    }),
    gauge(
        "lag_blocks",
        "How many blocks the node is behind the median of what its peers say they have",
        |r, s| s.one(r.lag),
    ),
    gauge("syncing", "1 if the node is behind its peers and catches up", |r, s| {
        s.one(u64::from(r.lag > 1));
    }),
    gauge("checkpoint_height", "The newest height that a quorum signed the state of", |r, s| {
        s.one(r.snapshot.checkpoint_height.get());
    }),
    gauge(
        "finalized_timestamp_seconds",
        "When the newest final block was made, since 1970",
        |r, s| {
            s.float(number(r.snapshot.finalized_timestamp.get()) / 1_000.0);
        },
    ),
    gauge(
        "execution_halted",
        "1 if nothing is executed any more because results differ",
        |r, s| {
            s.one(u64::from(r.snapshot.health.halted.is_some()));
        },
    ),
    gauge("checkpoints_overdue", "1 if checkpoints fall behind finality", |r, s| {
        s.one(u64::from(r.snapshot.health.checkpoints_overdue));
    }),
    driver!("evidence", Counter, [], 1, evidence, "Proofs of offences of validators seen"),
    driver!(
        "shadow_mismatches",
        Counter,
        [],
        1,
        shadow_mismatches,
        "Blocks that came to something else under another scheduler: anything but zero is a defect"
    ),
    // The quorum.
    read(
        "quorum_weight",
        Kind::Gauge,
        &["part"],
        Series::Fixed(3),
        "Voting weight in all, needed for a decision, and of the validators connected, the own included",
        |r, s| {
            let (committee, own) = (&r.committee, r.snapshot.index);
            let linked = |index| r.peers.iter().any(|peer| peer.validator == Some(index));
            let online = committee
                .members()
                .filter(|(index, _)| own == Some(*index) || linked(*index))
                .fold(Stake::ZERO, |sum, (_, member)| sum.plus(member.weight));
            s.labelled("part", "total", committee.total().get());
            s.labelled("part", "needed", committee.quorum().get());
            s.labelled("part", "online", online.get());
        },
    ),
    read(
        "votes_missing",
        Kind::Gauge,
        &["validator"],
        Series::PerValidator,
        "Of the last 200 final heights, those whose certificate lacks this validator's vote",
        |r, s| {
            for (index, _) in r.committee.members() {
                let missing =
                    r.snapshot.recent.iter().filter(|one| !one.voters.contains(&index)).count();
                s.of_validator(index, number(u64::try_from(missing).unwrap_or(u64::MAX)));
            }
        },
    ),
    // Why slow?
    gauge("view", "The view the node is in", |r, s| s.one(r.snapshot.view.get())),
    driver!(
        "views_per_height",
        Histogram,
        [],
        8 + 3,
        views_per_height,
        "Views that a height took: 1 if all went well"
    ),
    driver!("view_changes", Counter, ["reason"], 5, view_changes, "Views given up, by reason"),
    driver!(
        "quorum_seconds",
        Histogram,
        ["phase"],
        3 * SECONDS,
        quorum_seconds,
        "From entering a view until a quorum of a phase of it is known"
    ),
    driver!(
        "finality_seconds",
        Histogram,
        [],
        SECONDS,
        finality_seconds,
        "From first holding a block until it is final"
    ),
    driver!(
        "transactions_per_block",
        Histogram,
        [],
        8 + 3,
        transactions_per_block,
        "Transactions in final blocks"
    ),
    // The replica.
    driver!("steps", Counter, ["input"], 7, steps, "Steps of the replica, by kind of input"),
    driver!(
        "step_seconds",
        Histogram,
        [],
        10 + 3,
        step_seconds,
        "How long a step takes, its effects included"
    ),
    driver!(
        "inputs_per_wake",
        Histogram,
        [],
        COUNTS,
        inputs_per_wake,
        "Inputs taken each time the replica wakes"
    ),
    driver!(
        "log_entries_waiting",
        Gauge,
        [],
        1,
        log_entries_waiting,
        "Log entries that wait for the disk"
    ),
    driver!("jobs_waiting", Gauge, [], 1, jobs_waiting, "Jobs that wait for a thread or run"),
    driver!("jobs", Counter, [], 1, jobs, "Jobs done on the pool"),
    driver!(
        "verify_seconds",
        Histogram,
        [],
        SECONDS,
        verify_seconds,
        "How long checks of signatures take"
    ),
    driver!(
        "congestions",
        Counter,
        [],
        1,
        congestions,
        "Times that input waited because a queue behind the replica was full"
    ),
    read(
        "held",
        Kind::Gauge,
        &["what"],
        Series::Fixed(5),
        "Things that the replica holds in memory",
        |r, s| {
            let held = &r.snapshot.footprint;
            s.labelled("what", "views", held.views);
            s.labelled("what", "votes", held.votes);
            s.labelled("what", "certificates", held.certificates);
            s.labelled("what", "blocks", held.blocks);
            s.labelled("what", "requests", held.pending);
        },
    ),
    // The network.
    read(
        "peers",
        Kind::Gauge,
        &["direction"],
        Series::Fixed(2),
        "Connected peers, by who dialed",
        |r, s| {
            let inbound = u64::try_from(r.peers.iter().filter(|peer| peer.inbound).count())
                .unwrap_or(u64::MAX);
            let all = u64::try_from(r.peers.len()).unwrap_or(u64::MAX);
            s.labelled("direction", "inbound", inbound);
            s.labelled("direction", "outbound", all.saturating_sub(inbound));
        },
    ),
    read(
        "peer_round_trip_seconds",
        Kind::Gauge,
        &["validator"],
        Series::PerValidator,
        "The last round trip to a validator",
        |r, s| {
            let mut seen = std::collections::BTreeMap::new();
            for peer in &r.peers {
                if let (Some(index), Some(trip)) = (peer.validator, peer.round_trip) {
                    seen.insert(index, trip.as_secs_f64());
                }
            }
            seen.into_iter().for_each(|(index, trip)| s.of_validator(index, trip));
        },
    ),
    read(
        "peer_queued_bytes",
        Kind::Gauge,
        &["class"],
        Series::Fixed(3),
        "Bytes that wait to be sent, by class",
        |r, s| {
            let sum = |part: fn(&ClassReading) -> u64| {
                r.peers.iter().fold(0_u64, |sum, peer| sum.saturating_add(part(&peer.queued_bytes)))
            };
            s.labelled("class", "votes", sum(|one| one.votes));
            s.labelled("class", "proposals", sum(|one| one.proposals));
            s.labelled("class", "bulk", sum(|one| one.bulk));
        },
    ),
    read(
        "network_messages",
        Kind::Counter,
        &["direction", "class"],
        Series::Fixed(6),
        "Messages to and from peers",
        |r, s| s.both_ways(r, |traffic| traffic.messages),
    ),
    read(
        "network_message_bytes",
        Kind::Counter,
        &["direction", "class"],
        Series::Fixed(6),
        "Bytes of messages to and from peers, before packing",
        |r, s| s.both_ways(r, |traffic| traffic.bytes),
    ),
    read(
        "network_dropped_messages",
        Kind::Counter,
        &["direction", "class"],
        Series::Fixed(6),
        "Messages dropped because a queue was full",
        |r, s| s.both_ways(r, |traffic| traffic.dropped),
    ),
    read(
        "network_wire_bytes",
        Kind::Counter,
        &["direction"],
        Series::Fixed(2),
        "Bytes on connections, packed, before encryption",
        |r, s| {
            s.labelled("direction", "sent", r.network.wire_sent_bytes);
            s.labelled("direction", "received", r.network.wire_received_bytes);
        },
    ),
    read(
        "network_connections",
        Kind::Counter,
        &["event"],
        Series::Fixed(4),
        "Connections made, lost, turned away before a handshake, and failed in it",
        |r, s| {
            s.labelled("event", "made", r.network.connected);
            s.labelled("event", "lost", r.network.lost);
            s.labelled("event", "turned_away", r.network.turned_away);
            s.labelled("event", "handshake_failed", r.network.handshakes_failed);
        },
    ),
    count("peer_offences", "Things that only a faulty node does", |r, s| s.one(r.network.offences)),
    count("peer_bans", "Bans of peers begun", |r, s| s.one(r.network.bans)),
    count("peer_throttles", "Times a peer was made to wait for sending too fast", |r, s| {
        s.one(r.network.throttled)
    }),
    // The mempool.
    gauge("mempool_transactions", "Transactions that wait for a block", |r, s| {
        s.one(r.snapshot.footprint.mempool_transactions);
    }),
    gauge("mempool_bytes", "Bytes of the transactions that wait for a block", |r, s| {
        s.one(r.snapshot.footprint.mempool_bytes);
    }),
    gauge(
        "mempool_unchecked_bytes",
        "Bytes of transactions whose signatures are not checked yet",
        |r, s| {
            s.one(r.snapshot.footprint.unchecked_bytes);
        },
    ),
    driver!(
        "submissions_waiting",
        Gauge,
        [],
        1,
        submissions_waiting,
        "Clients' transactions that wait for the replica"
    ),
    // Execution and storage.
    driver!(
        "transactions",
        Counter,
        ["outcome"],
        3,
        transactions,
        "Transactions executed, by what became of them"
    ),
    driver!(
        "execution_seconds",
        Histogram,
        [],
        SECONDS,
        execution_seconds,
        "How long a block takes to execute"
    ),
    driver!(
        "commit_seconds",
        Histogram,
        [],
        SECONDS,
        commit_seconds,
        "How long the changes of a block take to commit"
    ),
    gauge("execution_waiting_bytes", "Bytes of final blocks that wait to be executed", |r, s| {
        s.one(r.snapshot.backlog.execution);
    }),
    driver!(
        "append_seconds",
        Histogram,
        [],
        SECONDS,
        append_seconds,
        "How long it takes to make consensus records durable"
    ),
    driver!(
        "sign_seconds",
        Histogram,
        [],
        SECONDS,
        sign_seconds,
        "How long it takes to make promises durable and sign them"
    ),
    driver!(
        "writes_per_append",
        Histogram,
        [],
        COUNTS,
        writes_per_append,
        "Writes made durable at once"
    ),
    driver!(
        "pledges_per_sign",
        Histogram,
        [],
        COUNTS,
        pledges_per_sign,
        "Promises made durable at once"
    ),
    gauge("store_disk_bytes", "Bytes of the store on disk", |r, s| {
        if let Some(store) = &r.store {
            s.one(store.disk_bytes);
        }
    }),
    read(
        "store_memory_bytes",
        Kind::Gauge,
        &["what"],
        Series::Fixed(3),
        "Bytes of the store in memory: changes not in files yet, the cache, and tables outside it",
        |r, s| {
            if let Some(store) = &r.store {
                s.labelled("what", "changes", store.memory_bytes);
                s.labelled("what", "cache", store.cache_bytes);
                s.labelled("what", "tables", store.table_bytes);
            }
        },
    ),
    gauge("store_wal_bytes", "Bytes of the write-ahead log", |r, s| {
        if let Some(store) = &r.store {
            s.one(store.wal_bytes);
        }
    }),
    gauge("store_compaction_pending_bytes", "Bytes that compaction has yet to rewrite", |r, s| {
        if let Some(store) = &r.store {
            s.one(store.compaction_pending_bytes);
        }
    }),
    gauge(
        "store_write_stopped",
        "1 if the store takes no writes until it has caught up",
        |r, s| {
            if let Some(store) = &r.store {
                s.one(u64::from(store.is_write_stopped));
            }
        },
    ),
    gauge("store_lowest_height", "Lowest height whose block is kept", |r, s| {
        if let Some(store) = &r.store {
            s.one(store.lowest);
        }
    }),
    driver!("capture_bytes", Counter, [], 1, capture_bytes, "Bytes written to the capture"),
    driver!(
        "capture_gaps",
        Counter,
        [],
        1,
        capture_gaps,
        "Inputs that the capture had no room for"
    ),
    // The API.
    read(
        "api_answers",
        Kind::Counter,
        &["status"],
        Series::Fixed(4),
        "Answers of the API, by the hundreds of their status",
        |r, s| {
            for (status, answers) in ["2xx", "3xx", "4xx", "5xx"].into_iter().zip(r.api.answers) {
                s.labelled("status", status, answers);
            }
        },
    ),
    read(
        "api_submissions",
        Kind::Counter,
        &["outcome"],
        Series::Fixed(4),
        "Transactions sent by clients, by what became of them at once",
        |r, s| {
            let outcomes = ["admitted", "refused", "busy", "unanswered"];
            for (outcome, sent) in outcomes.into_iter().zip(r.api.submissions) {
                s.labelled("outcome", outcome, sent);
            }
        },
    ),
    Metric {
        name: "api_seconds",
        kind: Kind::Histogram,
        labels: &[],
        series: Series::Fixed(SECONDS),
        help: "From a request to its answer, without requests that wait and event streams",
        source: Source::Http(|registry, metric, http| {
            registry.register(metric.name, metric.help, http.seconds.clone());
        }),
    },
    Metric {
        name: "api_refused",
        kind: Kind::Counter,
        labels: &["reason"],
        series: Series::Fixed(6),
        help: "Connections and requests turned away, by what there was too much of",
        source: Source::Http(|registry, metric, http| {
            registry.register(metric.name, metric.help, http.refused.clone());
        }),
    },
    gauge("api_streams", "Open event streams", |r, s| s.one(r.api.streams)),
    // The process.
    gauge("process_resident_memory_bytes", "Resident memory", |r, s| {
        if let Some(process) = &r.process {
            s.one(process.resident_bytes);
        }
    }),
    count("process_cpu_seconds", "Processor time, user and system", |r, s| {
        if let Some(process) = &r.process {
            s.float(process.cpu_seconds);
        }
    }),
    gauge("process_threads", "Threads", |r, s| {
        if let Some(process) = &r.process {
            s.one(process.threads);
        }
    }),
    gauge("process_open_fds", "Open files, sockets included", |r, s| {
        if let Some(process) = &r.process {
            s.one(process.open_files);
        }
    }),
];
