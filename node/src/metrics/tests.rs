//! That the table, the text and the guide agree, and that there is not too much of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use expect_test::expect_file;
use quorate_core::types::ValidatorIndex;

use super::{
    ApiReading, ClassReading, HttpMetrics, METRICS, NetworkReading, PeerReading, ProcessReading,
    Readings, Registry, StoreReading, guide, list, plain,
};
use crate::{
    api::{backend::Backend as _, tests::stage::Stage},
    driver::{
        Fared, FaredLabel, InputKind, InputLabel, Metrics, Phase, PhaseLabel, Reason, ReasonLabel,
    },
};

/// Series a node may have.
const SERIES_MAX: u32 = 1_500;

/// A node among seven validators of which everything was measured that can be.
fn full() -> String {
    let stage = Stage::new(7);
    for _ in 0..3 {
        stage.grow();
    }
    let driver = Metrics::default();
    for input in [
        InputKind::Tick,
        InputKind::Received,
        InputKind::Submitted,
        InputKind::Written,
        InputKind::Pledged,
        InputKind::Finished,
        InputKind::Peer,
    ] {
        driver.steps.get_or_create(&InputLabel { input }).inc();
    }
    for reason in [
        Reason::NoProposal,
        Reason::NoCertificate,
        Reason::InvalidProposal,
        Reason::LeaderNullified,
        Reason::LeaderInactive,
    ] {
        driver.view_changes.get_or_create(&ReasonLabel { reason }).inc();
    }
    for phase in [Phase::Notarize, Phase::Nullify, Phase::Finalize] {
        driver.quorum_seconds.get_or_create(&PhaseLabel { phase }).observe(0.1);
    }
    for outcome in [Fared::Applied, Fared::Failed, Fared::Skipped] {
        driver.transactions.get_or_create(&FaredLabel { outcome }).inc();
    }
    let peer = |number: u16| PeerReading {
        validator: Some(ValidatorIndex::new(number)),
        inbound: number.is_multiple_of(2),
        round_trip: Some(Duration::from_millis(2)),
        queued_bytes: ClassReading { votes: 1, proposals: 2, bulk: 3 },
    };
    Registry::new(&driver, &HttpMetrics::default()).text(Readings {
        snapshot: stage.now(),
        lag: 0,
        committee: Arc::clone(&stage.identity().committee),
        peers: (0..7).map(peer).collect(),
        network: NetworkReading::default(),
        store: Some(StoreReading::default()),
        api: ApiReading::default(),
        process: Some(ProcessReading::default()),
    })
}

/// Series of each family in a text, by its name without what kinds add.
fn series(text: &str) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    let mut family = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap_or_default().to_owned();
        } else if !line.starts_with('#') {
            *found.entry(family.clone()).or_default() += 1;
        }
    }
    found
}

/// What is served is what the table says, series by series, and no more than a node may have.
#[test]
fn the_table_is_what_is_served() {
    let served = series(&full());
    let told: BTreeMap<String, u32> =
        METRICS.iter().map(|one| (format!("quorate_{}", one.name), one.series_max(7))).collect();
    assert_eq!(served, told);
    let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), METRICS.len(), "a name is there twice");
    let sum: u32 = served.values().sum();
    assert!(sum < SERIES_MAX, "{sum} series");
}

/// Labels are what the table says.
#[test]
fn labels_are_told() {
    let text = full();
    for metric in METRICS {
        let sample = text.lines().find(|line| {
            let rest =
                line.strip_prefix("quorate_").and_then(|rest| rest.strip_prefix(metric.name));
            rest.is_some_and(|rest| {
                ["{", " ", "_total", "_sum", "_bucket"].iter().any(|next| rest.starts_with(next))
            })
        });
        let sample = sample.unwrap_or_else(|| panic!("{} is not served", metric.name));
        for label in metric.labels {
            assert!(sample.contains(&format!("{label}=\"")), "{sample} has no {label}");
        }
    }
}

/// Prometheus' own tool finds nothing wrong with names, types and helps.
#[test]
fn promtool_is_content() {
    let child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no promtool here");
        return;
    };
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(plain(&full()).as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{said}", String::from_utf8_lossy(&output.stdout));
}

/// Counters are named by their samples in Prometheus' own format, and the end is not marked.
#[test]
fn plain_text() {
    let open = "# HELP a Of b.\n# TYPE a counter\na_total 1\n# TYPE b gauge\n# UNIT b seconds\nb 2\n# EOF\n";
    let expected = "# HELP a_total Of b.\n# TYPE a_total counter\na_total 1\n# TYPE b gauge\nb 2\n";
    assert_eq!(plain(open), expected);
}

/// The guide is what the table makes of it; `UPDATE_EXPECT=1` writes it.
#[test]
fn the_guide_is_up_to_date() {
    expect_file!["../../../docs/monitoring.md"].assert_eq(&guide());
    let mut text = Vec::new();
    list(&mut text).expect("memory takes everything");
    let text = String::from_utf8(text).expect("it is text");
    assert!(METRICS.iter().all(|metric| text.contains(&metric.full_name())));
}
