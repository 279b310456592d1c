//! Requests of this machine: the peer, the `Host` and the `Origin` are local.
//!
//! As long as callers are not verified, a server acts for the person at this machine, so nobody else
//! may send requests. The `Host` is checked because of DNS rebinding: a page from elsewhere can
//! resolve its own name to 127.0.0.1.

use std::net::SocketAddr;

use http::{HeaderMap, StatusCode, Uri, header, uri::Authority};
use url::Url;

use crate::support::url::is_loopback;

/// Why a request is not of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotLocal {
    /// The router was served without the addresses of its peers.
    UnknownPeer,
    Forbidden(&'static str),
}

impl NotLocal {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::UnknownPeer => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
        }
    }

    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::UnknownPeer => {
                "the peer's address is not known, and only this machine may call: serve the router with `into_make_service_with_connect_info::<SocketAddr>()`"
            }
            Self::Forbidden(reason) => reason,
        }
    }
}

/// Checks that a request is of this machine.
pub(crate) fn check(
    peer: Option<SocketAddr>,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<(), NotLocal> {
    let forbidden = |reason| Err(NotLocal::Forbidden(reason));
    let peer = peer.ok_or(NotLocal::UnknownPeer)?;
    if !peer.ip().to_canonical().is_loopback() {
        return forbidden("callers are not verified, so only this machine may call");
    }
    if has_passed_proxy(headers) {
        return forbidden("the request came through a proxy, and only this machine may call");
    }
    // HTTP/2 has the host in the URI.
    let host = match headers.get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => uri.authority().map(Authority::as_str),
    };
    let local = |authority: &str| {
        Url::parse(&format!("http://{authority}/")).is_ok_and(|url| is_loopback(&url))
    };
    if !host.is_some_and(local) {
        return forbidden("the `Host` is not a name of this machine");
    }
    // A page without a referrer sends its forms with the origin `null`. Then `Sec-Fetch-Site`, which
    // a page cannot set, shows that the form is of this origin.
    let same_origin = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    for origin in headers.get_all(header::ORIGIN) {
        if same_origin && origin == "null" {
            continue;
        }
        let origin = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
        if !origin.is_some_and(|origin| is_loopback(&origin)) {
            return forbidden("the `Origin` is not a page of this machine");
        }
    }
    Ok(())
}

/// Whether a header shows that a request came through a proxy.
pub(crate) fn has_passed_proxy(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| is_of_proxy(name.as_str()))
}

/// Whether proxies add a header of this name to the requests that they pass on.
fn is_of_proxy(name: &str) -> bool {
    // Decides for nearly all headers of a client.
    if !matches!(name.as_bytes().first(), Some(b'f' | b'x' | b'v' | b'c' | b't')) {
        return false;
    }
    name.starts_with("x-forwarded")
        || name.starts_with("x-original-")
        || name.starts_with("x-envoy-")
        || name.starts_with("cf-")
        || matches!(
            name,
            "forwarded"
                | "forwarded-for"
                | "via"
                | "true-client-ip"
                | "client-ip"
                | "x-real-ip"
                | "x-client-ip"
                | "x-cluster-client-ip"
                | "x-proxyuser-ip"
                | "x-amzn-trace-id"
                | "x-cloud-trace-context"
                | "x-azure-clientip"
                | "x-appengine-user-ip"
                | "fastly-client-ip"
                | "fly-client-ip"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_a_proxy_shows_that_one_stands_between() {
        let local = ("host", "localhost");
        for name in [
            "forwarded",
            "via",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-forwarded-prefix",
            "x-forwarded-server",
            "x-real-ip",
            "x-original-forwarded-for",
            "cf-connecting-ip",
            "true-client-ip",
            "fly-client-ip",
        ] {
            assert!(!allows("127.0.0.1:9", &[local, (name, "x")]), "{name}");
        }
        for name in ["content-type", "connection", "x-request-id", "cache-control", "te", "from"] {
            assert!(allows("127.0.0.1:9", &[local, (name, "x")]), "{name}");
        }
    }

    fn allows(peer: &str, headers: &[(&'static str, &str)]) -> bool {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        check(Some(peer.parse().unwrap()), &headers, &"/mcp".parse().unwrap()).is_ok()
    }

    #[test]
    fn only_local_peers_hosts_and_origins_pass() {
        assert!(allows("127.0.0.1:9", &[("host", "127.0.0.1:8080")]));
        assert!(allows("[::1]:9", &[("host", "[::1]:8080")]));
        assert!(allows("[::ffff:127.0.0.1]:9", &[("host", "localhost")]));
        assert!(allows(
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
            assert!(!allows(peer, &headers), "{peer} {headers:?}");
        }
        let unknown = check(None, &HeaderMap::new(), &"/mcp".parse().unwrap());
        assert_eq!(unknown.unwrap_err().status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
