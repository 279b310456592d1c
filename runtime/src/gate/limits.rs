//! Limits of a gate: requests a minute by client address, site and subject, and concurrent requests by
//! subject.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::{NonZeroU32, NonZeroUsize},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::address_limit::{ADDRESSES_PER_SITE, AddressLimit};
use crate::{
    gate::policy::LimitSettings,
    support::{clock::Clock, rate_limit::RateLimit},
};

/// The limits of a gate.
pub(crate) struct Limits {
    subject_rate: Option<RateLimit<String>>,
    ip_rate: Option<AddressLimit>,
    concurrency: Option<Arc<ConcurrencyLimit>>,
    /// The answers and notifications of subjects that have as many requests under way as they may.
    answers: Option<Arc<ConcurrencyLimit>>,
}

/// A limit is exceeded.
#[derive(Debug)]
pub(crate) struct LimitExceeded {
    pub(crate) retry_after: Duration,
}

impl LimitExceeded {
    /// Too many requests are under way. When the first of them ends cannot be predicted.
    pub(crate) const CONCURRENCY: Self = Self { retry_after: Duration::from_secs(1) };
}

impl Limits {
    pub(crate) fn new(settings: LimitSettings, clock: &Arc<dyn Clock>) -> Self {
        let concurrency = |is_for_answers| {
            let most = settings.concurrent_per_subject?;
            Some(ConcurrencyLimit::new(most, is_for_answers))
        };
        let per_minute = |count| RateLimit::per_minute(count, count, clock);
        let of_address = |count: NonZeroU32| {
            let of_site = count.saturating_mul(ADDRESSES_PER_SITE);
            AddressLimit::new((count, of_site), NonZeroU32::MIN, clock)
        };
        Self {
            subject_rate: settings.rate_per_subject.map(per_minute),
            ip_rate: settings.rate_per_ip.map(of_address),
            concurrency: concurrency(false),
            answers: concurrency(true),
        }
    }

    /// Counts a request of this client and of its site. Clients whose address is not known share one count.
    pub(crate) fn check_ip(&self, client: Option<IpAddr>) -> Result<(), LimitExceeded> {
        let Some(rate) = &self.ip_rate else { return Ok(()) };
        rate.check(client).map_err(|retry_after| LimitExceeded { retry_after })
    }

    /// Forgets the requests that were counted. Those under way still count.
    #[cfg(feature = "inspector")]
    pub(crate) fn clear(&self) {
        if let Some(rate) = &self.subject_rate {
            rate.clear();
        }
        if let Some(rate) = &self.ip_rate {
            rate.clear();
        }
    }

    /// Whether there is a limit by subject.
    pub(crate) fn has_subject_limit(&self) -> bool {
        self.subject_rate.is_some() || self.concurrency.is_some()
    }

    /// Counts a request of this subject. The request is under way as long as the permit is held.
    /// `may_answer`: it may be an answer to what a request under way asks, so that it gets a permit
    /// [for an answer](ConcurrencyPermit::is_for_answer) when there are no others.
    pub(crate) fn check_subject(
        &self,
        subject: String,
        may_answer: bool,
    ) -> Result<Option<ConcurrencyPermit>, LimitExceeded> {
        if let Some(rate) = &self.subject_rate {
            rate.check(&subject).map_err(|retry_after| LimitExceeded { retry_after })?;
        }
        let Some(limit) = &self.concurrency else { return Ok(None) };
        if let Some(permit) = limit.acquire(&subject) {
            return Ok(Some(permit));
        }
        let answers = self.answers.as_ref().filter(|_| may_answer);
        match answers.and_then(|answers| answers.acquire(&subject)) {
            Some(permit) => Ok(Some(permit)),
            None => Err(LimitExceeded::CONCURRENCY),
        }
    }
}

/// How many requests of each subject are under way. A subject without any takes no memory.
struct ConcurrencyLimit {
    max_concurrent: NonZeroUsize,
    is_for_answers: bool,
    under_way: Mutex<HashMap<Arc<str>, usize>>,
}

/// A request under way: it counts until this is dropped.
pub(crate) struct ConcurrencyPermit {
    limit: Arc<ConcurrencyLimit>,
    subject: Arc<str>,
}

impl ConcurrencyPermit {
    /// Whether it is no permit for a request, but only for a response or a notification.
    pub(crate) fn is_for_answer(&self) -> bool {
        self.limit.is_for_answers
    }
}

impl ConcurrencyLimit {
    fn new(max_concurrent: NonZeroUsize, is_for_answers: bool) -> Arc<Self> {
        Arc::new(Self { max_concurrent, is_for_answers, under_way: Mutex::default() })
    }

    fn acquire(self: &Arc<Self>, subject: &str) -> Option<ConcurrencyPermit> {
        let subject = Arc::<str>::from(subject);
        let mut under_way = self.under_way();
        match under_way.get_mut(&subject) {
            Some(count) if *count >= self.max_concurrent.get() => return None,
            Some(count) => *count += 1,
            None => drop(under_way.insert(Arc::clone(&subject), 1)),
        }
        Some(ConcurrencyPermit { limit: Arc::clone(self), subject })
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConcurrencyPermit {
    fn drop(&mut self) {
        let mut under_way = self.limit.under_way();
        match under_way.get_mut(&self.subject) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(under_way.remove(&self.subject)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;
    use crate::support::clock::ManualClock;

    #[test]
    fn the_networks_of_one_site_have_a_limit_together() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
        let settings =
            LimitSettings { rate_per_ip: NonZeroU32::new(10), ..LimitSettings::default() };
        let limits = Limits::new(settings, &clock);
        let passes = |site, net| {
            let client = Ipv6Addr::new(0x2001, 0xdb8, site, net, 0, 0, 0, 0);
            limits.check_ip(Some(client.into())).is_ok()
        };
        assert_eq!((0..1000).filter(|net| passes(1, *net)).count(), 80);
        assert!(passes(2, 0), "another site is not affected");
        assert!(limits.check_ip(Some(IpAddr::from([192, 0, 2, 1]))).is_ok());
        assert!(limits.check_ip(None).is_ok(), "nor who has no address");
    }

    #[test]
    fn permits_are_counted_by_subject_and_given_back() {
        let limit = ConcurrencyLimit::new(NonZeroUsize::new(2).unwrap(), false);
        let acquire = |subject: &str| limit.acquire(subject);
        let (first, second) = (acquire("alice"), acquire("alice"));
        assert!(first.is_some() && second.is_some());
        assert!(acquire("alice").is_none());
        assert!(acquire("bob").is_some(), "each subject has its own limit");
        drop(first);
        let third = acquire("alice");
        assert!(third.is_some() && acquire("alice").is_none());
        drop((second, third));
        assert!(limit.under_way().is_empty(), "idle subjects take no memory");
    }
}
