//! How often strangers may make this server work: by address, and all together.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
};

use super::endpoint::error::OAuthError;
use crate::{grant::Clock, support::rate_limit::Rate};

/// The bound of memory: so many addresses are in a hurry at once, and what else comes is counted
/// as one.
const ADDRESSES: usize = 100_000;

/// So many addresses may come from one site of IPv6 at full speed: it has 65 536 of what one party
/// usually holds.
const OF_A_SITE: NonZeroU32 = NonZeroU32::new(8).expect("eight is not zero");

/// A limit on one kind of request.
pub(crate) struct Limit {
    by_address: Rate<Option<IpAddr>>,
    by_site: Rate<IpAddr>,
    total: Rate<()>,
}

impl Limit {
    /// So many a minute from one address, and so many from all; twice that at once.
    fn new(address: u32, total: u32, clock: &Arc<dyn Clock>) -> Self {
        let count = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let (address, total) = (count(address), count(total));
        let site = address.saturating_mul(OF_A_SITE);
        Self {
            by_address: Rate::per_minute(address, address.saturating_mul(TWO), clock),
            by_site: Rate::per_minute(site, site.saturating_mul(TWO), clock),
            total: Rate::per_minute(total, total.saturating_mul(TWO), clock),
        }
    }

    /// One more request. Who floods is refused before the others are counted in.
    pub(crate) fn check(&self, party: Option<IpAddr>) -> Result<(), OAuthError> {
        let party = party.filter(|_| self.by_address.len() <= ADDRESSES);
        self.by_address.check(&party).map_err(OAuthError::too_many)?;
        if let Some(site) = party.and_then(site_of) {
            self.by_site.check(&site).map_err(OAuthError::too_many)?;
        }
        self.total.check(&()).map_err(OAuthError::too_many)
    }
}

/// The /48 of an address: what a site is given.
fn site_of(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Some(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into())
        }
        IpAddr::V4(_) => None,
    }
}

const TWO: NonZeroU32 = NonZeroU32::new(2).expect("two is not zero");

/// All limits.
pub(crate) struct Limits {
    pub(crate) registrations: Limit,
    pub(crate) authorizations: Limit,
    pub(crate) documents: Limit,
    /// At the token and the revocation endpoint. A host in the cloud redeems there for all of its
    /// users, from few addresses.
    pub(crate) tokens: Limit,
}

impl Limits {
    pub(crate) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            registrations: Limit::new(5, 30, clock),
            authorizations: Limit::new(30, 600, clock),
            documents: Limit::new(10, 60, clock),
            tokens: Limit::new(600, 6000, clock),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::grant::ManualClock;

    #[test]
    fn one_address_cannot_use_up_what_is_for_all() {
        let manual = Arc::new(ManualClock::new());
        let clock: Arc<dyn Clock> = manual.clone();
        let limit = Limit::new(2, 5, &clock);
        let address = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
        let passed = |last| (0..100).filter(|_| limit.check(address(last)).is_ok()).count();
        assert_eq!(passed(1), 4);
        assert_eq!(passed(2), 4);
        assert_eq!((3..100).map(passed).sum::<usize>(), 2, "and all together have a limit");
        manual.advance(Duration::from_mins(1));
        assert_eq!(passed(1), 2, "it comes back with time");
    }

    #[test]
    fn who_holds_a_site_of_ipv6_is_not_everybody() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
        let limit = Limit::new(1, 1000, &clock);
        let address =
            |site: u16, net: u16| Some(Ipv6Addr::new(0x2001, 0xdb8, site, net, 0, 0, 0, 0).into());
        let passed = (0..500).filter(|net| limit.check(address(1, *net)).is_ok()).count();
        assert_eq!(passed, 16);
        assert!(limit.check(address(2, 0)).is_ok(), "there is room for others");
    }

    #[test]
    fn a_flood_is_not_counted_anew_for_each_of_its_requests() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
        let limit = Limit::new(u32::MAX / 100, u32::MAX / 100, &clock);
        let address = |n: u32| Some(IpAddr::from(n.to_be_bytes()));
        let began = Instant::now();
        for n in 0..300_000 {
            let _ = limit.check(address(n));
        }
        assert!(limit.by_address.len() <= ADDRESSES + 2, "{}", limit.by_address.len());
        // Looking at all of them for each would take minutes.
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    }
}
