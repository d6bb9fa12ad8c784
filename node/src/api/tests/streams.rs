//! Events: in order, taken up again where they broke off, with gaps that are told.

use std::{net::SocketAddr, time::Duration};

use http_body_util::BodyExt as _;
use hyper::{Response, body::Incoming};
use quorate_core::types::{Height, PeerId};
use serde_json::Value;
use tokio::time;

use super::client::{House, PATIENCE, begin};
use crate::{api::Limits, published::NodeEvent};

/// A reader of events.
struct Reader {
    response: Response<Incoming>,
    rest: String,
}

/// One event as it came.
#[derive(Debug, Default)]
struct Got {
    id: Option<String>,
    name: String,
    data: Value,
}

impl Reader {
    async fn after(at: SocketAddr, last: Option<&str>) -> Self {
        let headers: Vec<(&str, &str)> = last.map(|id| ("last-event-id", id)).into_iter().collect();
        let response = begin(at, "GET", "/v1/events", &headers, "".into()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut reader = Self { response, rest: String::new() };
        // The first thing that comes says that the stream is there.
        assert!(reader.block().await.contains(": quorate"));
        reader
    }

    /// The next block of lines.
    async fn block(&mut self) -> String {
        loop {
            if let Some((block, rest)) = self.rest.split_once("\n\n") {
                let block = block.to_owned();
                self.rest = rest.to_owned();
                return block;
            }
            let frame = time::timeout(PATIENCE, self.response.frame()).await.expect("in time");
            let frame = frame.expect("the stream goes on").expect("it is whole");
            let bytes = frame.into_data().expect("it is data");
            self.rest.push_str(std::str::from_utf8(&bytes).expect("it is text"));
        }
    }

    /// The next event.
    async fn next(&mut self) -> Got {
        loop {
            let block = self.block().await;
            let mut got = Got::default();
            for line in block.lines() {
                match line.split_once(": ") {
                    Some(("id", id)) => got.id = Some(id.to_owned()),
                    Some(("event", name)) => got.name = name.to_owned(),
                    Some(("data", data)) => got.data = serde_json::from_str(data).expect("JSON"),
                    _ => {}
                }
            }
            if !got.name.is_empty() {
                return got;
            }
        }
    }

    /// The next event of a name.
    async fn until(&mut self, name: &str) -> Got {
        loop {
            let got = self.next().await;
            if got.name == name {
                return got;
            }
        }
    }
}

/// Finality begins a height's ids; what follows is counted up; whoever reads is told as it happens.
#[tokio::test]
async fn as_it_happens() {
    let house = House::new().await;
    let mut reader = Reader::after(house.server.local_addr(), None).await;
    house.stage.grow();
    assert_eq!(reader.next().await.name, "entered");
    let first = reader.until("finalized").await;
    assert_eq!((first.id.as_deref(), &first.data["height"]), (Some("1.0"), &Value::from(1)));
    let executed = reader.next().await;
    assert_eq!((executed.name.as_str(), executed.id.as_deref()), ("executed", Some("1.1")));
    house.stage.tell(NodeEvent::PeerLost(PeerId::new([3; 32])));
    let lost = reader.next().await;
    assert_eq!((lost.name.as_str(), lost.id.as_deref()), ("peer", Some("1.2")));
    assert_eq!(lost.data["connected"], false);
    house.stage.grow_after(1);
    let change = reader.until("view-change").await;
    assert_eq!(change.data["reason"], "no_proposal");
    assert_eq!(reader.until("finalized").await.id.as_deref(), Some("2.0"));
}

/// After a break everything comes that was missed, once and in order, with no gap.
#[tokio::test]
async fn taken_up_again() {
    let house = House::new().await;
    let at = house.server.local_addr();
    let mut first = Reader::after(at, None).await;
    house.stage.grow();
    let last = first.until("executed").await.id.expect("it has one");
    drop(first);
    for _ in 0..3 {
        house.stage.grow();
    }
    let mut second = Reader::after(at, Some(&last)).await;
    let mut heights = Vec::new();
    while heights.len() < 3 {
        let got = second.next().await;
        assert_ne!(got.name, "gap");
        if got.name == "finalized" {
            heights.push(got.data["height"].as_u64().expect("a number"));
        }
    }
    assert_eq!(heights, [2, 3, 4]);
}

/// What is not in memory is announced as a gap, and final heights in it come from the store.
#[tokio::test]
async fn gaps_are_told() {
    let house = House::new().await;
    for _ in 0..6 {
        house.stage.grow();
    }
    // Another life of the node: its history begins at height 6.
    let again = crate::api::serve_backend(
        SocketAddr::from(([127, 0, 0, 1], 0)),
        SocketAddr::from(([127, 0, 0, 1], 0)),
        house.stage.clone(),
        Limits::default(),
    );
    let again = again.await.expect("ports are free");
    house.stage.prune_below(Height::new(3));
    let mut reader = Reader::after(again.local_addr(), Some("1.7")).await;
    let gap = reader.next().await;
    assert_eq!((gap.name.as_str(), gap.id.as_deref()), ("gap", None));
    assert_eq!(
        (&gap.data["from"], &gap.data["repeated_from"]),
        (&Value::from("1.7"), &Value::from(2))
    );
    for height in 3..=6 {
        let got = reader.next().await;
        assert_eq!((got.name.as_str(), &got.data["height"]), ("finalized", &Value::from(height)));
        assert_eq!(got.id, Some(format!("{height}.0")));
    }
    house.stage.grow();
    assert_eq!(reader.until("finalized").await.id.as_deref(), Some("7.0"));
    // An id of another chain, or of the future, is a gap as well.
    let mut lost = Reader::after(again.local_addr(), Some("900.1")).await;
    assert_eq!(lost.next().await.name, "gap");
    house.stage.grow();
    assert_eq!(lost.until("finalized").await.id.as_deref(), Some("8.0"));
}

/// Ids that are none are refused; streams are counted; silence is broken now and then.
#[tokio::test]
async fn streams_have_limits() {
    let limits =
        Limits { streams_per_ip: 1, keep_alive: Duration::from_millis(50), ..Limits::default() };
    let house = House::with(limits).await;
    for bad in ["x", "1", "1.", "-1.2", "1.2.3", "99999999999999999999.1"] {
        let answer = house.ask("GET", "/v1/events", &[("last-event-id", bad)], "".into()).await;
        answer.problem("get", "/v1/events", 400);
        house.problem(&format!("/v1/events?after={bad}"), 400).await;
    }
    let mut only = Reader::after(house.server.local_addr(), None).await;
    house.problem("/v1/events", 429).await;
    assert!(only.block().await.starts_with(": alive"));
}
