//! Networks in which all goes well.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use crate::cluster::{Cluster, complaint, json, quorate, run};

#[test]
fn four_validators_finalize() {
    let mut cluster = Cluster::new(4, 1);
    cluster.start_all();
    cluster.wait_for_progress(5);
    let id = cluster.pay("n2", 7);
    for name in ["n0", "n3", "f0"] {
        let output =
            run(quorate().args(["tx", "status", &id, "--json", "--api", &cluster.api(name)]));
        assert_eq!(json(&output)["outcome"], "applied", "{name}: {}", complaint(&output));
    }
    cluster.assert_agreement();
    let status = run(quorate().args(["status", "--json", "--home"]).arg(cluster.home("f0")));
    assert_eq!(json(&status)["mode"], "full");
    let peers = run(quorate().args(["peers", "list", "--json", "--home"]).arg(cluster.home("n0")));
    assert!(json(&peers)["peers"].as_array().is_some_and(|peers| peers.len() >= 3));

    for name in cluster.names() {
        assert_eq!(cluster.stop(&name), Some(0), "{name}: {}", cluster.log(&name));
    }
    let home = cluster.home("n1");
    let verified = run(quorate().args(["db", "verify", "--home"]).arg(&home));
    assert!(
        verified.status.success(),
        "{}{}",
        String::from_utf8_lossy(&verified.stdout),
        complaint(&verified)
    );
    let exported = run(quorate().args(["db", "export", "--heights", "1..3", "--home"]).arg(&home));
    assert_eq!(String::from_utf8_lossy(&exported.stdout).lines().count(), 3);
}

#[test]
fn seven_validators_finalize() {
    let mut cluster = Cluster::new(7, 0);
    cluster.start_all();
    cluster.wait_for_progress(10);
    cluster.assert_agreement();
}

/// Load is taken, executed, and counted by the nonces of the accounts.
#[test]
fn load_is_executed() {
    let mut cluster = Cluster::new(4, 0);
    cluster.start_all();
    let output = run(quorate()
        .args([
            "load",
            "--json",
            "--rate",
            "200",
            "--for",
            "3s",
            "--workers",
            "2",
            "--accounts",
            "32",
        ])
        .args(["--api", &cluster.api("n0"), "--key"])
        .arg(cluster.root().join("accounts.key")));
    assert!(output.status.success(), "{}", complaint(&output));
    let report = json(&output);
    println!("{report}");
    assert!(report["admitted"].as_u64().is_some_and(|admitted| admitted > 0));
    assert_eq!(report["executed"], report["admitted"]);
    cluster.assert_agreement();
}

/// One command, and blocks come; when it ends, so do its children.
#[test]
fn dev_shows_blocks_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().expect("a directory");
    let net = directory.path().join("net");
    let mut dev = quorate()
        .args(["dev", "--validators", "4", "--keep"])
        .arg(&net)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let lines = BufReader::new(dev.stdout.take().expect("piped")).lines();
    let mut blocks = lines.map_while(Result::ok).filter(|line| line.starts_with("height "));
    assert!(blocks.next().is_some() && blocks.next().is_some(), "it ended before any block");

    // As hard as there is: nothing of it can tell its children.
    dev.kill().expect("it can be killed");
    dev.wait().expect("it ends");
    for name in ["n0", "n1", "n2", "n3"] {
        wait_until_unlocked(&net.join(name));
    }
    let again = quorate()
        .args(["dev", "--validators", "4", "--blocks", "2", "--keep"])
        .arg(&net)
        .output()
        .expect("the program runs");
    assert!(again.status.success(), "{}", complaint(&again));
}

/// The lock of a home is free when its process is gone.
fn wait_until_unlocked(home: &std::path::Path) {
    let begun = std::time::Instant::now();
    let file = std::fs::File::open(home.join("run/lock")).expect("it ran");
    while file.try_lock().is_err() {
        assert!(begun.elapsed() < crate::cluster::PATIENCE, "{} still runs", home.display());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
