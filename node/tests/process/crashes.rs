//! Processes that are killed at any moment, and disks that are wiped.

use std::{
    collections::hash_map::RandomState,
    fs,
    hash::{BuildHasher as _, Hasher as _},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::cluster::{Cluster, LOOK, PATIENCE, complaint, json, quorate, run};

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
struct Load(Option<Child>);

impl Load {
    fn on(cluster: &Cluster, name: &str, time: &str) -> Self {
        let child = quorate()
            .args(["load", "--json", "--rate", "100", "--for", time])
            .args(["--workers", "1", "--accounts", "32", "--api", &cluster.api(name), "--key"])
            .arg(cluster.root().join("accounts.key"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Self(Some(child.expect("the program starts")))
    }

    /// Waits for its end: everything that was admitted was executed.
    fn assert_executed(mut self) {
        let child = self.0.take().expect("it was not waited for yet");
        let output: Output = child.wait_with_output().expect("our own child");
        assert!(output.status.success(), "{}", complaint(&output));
        let report = json(&output);
        assert!(report["admitted"].as_u64() > Some(0), "{report}");
        assert_eq!(report["executed"], report["admitted"], "{report}");
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended by itself, when its node was killed.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until a node has a final height above one that took more than one view, and says which, and for how
/// long nothing became final at most.
fn view_change(cluster: &Cluster, witness: &str, above: u64) -> (u64, Duration) {
    let begun = Instant::now();
    let (mut height, mut since, mut longest) = (above, begun, Duration::ZERO);
    loop {
        let status = cluster.ask(witness, "/v1/status").expect("the witness answers");
        let now = status["finalized_height"].as_u64().expect("a height");
        longest = longest.max(since.elapsed());
        if now > height {
            (height, since) = (now, Instant::now());
        }
        let recent = status["recent"].as_array().expect("recent heights");
        let changed = recent.iter().find(|one| {
            one["height"].as_u64() > Some(above) && one["views_used"].as_u64() > Some(1)
        });
        if let Some(changed) = changed {
            return (changed["height"].as_u64().expect("a height"), longest);
        }
        assert!(begun.elapsed() < PATIENCE, "no view change: {status}\n{}", cluster.log(witness));
        thread::sleep(LOOK);
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
    cluster.kill(&leader);
    // One block may have been on its way.
    let above = cluster.height(witness) + 1;
    let (height, gap) = view_change(&cluster, witness, above);
    println!(
        "{leader} was killed; height {height} took another leader, the chain stood for {gap:?}"
    );
    assert!(gap < Duration::from_secs(5), "the chain stood still for {gap:?}");
    cluster.start(&leader);
    cluster.wait_for_progress(3);
    cluster.assert_agreement();
}

/// Every validator dies in turn while transfers come, and comes back; what was admitted is executed.
#[test]
fn each_validator_is_killed_in_turn_under_load() {
    let mut cluster = Cluster::new(4, 0);
    cluster.start_all();
    cluster.wait_for_progress(3);
    for victim in 0..4 {
        let (victim, other) = (format!("n{victim}"), format!("n{}", (victim + 1) % 4));
        let load = Load::on(&cluster, &other, "4s");
        cluster.wait_for_progress(2);
        cluster.kill(&victim);
        cluster.wait_for_progress(2);
        cluster.start(&victim);
        let begun = Instant::now();
        cluster.wait_for_progress(2);
        println!("{victim} caught up within {:?}", begun.elapsed());
        load.assert_executed();
    }
    cluster.assert_agreement();
}

/// Seven validators lose two, which is all they may lose, and go on; then those come back, and two others go.
#[test]
fn two_of_seven_are_killed_under_load() {
    let mut cluster = Cluster::new(7, 0);
    cluster.start_all();
    cluster.wait_for_progress(3);
    for victims in [["n1", "n2"], ["n5", "n6"]] {
        let load = Load::on(&cluster, "n0", "5s");
        victims.iter().for_each(|victim| cluster.kill(victim));
        let (height, gap) = view_change(&cluster, "n0", cluster.height("n0") + 1);
        println!("without {victims:?} height {height} took more views; nothing for {gap:?}");
        assert!(gap < Duration::from_secs(10), "the chain stood still for {gap:?}");
        victims.iter().for_each(|victim| cluster.start(victim));
        cluster.wait_for_progress(3);
        load.assert_executed();
    }
    cluster.assert_agreement();
}

/// What a client was told is final is final after everybody was killed at once, at any moment, under load.
#[test]
fn what_was_final_is_final_after_all_were_killed() {
    let mut cluster = Cluster::new(4, 0);
    let mut paid = Vec::new();
    for round in 0..3 {
        cluster.start_all();
        cluster.wait_for_progress(1);
        let load = Load::on(&cluster, "n1", "60s");
        paid.push(cluster.pay(&format!("n{round}"), 40 + round));
        let moment = Duration::from_millis(RandomState::new().build_hasher().finish() % 400);
        println!("all are killed {moment:?} after a payment was final");
        thread::sleep(moment);
        let heights: Vec<u64> = cluster.running().map(|name| cluster.height(name)).collect();
        cluster.kill_all();
        drop(load);
        cluster.start_all();
        for (name, before) in cluster.names().iter().zip(heights) {
            cluster.wait_for_height(name, before);
            for id in &paid {
                let output = run(quorate().args([
                    "tx",
                    "status",
                    id,
                    "--json",
                    "--api",
                    &cluster.api(name),
                ]));
                assert_eq!(json(&output)["outcome"], "applied", "{name}: {}", complaint(&output));
            }
        }
        cluster.wait_for_progress(3);
        cluster.assert_agreement();
        cluster.kill_all();
    }
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

/// A sign-state from a backup knows less than the key has signed. The node finds out, from its own store or from
/// what the others send it, before it signs anything, and ends.
#[test]
fn an_old_sign_state_ends_the_node() {
    let mut cluster = Cluster::new(4, 0);
    cluster.start_all();
    cluster.wait_for_progress(3);
    assert_eq!(cluster.stop("n3"), Some(0), "{}", cluster.log("n3"));
    let sign_state = cluster.home("n3").join("secrets/sign-state");
    let backup = fs::read(&sign_state).expect("a sign-state");
    cluster.start("n3");
    cluster.wait_for_progress(20);
    assert_eq!(cluster.stop("n3"), Some(0), "{}", cluster.log("n3"));
    fs::write(&sign_state, backup).expect("writable");
    cluster.start("n3");
    assert_eq!(cluster.ended("n3"), Some(13), "{}", cluster.log("n3"));
    let log = cluster.log("n3");
    assert!(log.contains("the sign-state is an old copy"), "{log}");
    cluster.wait_for_progress(3);
    cluster.assert_agreement();
}

/// A home that was copied and started beside itself: one of the two finds out and ends, and the chain goes on.
#[test]
fn a_copied_home_does_not_go_on_beside_itself() {
    let mut cluster = Cluster::new(4, 0);
    cluster.start_all();
    cluster.wait_for_progress(3);
    assert_eq!(cluster.stop("n3"), Some(0), "{}", cluster.log("n3"));
    let (home, copy) = (cluster.home("n3"), cluster.home("twin"));
    let copied = Command::new("cp").arg("-a").args([&home, &copy]).status();
    assert!(copied.expect("cp runs").success());
    let config = copy.join("config/node.toml");
    let mut text = fs::read_to_string(&config).expect("a configuration");
    let listen = text.find("listen = \"127.0.0.1:").expect("an address");
    let end = listen + text[listen..].find('\n').expect("a line");
    text.replace_range(listen..end, "listen = \"127.0.0.1:0\"");
    fs::write(&config, text).expect("writable");
    cluster.start("n3");
    cluster.start("twin");
    let (name, code) = cluster.first_ended(&["n3", "twin"]);
    assert_eq!(code, Some(13), "{name}: {}", cluster.log(&name));
    let log = cluster.log(&name);
    assert!(log.contains("another process uses the key"), "{log}");
    let high = cluster.height("n0");
    cluster.wait_for_height("n0", high + 3);
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
