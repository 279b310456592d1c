//! Clocks: that of this process, and the database's, on which all replicas agree.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use super::database::{Database, column};
use crate::{
    grant::{
        millis::{from_millis, to_millis},
        rows::{signed, unsigned},
        store_error::StoreError,
    },
    support::clock::{Clock, SystemClock},
};

/// How much the clock of this machine may differ from the database's.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(30);

/// The clock of the database, for times that replicas compare. As long as it agrees with the clock of
/// this machine, that one is read, so that no query is needed.
#[derive(Debug)]
pub(super) struct SharedClock {
    begun: Instant,
    /// The database's time when this one began, in milliseconds since 1970; or [`SharedClock::SAME`].
    at_begin: AtomicI64,
}

impl SharedClock {
    const SAME: i64 = i64::MIN;

    fn new() -> Self {
        Self { begun: Instant::now(), at_begin: AtomicI64::new(Self::SAME) }
    }

    /// Follows the clock of the database; `None`: that of this machine.
    fn follow(&self, database: Option<SystemTime>) {
        let at_begin = database.map_or(Self::SAME, |now| {
            let elapsed = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            signed(to_millis(now)).saturating_sub(signed(elapsed))
        });
        self.at_begin.store(at_begin, Ordering::Relaxed);
    }
}

impl Clock for SharedClock {
    fn now(&self) -> SystemTime {
        match self.at_begin.load(Ordering::Relaxed) {
            Self::SAME => SystemClock.now(),
            at_begin => from_millis(unsigned(at_begin)) + self.begun.elapsed(),
        }
    }
}

/// The clocks of a store.
pub(super) struct Clocks {
    /// The clock that the program has set, in place of the database's.
    given: Option<Arc<dyn Clock>>,
    /// A time of the database, and the moment of this process at which it was read.
    measured: Mutex<Option<(SystemTime, Instant)>>,
    shared: Arc<SharedClock>,
    /// Whether the clock of this machine was seen to differ from the database's.
    is_wrong: AtomicBool,
}

impl Clocks {
    pub(super) fn new(given: Option<Arc<dyn Clock>>) -> Self {
        let given = given.filter(|clock| !clock.is_system());
        let (shared, is_wrong) = (Arc::new(SharedClock::new()), AtomicBool::new(false));
        Self { given, measured: Mutex::default(), shared, is_wrong }
    }

    /// The time of the database, also after the clock of this machine was changed.
    pub(super) fn now(&self) -> SystemTime {
        match (&self.given, *self.measured()) {
            (Some(clock), _) => clock.now(),
            (None, Some((time, at))) => time + at.elapsed(),
            (None, None) => SystemClock.now(),
        }
    }

    /// The database's clock in place of the system's, where the program has set no other.
    pub(super) fn shared(&self) -> Option<Arc<dyn Clock>> {
        self.given.is_none().then(|| Arc::<SharedClock>::clone(&self.shared) as Arc<dyn Clock>)
    }

    /// The time that a statement compares with, in milliseconds. `None`: the database's own.
    pub(super) fn given_now(&self) -> Option<i64> {
        self.given.as_ref().map(|clock| signed(to_millis(clock.now())))
    }

    /// When a record expires, as the database has it. `expires_at` is by the clock of this machine.
    pub(super) fn expiry(&self, database: &str, expires_at: SystemTime) -> SystemTime {
        if self.given.is_some() || !self.differ(database) {
            return expires_at;
        }
        let left = expires_at.duration_since(SystemClock.now()).unwrap_or_default();
        self.now().checked_add(left).unwrap_or(expires_at)
    }

    /// Asks the database for its time.
    pub(super) async fn ask(&self, database: &Database) -> Result<(), StoreError> {
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        let rows = database.query("reading the clock", sql, &[]).await?;
        if let Some(row) = rows.first() {
            self.measure(database.name(), from_millis(unsigned(column(row, 0)?)));
        }
        Ok(())
    }

    /// Notes what the database's time is now.
    pub(super) fn measure(&self, database: &str, now: SystemTime) {
        *self.measured() = Some((now, Instant::now()));
        if self.given.is_none() {
            self.differ(database);
        }
    }

    /// Whether the clocks differ. It is logged when they begin to, and when they no longer do.
    fn differ(&self, database: &str) -> bool {
        let (ours, theirs) = (SystemClock.now(), self.now());
        let ahead = ours.duration_since(theirs).unwrap_or_default();
        let behind = theirs.duration_since(ours).unwrap_or_default();
        let is_wrong = ahead.max(behind) > MAX_CLOCK_SKEW;
        self.shared.follow(is_wrong.then_some(theirs));
        if self.is_wrong.swap(is_wrong, Ordering::Relaxed) == is_wrong {
            return is_wrong;
        }
        if is_wrong {
            tracing::error!(target: "toolgate::grant", database, ahead_s = ahead.as_secs(), behind_s = behind.as_secs(), "the clock of this machine is not the database's: tokens seem expired, or good for too long");
        } else {
            tracing::info!(target: "toolgate::grant", database, "the clock of this machine is the database's again");
        }
        is_wrong
    }

    fn measured(&self) -> MutexGuard<'_, Option<(SystemTime, Instant)>> {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_clock_is_the_databases_where_the_two_differ() {
        let clocks = Clocks::new(None);
        let shared = clocks.shared().unwrap();
        let near = |one: SystemTime, other: SystemTime| {
            let apart = one.duration_since(other).or_else(|_| other.duration_since(one));
            apart.unwrap() < Duration::from_secs(10)
        };
        let now = SystemTime::now();
        let hour = Duration::from_secs(3600);
        assert!(near(shared.now(), now), "nothing is measured");
        clocks.measure("db", now + hour);
        assert!(near(shared.now(), now + hour));
        clocks.measure("db", now - hour);
        assert!(near(shared.now(), now - hour));
        clocks.measure("db", now + Duration::from_secs(1));
        assert!(near(shared.now(), now), "it is right again");
        let given: Arc<dyn Clock> = Arc::new(crate::grant::ManualClock::new());
        assert!(Clocks::new(Some(given)).shared().is_none());
    }
}
