//! A limit on the requests of a client address, and on those of its site.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use super::peer::site_of;
use crate::support::{clock::Clock, rate_limit::RateLimit};

/// How many addresses of one IPv6 site may call at full speed. A site has 65 536 networks, each of
/// which counts as one address.
pub(crate) const ADDRESSES_PER_SITE: NonZeroU32 = NonZeroU32::new(8).expect("eight is not zero");

/// A limit on the requests a minute of one address, and of one site.
pub(crate) struct AddressLimit {
    by_address: RateLimit<Option<IpAddr>>,
    by_site: RateLimit<IpAddr>,
}

impl AddressLimit {
    /// Allows `address` requests a minute from one address and `site` from one site, and `burst` times
    /// as many at once.
    pub(crate) fn new(
        (address, site): (NonZeroU32, NonZeroU32),
        burst: NonZeroU32,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let at_once = |count: NonZeroU32| count.saturating_mul(burst);
        Self {
            by_address: RateLimit::per_minute(address, at_once(address), clock),
            by_site: RateLimit::per_minute(site, at_once(site), clock),
        }
    }

    /// Counts a request, or says after which time the next one is allowed. Clients whose address is not
    /// known share one count.
    pub(crate) fn check(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        let Some(site) = address.and_then(site_of) else { return self.by_address.check(&address) };
        if self.by_address.contains(&address) {
            // First, so that an address over its limit does not use up that of its site.
            self.by_address.check(&address)?;
            return self.by_site.check(&site);
        }
        // A network that its site has no room for is not remembered.
        self.by_site.check(&site)?;
        self.by_address.check(&address)
    }

    /// Forgets the requests that were counted.
    #[cfg(feature = "inspector")]
    pub(crate) fn clear(&self) {
        self.by_address.clear();
        self.by_site.clear();
    }

    /// How many addresses are counted one by one.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.by_address.len()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;
    use crate::support::clock::ManualClock;

    fn limit() -> AddressLimit {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
        let of = |count| NonZeroU32::new(count).unwrap();
        AddressLimit::new((of(10), of(80)), of(1), &clock)
    }

    fn address(site: u16, net: u16) -> IpAddr {
        Ipv6Addr::new(0x2001, 0xdb8, site, net, 0, 0, 0, 0).into()
    }

    #[test]
    fn the_networks_of_a_site_without_room_take_no_memory() {
        let limit = limit();
        let passed = (0..5000).filter(|net| limit.check(Some(address(1, *net))).is_ok()).count();
        assert_eq!((passed, limit.len()), (80, 80));
        assert!(limit.check(Some(address(2, 0))).is_ok(), "another site is not affected");
    }

    #[test]
    fn one_network_does_not_use_up_what_is_its_sites() {
        let limit = limit();
        let passed = |address| (0..1000).filter(|_| limit.check(address).is_ok()).count();
        assert_eq!([1, 2, 3].map(|net| passed(Some(address(1, net)))), [10; 3]);
        assert_eq!([passed(Some(IpAddr::from([192, 0, 2, 1]))), passed(None)], [10; 2]);
    }
}
