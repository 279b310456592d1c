//! Points in time as milliseconds since the Unix epoch.

use std::time::{Duration, SystemTime};

use serde::{Deserialize as _, Deserializer, Serializer};

pub(crate) fn to_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // SQLite's integers are signed.
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX).min(i64::MAX as u64)
}

pub(crate) fn from_millis(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_millis(millis.min(i64::MAX as u64)))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

pub(crate) fn serialize<S: Serializer>(
    time: &SystemTime,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(to_millis(*time))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<SystemTime, D::Error> {
    u64::deserialize(deserializer).map(from_millis)
}
