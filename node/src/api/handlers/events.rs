//! What happens, as it happens.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response, Sse, sse::KeepAlive},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::{
    events::{EventId, follow},
    extract::Params,
    problem::{Answer, Problem},
    state::{Api, Refused},
};

/// From where on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// The id of the last event that is known already, for those who cannot set `Last-Event-ID`, which wins.
    #[param(pattern = "^[0-9]{1,19}\\.[0-9]{1,19}$")]
    after: Option<String>,
}

/// What happens, as it happens
///
/// Server-sent events with ids `height.seq`. After a break, send the last id as `Last-Event-ID`: what was
/// missed is sent again, and what cannot be is announced as a `gap` event, followed by the final heights in it.
#[utoipa::path(get, path = "/v1/events", tag = "node", params(After,
        ("Last-Event-ID" = Option<String>, Header, pattern = "^[0-9]{1,19}\\.[0-9]{1,19}$", description = "The id of the last event that is known already.")),
    responses((status = 200, body = String, content_type = "text/event-stream"),
        (status = 400, description = "Not an id of an event."), (status = 429, description = "Too many streams from this address."),
        (status = 503, description = "Too many streams.")))]
pub(crate) async fn events(
    State(api): State<Api>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Params(params): Params<After>,
) -> Answer<Response> {
    let said = match headers.get("last-event-id") {
        Some(value) => Some(value.to_str().map_err(|_| not_an_id("Last-Event-ID"))?.to_owned()),
        None => params.after,
    };
    let after = match said.as_deref() {
        None | Some("") => None,
        Some(text) => Some(EventId::parse(text).ok_or_else(|| not_an_id(text))?),
    };
    let counted = api.streams.admit(from.ip());
    let counted = counted.map_err(|problem| problem.because(Refused::Streams))?;
    let stream = follow(api.hub.clone(), api.backend.clone(), after, counted);
    let keep_alive = KeepAlive::new().interval(api.limits.keep_alive).text("alive");
    let sse = Sse::new(stream).keep_alive(keep_alive);
    Ok(([("x-accel-buffering", "no")], sse).into_response())
}

fn not_an_id(text: &str) -> Problem {
    Problem::bad_request(format!(
        "{text:?} is not an event's id: height, a full stop, and a number, as in 120.3"
    ))
}
