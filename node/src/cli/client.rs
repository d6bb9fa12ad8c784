//! What commands ask of a running node, over its HTTP interface.
//!
//! Every answer is waited for a bounded time. A node that does not answer is one exit code, a node that
//! says no is another, and both say what was asked of whom.

use std::{
    fmt::Display,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Method, Request, StatusCode, body::Incoming};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::time::{sleep, timeout};

use super::arguments::ApiOptions;
use crate::{
    api::Problem,
    exit::{Exit, Failure},
    home::Home,
};

/// For an answer to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Before asking again what was asked too often.
pub(super) const TOO_OFTEN_PAUSE: Duration = Duration::from_millis(250);

/// For a connection to be made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// Bytes of the longest answer that is taken.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Where a running node listens: the content of `run/addresses.json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Addresses {
    /// For nodes.
    pub(super) network: String,
    /// For clients.
    pub(super) api: String,
    /// For whoever watches.
    pub(super) metrics: String,
}

impl Addresses {
    /// What a node of this home wrote when it started.
    pub(super) fn of_home(root: &Path) -> Option<Self> {
        let text = fs::read(Home::at(root).addresses_file()).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// One node's interface.
#[derive(Clone, Debug)]
pub(super) struct Client {
    base: String,
    pool: Pool<HttpConnector, Full<Bytes>>,
}

/// A node's answer.
#[derive(Debug)]
pub(super) enum Answer<T> {
    /// What was asked for.
    Good(T),
    /// It says no.
    No(Problem),
}

impl<T> Answer<T> {
    /// Takes a no for a failure.
    pub(super) fn good(self, base: &str) -> Result<T, Failure> {
        match self {
            Self::Good(answer) => Ok(answer),
            Self::No(problem) => Err(refused(base, &problem)),
        }
    }
}

/// A no, as a way to end.
pub(super) fn refused(base: &str, problem: &Problem) -> Failure {
    let exit = match problem.status {
        422 => Exit::Refused,
        400..=499 if problem.status != 429 => Exit::Usage,
        _ => Exit::Unreachable,
    };
    Failure::new(exit, format!("{base} says: {}", problem.detail))
}

impl Client {
    /// Of the node that the options name.
    pub(super) fn of(options: &ApiOptions) -> Result<Self, Failure> {
        match (&options.api, &options.home) {
            (Some(api), _) => Self::at(api),
            (None, Some(home)) => match Addresses::of_home(home) {
                Some(addresses) => Self::at(&addresses.api),
                None => {
                    let what = format!(
                        "no node has started in {}: there is no run/addresses.json",
                        home.display()
                    );
                    Err(Failure::new(Exit::Unreachable, what))
                }
            },
            (None, None) => Self::at("127.0.0.1:8400"),
        }
    }

    /// Of a node at an address, with or without `http://`.
    pub(super) fn at(address: &str) -> Result<Self, Failure> {
        let rest = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
        if rest.is_empty() || rest.contains(['/', ' ', '@', '?']) {
            let what = format!("`{address}` is no address of a node: expected http://HOST:PORT");
            return Err(Failure::new(Exit::Usage, what));
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_PATIENCE));
        let pool =
            Pool::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Ok(Self { base: format!("http://{rest}"), pool })
    }

    /// The address, for messages.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Asks for a value; if it asks too often, again after a pause.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let begun = Instant::now();
        loop {
            match self.ask(path, PATIENCE).await? {
                Answer::No(problem) if problem.status == 429 && begun.elapsed() < PATIENCE => {
                    sleep(TOO_OFTEN_PAUSE).await;
                }
                answer => return answer.good(&self.base),
            }
        }
    }

    /// Asks for a value, and takes a no for an answer.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        patience: Duration,
    ) -> Result<Answer<T>, Failure> {
        self.exchange(Method::GET, path, Bytes::new(), patience).await
    }

    /// Sends a value in the one encoding.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Answer<T>, Failure> {
        self.exchange(Method::POST, path, Bytes::from(body), PATIENCE).await
    }

    /// Opens a stream that does not end by itself.
    pub(super) async fn open(&self, path: &str) -> Result<Incoming, Failure> {
        let request = self.request(Method::GET, path, Bytes::new())?;
        let sent = timeout(PATIENCE, self.pool.request(request)).await;
        let response = sent.map_err(|_| self.silent())?.map_err(|error| self.lost(&error))?;
        match response.status() {
            StatusCode::OK => Ok(response.into_body()),
            status => Err(Failure::new(
                Exit::Unreachable,
                format!("{}{path} answers {status}", self.base),
            )),
        }
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        patience: Duration,
    ) -> Result<Answer<T>, Failure> {
        let request = self.request(method, path, body)?;
        let exchange = async {
            let response = self.pool.request(request).await.map_err(|error| self.lost(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
            let body = body.collect().await.map_err(|error| self.lost(&*error))?;
            Ok::<_, Failure>((status, body.to_bytes()))
        };
        let (status, body) = timeout(patience, exchange).await.map_err(|_| self.silent())??;
        let misread = |error: serde_json::Error| {
            let what =
                format!("{}{path} answers {status} with what is no answer: {error}", self.base);
            Failure::new(Exit::Unreachable, what)
        };
        if status.is_success() {
            return serde_json::from_slice(&body).map(Answer::Good).map_err(misread);
        }
        serde_json::from_slice(&body).map(Answer::No).map_err(misread)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let uri = format!("{}{path}", self.base);
        let request = Request::builder()
            .method(method)
            .uri(&uri)
            .header("content-type", "application/octet-stream");
        request.body(Full::new(body)).map_err(|error| {
            Failure::new(Exit::Usage, format!("`{uri}` is no address of a node: {error}"))
        })
    }

    fn lost<E: Display + ?Sized>(&self, error: &E) -> Failure {
        let what = format!("{} does not answer: {error}; is the node running?", self.base);
        Failure::new(Exit::Unreachable, what)
    }

    fn silent(&self) -> Failure {
        Failure::new(Exit::Unreachable, format!("{} does not answer in time", self.base))
    }
}

/// Runs the asynchronous part of a command.
///
/// # Errors
/// As the command, or if the system gives no threads.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Failure::new(Exit::Restart, format!("the system gives no resources: {error}"))
    })?;
    runtime.block_on(work)
}
