//! Documents about the API, metrics, and the page.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse, Response},
};

use super::super::{openapi, problem::Answer, state::Api};
use crate::{metrics, page};

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "documents",
    responses((status = 200, body = Object, content_type = "application/json")))]
pub(crate) async fn openapi_json() -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (headers, openapi::document_text()).into_response()
}

/// The API for a person to read
#[utoipa::path(get, path = "/docs", tag = "documents",
    responses((status = 200, body = String, content_type = "text/html")))]
pub(crate) async fn docs() -> Response {
    hypertext(openapi::page(), page::NO_SCRIPT)
}

/// What the node does, to look at
#[utoipa::path(get, path = "/", tag = "documents",
    responses((status = 200, body = String, content_type = "text/html")))]
pub(crate) async fn home() -> Answer<Response> {
    let nonce = page::nonce();
    Ok(hypertext(page::html(&nonce), &page::policy(&nonce)))
}

fn hypertext(text: String, policy: &str) -> Response {
    let mut response = Html(text).into_response();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Metrics, in the format that is asked for.
pub(crate) async fn metrics(State(api): State<Api>, asked: HeaderMap) -> Response {
    let accepted = asked.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let text = api.registry.text(api.readings().await);
    let (kind, text) = match accepted {
        Some(accepted) if accepted.contains("application/openmetrics-text") => {
            (metrics::OPENMETRICS, text)
        }
        _ => (metrics::PLAIN, metrics::plain(&text)),
    };
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
