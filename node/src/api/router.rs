//! Which path is answered by what, and what all requests have in common.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use tokio::time;

use super::{
    handlers::{
        accounts, blocks, consensus, documents, events, health, network, status, transactions,
    },
    problem::Problem,
    state::Api,
};

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
        .route("/v1/coins", get(accounts::coins))
        .route("/v1/mempool", get(consensus::mempool))
        .route("/v1/consensus", get(consensus::consensus))
        .route("/v1/consensus/heights/{height}/timeline", get(consensus::timeline))
        .route("/v1/evidence", get(consensus::evidence))
        .route("/v1/sync", get(consensus::sync))
        .route("/v1/peers", get(network::peers))
        .route("/v1/sd/prometheus", get(network::targets))
        .layer(from_fn_with_state(api.clone(), in_time));
    // These bound the time they take themselves.
    let patient = Router::new()
        .route("/v1/tx/{id}", get(transactions::transaction))
        .route("/v1/events", get(events::events));
    finish(quick.merge(patient), api)
}

/// Metrics and health, for those who operate the node.
pub(super) fn operations(api: Api) -> Router {
    let routes = Router::new()
        .route("/metrics", get(documents::metrics))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .layer(from_fn_with_state(api.clone(), in_time));
    finish(routes, api)
}

fn finish(routes: Router<Api>, api: Api) -> Router {
    routes
        .fallback(no_such_path)
        .method_not_allowed_fallback(bad_method)
        .layer(from_fn_with_state(api.clone(), admit))
        .layer(from_fn_with_state(api.clone(), count))
        .layer(from_fn(harden))
        .with_state(api)
}

async fn no_such_path(request: Request) -> Problem {
    Problem::no_such_path(format!("there is nothing at {:?}: see /docs", request.uri().path()))
}

async fn bad_method(request: Request) -> Problem {
    let (path, method) = (request.uri().path(), request.method());
    Problem::bad_method(format!("{path:?} does not take {method}: see the allow header, and /docs"))
}

/// Counts a request among those of its address and those under way.
async fn admit(
    State(api): State<Api>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if let Err(problem) = api.rates.check(from.ip()) {
        return problem.into_response();
    }
    let Ok(_place) = api.requests.try_acquire() else {
        let max = api.limits.requests_max;
        let detail = format!("{max} requests are under way, which is all there may be: try again");
        return Problem::busy(detail).into_response();
    };
    next.run(request).await
}

/// Counts answers.
async fn count(State(api): State<Api>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    api.counted.answered(response.status());
    response
}

/// Ends a request that takes too long.
async fn in_time(State(api): State<Api>, request: Request, next: Next) -> Response {
    let timeout = api.limits.request_timeout;
    match time::timeout(timeout, next.run(request)).await {
        Ok(response) => response,
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
