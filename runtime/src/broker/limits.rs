//! How often strangers may make this server work: by address, and all together.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{
    NotUntil, Quota, RateLimiter,
    clock::Clock as RateClock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed, keyed::HashMapStateStore},
};

use super::error::OAuthError;
use crate::{gate::Time, grant::Clock};

/// More addresses than this are not remembered: those that are quiet are forgotten first.
const ADDRESSES: usize = 50_000;

type Middleware = NoOpMiddleware<Duration>;
type ByAddress = RateLimiter<Option<IpAddr>, HashMapStateStore<Option<IpAddr>>, Time, Middleware>;
type Total = RateLimiter<NotKeyed, InMemoryState, Time, Middleware>;

/// A limit on one kind of request.
pub(super) struct Limit {
    by_address: ByAddress,
    total: Total,
    time: Time,
}

impl Limit {
    /// So many a minute from one address, and so many from all; twice that at once.
    fn new(address: u32, total: u32, clock: &Arc<dyn Clock>) -> Self {
        let time = Time(Arc::clone(clock));
        let quota = |count: u32| {
            let count = NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
            Quota::per_minute(count).allow_burst(count.saturating_mul(TWO))
        };
        Self {
            by_address: RateLimiter::new(
                quota(address),
                HashMapStateStore::default(),
                time.clone(),
            ),
            total: RateLimiter::direct_with_clock(quota(total), time.clone()),
            time,
        }
    }

    /// One more request. Who floods is refused before the others are counted in.
    pub(super) fn check(&self, party: Option<IpAddr>) -> Result<(), OAuthError> {
        if self.by_address.len() > ADDRESSES {
            self.by_address.retain_recent();
        }
        let wait =
            |until: NotUntil<Duration>| OAuthError::too_many(until.wait_time_from(self.time.now()));
        self.by_address.check_key(&party).map_err(wait)?;
        self.total.check().map_err(wait)
    }
}

const TWO: NonZeroU32 = NonZeroU32::new(2).expect("two is not zero");

/// All limits.
pub(super) struct Limits {
    pub(super) registrations: Limit,
    pub(super) authorizations: Limit,
    pub(super) documents: Limit,
}

impl Limits {
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            registrations: Limit::new(5, 30, clock),
            authorizations: Limit::new(30, 600, clock),
            documents: Limit::new(10, 60, clock),
        }
    }
}

#[cfg(test)]
mod tests {
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
}
