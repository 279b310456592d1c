//! Wrapped data keys as rows of a store.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::grant::{
    key_ring::KEY_ID_LEN,
    millis::{from_millis, to_millis},
    store_error::StoreError,
};

/// The prefix of the rows' names. A number of fixed length follows.
pub(crate) const NAME_PREFIX: &str = "data key ";

/// The most data keys of a store: with the default period, those of fifteen years.
pub(crate) const MAX_DATA_KEYS: usize = 64;

/// The longest wrapped key.
pub(super) const MAX_WRAPPED_BYTES: usize = 4096;

const VERSION: u8 = 1;
const HEADER_LEN: usize = 1 + 8 + KEY_ID_LEN;

/// The table of a store in which wrapped data keys are kept.
#[async_trait]
pub(crate) trait WrappedKeys: Send + Sync + 'static {
    /// The rows whose names begin with [`NAME_PREFIX`], in the order of their names; none where there
    /// is no table yet. One more than [`MAX_DATA_KEYS`] are enough.
    async fn read(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError>;

    /// Adds a row, unless there is one of this name.
    async fn insert(&self, name: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Replaces the value of a row, unless it has changed.
    async fn replace(&self, name: &str, before: &[u8], after: &[u8]) -> Result<(), StoreError>;
}

/// A row: `version ‖ when the key begins to seal ‖ key id ‖ wrapped key`.
pub(super) struct WrappedKey<'a> {
    pub(super) active_from: SystemTime,
    pub(super) key_id: [u8; KEY_ID_LEN],
    pub(super) wrapped: &'a [u8],
}

impl<'a> WrappedKey<'a> {
    pub(super) fn read(value: &'a [u8]) -> Option<Self> {
        let (header, wrapped) = value.split_at_checked(HEADER_LEN)?;
        let (times, key_id) = header[1..].split_at(8);
        let active_from = from_millis(u64::from_be_bytes(times.try_into().ok()?));
        let key_id = key_id.try_into().ok()?;
        (header[0] == VERSION).then_some(Self { active_from, key_id, wrapped })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&to_millis(self.active_from).to_be_bytes());
        out.extend_from_slice(&self.key_id);
        out.extend_from_slice(self.wrapped);
        out
    }

    /// Whether it is time for its successor.
    pub(super) fn is_due(&self, now: SystemTime, period: Duration) -> bool {
        now.duration_since(self.active_from).is_ok_and(|age| age >= period)
    }
}

/// The name of the row after this one.
pub(super) fn name_after(last: Option<&str>) -> String {
    let last = last.and_then(|name| name.strip_prefix(NAME_PREFIX)?.parse().ok());
    format!("{NAME_PREFIX}{:08}", last.unwrap_or(0_u32).saturating_add(1))
}
