//! What is refused at the start or at the handshake, with which words and which code.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::cluster::{Cluster, complaint, generate, quorate, run};

#[test]
fn a_second_start_on_one_home_is_busy() {
    let mut cluster = Cluster::new(1, 0);
    cluster.start_all();
    let second = run(quorate().args(["start", "--home"]).arg(cluster.home("n0")));
    assert_eq!(second.status.code(), Some(14), "{}", complaint(&second));
    assert!(complaint(&second).contains("uses the home"), "{}", complaint(&second));
    let db = run(quorate().args(["db", "stats", "--home"]).arg(cluster.home("n0")));
    assert_eq!(db.status.code(), Some(14), "{}", complaint(&db));
    // A validator that is alone makes blocks alone.
    cluster.wait_for_progress(2);
}

#[test]
fn a_taken_port_is_busy() {
    let cluster = Cluster::new(1, 0);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let start =
        run(quorate().args(["start", "--listen", &address, "--home"]).arg(cluster.home("n0")));
    assert_eq!(start.status.code(), Some(14), "{}", complaint(&start));
    assert!(complaint(&start).contains(&address), "{}", complaint(&start));
}

#[test]
fn a_bad_configuration_is_shown() {
    let cluster = Cluster::new(1, 0);
    let path = cluster.home("n0").join("config/node.toml");
    let config = fs::read_to_string(&path).expect("a configuration");
    fs::write(&path, config.replace("[api]\n", "[api]\nlistn = 1\n")).expect("writable");
    let start = run(quorate().args(["start", "--home"]).arg(cluster.home("n0")));
    assert_eq!(start.status.code(), Some(10), "{}", complaint(&start));
    let words = complaint(&start);
    assert!(words.contains("unknown key `listn` in [api]"), "{words}");
    assert!(words.contains("^^^^^ did you mean `listen`?"), "{words}");
}

#[test]
fn keys_that_others_can_read_or_without_sign_state_are_refused() {
    let cluster = Cluster::new(1, 0);
    let home = cluster.home("n0");
    let key = home.join("secrets/consensus.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("ours");
    let start = run(quorate().args(["start", "--home"]).arg(&home));
    assert_eq!(start.status.code(), Some(13), "{}", complaint(&start));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("ours");
    fs::remove_file(home.join("secrets/sign-state")).expect("removable");
    let start = run(quorate().args(["start", "--home"]).arg(&home));
    assert_eq!(start.status.code(), Some(13), "{}", complaint(&start));
    assert!(complaint(&start).contains("recover"), "{}", complaint(&start));
}

#[test]
fn another_genesis_than_the_pinned_one_is_refused() {
    let cluster = Cluster::new(1, 0);
    let path = cluster.home("n0").join("config/genesis.json");
    let genesis = fs::read_to_string(&path).expect("a genesis");
    fs::write(&path, genesis.replace("\"chain_id\": 1", "\"chain_id\": 2")).expect("writable");
    let start = run(quorate().args(["start", "--home"]).arg(cluster.home("n0")));
    assert_eq!(start.status.code(), Some(11), "{}", complaint(&start));
    fs::write(&path, genesis.replace("\"weight\": 1", "\"wieght\": 1")).expect("writable");
    let start = run(quorate().args(["start", "--home"]).arg(cluster.home("n0")));
    assert_eq!(start.status.code(), Some(11), "{}", complaint(&start));
    assert!(complaint(&start).contains("genesis.json:"), "{}", complaint(&start));
}

/// A node of another chain is turned away before it can say anything, and both logs say why.
#[test]
fn a_node_of_another_chain_is_turned_away() {
    let mut cluster = Cluster::new(1, 0);
    cluster.start_all();
    let other = cluster.root().join("../other");
    generate(&other, 1, 1);
    let stranger = cluster.home("f0");
    fs::rename(other.join("f0"), &stranger).expect("one file system");
    let peers = |name: &str| {
        let config =
            fs::read_to_string(cluster.home(name).join("config/node.toml")).expect("written");
        let start = config.find("\npeers = [").expect("peers");
        let end = start + config[start..].find("\n]").expect("the end of the list");
        (config[start..end].to_owned(), config)
    };
    let ((ours, _), (theirs, config)) = (peers("n0"), peers("f0"));
    fs::write(stranger.join("config/node.toml"), config.replace(&theirs, &ours)).expect("writable");
    cluster.start("f0");
    cluster.wait_until("f0", "it answers", |_| true);
    let begun = std::time::Instant::now();
    while !cluster.log("f0").contains("another chain") {
        assert!(
            begun.elapsed() < crate::cluster::PATIENCE,
            "it does not say why:\n{}",
            cluster.log("f0")
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    cluster.wait_for_height("n0", cluster.height("n0") + 3);
    assert_eq!(cluster.height("f0"), 0, "it follows a chain that is not its own");
}
