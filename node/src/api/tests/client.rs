//! A plain HTTP client, and a server to talk to.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::HeaderMap,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time};

use super::{schema, stage::Stage};
use crate::api::{ApiServer, Limits, serve_backend};

/// Nothing here takes so long unless it is stuck.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A server and its chain.
pub(super) struct House {
    pub(super) stage: Arc<Stage>,
    pub(super) server: ApiServer,
}

/// An answer, whole.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl House {
    /// With four validators and no block yet.
    pub(super) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(super) async fn with(limits: Limits) -> Self {
        let stage = Stage::new(4);
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = serve_backend(any, any, stage.clone(), limits).await.expect("ports are free");
        Self { stage, server }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], Bytes::new()).await
    }

    pub(super) async fn post(&self, path: &str, kind: &str, body: impl Into<Bytes>) -> Answer {
        self.ask("POST", path, &[("content-type", kind)], body.into()).await
    }

    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Answer {
        ask(self.server.local_addr(), method, path, headers, body).await
    }

    /// Asks, and compares the answer with the document.
    pub(super) async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.check("get", path)
    }

    /// Asks for something that is refused, and compares the problem with the document.
    pub(super) async fn problem(&self, path: &str, status: u16) -> Value {
        let answer = self.get(path).await;
        answer.problem("get", path, status)
    }
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn value(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    fn kind(&self) -> &str {
        let kind = self.headers.get("content-type").expect("every answer says what it is");
        kind.to_str().expect("it is text")
    }

    /// Compares a JSON answer with the document.
    pub(super) fn check(&self, method: &str, path: &str) -> Value {
        let value = self.value();
        schema::check(method, path, self.status.as_u16(), self.kind(), &value);
        value
    }

    /// Compares a problem with the document, and with itself.
    pub(super) fn problem(&self, method: &str, path: &str, status: u16) -> Value {
        assert_eq!(self.status, status, "{path}: {}", self.text());
        assert_eq!(self.kind(), "application/problem+json", "{path}");
        let problem = self.value();
        schema::check_problem(&problem);
        if schema::knows(path) {
            schema::check(method, path, status, self.kind(), &problem);
        }
        assert_eq!(problem["status"], status);
        let detail = problem["detail"].as_str().expect("it is text");
        assert!(detail.len() > 10, "{path}: {detail:?} says nothing");
        problem
    }
}

/// One request on a connection of its own.
pub(super) async fn ask(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Answer {
    let response = begin(to, method, path, headers, body).await;
    let (parts, body) = response.into_parts();
    let body = time::timeout(PATIENCE, body.collect()).await.expect("the body ends");
    let body = body.expect("the body is whole").to_bytes();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// One request; the body is left to be read.
pub(super) async fn begin(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Response<Incoming> {
    let stream = TcpStream::connect(to).await.expect("the server listens");
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", "test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body)).expect("the request is well formed");
    let response = time::timeout(PATIENCE, sender.send_request(request)).await;
    response.expect("an answer comes").expect("the answer is HTTP")
}
