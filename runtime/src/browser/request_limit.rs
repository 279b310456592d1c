//! Rate limits of endpoints that anyone can call: by address, by site, and in total.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use crate::{
    gate::address_limit::{ADDRESSES_PER_SITE, AddressLimit},
    grant::{Clock, MAX_PENDING},
    support::rate_limit::RateLimit,
};

/// How many sites at full speed it takes to use up a total.
const SITES_IN_TOTAL: u32 = 4;

/// How many authorizations one address may start in a minute.
const AUTHORIZATIONS_PER_ADDRESS: u32 = 60;

/// How many all together may start in a minute.
const AUTHORIZATIONS: u32 = 900;

/// How many minutes the store keeps what an authorization stores: the pending one, and the session
/// after it.
const STORED_MINUTES: usize = 10;

// However many requests there are, they do not fill the store, where a new one would be refused.
const _: () = {
    let pending = AUTHORIZATIONS as usize * (STORED_MINUTES + BURST.get() as usize);
    assert!(2 * pending <= MAX_PENDING);
};

/// A limit on one kind of request.
pub(crate) struct RequestLimit {
    by_address: AddressLimit,
    total: Option<RateLimit<()>>,
}

/// Too many requests were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyRequests {
    pub(crate) retry_after: Duration,
}

impl RequestLimit {
    /// Allows `address` requests a minute from one address and `total` from all together, and
    /// twice as many in a burst.
    pub(crate) fn new(address: u32, total: u32, clock: &Arc<dyn Clock>) -> Self {
        let site = count(address).saturating_mul(ADDRESSES_PER_SITE);
        // However large a site is, it leaves most of the total to others.
        let share = count(total / SITES_IN_TOTAL).max(count(address));
        let all = count(total);
        Self {
            by_address: AddressLimit::new((count(address), site.min(share)), BURST, clock),
            total: Some(RateLimit::per_minute(all, all.saturating_mul(BURST), clock)),
        }
    }

    /// Allows `address` requests a minute from one address, and bounds a site, but not all together.
    #[cfg_attr(not(feature = "broker"), allow(dead_code, reason = "the broker uses it"))]
    pub(crate) fn without_total(address: u32, clock: &Arc<dyn Clock>) -> Self {
        let site = count(address).saturating_mul(ADDRESSES_PER_SITE);
        Self { by_address: AddressLimit::new((count(address), site), BURST, clock), total: None }
    }

    /// The limit of requests that send a browser to an authorization server, each of which stores
    /// a pending authorization.
    pub(crate) fn authorizations(clock: &Arc<dyn Clock>) -> Self {
        Self::new(AUTHORIZATIONS_PER_ADDRESS, AUTHORIZATIONS, clock)
    }

    /// Counts a request. An address over its own limit is refused before the request counts in
    /// the total, so that it cannot use up what is for all.
    pub(crate) fn check(&self, address: Option<IpAddr>) -> Result<(), TooManyRequests> {
        self.check_address(address)?;
        self.check_total()
    }

    /// Counts a request for its address and site only, because it stores nothing yet: what strangers
    /// guess does not use up what is for all.
    pub(crate) fn check_address(&self, address: Option<IpAddr>) -> Result<(), TooManyRequests> {
        let refuse = |retry_after| TooManyRequests { retry_after };
        self.by_address.check(address).map_err(refuse)
    }

    /// Counts a request in the total, which stores something.
    pub(crate) fn check_total(&self) -> Result<(), TooManyRequests> {
        let refuse = |retry_after| TooManyRequests { retry_after };
        self.total.as_ref().map_or(Ok(()), |total| total.check(&()).map_err(refuse))
    }
}

fn count(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

const BURST: NonZeroU32 = NonZeroU32::new(2).expect("two is not zero");

#[cfg(test)]
mod tests {
    use std::{net::Ipv6Addr, time::Instant};

    use super::*;
    use crate::{grant::ManualClock, support::rate_limit::MAX_KEYS};

    #[test]
    fn one_address_cannot_use_up_the_total() {
        let manual = Arc::new(ManualClock::new());
        let clock: Arc<dyn Clock> = manual.clone();
        let limit = RequestLimit::new(2, 5, &clock);
        let address = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
        let passed = |last| (0..100).filter(|_| limit.check(address(last)).is_ok()).count();
        assert_eq!(passed(1), 4);
        assert_eq!(passed(2), 4);
        assert_eq!((3..100).map(passed).sum::<usize>(), 2, "the total has a limit as well");
        manual.advance(Duration::from_mins(1));
        assert_eq!(passed(1), 2, "the allowance grows back with time");
    }

    #[test]
    fn what_strangers_guess_does_not_use_up_the_total() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
        let limit = RequestLimit::authorizations(&clock);
        for n in 0..10_000u32 {
            let _ = limit.check_address(Some(IpAddr::from(n.to_be_bytes())));
        }
        assert!(limit.check_total().is_ok());
        // And what they store does not either, from as many addresses as a stranger has.
        for last in 0..12 {
            let address = Some(IpAddr::from([192, 0, 2, last]));
            for _ in 0..500 {
                let _ = limit.check(address);
            }
        }
        assert!(limit.check(Some(IpAddr::from([198, 51, 100, 1]))).is_ok());
    }

    #[test]
    fn one_ipv6_site_cannot_use_up_the_total() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
        let limit = RequestLimit::new(1, 1000, &clock);
        let address =
            |site: u16, net: u16| Some(Ipv6Addr::new(0x2001, 0xdb8, site, net, 0, 0, 0, 0).into());
        let passed = (0..500).filter(|net| limit.check(address(1, *net)).is_ok()).count();
        assert_eq!(passed, 16);
        assert!(limit.check(address(2, 0)).is_ok(), "another site is not affected");
    }

    #[test]
    fn one_ipv6_site_has_a_quarter_of_the_total() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
        let limit = RequestLimit::new(10, 100, &clock);
        let address =
            |site: u16, net: u16| Some(Ipv6Addr::new(0x2001, 0xdb8, site, net, 0, 0, 0, 0).into());
        let passed = |site| (0..500).filter(|net| limit.check(address(site, *net)).is_ok()).count();
        assert_eq!([passed(1), passed(2), passed(3), passed(4)], [50; 4]);
        assert!(limit.check(address(5, 0)).is_err(), "the total has a limit as well");
    }

    #[test]
    fn a_flood_of_addresses_costs_bounded_memory_and_time() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
        let limit = RequestLimit::new(u32::MAX / 100, u32::MAX / 100, &clock);
        let address = |n: u32| Some(IpAddr::from(n.to_be_bytes()));
        let began = Instant::now();
        for n in 0..300_000 {
            let _ = limit.check(address(n));
        }
        assert!(limit.by_address.len() <= MAX_KEYS, "{}", limit.by_address.len());
        // A sweep over all addresses for each request would take minutes.
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    }
}
