//! Whose request it is, before anybody is verified.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::Extensions;

/// Whose request it is, where the peer of the connection is a proxy.
///
/// Put it into the request's extensions, in a layer that knows which proxies to believe; without
/// it the server counts by `ConnectInfo<SocketAddr>`, and without that everybody together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

/// As [`party`], where the router knows the peer.
pub(crate) fn party_of(extensions: &Extensions) -> Option<IpAddr> {
    let peer = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>();
    party(extensions, peer.map(|peer| peer.0))
}

/// The part of an address that one party holds, of a request that came from `peer`.
pub(crate) fn party(extensions: &Extensions, peer: Option<SocketAddr>) -> Option<IpAddr> {
    let address = extensions.get::<PeerAddress>().map(|peer| peer.0);
    let address = address.or_else(|| peer.map(|peer| peer.ip()))?;
    Some(match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_version_six_is_one_party() {
        let of = |text: &str| {
            let mut extensions = Extensions::new();
            extensions.insert(PeerAddress(text.parse().unwrap()));
            party(&extensions, None)
        };
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_eq!(party(&Extensions::new(), None), None);
        let peer = "192.0.2.9:1".parse().unwrap();
        assert_eq!(party(&Extensions::new(), Some(peer)), Some(peer.ip()));
    }
}
