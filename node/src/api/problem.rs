//! Errors, in one shape: RFC 9457 problem details. What is wrong, where, and what mends it.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::json::RefusalJson;
use crate::metrics::Refused;

/// The media type of problem details.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// An error (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Names the kind of error: `urn:quorate:problem:` and a stable name.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of error for a person; the same for every error of the kind.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong with this request, where, and what mends it.
    pub detail: String,
    /// Why the mempool refused the transaction, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RefusalJson>,
    /// After how many seconds it may be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// What there was too much of, if that is why: for the metrics.
    #[serde(skip)]
    pub(crate) refused: Option<Refused>,
}

/// What a handler gives.
pub(crate) type Answer<T> = Result<T, Problem>;

macro_rules! kinds {
    ($($(#[$doc:meta])* $make:ident, $status:ident, $name:literal, $title:literal;)*) => {
        impl Problem {
            $(
                $(#[$doc])*
                pub(crate) fn $make(detail: impl Into<String>) -> Self {
                    Self::new(StatusCode::$status, $name, $title, detail.into())
                }
            )*
        }

        /// Every kind of error: status, name, title.
        pub(crate) const KINDS: &[(StatusCode, &str, &str)] =
            &[$((StatusCode::$status, $name, $title)),*];
    };
}

kinds! {
    /// A parameter or a body that is not what it should be.
    bad_request, BAD_REQUEST, "bad-request", "The request is not understood";
    /// No such thing.
    not_found, NOT_FOUND, "not-found", "There is no such thing";
    /// It did not become final while the request waited.
    not_final, NOT_FOUND, "not-final", "The transaction is not final";
    /// No such path.
    no_such_path, NOT_FOUND, "no-such-path", "There is no such path";
    /// A method that the path does not take.
    bad_method, METHOD_NOT_ALLOWED, "method-not-allowed", "The path does not take this method";
    /// The body came too slowly.
    too_slow, REQUEST_TIMEOUT, "timeout", "The request took too long";
    /// A body that is too large.
    too_large, PAYLOAD_TOO_LARGE, "too-large", "The body is too large";
    /// A body of a type that is not read.
    bad_media_type, UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is of a type that is not read";
    /// The mempool refuses the transaction.
    refused, UNPROCESSABLE_ENTITY, "refused", "The transaction is refused";
    /// Too many requests or connections.
    too_many, TOO_MANY_REQUESTS, "too-many-requests", "Too much is asked from this address";
    /// Something failed here.
    internal, INTERNAL_SERVER_ERROR, "internal", "The node failed";
    /// Not now.
    busy, SERVICE_UNAVAILABLE, "busy", "The node has no time for this now";
}

impl Problem {
    fn new(status: StatusCode, name: &str, title: &str, detail: String) -> Self {
        let retry_after_s = match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some(1),
            _ => None,
        };
        Self {
            kind: format!("urn:quorate:problem:{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail,
            refusal: None,
            retry_after_s,
            refused: None,
        }
    }

    /// The same, counted among those who were turned away for a reason.
    pub(crate) fn because(self, reason: Refused) -> Self {
        Self { refused: Some(reason), ..self }
    }

    /// The same with the mempool's reason.
    pub(crate) fn with_refusal(self, refusal: RefusalJson) -> Self {
        Self { refusal: Some(refusal), ..self }
    }

    /// The body.
    pub(crate) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("problems are plain data")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.body()).into_response();
        if let Some(reason) = self.refused {
            response.extensions_mut().insert(reason);
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
