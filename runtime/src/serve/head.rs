//! Headers that are looked at in every request: as values, so that a look-up need not read their
//! names anew.

use http::{HeaderMap, HeaderName, header};

pub(super) use crate::gate::DPOP;

pub(super) static VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(super) static METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(super) static NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(super) static SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// Takes out what proves who the caller is.
pub(super) fn forget_credentials(headers: &mut HeaderMap) {
    headers.remove(header::AUTHORIZATION);
    headers.remove(&DPOP);
}
