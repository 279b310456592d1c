//! Failures of an exchange: what the model reads of them, and what the log says.

use crate::{
    env,
    error::{Error, ErrorKind},
    oauth::{ExchangeError, TokenError},
    provider::{ClientAuth, Registration},
    trace::RefreshFailure,
};

/// Errors of the caller's token or of what the caller may do (RFC 8693 §2.2.2, RFC 6749 §5.2).
const DENIALS: [&str; 5] =
    ["access_denied", "invalid_request", "invalid_scope", "invalid_target", "insufficient_scope"];

/// What an exchange failed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The caller gets no token for the API. Calling again does not help.
    Denied { status: u16 },
    /// The token would lack scopes.
    WithoutScopes,
    /// The operator has to mend it.
    Misconfigured { status: Option<u16> },
    /// It may succeed later.
    Unreachable,
    /// It may succeed later, and the authorization server said so.
    Busy,
}

impl Failure {
    pub(super) fn of(error: &ExchangeError) -> Self {
        match error {
            ExchangeError::WithoutScopes(_) => Self::WithoutScopes,
            ExchangeError::NoAccessToken => Self::Misconfigured { status: None },
            ExchangeError::Aborted | ExchangeError::Token(TokenError::Unreachable { .. }) => {
                Self::Unreachable
            }
            ExchangeError::Token(TokenError::Busy { .. }) => Self::Busy,
            ExchangeError::Token(TokenError::InvalidGrant { .. }) => Self::Denied { status: 400 },
            ExchangeError::Token(TokenError::Refused { status, description }) => {
                let code = description.split(' ').next().unwrap_or_default();
                if DENIALS.contains(&code) {
                    Self::Denied { status: *status }
                } else {
                    Self::Misconfigured { status: Some(*status) }
                }
            }
        }
    }

    pub(super) fn reason(self) -> RefreshFailure {
        match self {
            Self::Denied { .. } | Self::WithoutScopes => RefreshFailure::Rejected,
            Self::Misconfigured { .. } => RefreshFailure::Refused,
            Self::Unreachable => RefreshFailure::Unreachable,
            Self::Busy => RefreshFailure::Busy,
        }
    }

    pub(super) fn status(self) -> Option<u16> {
        match self {
            Self::Denied { status } => Some(status),
            Self::Misconfigured { status } => status,
            Self::WithoutScopes | Self::Unreachable | Self::Busy => None,
        }
    }
}

/// Logs why no token was got, and what the operator can do about it.
pub(super) fn log(registration: &Registration, error: &ExchangeError) {
    let Registration { id, dialect, .. } = registration;
    if let Failure::Misconfigured { .. } = Failure::of(error) {
        let prefix = env::variable_prefix(id);
        let auth = match dialect.client_auth {
            ClientAuth::Basic => "basic",
            ClientAuth::Body => "body",
        };
        tracing::error!(
            target: "toolgate::client",
            provider = id,
            %error,
            "the authorization server does not exchange tokens for this server's client: check `{prefix}_CLIENT_ID` and `{prefix}_CLIENT_SECRET`, that it accepts `client_auth = {auth}`, and that the client may use token exchange (RFC 8693) to get access tokens"
        );
    } else {
        tracing::warn!(target: "toolgate::client", provider = id, %error, "a caller's token was not exchanged");
    }
}

/// The error of a call that asked for these scopes.
pub(super) fn explain(registration: &Registration, scopes: &[&str], error: ExchangeError) -> Error {
    let provider = registration.name;
    if let ExchangeError::WithoutScopes(missing) = &error {
        let scopes: Vec<_> = missing.iter().map(|&scope| scope.to_owned()).collect();
        let list = scopes.join(" ");
        return Error::with_kind(
            ErrorKind::ScopeMissing { provider, scopes },
            format!(
                "{provider} was asked for `{list}` and withheld it: the person who calls, or this server, may not have it. Calling again does not help until an administrator of {provider} changes that"
            ),
        );
    }
    let error_of = |kind, text| Error::with_kind(kind, text);
    let explained = match Failure::of(&error) {
        Failure::Denied { status } => error_of(
            ErrorKind::UpstreamRefused { provider, status, retry_after: None },
            format!(
                "the person who calls may not use {provider} through this server{}: its authorization server gave no access token. Do not call again; an administrator of {provider} has to allow it",
                with(scopes)
            ),
        ),
        Failure::Unreachable | Failure::Busy => error_of(
            ErrorKind::UpstreamUnreachable { provider },
            format!("{provider} cannot be asked for an access token now; call again later"),
        ),
        Failure::Misconfigured { .. } | Failure::WithoutScopes => error_of(
            ErrorKind::Internal,
            format!(
                "the authorization server of {provider} refuses this server's own client, which its operator has to mend; neither the user nor another call can"
            ),
        ),
    };
    explained.with_source(error)
}

fn with(scopes: &[&str]) -> String {
    if scopes.is_empty() { String::new() } else { format!(" with `{}`", scopes.join(" ")) }
}

/// The error of an API that does not accept a new token either.
pub(super) fn rejected(registration: &Registration) -> Error {
    let (provider, id) = (registration.name, registration.id);
    tracing::error!(
        target: "toolgate::client",
        provider = id,
        "the API does not accept the tokens that are exchanged for it: check their issuer and their audience, and which of `resource` and `audience` the authorization server wants in `token_params(..)`"
    );
    Error::with_kind(
        ErrorKind::UpstreamRefused { provider, status: 401, retry_after: None },
        format!(
            "{provider} does not accept the access tokens that this server gets for the person who calls. Neither the person nor another call can change that; tell the user that the operator of this server has to"
        ),
    )
}
