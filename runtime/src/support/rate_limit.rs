//! How often somebody may ask: the generic cell rate algorithm, by key.
//!
//! What is kept of a key is one moment: when it would have asked last, if it had kept to the rate.
//! Whoever is further ahead of time than the burst allows has to wait; whoever is not ahead is as if
//! he had never come, and is forgotten.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use crate::grant::Clock;

/// With more keys than this those that are quiet are forgotten.
const MOST: usize = 50_000;

/// They are looked for so often at most, because it takes a look at all.
const SWEEP: Duration = Duration::from_secs(1);

/// So many a minute by each key.
pub(crate) struct Rate<K> {
    interval: Duration,
    /// How far ahead of time a key may be.
    ahead: Duration,
    clock: Arc<dyn Clock>,
    keys: Mutex<Keys<K>>,
}

struct Keys<K> {
    arrivals: HashMap<K, Duration>,
    swept: Duration,
}

impl<K: Hash + Eq> Rate<K> {
    /// So many a minute, and as many as `burst` at once.
    pub(crate) fn per_minute(count: NonZeroU32, burst: NonZeroU32, clock: &Arc<dyn Clock>) -> Self {
        let interval = Duration::from_secs(60) / count.get();
        let keys = Keys { arrivals: HashMap::new(), swept: Duration::ZERO };
        let (ahead, clock) = (interval * burst.get(), Arc::clone(clock));
        Self { interval, ahead, clock, keys: Mutex::new(keys) }
    }

    /// One more, or how long it has to wait. Who is refused is not counted.
    pub(crate) fn check<Q>(&self, key: &Q) -> Result<(), Duration>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let now = self.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut keys = self.keys();
        keys.sweep(now);
        let next = |arrival: Duration| {
            let next = arrival.max(now) + self.interval;
            let early = next.saturating_sub(now + self.ahead);
            if early.is_zero() { Ok(next) } else { Err(early) }
        };
        if let Some(arrival) = keys.arrivals.get_mut(key) {
            *arrival = next(*arrival)?;
        } else {
            keys.arrivals.insert(key.to_owned(), next(now)?);
        }
        Ok(())
    }

    /// How many keys are remembered.
    #[cfg(any(feature = "broker", test))]
    pub(crate) fn len(&self) -> usize {
        self.keys().arrivals.len()
    }

    fn keys(&self) -> MutexGuard<'_, Keys<K>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Keys<K> {
    fn sweep(&mut self, now: Duration) {
        if self.arrivals.len() > MOST && now.saturating_sub(self.swept) >= SWEEP {
            self.swept = now;
            self.arrivals.retain(|_, arrival| *arrival > now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::ManualClock;

    fn rate(count: u32, burst: u32) -> (Arc<ManualClock>, Rate<String>) {
        let clock = Arc::new(ManualClock::new());
        let of = |count| NonZeroU32::new(count).unwrap();
        let shared: Arc<dyn Clock> = clock.clone();
        (clock, Rate::per_minute(of(count), of(burst), &shared))
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let (clock, rate) = rate(60, 3);
        let passed = || (0..9).filter(|_| rate.check("a").is_ok()).count();
        assert_eq!(passed(), 3);
        assert_eq!(rate.check("a"), Err(Duration::from_secs(1)));
        assert_eq!(rate.check("b"), Ok(()), "each by itself");
        clock.advance(Duration::from_millis(1500));
        assert_eq!(passed(), 1);
        assert_eq!(rate.check("a"), Err(Duration::from_millis(500)), "refusals do not count");
        clock.advance(Duration::from_hours(1));
        assert_eq!(passed(), 3, "and silence is not saved up");
    }

    #[test]
    fn the_quiet_are_forgotten_and_the_others_are_not() {
        let (clock, rate) = rate(60, 2);
        for n in 0..=MOST {
            rate.check(&n.to_string()).unwrap();
        }
        clock.advance(Duration::from_secs(2));
        for key in ["x", "x", "y"] {
            rate.check(key).unwrap();
        }
        assert_eq!(rate.len(), 2);
        assert_eq!(rate.check("x"), Err(Duration::from_secs(1)));
    }

    #[test]
    fn the_fastest_rate_is_one() {
        let (_, rate) = rate(u32::MAX, u32::MAX);
        assert!((0..1000).all(|_| rate.check("a").is_ok()));
    }
}
