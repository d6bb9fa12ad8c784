//! Networks that do nothing special for a while: nobody falls behind, nothing grows.

use std::fs;

use crate::cluster::{Cluster, complaint, json, quorate, run};

/// Times that everybody is asked for its height.
const LOOKS: u32 = 40;

/// All validators stay within a block of each other. Asked one after the other, the first once more at the
/// end, each is within one of where the first was meanwhile; a machine that is busy with something else may
/// once in a while not run a node at all.
#[test]
fn all_stay_within_one_block() {
    let mut cluster = Cluster::new(7, 0);
    cluster.start_all();
    cluster.wait_for_progress(5);
    let mut behind = 0;
    for _ in 0..LOOKS {
        let before = cluster.height("n0");
        let others: Vec<u64> = cluster.running().map(|name| cluster.height(name)).collect();
        let after = cluster.height("n0");
        let is_close = |height: &u64| (before.saturating_sub(1)..=after + 1).contains(height);
        if !others.iter().all(is_close) {
            println!("n0 was at {before} to {after}, the others at {others:?}");
            behind += 1;
        }
        cluster.wait_for_height("n0", after + 1);
    }
    assert!(behind * 10 <= LOOKS, "somebody was behind {behind} times out of {LOOKS}");
    cluster.assert_agreement();
}

/// What the system says that a process holds.
#[derive(Debug)]
struct Holds {
    threads: u64,
    files: usize,
    resident_mib: u64,
}

fn holds(process: u32) -> Holds {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let number = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).expect("the system tells");
        let digits: String = line.chars().filter(char::is_ascii_digit).collect();
        digits.parse::<u64>().expect("a number")
    };
    let files = fs::read_dir(format!("/proc/{process}/fd")).expect("it runs").count();
    Holds { threads: number("Threads:"), files, resident_mib: number("VmRSS:") / 1024 }
}

fn load(cluster: &Cluster) {
    let output = run(quorate()
        .args(["load", "--json", "--rate", "1000", "--for", "4s", "--workers", "4"])
        .args(["--accounts", "64", "--api", &cluster.api("n0"), "--key"])
        .arg(cluster.root().join("accounts.key")));
    assert!(output.status.success(), "{}", complaint(&output));
    assert!(json(&output)["executed"].as_u64() > Some(0), "{}", json(&output));
}

/// Load after load, a node holds as many threads and files as after the first, and hardly more memory.
#[test]
fn nothing_grows_with_load() {
    let mut cluster = Cluster::new(1, 0);
    cluster.start_all();
    load(&cluster);
    let first = holds(cluster.process("n0"));
    for _ in 0..3 {
        load(&cluster);
    }
    let last = holds(cluster.process("n0"));
    println!("after one load {first:?}, after four {last:?}");
    // Threads for blocking work and tables come and go.
    assert!(last.threads <= first.threads + 16 && last.threads < 128, "{first:?} {last:?}");
    assert!(last.files <= first.files + 32 && last.files < 512, "{first:?} {last:?}");
    // The write-ahead log's memory and the recording fill up to their bounds.
    assert!(last.resident_mib <= first.resident_mib + 256, "{first:?} {last:?}");
}
