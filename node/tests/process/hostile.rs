//! Clients and peers that mean no good, against the program as it is shipped.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::cluster::{Cluster, LOOK, PATIENCE, json, quorate, run};

/// Connects to one of a node's addresses: `api`, `network` or `metrics`.
fn connect(cluster: &Cluster, name: &str, which: &str) -> TcpStream {
    let stream = TcpStream::connect(cluster.address(name, which)).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Reads until the other end closes, and gives what came.
fn read_to_close(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("it was not closed: {error}"),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a byte now and then until the other end has enough of it.
fn dribble(mut stream: TcpStream, bytes: &[u8]) -> Duration {
    let begun = Instant::now();
    stream.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    for byte in bytes.iter().cycle() {
        assert!(begun.elapsed() < PATIENCE, "it is still taken");
        if stream.write_all(&[*byte]).is_err() {
            break;
        }
        match stream.read(&mut [0; 512]) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    begun.elapsed()
}

/// Whoever sends a request a byte at a time, or a handshake, is cut off, and the chain goes on meanwhile.
#[test]
fn whoever_dawdles_is_cut_off() {
    let mut cluster = Cluster::new(4, 0);
    cluster.start_all();
    cluster.wait_for_progress(2);
    let before = cluster.height("n0");
    let api = connect(&cluster, "n0", "api");
    let metrics = connect(&cluster, "n0", "metrics");
    let network = connect(&cluster, "n0", "network");
    std::thread::scope(|scope| {
        let header =
            b"GET /v1/status HTTP/1.1\r\nx-slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        let api = scope.spawn(move || dribble(api, header));
        let metrics = scope.spawn(move || dribble(metrics, header));
        // The beginning of a TLS record that says it is long.
        let network = scope.spawn(move || dribble(network, &[0x16, 0x03, 0x01, 0x3f, 0xff, 0x01]));
        for (what, slow) in [("api", api), ("metrics", metrics), ("network", network)] {
            println!("{what}: cut off after {:?}", slow.join().expect("it was cut off"));
        }
    });
    assert!(cluster.height("n0") > before, "the chain stood still");
    cluster.wait_for_progress(2);
}

/// Requests that are too large, and nonsense at every port, are refused, and cost nothing that stays.
#[test]
fn what_is_too_large_or_nonsense_is_refused() {
    let mut cluster = Cluster::new(4, 0);
    cluster.start_all();
    cluster.wait_for_progress(2);
    let request = |text: &str| {
        let mut stream = connect(&cluster, "n0", "api");
        stream.write_all(text.as_bytes()).expect("it is taken in");
        let begun = Instant::now();
        let answer = read_to_close(stream);
        println!(
            "closed after {:?}: {}",
            begun.elapsed(),
            answer.lines().next().unwrap_or_default()
        );
        answer
    };
    let large = request(
        "POST /v1/txs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: \
         application/octet-stream\r\ncontent-length: 1073741824\r\n\r\nabc",
    );
    assert!(large.starts_with("HTTP/1.1 413"), "{large}");
    let path = "a".repeat(100_000);
    let long = request(&format!("GET /{path} HTTP/1.1\r\nhost: x\r\n\r\n"));
    assert!(long.starts_with("HTTP/1.1 4"), "{long}");
    let nonsense = request("\0\u{1}\u{2}nonsense\r\n\r\n");
    assert!(nonsense.is_empty() || nonsense.starts_with("HTTP/1.1 400"), "{nonsense}");
    for size in [1_u32, 100, 65_536] {
        let mut stream = connect(&cluster, "n0", "network");
        let bytes: Vec<u8> = (0..size).map(|place| (place * 31 % 251).to_le_bytes()[0]).collect();
        // It may be closed before all of it is taken.
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        read_to_close(stream);
    }
    cluster.wait_for_progress(3);
    cluster.assert_agreement();
}

/// A node that finds another key behind an address than it was told says so, and so does the other one.
#[test]
fn another_key_than_expected_is_refused() {
    let mut cluster = Cluster::new(1, 1);
    let path = cluster.home("f0").join("config/node.toml");
    let config = fs::read_to_string(&path).expect("a configuration");
    let start = config.find("\npeers = [").expect("peers");
    let quote = start + config[start..].find('"').expect("a peer") + 1;
    let mut wrong = config.clone();
    // The key of nobody here.
    wrong.replace_range(quote..quote + 64, &strange_key(&cluster));
    fs::write(&path, wrong).expect("writable");
    cluster.start_all();
    let begun = Instant::now();
    let says_why = |name, words| cluster.log(name).contains(words);
    while !(says_why("f0", "the node there has the key") && says_why("n0", "CertificateUnknown")) {
        assert!(
            begun.elapsed() < PATIENCE,
            "nobody says why:\n{}\n\n{}",
            cluster.log("f0"),
            cluster.log("n0")
        );
        std::thread::sleep(LOOK);
    }
    cluster.wait_for_height("n0", cluster.height("n0") + 3);
    assert_eq!(cluster.height("f0"), 0, "it follows somebody it does not know");
}

/// A public key that no node has.
fn strange_key(cluster: &Cluster) -> String {
    let key = cluster.root().join("accounts.key");
    let shown = json(&run(quorate().args(["key", "show", "--json", "--index", "1"]).arg(&key)));
    shown["public_key"].as_str().unwrap_or_else(|| panic!("{shown}")).to_owned()
}
