//! Which addresses a stranger may make this server connect to: public ones.
//!
//! A name is resolved once, and the connection goes to one of the addresses that were looked at:
//! a name that resolves to another address the next time (DNS rebinding) gains nothing.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Is it an address of the public Internet (the IANA special-purpose registries, RFC 6890)?
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

#[allow(clippy::unnested_or_patterns, reason = "one pattern for each entry of the registry")]
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        // This network, private, shared (CGNAT), loopback, link-local.
        (0 | 10 | 127, _, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            // Protocol assignments, documentation, 6to4 relays, AS112, AMT, benchmarks.
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 31, 196)
            | (192, 52, 193)
            | (192, 175, 48)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            // Multicast, reserved, broadcast.
            | (224..=255, _, _)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Only what is handed out as global unicast, 2000::/3. That leaves out loopback, unspecified,
    // unique local, link-local, site-local, multicast, IPv4-mapped and -compatible addresses, and
    // NAT64 (64:ff9b::/96 and 64:ff9b:1::/48).
    if segments[0] & 0xe000 != 0x2000 {
        return false;
    }
    let [a, b, ..] = segments;
    // 2001::/23 has Teredo, ORCHID and benchmarks; the others are for documentation.
    let is_special = a == 0x2001 && (b < 0x0200 || b == 0x0db8) || a == 0x3fff && b < 0x1000;
    // These carry an address of version 4: 6to4, and ISATAP behind 00-00-5e-fe or 02-00-5e-fe.
    let is_tunnel = a == 0x2002 || matches!(segments[4], 0 | 0x0200) && segments[5] == 0x5efe;
    !is_special && !is_tunnel
}

type Answer = io::Result<Vec<IpAddr>>;
/// How a name is resolved; tests have a way of their own.
type Lookup = dyn Fn(String) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync;

/// A resolver that knows no addresses but public ones.
#[derive(Clone)]
pub(crate) struct PublicOnly {
    lookup: Arc<Lookup>,
    /// This machine is allowed, for tests.
    loopback: bool,
}

impl PublicOnly {
    pub(crate) fn new(loopback: bool) -> Self {
        let lookup = |name: String| -> Pin<Box<dyn Future<Output = Answer> + Send>> {
            Box::pin(async move {
                let found = tokio::net::lookup_host((name, 0)).await?;
                Ok(found.map(|address| address.ip()).collect())
            })
        };
        Self { lookup: Arc::new(lookup), loopback }
    }

    /// May a connection go there?
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || self.loopback && address.is_loopback()
    }

    /// The addresses of a name. One that is not public spoils all: a name of the outside world has
    /// none, and a connection would try one after the other.
    async fn addresses(&self, name: String) -> Answer {
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
    fn no_address_but_a_public_one() {
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
    async fn a_name_that_also_has_a_private_address_is_refused() {
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
    async fn a_connection_goes_to_the_addresses_that_were_looked_at() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = axum::Router::new().route("/", axum::routing::get(|| async { "here" }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        // Allowed the first time, and inside of a network ever after.
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
