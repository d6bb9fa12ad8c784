//! Processes that are killed at any moment, and disks that are wiped.

use std::{
    fs,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::cluster::{Cluster, complaint, json, quorate, run};

/// The name of the validator whose turn it is, as one node sees it.
fn leader(cluster: &Cluster, asked: &str) -> Option<String> {
    let status = cluster.ask(asked, "/v1/status")?;
    let index = status["leader"].as_u64()?;
    let validators = cluster.ask(asked, "/v1/validators")?;
    let list = validators["validators"].as_array()?;
    let found = list.iter().find(|one| one["index"].as_u64() == Some(index))?;
    Some(format!("n{}", found["validator"].as_u64()?))
}

/// A steady stream of transfers, for as long as the value lives.
struct Load(Child);

impl Load {
    fn on(cluster: &Cluster, name: &str) -> Self {
        let child = quorate()
            .args(["load", "--rate", "100", "--for", "60s", "--workers", "1", "--accounts", "32"])
            .args(["--api", &cluster.api(name), "--key"])
            .arg(cluster.root().join("accounts.key"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.expect("the program starts"))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // It may have ended by itself, when its node was killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The others leave the view of a dead leader and go on.
#[test]
fn the_leader_is_killed_and_the_others_go_on() {
    let mut cluster = Cluster::new(4, 0);
    cluster.start_all();
    cluster.wait_for_progress(5);
    let leader = leader(&cluster, "n0").expect("somebody leads");
    let witness = if leader == "n0" { "n1" } else { "n0" };
    let before = cluster.height(witness);
    cluster.kill(&leader);
    let killed = Instant::now();
    // One block may have been on its way.
    cluster.wait_for_height(witness, before + 2);
    let gap = killed.elapsed();
    println!("{leader} was killed, and the chain went on after {gap:?}");
    assert!(gap < Duration::from_secs(5), "the chain stood still for {gap:?}");
    cluster.start(&leader);
    cluster.wait_for_progress(3);
    cluster.assert_agreement();
}

/// Every validator dies in turn while transfers come, and comes back.
#[test]
fn each_validator_is_killed_in_turn_under_load() {
    let mut cluster = Cluster::new(4, 0);
    cluster.start_all();
    cluster.wait_for_progress(3);
    for victim in 0..4 {
        let (victim, other) = (format!("n{victim}"), format!("n{}", (victim + 1) % 4));
        let _load = Load::on(&cluster, &other);
        cluster.wait_for_progress(2);
        cluster.kill(&victim);
        cluster.wait_for_progress(2);
        cluster.start(&victim);
        let begun = Instant::now();
        cluster.wait_for_progress(2);
        println!("{victim} caught up within {:?}", begun.elapsed());
    }
    cluster.assert_agreement();
}

/// What a client was told is final is final after everybody was killed at once.
#[test]
fn what_was_final_is_final_after_all_were_killed() {
    let mut cluster = Cluster::new(4, 0);
    cluster.start_all();
    cluster.wait_for_progress(1);
    let paid: Vec<String> = (0..3).map(|from| cluster.pay(&format!("n{from}"), from)).collect();
    let heights: Vec<u64> = cluster.running().map(|name| cluster.height(name)).collect();
    cluster.kill_all();
    cluster.start_all();
    for (name, before) in cluster.names().iter().zip(heights) {
        cluster.wait_for_height(name, before);
        for id in &paid {
            let output =
                run(quorate().args(["tx", "status", id, "--json", "--api", &cluster.api(name)]));
            assert_eq!(json(&output)["outcome"], "applied", "{name}: {}", complaint(&output));
        }
    }
    cluster.wait_for_progress(3);
    cluster.assert_agreement();
}

/// A validator whose database is gone but whose sign-state is not catches up, votes again, and never
/// contradicts what it signed before.
#[test]
fn a_wiped_database_is_fetched_again() {
    let mut cluster = Cluster::new(4, 0);
    cluster.start_all();
    cluster.wait_for_progress(5);
    let before = cluster.height("n2");
    cluster.kill("n2");
    fs::remove_dir_all(cluster.home("n2").join("data")).expect("removable");
    cluster.start("n2");
    cluster.wait_for_height("n2", before + 1);
    // With another one gone the chain needs its votes.
    cluster.kill("n3");
    cluster.wait_for_progress(3);
    cluster.assert_agreement();
}

/// Without its sign-state a key does not sign, and `recover` makes a full node of it with a fresh key.
#[test]
fn a_lost_sign_state_makes_a_full_node() {
    let mut cluster = Cluster::new(4, 0);
    cluster.start_all();
    cluster.wait_for_progress(3);
    cluster.kill("n1");
    let home = cluster.home("n1");
    fs::remove_file(home.join("secrets/sign-state")).expect("removable");
    cluster.start("n1");
    assert_eq!(cluster.ended("n1"), Some(13), "{}", cluster.log("n1"));
    assert!(cluster.log("n1").contains("sign-state"), "{}", cluster.log("n1"));

    let plan = run(quorate().args(["recover", "--dry-run", "--home"]).arg(&home));
    assert!(plan.status.success(), "{}", complaint(&plan));
    assert!(home.join("secrets/consensus.key").exists(), "it was to change nothing");
    let done = run(quorate().args(["recover", "--home"]).arg(&home));
    let words = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{words}{}", complaint(&done));
    assert!(words.contains("never signs again"), "{words}");
    assert!(!home.join("secrets/consensus.key").exists());
    assert!(home.join("secrets/consensus.next.key").exists());

    cluster.start("n1");
    let status = cluster.wait_until("n1", "it follows", |status| status["mode"] == "full");
    assert!(status["finalized_height"].as_u64().is_some());
    cluster.wait_for_progress(3);
    cluster.assert_agreement();
}
