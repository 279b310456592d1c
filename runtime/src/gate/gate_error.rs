//! Refusals of requests by the gate.

use std::time::Duration;

use http::HeaderValue;

use super::{AuthError, limits::LimitExceeded};

/// The reason why the gate refuses a request.
#[derive(Debug)]
pub(crate) enum GateError {
    /// The request must not come from this host or page.
    Forbidden(&'static str),
    /// The access token is missing, invalid or insufficient.
    Unauthorized(AuthError, HeaderValue),
    /// A limit is exceeded.
    TooManyRequests { retry_after: Duration },
    /// A refusal that is sent as the result of the call: the text for the model, and the challenge
    /// for hosts that read it from `_meta`.
    InResult { text: String, challenge: Option<String> },
}

impl From<LimitExceeded> for GateError {
    fn from(limit: LimitExceeded) -> Self {
        Self::TooManyRequests { retry_after: limit.retry_after }
    }
}
