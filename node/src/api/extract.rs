//! What a request says, read strictly, with an error that tells what is wrong with it.

use axum::{
    body::Body,
    extract::{FromRequestParts, Path, Query, Request},
    http::{HeaderMap, header, request::Parts},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use quorate_core::types::Height;
use serde::de::DeserializeOwned;

use super::{
    json::Hex32,
    problem::{Answer, Problem},
};

/// The highest height that is asked for. JSON numbers are exact up to a few times as much.
pub(super) const HEIGHT_MAX: u64 = 999_999_999_999_999;

/// Query parameters.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query.map(|Query(params)| Self(params)).map_err(|error| {
            Problem::bad_request(format!("the query is not understood: {}", error.body_text()))
        })
    }
}

/// The one parameter in a path, as text.
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let found = Path::<String>::from_request_parts(parts, state).await;
        found.map(|Path(text)| Self(text)).map_err(|error| {
            Problem::bad_request(format!("the path is not understood: {}", error.body_text()))
        })
    }
}

/// The two parameters in a path, as text.
pub(super) struct Pair(pub(super) String, pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Pair {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let found = Path::<(String, String)>::from_request_parts(parts, state).await;
        found.map(|Path((first, second))| Self(first, second)).map_err(|error| {
            Problem::bad_request(format!("the path is not understood: {}", error.body_text()))
        })
    }
}

impl Segment {
    /// As a height.
    pub(super) fn height(&self) -> Answer<Height> {
        height(&self.0).ok_or_else(|| {
            Problem::bad_request(format!("{:?} is not a height: a whole number from 0 on", self.0))
        })
    }

    /// As thirty-two bytes.
    pub(super) fn hex(&self, what: &str) -> Answer<Hex32> {
        hex32(&self.0, what)
    }
}

/// Thirty-two bytes that are called something.
pub(super) fn hex32(text: &str, what: &str) -> Answer<Hex32> {
    Hex32::parse(text).ok_or_else(|| {
        Problem::bad_request(format!(
            "{text:?} is not {what}: 64 lower-case hexadecimal digits are"
        ))
    })
}

/// A height, written the one way there is.
pub(super) fn height(text: &str) -> Option<Height> {
    let number: u64 = text.parse().ok()?;
    let is_canonical = number.to_string() == text && number <= HEIGHT_MAX;
    is_canonical.then(|| Height::new(number))
}

/// What a body is encoded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// JSON.
    Json,
    /// The chain's own encoding.
    Borsh,
}

impl Encoding {
    /// By the content type.
    pub(super) fn of(headers: &HeaderMap) -> Answer<Self> {
        let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = said.map(|value| value.split(';').next().unwrap_or(value).trim());
        match kind {
            Some(kind) if kind.eq_ignore_ascii_case("application/json") => Ok(Self::Json),
            Some(kind) if kind.eq_ignore_ascii_case("application/octet-stream") => Ok(Self::Borsh),
            _ => Err(Problem::bad_media_type(format!(
                "the content-type is {}; send application/json, or application/octet-stream for borsh",
                said.map_or("missing".to_owned(), |said| format!("{said:?}")),
            ))),
        }
    }
}

/// A whole body of at most so many bytes.
pub(super) async fn body(request: Request, bytes_max: usize) -> Answer<Bytes> {
    let too_large = || {
        Problem::too_large(format!(
            "the body exceeds the limit of {bytes_max} bytes: send less at a time"
        ))
    };
    let length = request.headers().get(header::CONTENT_LENGTH);
    let declared = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|declared| usize::try_from(declared).is_ok_and(|one| one > bytes_max)) {
        return Err(too_large());
    }
    let body: Body = request.into_body();
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => Err(Problem::bad_request(format!("the body ends early: {error}"))),
    }
}
