//! How much one caller may ask, and one address.

use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter, clock::Clock as RateClock, middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    gate::{Gate, Time},
    grant::Clock,
};

/// More callers than this are not remembered: those that are quiet are forgotten first.
const MOST: usize = 50_000;

/// How long the turns of a caller are remembered who has none.
const IDLE: Duration = Duration::from_secs(600);

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, Time, NoOpMiddleware<Duration>>;

/// The limits of a gate.
pub(super) struct Limits {
    subjects: Option<Rate<String>>,
    addresses: Option<Rate<IpAddr>>,
    turns: Option<(usize, Cache<String, Arc<Semaphore>>)>,
}

struct Rate<K: Hash + Eq + Clone> {
    limiter: Limiter<K>,
    time: Time,
    swept: Mutex<Duration>,
}

/// Come back later.
#[derive(Debug)]
pub(super) struct TooMuch {
    pub(super) retry_after: Duration,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    fn new(requests: NonZeroU32, clock: &Arc<dyn Clock>) -> Self {
        let time = Time(Arc::clone(clock));
        let quota = Quota::per_minute(requests);
        let limiter = RateLimiter::new(quota, HashMapStateStore::default(), time.clone());
        Self { limiter, time, swept: Mutex::default() }
    }

    fn check(&self, key: &K) -> Result<(), TooMuch> {
        if self.limiter.len() > MOST {
            self.sweep();
        }
        self.limiter
            .check_key(key)
            .map_err(|until| TooMuch { retry_after: until.wait_time_from(self.time.now()) })
    }
}

impl<K: Hash + Eq + Clone> Rate<K> {
    /// Forgets who is quiet, once a second at most: it looks at all of them.
    fn sweep(&self) {
        let now = self.time.now();
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(*swept) >= Duration::from_secs(1) {
            *swept = now;
            self.limiter.retain_recent();
        }
    }
}

impl Limits {
    pub(super) fn of(gate: &Gate, clock: &Arc<dyn Clock>) -> Self {
        let turns = |most| (most, Cache::builder().time_to_idle(IDLE).build());
        Self {
            subjects: gate.per_subject.map(|requests| Rate::new(requests, clock)),
            addresses: gate.per_address.map(|requests| Rate::new(requests, clock)),
            turns: gate.at_once.map(turns),
        }
    }

    /// One more request of this address; those whose address is not known share one.
    pub(super) fn address(&self, address: Option<IpAddr>) -> Result<(), TooMuch> {
        let Some(rate) = &self.addresses else { return Ok(()) };
        rate.check(&address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)))
    }

    /// Is there a limit for each subject?
    pub(super) fn of_subjects(&self) -> bool {
        self.subjects.is_some() || self.turns.is_some()
    }

    /// One more request of this subject; it is under way as long as the permit is held.
    pub(super) fn subject(&self, subject: &str) -> Result<Option<OwnedSemaphorePermit>, TooMuch> {
        if let Some(rate) = &self.subjects {
            rate.check(&subject.to_owned())?;
        }
        let Some((most, turns)) = &self.turns else { return Ok(None) };
        let turns = turns.get_with(subject.to_owned(), || Arc::new(Semaphore::new(*most)));
        let permit = turns.try_acquire_owned();
        permit.map(Some).map_err(|_| TooMuch { retry_after: Duration::from_secs(1) })
    }
}
