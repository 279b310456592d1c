//! Errors of a provider's token endpoint.

use std::time::Duration;

use oauth2::RequestTokenError;

use super::token_response::ErrorResponse;
use crate::support::escape::printable;

/// Errors that are of the client: that of RFC 6749 §5.2, that of GitHub, those of Slack.
const CLIENT_ERRORS: [&str; 5] = [
    "invalid_client",
    "incorrect_client_credentials",
    "invalid_client_id",
    "bad_client_secret",
    "unsupported_grant_type",
];

/// Why a token request gave no token.
///
/// No variant contains a secret or a URL's query.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// `invalid_grant`: the code or refresh token is revoked, expired or spent.
    #[error("the provider answered invalid_grant")]
    InvalidGrant {
        /// The provider's `error_description`, if it sent one.
        description: Option<String>,
    },
    /// No usable response: a network error, a timeout, a 5xx.
    #[error("the provider's token endpoint did not answer: {description}")]
    Unreachable {
        /// What happened.
        description: String,
        /// Whether the request may have arrived, so that the code or refresh token may be spent.
        /// `false` only where that is certain, as with a refused connection.
        maybe_sent: bool,
    },
    /// Any other error response, such as `invalid_client`. The operator has to act, not the user.
    #[error("the provider refused the token request with status {status}: {description}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error code and its description.
        description: String,
    },
    /// 429, or a 503 with `Retry-After`.
    #[error("the provider's token endpoint is busy")]
    Busy {
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
}

impl TokenError {
    /// Returns the HTTP status with which the provider refused, if it did.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Returns the delay of a `Retry-After` header (RFC 9110 §10.2.3), if there was one.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => *retry_after,
            _ => None,
        }
    }

    /// Whether the client itself is refused, which only the operator can mend. Any other refusal may
    /// be of the grant: providers have many words for a refresh token that is no longer good.
    pub(crate) fn is_of_client(&self) -> bool {
        let Self::Refused { description, .. } = self else { return false };
        let code = description.split(' ').next().unwrap_or_default();
        CLIENT_ERRORS.contains(&code)
    }

    /// The request arrived, but the response tells nothing about the grant.
    pub(super) fn unreadable(description: impl Into<String>) -> Self {
        Self::Unreachable { description: description.into(), maybe_sent: true }
    }
}

impl From<reqwest::Error> for TokenError {
    fn from(error: reqwest::Error) -> Self {
        let maybe_sent = !error.is_connect();
        // The query of a URL may carry a secret.
        let error = error.without_url();
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let description =
            source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        Self::Unreachable { description, maybe_sent }
    }
}

impl From<RequestTokenError<Self, ErrorResponse>> for TokenError {
    fn from(error: RequestTokenError<Self, ErrorResponse>) -> Self {
        match error {
            RequestTokenError::Request(error) => error,
            RequestTokenError::ServerResponse(response) => response.into(),
            // The parse error quotes the response, which may hold tokens.
            RequestTokenError::Parse(..) => Self::unreadable("the response has no usable token"),
            // The transport removes every other cause, so the request was never made.
            RequestTokenError::Other(description) => {
                Self::Unreachable { description, maybe_sent: false }
            }
        }
    }
}

impl From<ErrorResponse> for TokenError {
    fn from(response: ErrorResponse) -> Self {
        let ErrorResponse { status, error, error_description } = response;
        let error = printable(&error);
        let description = printable(&error_description.unwrap_or_default());
        match error.as_str() {
            // Only the person can help. The codes of the first line are of RFC 6749 and OpenID
            // Connect (Core §3.1.2.6), those of the second of GitHub and Slack.
            "invalid_grant"
            | "interaction_required"
            | "consent_required"
            | "login_required"
            | "bad_verification_code"
            | "bad_refresh_token"
            | "invalid_refresh_token"
            | "token_revoked" => {
                let description = Some(description).filter(|text| !text.is_empty());
                Self::InvalidGrant { description }
            }
            "temporarily_unavailable" | "server_error" => Self::unreadable(error),
            _ => Self::Refused { status, description: format!("{error} {description}") },
        }
    }
}
