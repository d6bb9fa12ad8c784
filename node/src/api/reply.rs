//! Answers that are written before they are answered with: once, or where that keeps nobody waiting.

use axum::{
    body::Bytes,
    http::header,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

/// A value as JSON.
pub(super) fn encoded(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("what we answer with is plain data")
}

/// JSON that is written already.
pub(super) fn json(text: impl Into<Bytes>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.into()).into_response()
}
