//! Names of the headers that every request is checked for, parsed once.

use http::{HeaderName, HeaderValue, header, request::Parts, uri::Authority};

pub(crate) use crate::gate::DPOP;

pub(crate) static VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(crate) static METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(crate) static NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(crate) static SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// What rmcp wants an `Accept` header to name.
pub(super) const ACCEPT_BOTH: &str = "application/json, text/event-stream";

/// Prepares the head of a request for rmcp and for handlers: without the credentials of the caller,
/// and with the headers that rmcp insists on. `host` is this server's, for a request whose `Host` does
/// not count and is none.
pub(crate) fn prepare(parts: &mut Parts, host: Option<&HeaderValue>) {
    let headers = &mut parts.headers;
    headers.remove(header::AUTHORIZATION);
    headers.remove(&DPOP);
    headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT_BOTH));
    let is_authority =
        |value: &HeaderValue| value.to_str().is_ok_and(|value| value.parse::<Authority>().is_ok());
    let is_there = match headers.get(header::HOST) {
        Some(value) => is_authority(value),
        None => parts.uri.authority().is_some(),
    };
    if let Some(host) = host.filter(|_| !is_there) {
        headers.insert(header::HOST, host.clone());
    }
}
