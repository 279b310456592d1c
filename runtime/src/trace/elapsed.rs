//! Durations of events.

use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

/// How long something took. As JSON it is a number of whole milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Elapsed(Duration);

impl Elapsed {
    /// Returns it as a duration.
    pub fn as_duration(self) -> Duration {
        self.0
    }

    /// Returns it in whole milliseconds.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }
}

impl From<Duration> for Elapsed {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl Serialize for Elapsed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.as_millis())
    }
}

/// The time since then; none without an observer.
pub(crate) fn ms_since(started: Option<Instant>) -> Elapsed {
    Elapsed(started.map(|started| started.elapsed()).unwrap_or_default())
}
