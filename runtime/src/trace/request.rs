//! The head of a request, and its caller.

use serde::Serialize;

use super::{
    reason::AuthorizationScheme,
    text::{Found, FoundList},
};

/// The headers of a request that decide about it.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct RequestHeaders<'a> {
    /// `MCP-Protocol-Version`.
    pub protocol_version: Option<Found<'a>>,
    /// `Mcp-Method`.
    pub mcp_method: Option<Found<'a>>,
    /// Whether there is an `Mcp-Name`.
    pub mcp_name: bool,
    /// Whether there is an `Mcp-Session-Id`.
    pub session: bool,
    /// The scheme of `Authorization`.
    pub authorization: AuthorizationScheme,
    /// Whether there is a proof of possession (`DPoP`).
    pub dpop: bool,
    /// `Origin`.
    pub origin: Option<Found<'a>>,
    /// `User-Agent`.
    pub user_agent: Option<Found<'a>>,
    /// `Accept`.
    pub accept: Option<Found<'a>>,
    /// `Content-Type`.
    pub content_type: Option<Found<'a>>,
    /// `Content-Length`, in bytes.
    pub content_length: Option<u64>,
}

impl<'a> RequestHeaders<'a> {
    pub(crate) fn of(headers: &'a http::HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let found = |name| text(name).map(Found::new);
        let scheme = text("authorization").map(|value| value.split(' ').next().unwrap_or_default());
        Self {
            protocol_version: found("mcp-protocol-version"),
            mcp_method: found("mcp-method"),
            mcp_name: headers.contains_key("mcp-name"),
            session: headers.contains_key("mcp-session-id"),
            authorization: match scheme {
                _ if !headers.contains_key("authorization") => AuthorizationScheme::None,
                Some(scheme) if scheme.eq_ignore_ascii_case("bearer") => {
                    AuthorizationScheme::Bearer
                }
                Some(scheme) if scheme.eq_ignore_ascii_case("dpop") => AuthorizationScheme::Dpop,
                _ => AuthorizationScheme::Other,
            },
            dpop: headers.contains_key("dpop"),
            origin: found("origin"),
            user_agent: found("user-agent"),
            accept: found("accept"),
            content_type: found("content-type"),
            content_length: text("content-length").and_then(|length| length.parse().ok()),
        }
    }
}

/// The caller of a call, as its token names it.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct Caller<'a> {
    /// The subject (`sub`).
    pub subject: Found<'a>,
    /// The issuer (`iss`).
    pub issuer: Found<'a>,
    /// The client (`client_id`, `azp`).
    pub client: Option<Found<'a>>,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(subject: &'a str, issuer: &'a str, client: Option<&'a str>) -> Self {
        let client = client.map(Found::new);
        Self { subject: Found::new(subject), issuer: Found::new(issuer), client }
    }
}

/// The claims of a token that was accepted.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct AcceptedToken<'a> {
    /// The caller.
    pub caller: Caller<'a>,
    /// The scopes.
    pub scopes: FoundList<'a>,
    /// How long the token is still valid, in seconds.
    pub expires_in_s: Option<u64>,
    /// Whether the caller is a client that acts for itself (RFC 6749 §4.4).
    pub client_credentials: bool,
    /// The sign-in with the server's own broker.
    pub sign_in: Option<super::id::SpanId>,
}

impl<'a> AcceptedToken<'a> {
    pub(crate) fn new(caller: Caller<'a>, scopes: FoundList<'a>) -> Self {
        Self { caller, scopes, expires_in_s: None, client_credentials: false, sign_in: None }
    }
}
