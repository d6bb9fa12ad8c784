//! The limits: clients that are too slow, too many, too fast, or make no sense, and a server that stops.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time,
};

use super::client::{House, PATIENCE, ask};
use crate::api::Limits;

/// Everything the other end sends until it closes.
async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    // A reset is an end like any other.
    let _ = read.expect("the connection is closed in time");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn connect(house: &House) -> TcpStream {
    TcpStream::connect(house.server.local_addr()).await.expect("the server listens")
}

/// Headers that never end are waited for only so long. Without a timer in the server this never returns.
#[tokio::test]
async fn slow_headers_are_cut_off() {
    let limits = Limits { header_timeout: Duration::from_millis(200), ..Limits::default() };
    let house = House::with(limits).await;
    let mut slow = connect(&house).await;
    slow.write_all(b"GET /v1/status HTTP/1.1\r\nhost: x\r\n").await.expect("it is read");
    assert!(!read_all(&mut slow).await.contains("200 OK"));
    assert_eq!(house.get("/v1/status").await.status, 200);
}

/// A body that does not come is a problem after a time.
#[tokio::test]
async fn slow_bodies_are_cut_off() {
    let limits = Limits { request_timeout: Duration::from_millis(200), ..Limits::default() };
    let house = House::with(limits).await;
    let mut slow = connect(&house).await;
    let head = "POST /v1/tx HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\
                connection: close\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.expect("it is read");
    let said = read_all(&mut slow).await;
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    assert!(said.contains("urn:quorate:problem:timeout"), "{said}");
}

/// One address has so many connections, and all together have so many; who is turned away is told so.
#[tokio::test]
async fn connections_are_counted() {
    let limits = Limits { connections_per_ip: 2, connections_max: 8, ..Limits::default() };
    let house = House::with(limits).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut one = connect(&house).await;
        one.write_all(b"GET /v1/node HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("it is read");
        let mut first = [0; 12];
        one.read_exact(&mut first).await.expect("it is answered");
        assert_eq!(&first, b"HTTP/1.1 200");
        held.push(one);
    }
    let mut third = connect(&house).await;
    third.write_all(b"GET /v1/node HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("it is read");
    let said = read_all(&mut third).await;
    assert!(said.starts_with("HTTP/1.1 429"), "{said}");
    assert!(said.contains("application/problem+json") && said.contains("retry-after: 1"), "{said}");
    drop(held);
    // The places are free again, if not at once.
    loop {
        let mut again = connect(&house).await;
        again
            .write_all(b"GET /v1/node HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await
            .expect("it is read");
        if read_all(&mut again).await.starts_with("HTTP/1.1 200") {
            break;
        }
    }
}

/// Who asks too fast is told to wait.
#[tokio::test]
async fn requests_are_rationed() {
    let house = House::with(Limits { requests_per_ip: 2, ..Limits::default() }).await;
    let mut refused = 0;
    for _ in 0..20 {
        let answer = house.get("/v1/node").await;
        if answer.status == 429 {
            assert_eq!(answer.headers["retry-after"], "1");
            answer.problem("get", "/v1/node", 429);
            refused += 1;
        }
    }
    assert!(refused > 0, "nobody was refused");
}

/// Requests under way are counted: here there may be none.
#[tokio::test]
async fn requests_are_counted() {
    let house = House::with(Limits { requests_max: 0, ..Limits::default() }).await;
    house.problem("/v1/node", 503).await;
}

/// However little the public API may do, whoever operates the node is answered: an orchestrator that hears
/// nothing would end it.
#[tokio::test]
async fn operations_have_places_of_their_own() {
    let limits = Limits { requests_max: 0, requests_per_ip: 1, ..Limits::default() };
    let house = House::with(limits).await;
    house.stage.grow();
    for _ in 0..10 {
        house.get("/health/live").await;
    }
    assert_eq!(house.get("/health/live").await.status, 429);
    for path in ["/health/live", "/health/ready", "/metrics"] {
        for _ in 0..10 {
            let answer = ask(house.server.metrics_addr(), "GET", path, &[], "".into()).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
    }
    let answer = ask(house.server.metrics_addr(), "GET", "/metrics", &[], "".into()).await;
    let refused = |reason: &str| {
        let name = format!("quorate_api_refused_total{{reason=\"{reason}\"}} ");
        let text = answer.text();
        let line =
            text.lines().find(|line| line.starts_with(&name)).expect("it is served").to_owned();
        line != format!("{name}0")
    };
    assert_eq!(["rate", "requests", "streams"].map(refused), [true, true, false]);
}

/// Bytes that are no HTTP cost the connection and nothing else.
#[tokio::test]
async fn garbage() {
    let house = House::new().await;
    let long = [b"GET /".as_slice(), &[b'a'; 20_000], b" HTTP/1.1\r\n\r\n"].concat();
    let tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice();
    for bytes in [tls, b"\0\0\0\0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &long, b"GET\r\n\r\n\r\n"]
    {
        let mut stream = connect(&house).await;
        // It may be closed before all of it is read.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let said = read_all(&mut stream).await;
        assert!(!said.contains(" 200 "), "{said}");
    }
    assert_eq!(house.get("/v1/status").await.status, 200);
}

/// Who waits for a transaction when the server stops is told so at once.
#[tokio::test]
async fn shutdown_ends_waiting() {
    let house = House::new().await;
    let mut waiting = connect(&house).await;
    let id = "00".repeat(32);
    let head = format!("GET /v1/tx/{id}?wait=finalized&timeout=60 HTTP/1.1\r\nhost: x\r\n\r\n");
    waiting.write_all(head.as_bytes()).await.expect("it is read");
    while house.stage.waiters() == 0 {
        tokio::task::yield_now().await;
    }
    house.server.shutdown().await;
    let said = read_all(&mut waiting).await;
    assert!(said.starts_with("HTTP/1.1 503"), "{said}");
    assert!(said.contains("stopping"), "{said}");
}

/// A server that stops ends its streams and answers nobody any more.
#[tokio::test]
async fn shutdown() {
    let house = House::new().await;
    let mut stream = connect(&house).await;
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("it is read");
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.expect("it is answered");
    let at = house.server.local_addr();
    time::timeout(PATIENCE, house.server.shutdown()).await.expect("it stops in time");
    read_all(&mut stream).await;
    TcpStream::connect(at).await.expect_err("nobody listens any more");
}
