//! Public IP addresses: the only ones that a URL of a stranger may lead to.
//!
//! A name is resolved once, and the connection goes to one of the addresses that were checked. A name
//! that resolves to another address the next time (DNS rebinding) gains nothing.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix))
}

/// The networks that are not public (the IANA special-purpose registries, RFC 6890).
const NON_PUBLIC: [IpNet; 24] = [
    // This network, private, shared (CGNAT), loopback, link-local.
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 168, 0, 0, 16),
    // Protocol assignments, documentation, 6to4 relays, AS112, AMT, benchmarks.
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 31, 196, 0, 24),
    v4(192, 52, 193, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 175, 48, 0, 24),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    // Multicast, reserved, broadcast.
    v4(224, 0, 0, 0, 3),
    // All that is not global unicast (2000::/3): loopback, unspecified, unique local, link-local,
    // site-local, multicast, IPv4-mapped and -compatible addresses, NAT64.
    v6(0x0000, 0, 0, 3),
    v6(0x4000, 0, 0, 2),
    v6(0x8000, 0, 0, 1),
    // Teredo, ORCHID and benchmarks; documentation.
    v6(0x2001, 0, 0, 23),
    v6(0x2001, 0x0db8, 0, 32),
    v6(0x3fff, 0, 0, 20),
    // 6to4, which carries an IPv4 address.
    v6(0x2002, 0, 0, 16),
];

/// Whether it is an address of the public Internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    !NON_PUBLIC.iter().any(|network| network.contains(&address)) && !is_isatap(address)
}

/// ISATAP carries an IPv4 address behind the identifier 00-00-5e-fe or 02-00-5e-fe, in any network.
fn is_isatap(address: IpAddr) -> bool {
    let IpAddr::V6(address) = address else { return false };
    let segments = address.segments();
    matches!(segments[4], 0 | 0x0200) && segments[5] == 0x5efe
}

type LookupResult = io::Result<Vec<IpAddr>>;
/// Resolves a name; a test gives its own.
type Lookup = dyn Fn(String) -> Pin<Box<dyn Future<Output = LookupResult> + Send>> + Send + Sync;

/// A resolver that finds public addresses only.
#[derive(Clone)]
pub(crate) struct PublicOnly {
    lookup: Arc<Lookup>,
    /// Loopback addresses are allowed too, for tests.
    loopback: bool,
}

impl PublicOnly {
    pub(crate) fn new(loopback: bool) -> Self {
        let lookup = |name: String| -> Pin<Box<dyn Future<Output = LookupResult> + Send>> {
            Box::pin(async move {
                let found = tokio::net::lookup_host((name, 0)).await?;
                Ok(found.map(|address| address.ip()).collect())
            })
        };
        Self { lookup: Arc::new(lookup), loopback }
    }

    /// Whether a connection may go to the address.
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || self.loopback && address.is_loopback()
    }

    /// The addresses of a name. A single one that is not public is an error: a public name has none,
    /// and a connection would try one address after the other.
    async fn addresses(&self, name: String) -> LookupResult {
        let found = (self.lookup)(name).await?;
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        if found.iter().all(|address| self.allows(*address)) {
            return Ok(found);
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the name has an address that is not public",
        ))
    }
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let found = this.addresses(name.as_str().to_owned()).await?;
            let addresses: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_purpose_networks_are_not_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860::8888",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.175.48.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2606:4700::200:5efe:7f00:1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_that_has_a_private_address_is_refused() {
        let with = |addresses: &'static [&'static str]| PublicOnly {
            lookup: Arc::new(move |_| {
                let found = addresses.iter().map(|address| address.parse().unwrap()).collect();
                Box::pin(async move { Ok(found) })
            }),
            loopback: false,
        };
        let addresses = async |of| with(of).addresses("app.example".to_owned()).await;
        assert_eq!(addresses(&["8.8.8.8", "2606:4700::1"]).await.unwrap().len(), 2);
        for of in [
            &[][..],
            &["127.0.0.1"],
            &["8.8.8.8", "10.0.0.1"],
            &["2606:4700::1", "::ffff:10.0.0.1"],
            &["169.254.169.254"],
        ] {
            assert!(addresses(of).await.is_err(), "{of:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_goes_to_the_addresses_that_were_checked() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = axum::Router::new().route("/", axum::routing::get(|| async { "here" }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        // Public at the first lookup, private at each further one.
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let resolver = PublicOnly {
            lookup: Arc::new(move |_| {
                let first = count.fetch_add(1, Ordering::SeqCst) == 0;
                let address = if first { "127.0.0.1" } else { "10.0.0.1" };
                Box::pin(async move { Ok(vec![address.parse().unwrap()]) })
            }),
            loopback: true,
        };
        let client = reqwest::Client::builder()
            .dns_resolver(resolver)
            .no_proxy()
            .pool_max_idle_per_host(0)
            .tls_certs_only([])
            .build()
            .unwrap();
        let url = format!("http://rebound.example:{port}/");
        let first = client.get(&url).send().await.unwrap();
        assert_eq!(first.remote_addr().unwrap().ip(), Ipv4Addr::LOCALHOST);
        let second = client.get(&url).send().await.unwrap_err();
        assert!(second.is_connect() && format!("{second:?}").contains("not public"), "{second:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }
}
