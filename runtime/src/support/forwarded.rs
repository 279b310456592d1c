//! Forwarded requests: what trusted proxies say about the client (RFC 7239, and `X-Forwarded-*`).
//!
//! Everyone can send these headers, so they are read only where the peer of the connection is a proxy
//! that the operator trusts. Each proxy appends the address that it saw, so the client is the
//! right-most address that is no trusted proxy; what stands left of it is the client's own claim.

use std::{net::IpAddr, str::FromStr};

use http::{HeaderMap, HeaderName, uri::Authority};
use ipnet::IpNet;

static FORWARDED: HeaderName = HeaderName::from_static("forwarded");
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// The most proxies between a client and this server.
const MAX_HOPS: usize = 16;

/// A range of addresses, or a single one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressRange(IpNet);

impl FromStr for AddressRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let range = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address.to_canonical()),
            Err(_) => text.parse().map_err(|_| {
                "it is neither an IP address nor a range such as 10.0.0.0/8 or fd00::/8".to_owned()
            })?,
        };
        Ok(Self(range))
    }
}

/// The proxies whose headers are believed.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies(Vec<AddressRange>);

/// A request as the client sent it to a proxy of [`Server::trusted_proxies`], by the words of that
/// proxy. It is an extension of the request.
///
/// A proxy that does not set one of `X-Forwarded-Proto`, `-Host` and `-Prefix` passes on what the
/// client wrote. So this server makes no link of them: it compares them with its configured URL, and
/// logs a difference once.
///
/// [`Server::trusted_proxies`]: crate::Server::trusted_proxies
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForwardedRequest {
    /// The client's address: the right-most one that is no trusted proxy.
    pub client: IpAddr,
    /// `http` or `https`.
    pub proto: Option<String>,
    /// The host and the port.
    pub host: Option<String>,
    /// The path below which the proxy serves this server: `/tools`.
    pub prefix: Option<String>,
}

/// One proxy's words: whom it forwards for, and what was asked of it.
#[derive(Default)]
struct Hop {
    /// `None` if the proxy hides it, or names nothing that is an address.
    client: Option<IpAddr>,
    proto: Option<String>,
    host: Option<String>,
}

impl TrustedProxies {
    pub(crate) fn new(ranges: Vec<AddressRange>) -> Self {
        Self(ranges)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.0.contains(&address.to_canonical()))
    }

    /// What the proxy `peer` says about a request; `None` if it is not trusted, or says nothing.
    pub(crate) fn read(&self, peer: IpAddr, headers: &HeaderMap) -> Option<ForwardedRequest> {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return None;
        }
        let standard = self.client(peer, &standard_hops(headers)?);
        let common = self.client(peer, &common_hops(headers));
        let (client, hop) = match (standard, common) {
            // A proxy that writes one of the headers may pass on the other one, as the client made
            // it up. So where both are there they must agree.
            (Some((one, hop)), Some((other, _))) if one == other => (one, hop),
            (Some(_), Some(_)) | (None, None) => (peer, Hop::default()),
            (Some(found), None) | (None, Some(found)) => found,
        };
        let request = ForwardedRequest {
            client,
            proto: hop.proto.or_else(|| last(headers, &FORWARDED_PROTO)).and_then(scheme),
            host: hop.host.or_else(|| last(headers, &FORWARDED_HOST)).and_then(authority),
            prefix: last(headers, &FORWARDED_PREFIX).and_then(path_prefix),
        };
        let says_nothing = ForwardedRequest { client: peer, proto: None, host: None, prefix: None };
        (request != says_nothing).then_some(request)
    }

    /// The client, and the words of the proxy that it connected to; `None` if there are no hops.
    fn client(&self, peer: IpAddr, hops: &[Hop]) -> Option<(IpAddr, Hop)> {
        let mut found = None;
        let mut nearest = peer;
        for hop in hops.iter().rev().take(MAX_HOPS) {
            // Without an address, the client is known as the proxy that hides it.
            let client = hop.client.unwrap_or(nearest);
            let words = Hop { client: None, proto: hop.proto.clone(), host: hop.host.clone() };
            found = Some((client, words));
            if hop.client.is_none_or(|client| !self.trusts(client)) {
                break;
            }
            nearest = client;
        }
        found
    }
}

/// The hops of the `Forwarded` headers, in order. `None` if they are malformed, so that nothing is
/// believed.
fn standard_hops(headers: &HeaderMap) -> Option<Vec<Hop>> {
    let mut hops = Vec::new();
    for value in headers.get_all(&FORWARDED) {
        for element in split(value.to_str().ok()?, ',')? {
            let mut hop = Hop::default();
            for pair in split(element, ';')? {
                if pair.trim().is_empty() {
                    continue;
                }
                let (name, value) = pair.split_once('=')?;
                let value = unquote(value.trim())?;
                match name.trim().to_ascii_lowercase().as_str() {
                    "for" => hop.client = node(&value),
                    "proto" => hop.proto = Some(value),
                    "host" => hop.host = Some(value),
                    _ => {}
                }
            }
            if !element.trim().is_empty() {
                hops.push(hop);
            }
        }
    }
    Some(hops)
}

/// The hops of the `X-Forwarded-For` headers, in order.
fn common_hops(headers: &HeaderMap) -> Vec<Hop> {
    let values = headers.get_all(&FORWARDED_FOR).iter();
    // What is no text is no address.
    let texts = values.flat_map(|value| value.to_str().unwrap_or("unknown").split(','));
    texts
        .filter(|text| !text.trim().is_empty())
        .map(|text| Hop { client: node(text.trim()), ..Hop::default() })
        .collect()
}

/// The address of a node: `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`. `unknown`
/// and obfuscated identifiers such as `_hidden` have none (RFC 7239 §6).
fn node(text: &str) -> Option<IpAddr> {
    let address = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (address, port) = bracketed.split_once(']')?;
            if !(port.is_empty() || port.starts_with(':')) {
                return None;
            }
            IpAddr::V6(address.parse().ok()?)
        }
        None => match text.parse() {
            Ok(address) => address,
            Err(_) => IpAddr::V4(text.split_once(':')?.0.parse().ok()?),
        },
    };
    Some(address.to_canonical())
}

/// Splits at a delimiter outside of quoted strings; `None` if a quoted string has no end.
fn split(text: &str, delimiter: char) -> Option<Vec<&str>> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == delimiter && !quoted => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!quoted).then_some(parts)
}

/// The value of a token or of a quoted string; `None` if it is neither.
fn unquote(text: &str) -> Option<String> {
    let Some(quoted) = text.strip_prefix('"') else {
        return (!text.contains(['"', ' '])).then(|| text.to_owned());
    };
    let (mut value, mut chars) = (String::new(), quoted.strip_suffix('"')?.chars());
    while let Some(c) = chars.next() {
        value.push(if c == '\\' { chars.next()? } else { c });
    }
    Some(value)
}

/// The last value of a header, which the nearest proxy wrote.
fn last(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(|value| value.trim().to_owned())
}

fn scheme(text: String) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    matches!(lower.as_str(), "http" | "https").then_some(lower)
}

fn authority(text: String) -> Option<String> {
    let authority: Authority = text.parse().ok()?;
    (!text.contains('@') && authority.as_str() == text).then_some(text)
}

/// A path without a slash at its end, and without anything but segments; the root is none.
fn path_prefix(text: String) -> Option<String> {
    let path = text.trim_end_matches('/');
    let is_plain = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
    };
    let mut segments = path.strip_prefix('/')?.split('/');
    segments.all(is_plain).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(peer: &str, lines: &[(&'static str, &str)]) -> Option<ForwardedRequest> {
        let ranges = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"];
        let proxies = TrustedProxies::new(ranges.map(|range| range.parse().unwrap()).into());
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        proxies.read(peer.parse().unwrap(), &headers)
    }

    fn client(peer: &str, lines: &[(&'static str, &str)]) -> String {
        read(peer, lines).map_or_else(|| "none".to_owned(), |found| found.client.to_string())
    }

    const XFF: &str = "x-forwarded-for";

    #[test]
    fn the_client_is_the_rightmost_address_that_is_no_trusted_proxy() {
        for (lines, expected) in [
            (&[(XFF, "192.0.2.1")][..], "192.0.2.1"),
            (&[(XFF, "198.51.100.9, 192.0.2.1")], "192.0.2.1"),
            (&[(XFF, "198.51.100.9"), (XFF, "192.0.2.1")], "192.0.2.1"),
            (&[(XFF, "198.51.100.9, 192.0.2.1, 10.1.1.1, 10.2.2.2")], "192.0.2.1"),
            (&[(XFF, "10.3.3.3, 10.1.1.1")], "10.3.3.3"),
            (&[(XFF, "192.0.2.1:4711")], "192.0.2.1"),
            (&[(XFF, "[2001:db8::1]:4711")], "2001:db8::1"),
            (&[(XFF, "2001:db8::1")], "2001:db8::1"),
            (&[(XFF, "::ffff:192.0.2.1")], "192.0.2.1"),
            (&[(XFF, " ,192.0.2.1, ")], "192.0.2.1"),
            // What cannot be read hides what stands left of it.
            (&[(XFF, "192.0.2.1, unknown")], "none"),
            (&[(XFF, "192.0.2.1, unknown, 10.1.1.1")], "10.1.1.1"),
            (&[(XFF, "192.0.2.1, <script>")], "none"),
            (&[("forwarded", "for=192.0.2.1")], "192.0.2.1"),
            (&[("forwarded", "For=\"[2001:db8:cafe::17]:4711\"")], "2001:db8:cafe::17"),
            (&[("forwarded", "for=\"192.0.2.1:99\";proto=http;by=10.9.9.9")], "192.0.2.1"),
            (&[("forwarded", "for=198.51.100.9, for=192.0.2.1, for=10.1.1.1")], "192.0.2.1"),
            (&[("forwarded", "for=198.51.100.9"), ("forwarded", "for=192.0.2.1")], "192.0.2.1"),
            (&[("forwarded", "for=198.51.100.9, for=_hidden")], "none"),
            (&[("forwarded", "for=198.51.100.9, for=_hidden, for=10.1.1.1")], "10.1.1.1"),
            (&[("forwarded", "for=unknown")], "none"),
            (&[("forwarded", "secret=\"a,b;for=198.51.100.9\";for=192.0.2.1")], "192.0.2.1"),
            (&[("forwarded", "secret=\"\\\", for=198.51.100.9\";for=192.0.2.1")], "192.0.2.1"),
            (&[("forwarded", "for=\"192.0.2.1")], "none"),
            (&[("forwarded", "192.0.2.1")], "none"),
            // Both, of which a proxy may have passed on one.
            (&[("forwarded", "for=192.0.2.1"), (XFF, "192.0.2.1")], "192.0.2.1"),
            (&[("forwarded", "for=198.51.100.9"), (XFF, "192.0.2.1")], "none"),
            (&[("forwarded", "\""), (XFF, "192.0.2.1")], "none"),
            (&[("x-real-ip", "192.0.2.1")], "none"),
        ] {
            assert_eq!(client("10.0.0.1", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn only_trusted_peers_are_believed() {
        let line = [(XFF, "192.0.2.1")];
        for trusted in ["10.255.0.1", "127.0.0.1", "::ffff:10.0.0.1", "fd12::1"] {
            assert_eq!(client(trusted, &line), "192.0.2.1", "{trusted}");
        }
        for other in ["11.0.0.1", "127.0.0.2", "192.0.2.7", "::1", "2001:db8::1"] {
            assert_eq!(client(other, &line), "none", "{other}");
            assert_eq!(client(other, &[("forwarded", "for=192.0.2.1;host=a")]), "none", "{other}");
        }
    }

    #[test]
    fn the_rest_of_the_request_is_read_where_it_makes_sense() {
        let found = read(
            "10.0.0.1",
            &[
                (XFF, "192.0.2.1"),
                ("x-forwarded-proto", "http, HTTPS"),
                ("x-forwarded-host", "corp.example:8443"),
                ("x-forwarded-prefix", "/tools/"),
            ],
        );
        let found = found.unwrap();
        assert_eq!(found.proto.as_deref(), Some("https"));
        assert_eq!(found.host.as_deref(), Some("corp.example:8443"));
        assert_eq!(found.prefix.as_deref(), Some("/tools"));
        let found = read("10.0.0.1", &[("forwarded", "for=_x;host=\"a.example:1\";proto=https")]);
        let found = found.unwrap();
        assert_eq!(
            (found.host.as_deref(), found.proto.as_deref()),
            (Some("a.example:1"), Some("https"))
        );
        for (name, value) in [
            ("x-forwarded-proto", "gopher"),
            ("x-forwarded-host", "user@a.example"),
            ("x-forwarded-host", "a b"),
            ("x-forwarded-host", "a/b"),
            ("x-forwarded-prefix", "//evil.example"),
            ("x-forwarded-prefix", "/a/../b"),
            ("x-forwarded-prefix", "tools"),
            ("x-forwarded-prefix", "/a?b"),
            ("x-forwarded-prefix", "/"),
        ] {
            assert_eq!(read("10.0.0.1", &[(name, value)]), None, "{name}: {value}");
        }
    }

    #[test]
    fn a_range_is_an_address_or_a_network() {
        for text in ["10.0.0.0/8", "10.0.0.1", " 10.0.0.1 ", "::1", "fd00::/8", "::ffff:10.0.0.1"] {
            assert!(text.parse::<AddressRange>().is_ok(), "{text}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0.", "localhost", "*", "10.0.0.1-10.0.0.9"] {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
    }
}
