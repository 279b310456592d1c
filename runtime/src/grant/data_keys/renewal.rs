//! One renewal of data keys: rows are read and unwrapped, and wrapped again if the source has another
//! key. A new data key is added when the last one is old.

use std::time::{Duration, SystemTime};

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use secrecy::{ExposeSecret as _, SecretSlice};
use zeroize::Zeroizing;

use super::{
    DataKeys, Renewal,
    wrapped::{MAX_DATA_KEYS, MAX_WRAPPED_BYTES, WrappedKey, name_after},
};
use crate::grant::{
    key_ring::{KeyRing, SealingKey},
    key_source::KeySourceError,
    master_key::MasterKey,
    store_error::StoreError,
};

/// How many keys are unwrapped at once.
const MAX_CONCURRENT: usize = 8;

/// The delay of a new key after the end of the longest cache, before it seals.
const ACTIVATION_MARGIN: Duration = Duration::from_mins(1);

/// A data key, and since when it seals.
struct DataKey {
    key: SealingKey,
    active_from: SystemTime,
}

impl DataKeys {
    pub(super) async fn unwrapped(&self, renewal: &mut Renewal) -> Result<KeyRing, KeySourceError> {
        let rows = self.rows.read().await.map_err(of_store)?;
        let now = self.clock.now();
        if rows.is_empty() {
            return self.first(renewal, now).await;
        }
        renewal.first = None;
        if rows.len() > MAX_DATA_KEYS {
            let problem = format!("the store has more than {MAX_DATA_KEYS} data keys");
            return Err(KeySourceError::unavailable(problem));
        }
        // In the order of the rows, which is that of their age.
        let mut unwrapping: Vec<BoxFuture<'_, _>> = Vec::with_capacity(rows.len());
        for (name, value) in &rows {
            unwrapping.push(self.unwrap_row(name, value).boxed());
        }
        let found: Vec<_> = stream::iter(unwrapping).buffered(MAX_CONCURRENT).collect().await;
        let is_active =
            |value: &Vec<u8>| WrappedKey::read(value).is_some_and(|row| row.active_from <= now);
        let current = rows.iter().rposition(|(_, value)| is_active(value));
        let mut keys = Vec::new();
        for (at, result) in found.into_iter().enumerate() {
            match result {
                Ok(key) => keys.push(key),
                // An older key of the source may have been destroyed: only what it wrapped is lost.
                Err(error) if error.is_refusal() && Some(at) != current => {
                    let name = &rows[at].0;
                    tracing::warn!(target: "toolgate::grant", %error, name, "a data key of the store cannot be unwrapped");
                }
                Err(error) => return Err(error),
            }
        }
        if let Some((name, value)) = rows.last()
            && WrappedKey::read(value)
                .is_some_and(|row| row.is_due(now, self.source.rotation_period()))
            && rows.len() < MAX_DATA_KEYS
            && let Err(error) = self.add(name, now).await
        {
            tracing::warn!(target: "toolgate::grant", %error, "there is no new data key yet; the last one is used until then");
        }
        self.ring(keys, now)
    }

    /// The key of a store without data keys: a new one, or the master key that it has so far.
    async fn first(
        &self,
        renewal: &mut Renewal,
        now: SystemTime,
    ) -> Result<KeyRing, KeySourceError> {
        // Replicas that do not know the source have to be replaced first.
        let active_from = if self.fixed.is_some() { self.next_activation(now) } else { now };
        if renewal.first.is_none() {
            let key = MasterKey::generate();
            let value = self.wrapped(&key, active_from).await?;
            renewal.first = Some((key, (name_after(None), value)));
        }
        let Some((key, _)) = &renewal.first else {
            return Err(KeySourceError::unavailable("there is no data key"));
        };
        self.ring(vec![DataKey { key: SealingKey::new(key), active_from }], now)
    }

    /// Adds a data key after the row `last`. Another process may have done so.
    async fn add(&self, last: &str, now: SystemTime) -> Result<(), KeySourceError> {
        let value = self.wrapped(&MasterKey::generate(), self.next_activation(now)).await?;
        self.rows.insert(&name_after(Some(last)), &value).await.map_err(of_store)
    }

    /// The time at which a key that is stored now may seal: by then, all processes whose keys are still
    /// valid have it.
    fn next_activation(&self, now: SystemTime) -> SystemTime {
        now + self.source.cache_lifetime() + ACTIVATION_MARGIN
    }

    /// The ring of the keys: the last one that is active seals.
    fn ring(&self, keys: Vec<DataKey>, now: SystemTime) -> Result<KeyRing, KeySourceError> {
        let fixed = self.fixed.iter().flat_map(|key| {
            let previous = key.previous().iter().rev();
            previous.chain([key]).map(SealingKey::new)
        });
        let mut active: Vec<SealingKey> = fixed.collect();
        let mut upcoming = Vec::new();
        for key in keys {
            let to = if key.active_from <= now { &mut active } else { &mut upcoming };
            to.push(key.key);
        }
        let missing = || KeySourceError::unavailable("no data key of the store is active yet");
        let current = active.pop().ok_or_else(missing)?;
        Ok(KeyRing::of(current, active, upcoming))
    }

    /// Unwraps a row, and wraps it again where the source has a newer key.
    async fn unwrap_row(&self, name: &str, value: &[u8]) -> Result<DataKey, KeySourceError> {
        let unreadable = || KeySourceError::unavailable("a data key has a form that is not known");
        let row = WrappedKey::read(value).ok_or_else(unreadable)?;
        let secret = self.source.unwrap(row.wrapped).await?;
        let bytes: [u8; 32] = secret.expose_secret().try_into().map_err(|_| {
            let length = secret.expose_secret().len();
            KeySourceError::refused(format!("it unwrapped {length} bytes instead of 32"))
        })?;
        let key = MasterKey::from_bytes(bytes);
        let found = SealingKey::new(&key);
        if *found.id() != row.key_id {
            return Err(KeySourceError::refused("it unwrapped another key"));
        }
        if !self.source.is_current(row.wrapped)
            && let Err(error) = self.wrap_again(name, value, &key, row.active_from).await
        {
            tracing::warn!(target: "toolgate::grant", %error, name, "a data key is not yet wrapped with the source's newer key");
        }
        Ok(DataKey { key: found, active_from: row.active_from })
    }

    async fn wrap_again(
        &self,
        name: &str,
        before: &[u8],
        key: &MasterKey,
        active_from: SystemTime,
    ) -> Result<(), KeySourceError> {
        let after = self.wrapped(key, active_from).await?;
        self.rows.replace(name, before, &after).await.map_err(of_store)
    }

    /// The row of a key.
    async fn wrapped(
        &self,
        key: &MasterKey,
        active_from: SystemTime,
    ) -> Result<Vec<u8>, KeySourceError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(32));
        bytes.extend_from_slice(key.expose());
        let secret = SecretSlice::from(std::mem::take(&mut *bytes));
        let wrapped = self.source.wrap(&secret).await?;
        if wrapped.is_empty() || wrapped.len() > MAX_WRAPPED_BYTES {
            let length = wrapped.len();
            return Err(KeySourceError::refused(format!("a wrapped key has {length} bytes")));
        }
        let key_id = *SealingKey::new(key).id();
        Ok(WrappedKey { active_from, key_id, wrapped: &wrapped }.write())
    }
}

fn of_store(error: StoreError) -> KeySourceError {
    KeySourceError::of_store(&error)
}
