//! Headers that are looked at in every request: as values, so that a look-up need not read their
//! names anew.

use http::{HeaderMap, HeaderName, header};

pub(crate) use crate::gate::DPOP;

pub(crate) static VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(crate) static METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(crate) static NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(crate) static SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// Takes out what proves who the caller is.
pub(crate) fn forget_credentials(headers: &mut HeaderMap) {
    headers.remove(header::AUTHORIZATION);
    headers.remove(&DPOP);
}
