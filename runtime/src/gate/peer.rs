//! Addresses of clients, by which requests are counted before their caller is known.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::Extensions;

/// The address of the client, where the peer of the connection is a proxy.
///
/// [`Server::trusted_proxies`](crate::Server::trusted_proxies) inserts it into the extensions of a
/// request. A layer that knows the proxies better inserts it itself, and is believed. Without it the
/// server counts requests by `ConnectInfo<SocketAddr>`, and without that all clients together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

/// As [`client_ip_key`], for a request with `ConnectInfo<SocketAddr>`.
pub(crate) fn connected_ip_key(extensions: &Extensions) -> Option<IpAddr> {
    let peer = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>();
    client_ip_key(extensions, peer.map(|peer| peer.0))
}

/// The key by which the requests of a client are counted: its IPv4 address, or its IPv6 network,
/// since one client usually has a whole /64. `peer` is the other end of the connection.
pub(crate) fn client_ip_key(extensions: &Extensions, peer: Option<SocketAddr>) -> Option<IpAddr> {
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

/// The /48 network of an address, which is what one site is assigned: 65 536 networks, each of which
/// counts as one client.
pub(crate) fn site_of(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Some(IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)))
        }
        IpAddr::V4(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_client() {
        let of = |text: &str| {
            let mut extensions = Extensions::new();
            extensions.insert(PeerAddress(text.parse().unwrap()));
            client_ip_key(&extensions, None)
        };
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_eq!(client_ip_key(&Extensions::new(), None), None);
        let peer = "192.0.2.9:1".parse().unwrap();
        assert_eq!(client_ip_key(&Extensions::new(), Some(peer)), Some(peer.ip()));
    }
}
