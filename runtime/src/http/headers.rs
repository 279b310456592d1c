//! Names of the headers that every request is checked for, parsed once.

use http::{HeaderMap, HeaderName, header};

pub(crate) use crate::gate::DPOP;

pub(crate) static VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(crate) static METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(crate) static NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(crate) static SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// Removes the credentials of the caller.
pub(crate) fn remove_credentials(headers: &mut HeaderMap) {
    headers.remove(header::AUTHORIZATION);
    headers.remove(&DPOP);
}
