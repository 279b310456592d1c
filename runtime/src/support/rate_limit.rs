//! Rate limits per key, by the generic cell rate algorithm of [`governor`].

use std::{
    collections::HashMap,
    hash::Hash,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use governor::{
    Quota, RateLimiter,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{StateStore, keyed::ShrinkableKeyedStateStore},
};

use super::clock::Clock;

/// With more keys than this, those that have their whole burst again are removed.
const SWEEP_KEYS: usize = 50_000;

/// The most keys that are counted one by one; further ones share a count. It bounds memory.
pub(crate) const MAX_KEYS: usize = 100_000;

/// How often to sweep at most, because a sweep visits all keys.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// A limit on the requests a minute of each key.
pub(crate) struct RateLimit<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, SharedStates<K>, LimitClock, NoOpMiddleware<Duration>>,
    states: Arc<States<K>>,
    swept_at: Mutex<Duration>,
}

impl<K: Hash + Eq + Clone> RateLimit<K> {
    /// Allows `count` requests a minute of each key, and `burst` at once.
    pub(crate) fn per_minute(count: NonZeroU32, burst: NonZeroU32, clock: &Arc<dyn Clock>) -> Self {
        let states = Arc::new(States::default());
        let quota = Quota::per_minute(count).allow_burst(burst);
        let clock = LimitClock::new(Arc::clone(clock));
        let limiter = RateLimiter::new(quota, SharedStates(Arc::clone(&states)), clock);
        Self { limiter, states, swept_at: Mutex::default() }
    }

    /// Counts a request, or says after which time the next one is allowed. A request that is refused
    /// is not counted.
    pub(crate) fn check(&self, key: &K) -> Result<(), Duration> {
        if self.states.count.load(Ordering::Relaxed) > SWEEP_KEYS {
            self.sweep();
        }
        self.limiter
            .check_key(key)
            .map_err(|refused| refused.wait_time_from(now(self.limiter.clock())))
    }

    /// Whether the key is counted by itself. One that is not has its whole burst.
    pub(crate) fn contains(&self, key: &K) -> bool {
        lock(&self.states.by_key).contains_key(key)
    }

    /// Gives every key its whole burst again.
    #[cfg(feature = "inspector")]
    pub(crate) fn clear(&self) {
        lock(&self.states.by_key).clear();
        self.states.count.store(0, Ordering::Relaxed);
        *lock(&self.states.shared) = None;
    }

    /// How many keys are counted one by one.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.limiter.len()
    }

    fn sweep(&self) {
        let now = now(self.limiter.clock());
        let mut swept_at = lock(&self.swept_at);
        if now.saturating_sub(*swept_at) >= SWEEP_INTERVAL {
            *swept_at = now;
            self.limiter.retain_recent();
        }
    }
}

/// The server's clock, as governor reads it: the time that has passed since the limit was made. It
/// never goes back. While the server's clock is set back, no time passes, so that nobody has to wait
/// until the clock is again where it was.
struct LimitClock {
    clock: Arc<dyn Clock>,
    /// The last time that was read, and how much had passed by then.
    passed: Mutex<(SystemTime, Duration)>,
}

impl LimitClock {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let passed = Mutex::new((clock.now(), Duration::ZERO));
        Self { clock, passed }
    }
}

impl governor::clock::Clock for LimitClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let mut passed = lock(&self.passed);
        let (last, total) = *passed;
        let now = self.clock.now();
        *passed = (now, total + now.duration_since(last).unwrap_or_default());
        passed.1
    }
}

fn now(clock: &LimitClock) -> Duration {
    governor::clock::Clock::now(clock)
}

/// The state of each key. Those of governor have no bound, and the one without further crates spins
/// while another thread sweeps.
struct States<K> {
    by_key: Mutex<HashMap<K, Nanos>>,
    /// How many there are, to be read without the lock.
    count: AtomicUsize,
    /// Of the keys beyond [`MAX_KEYS`].
    shared: Mutex<Option<Nanos>>,
}

impl<K> Default for States<K> {
    fn default() -> Self {
        Self { by_key: Mutex::default(), count: AtomicUsize::new(0), shared: Mutex::default() }
    }
}

struct SharedStates<K>(Arc<States<K>>);

impl<K: Hash + Eq + Clone> StateStore for SharedStates<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut states = lock(&self.0.by_key);
        if let Some(state) = states.get_mut(key) {
            let (outcome, next) = measure(Some(*state))?;
            *state = next;
            return Ok(outcome);
        }
        if states.len() < MAX_KEYS {
            let (outcome, next) = measure(None)?;
            states.insert(key.clone(), next);
            self.0.count.store(states.len(), Ordering::Relaxed);
            return Ok(outcome);
        }
        drop(states);
        let mut shared = lock(&self.0.shared);
        let (outcome, next) = measure(*shared)?;
        *shared = Some(next);
        Ok(outcome)
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<K> for SharedStates<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        let mut states = lock(&self.0.by_key);
        states.retain(|_, state| *state > drop_below);
        self.0.count.store(states.len(), Ordering::Relaxed);
    }

    fn len(&self) -> usize {
        lock(&self.0.by_key).len()
    }

    fn is_empty(&self) -> bool {
        lock(&self.0.by_key).is_empty()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::clock::ManualClock;

    fn limit(count: u32, burst: u32) -> (Arc<ManualClock>, RateLimit<String>) {
        let clock = Arc::new(ManualClock::new());
        let of = |count| NonZeroU32::new(count).unwrap();
        let shared: Arc<dyn Clock> = clock.clone();
        (clock, RateLimit::per_minute(of(count), of(burst), &shared))
    }

    fn check(limit: &RateLimit<String>, key: &str) -> Result<(), Duration> {
        limit.check(&key.to_owned())
    }

    #[cfg(feature = "inspector")]
    #[test]
    fn a_limit_can_be_cleared() {
        let (_clock, limit) = limit(60, 1);
        assert_eq!(check(&limit, "a"), Ok(()));
        assert!(check(&limit, "a").is_err());
        limit.clear();
        assert_eq!((limit.len(), check(&limit, "a")), (0, Ok(())));
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let (clock, limit) = limit(60, 3);
        let passed = || (0..9).filter(|_| check(&limit, "a").is_ok()).count();
        assert_eq!(passed(), 3);
        assert_eq!(check(&limit, "a"), Err(Duration::from_secs(1)));
        assert_eq!(check(&limit, "b"), Ok(()), "each key has its own limit");
        clock.advance(Duration::from_millis(1500));
        assert_eq!(passed(), 1);
        assert_eq!(check(&limit, "a"), Err(Duration::from_millis(500)), "refusals do not count");
        clock.advance(Duration::from_hours(1));
        assert_eq!(passed(), 3, "and silence is not saved up");
    }

    #[test]
    fn idle_keys_are_removed_and_the_others_are_not() {
        let (clock, limit) = limit(60, 2);
        for n in 0..=SWEEP_KEYS {
            check(&limit, &n.to_string()).unwrap();
        }
        clock.advance(Duration::from_secs(2));
        for key in ["x", "x", "y"] {
            check(&limit, key).unwrap();
        }
        assert_eq!(limit.len(), 2);
        assert_eq!(check(&limit, "x"), Err(Duration::from_secs(1)));
    }

    #[test]
    fn keys_beyond_the_maximum_share_a_limit() {
        let (_, limit) = limit(60, 1);
        for n in 0..MAX_KEYS {
            check(&limit, &n.to_string()).unwrap();
        }
        assert_eq!(check(&limit, "a"), Ok(()));
        assert_eq!(check(&limit, "b"), Err(Duration::from_secs(1)));
        assert_eq!(check(&limit, "0"), Err(Duration::from_secs(1)), "as before");
        assert_eq!(limit.len(), MAX_KEYS);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait() {
        let (clock, limit) = limit(60, 2);
        assert_eq!(check(&limit, "a"), Ok(()));
        let began = clock.now();
        clock.set(began - Duration::from_hours(1));
        assert_eq!(check(&limit, "a"), Ok(()));
        assert_eq!(check(&limit, "a"), Err(Duration::from_secs(1)), "as if no time had passed");
        clock.advance(Duration::from_secs(1));
        assert_eq!(check(&limit, "a"), Ok(()), "and from there it goes on");
        assert_eq!(check(&limit, "b"), Ok(()));
    }

    #[test]
    fn the_fastest_rate_is_one() {
        let (_, limit) = limit(u32::MAX, u32::MAX);
        assert!((0..1000).all(|_| check(&limit, "a").is_ok()));
    }
}
