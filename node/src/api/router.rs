//! Which path is answered by what, and what all requests have in common.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use tokio::{sync::Semaphore, time};

use super::{
    handlers::{
        accounts, assets, blocks, consensus, documents, events, health, network, status,
        transactions,
    },
    held::Held,
    problem::Problem,
    state::{Api, Refused},
};

/// Scrapes under way at a time. Whoever operates the node is one or two.
const SCRAPES_MAX: usize = 8;

/// Places for requests, and what they are counted by.
#[derive(Clone)]
struct Door {
    api: Api,
    places: Arc<Semaphore>,
    places_max: usize,
}

impl Door {
    fn new(api: &Api, places_max: usize) -> Self {
        Self { api: api.clone(), places: Arc::new(Semaphore::new(places_max)), places_max }
    }
}

/// The public API, and the page.
pub(super) fn public(api: Api) -> Router {
    let quick = Router::new()
        .route("/", get(documents::home))
        .route("/docs", get(documents::docs))
        .route("/openapi.json", get(documents::openapi_json))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/v1/status", get(status::status))
        .route("/v1/node", get(status::node))
        .route("/v1/genesis", get(status::genesis))
        .route("/v1/validators", get(status::validators))
        .route("/v1/blocks", get(blocks::blocks))
        .route("/v1/blocks/{block}", get(blocks::block))
        .route("/v1/headers/{block}", get(blocks::header))
        .route("/v1/certificates/{block}", get(blocks::certificates))
        .route("/v1/checkpoints", get(blocks::checkpoints))
        .route("/v1/checkpoints/{height}", get(blocks::checkpoint))
        .route("/v1/tx", post(transactions::send))
        .route("/v1/txs", post(transactions::send_many))
        .route("/v1/accounts/{address}", get(accounts::account))
        .route("/v1/accounts/{address}/balances/{asset}", get(assets::balance))
        .route("/v1/assets/{asset}", get(assets::asset))
        .route("/v1/objects/{object}", get(assets::object))
        .route("/v1/coins", get(accounts::coins))
        .route("/v1/mempool", get(consensus::mempool))
        .route("/v1/consensus", get(consensus::consensus))
        .route("/v1/consensus/heights/{height}/timeline", get(consensus::timeline))
        .route("/v1/evidence", get(consensus::evidence))
        .route("/v1/sync", get(consensus::sync))
        .route("/v1/peers", get(network::peers))
        .route("/v1/sd/prometheus", get(network::targets))
        .layer(from_fn_with_state(api.clone(), in_time));
    // It bounds the time it takes itself.
    let patient = Router::new().route("/v1/tx/{id}", get(transactions::transaction));
    let door = Door::new(&api, api.limits.requests_max);
    let counted = quick.merge(patient).layer(from_fn_with_state(door, admit));
    // Streams are counted by themselves: they would hold the places of requests for ever.
    let routes = counted.merge(Router::new().route("/v1/events", get(events::events)));
    let routes = finish(routes)
        .layer(from_fn_with_state(api.clone(), ration))
        .layer(from_fn_with_state(api.clone(), count));
    routes.with_state(api)
}

/// Metrics and health, for those who operate the node. However busy the public API is, these are answered: an
/// orchestrator that hears nothing ends the node.
pub(super) fn operations(api: Api) -> Router {
    let scrapes = Door::new(&api, SCRAPES_MAX);
    let metrics = Router::new()
        .route("/metrics", get(documents::metrics))
        .layer(from_fn_with_state(scrapes, admit));
    let health = Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready));
    finish(metrics.merge(health)).with_state(api)
}

/// What both have in common.
fn finish(routes: Router<Api>) -> Router<Api> {
    routes.fallback(no_such_path).method_not_allowed_fallback(bad_method).layer(from_fn(harden))
}

async fn no_such_path(request: Request) -> Problem {
    Problem::no_such_path(format!("there is nothing at {:?}: see /docs", request.uri().path()))
}

async fn bad_method(request: Request) -> Problem {
    let (path, method) = (request.uri().path(), request.method());
    Problem::bad_method(format!("{path:?} does not take {method}: see the allow header, and /docs"))
}

/// Counts a request among those of its address.
async fn ration(
    State(api): State<Api>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match api.rates.check(from.ip()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.because(Refused::Rate).into_response(),
    }
}

/// Counts a request among those under way, until its answer is sent.
async fn admit(State(door): State<Door>, request: Request, next: Next) -> Response {
    let Ok(place) = door.places.try_acquire_owned() else {
        let max = door.places_max;
        let detail = format!("{max} requests are under way, which is all there may be: try again");
        return Problem::busy(detail).because(Refused::Requests).into_response();
    };
    let patience = door.api.limits.send_timeout;
    let response = next.run(request).await;
    response.map(|body| Body::new(Held::new(body, place, patience)))
}

/// Counts answers.
async fn count(State(api): State<Api>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    api.counted.answered(response.status());
    if let Some(reason) = response.extensions().get::<Refused>() {
        api.counted.refused(*reason);
    }
    response
}

/// Ends a request that takes too long.
async fn in_time(State(api): State<Api>, request: Request, next: Next) -> Response {
    let (timeout, begun) = (api.limits.request_timeout, Instant::now());
    match time::timeout(timeout, next.run(request)).await {
        Ok(response) => {
            api.counted.took(begun.elapsed());
            response
        }
        Err(_) => Problem::too_slow(format!(
            "the request was not whole, or not answered, within {} s: send its body faster, or ask for less",
            timeout.as_secs(),
        ))
        .into_response(),
    }
}

/// What every answer says to browsers.
async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
