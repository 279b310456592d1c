//! Responses of token endpoints as they came.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::TokenError;
use crate::support::http_client::{BodyError, bounded_bytes};

/// The largest response body that is read.
const MAX_BODY_BYTES: usize = 1 << 20;

/// What a token request exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exchanged {
    Code,
    RefreshToken,
}

/// A response as the provider sent it, with its whole body.
pub(super) struct RawResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl RawResponse {
    /// Reads a response to its end.
    pub(super) async fn read(response: reqwest::Response) -> Result<Self, TokenError> {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = bounded_bytes(reqwest::Body::from(response), MAX_BODY_BYTES).await;
        let body = body.map_err(|error| match error {
            BodyError::TooLarge => TokenError::unreadable("a response of more than 1 MiB"),
            BodyError::Broken(error) => error.into(),
        })?;
        Ok(Self { status, headers, body })
    }
}

/// The text of an identifier.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
