//! Clocks: the source of the time as a value, so that tests can set it.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// A source of the time.
///
/// Everything that expires reads its clock, so that a test can set the time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> SystemTime;

    /// Whether it is that of this machine, in whose place a store may use one that replicas share.
    #[doc(hidden)]
    fn is_system(&self) -> bool {
        false
    }
}

/// The system clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn is_system(&self) -> bool {
        true
    }
}

/// A clock for tests: it stands still until it is moved.
///
/// ```
/// use std::time::Duration;
/// use toolgate::grant::{Clock, ManualClock};
///
/// let clock = ManualClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(5));
/// assert_eq!(clock.now(), before + Duration::from_secs(5));
/// ```
pub struct ManualClock(Mutex<SystemTime>);

impl ManualClock {
    /// Creates a clock at an arbitrary fixed time.
    pub fn new() -> Self {
        Self::at(SystemTime::UNIX_EPOCH + Duration::from_hours(500_000))
    }

    /// Creates a clock at `now`.
    pub fn at(now: SystemTime) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, now: SystemTime) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.now()).finish()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
