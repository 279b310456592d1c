//! Who may send a request at all: peers, hosts and pages of this machine, as long as callers are
//! not verified.

use std::net::SocketAddr;

use http::{HeaderMap, StatusCode, header};
use url::Url;

use crate::provider::is_loopback;

/// May this peer send requests with these headers? The status and the reason, if not.
pub(crate) fn check(
    peer: Option<SocketAddr>,
    headers: &HeaderMap,
    uri: &http::Uri,
) -> Result<(), (StatusCode, &'static str)> {
    let forbidden = |reason| Err((StatusCode::FORBIDDEN, reason));
    let Some(peer) = peer else {
        return Err((
            StatusCode::INTERNAL_SERVER_ERROR,
            "the peer's address is not known, and only this machine may call: serve the router with `into_make_service_with_connect_info::<SocketAddr>()`",
        ));
    };
    if !peer.ip().to_canonical().is_loopback() {
        return forbidden("callers are not verified, so only this machine may call");
    }
    if headers.contains_key("forwarded") || headers.contains_key("x-forwarded-for") {
        return forbidden("the request came by way of a proxy, and only this machine may call");
    }
    // HTTP/2 has the host in the URI.
    let host = match headers.get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => uri.authority().map(http::uri::Authority::as_str),
    };
    let local = |authority: &str| {
        Url::parse(&format!("http://{authority}/")).is_ok_and(|url| is_loopback(&url))
    };
    if !host.is_some_and(local) {
        return forbidden("the `Host` is not a name of this machine");
    }
    // A page without a referrer sends its forms with the origin `null`; the browser says, and no
    // page can, that they are from here.
    let from_here = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    for origin in headers.get_all(header::ORIGIN) {
        if from_here && origin == "null" {
            continue;
        }
        let origin = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
        if !origin.is_some_and(|origin| is_loopback(&origin)) {
            return forbidden("the `Origin` is not a page of this machine");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(peer: &str, headers: &[(&'static str, &str)]) -> bool {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        check(Some(peer.parse().unwrap()), &headers, &"/mcp".parse().unwrap()).is_ok()
    }

    #[test]
    fn only_this_machine_under_its_own_name() {
        assert!(may("127.0.0.1:9", &[("host", "127.0.0.1:8080")]));
        assert!(may("[::1]:9", &[("host", "[::1]:8080")]));
        assert!(may("[::ffff:127.0.0.1]:9", &[("host", "localhost")]));
        assert!(may(
            "127.0.0.1:9",
            &[("host", "localhost:1"), ("origin", "http://localhost:6274")]
        ));
        for (peer, headers) in [
            ("192.0.2.7:9", vec![("host", "localhost")]),
            ("127.0.0.1:9", vec![]),
            ("127.0.0.1:9", vec![("host", "evil.example")]),
            ("127.0.0.1:9", vec![("host", "localhost.evil.example")]),
            ("127.0.0.1:9", vec![("host", "localhost@evil.example")]),
            ("127.0.0.1:9", vec![("host", "localhost"), ("origin", "https://evil.example")]),
            ("127.0.0.1:9", vec![("host", "localhost"), ("origin", "null")]),
            ("127.0.0.1:9", vec![("host", "localhost"), ("x-forwarded-for", "192.0.2.7")]),
        ] {
            assert!(!may(peer, &headers), "{peer} {headers:?}");
        }
        let nobody = check(None, &HeaderMap::new(), &"/mcp".parse().unwrap());
        assert_eq!(nobody.unwrap_err().0, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
