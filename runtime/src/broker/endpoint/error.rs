//! OAuth error responses (RFC 6749 §5.2, RFC 7591 §3.2.2, RFC 7009 §2.2.1).

use std::{borrow::Cow, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::{
    browser::{
        form::{FormError, Parameters},
        request_limit::TooManyRequests,
    },
    grant::StoreError,
};

/// An error response for a client.
#[derive(Debug)]
pub(crate) struct OAuthError {
    status: StatusCode,
    code: &'static str,
    description: Cow<'static, str>,
    basic: bool,
    retry_after: Option<Duration>,
}

impl OAuthError {
    pub(crate) fn new(code: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        let description = description.into();
        Self { status: StatusCode::BAD_REQUEST, code, description, basic: false, retry_after: None }
    }

    pub(crate) fn request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new("invalid_request", description)
    }

    pub(crate) fn grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(crate) fn target(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new("invalid_target", description)
    }

    /// The client is not authenticated. `basic`: it used the `Authorization` header.
    pub(crate) fn client(description: impl Into<Cow<'static, str>>, basic: bool) -> Self {
        let status = StatusCode::UNAUTHORIZED;
        Self { status, basic, ..Self::new("invalid_client", description) }
    }

    /// The server cannot handle the request now.
    pub(crate) fn unavailable(description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            retry_after: Some(Duration::from_secs(10)),
            ..Self::new("temporarily_unavailable", description)
        }
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// The description, if it is the same for all requests.
    pub(crate) fn fixed_description(&self) -> Option<&'static str> {
        match self.description {
            Cow::Borrowed(description) => Some(description),
            Cow::Owned(_) => None,
        }
    }

    pub(crate) fn description(&self) -> &str {
        &self.description
    }
}

/// A parameter that a request must have.
pub(crate) fn required<'p>(sent: &'p Parameters, name: &str) -> Result<&'p str, OAuthError> {
    sent.get(name).ok_or_else(|| OAuthError::request(format!("`{name}` is missing")))
}

impl From<FormError> for OAuthError {
    fn from(error: FormError) -> Self {
        Self { status: error.status(), ..Self::request(error.to_string()) }
    }
}

impl From<TooManyRequests> for OAuthError {
    fn from(TooManyRequests { retry_after }: TooManyRequests) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(retry_after),
            ..Self::new("temporarily_unavailable", "too many requests; try again later")
        }
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        tracing::error!(target: "toolgate::broker", %error, "the broker's records failed");
        Self::unavailable("the server cannot reach its store; try again later")
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        // The characters that a description may have (RFC 6749 §5.2).
        let description: String = self
            .description
            .chars()
            .filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\'))
            .collect();
        let body = json!({ "error": self.code, "error_description": description });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        no_store(headers);
        if self.basic {
            let scheme = HeaderValue::from_static("Basic realm=\"token endpoint\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
        }
        response
    }
}

/// Forbids caching.
pub(crate) fn no_store(headers: &mut http::HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
}
