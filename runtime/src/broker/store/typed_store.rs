//! Typed records: JSON in the sealed store.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    browser::pending_authorization::PendingStore,
    grant::{Namespace, Records, Revision, SaveError, StoreError, Stored},
};

/// Clients that registered themselves (RFC 7591).
pub(crate) const CLIENTS: Namespace = Namespace::new("broker-client", 20_000);
/// Authorization requests whose consent page is open.
pub(crate) const REQUESTS: Namespace = Namespace::new("broker-request", 10_000);
/// Authorizations whose browsers are at the provider.
pub(crate) const AUTHORIZATIONS: Namespace = Namespace::new("broker-authorization", 10_000);
/// Sign-ins: codes, and the refresh tokens after them.
pub(crate) const SIGN_INS: Namespace = Namespace::new("broker-sign-in", 100_000);
/// People, by their subject.
pub(crate) const PEOPLE: Namespace = Namespace::new("broker-person", 100_000);
/// Consents that people gave to clients.
pub(crate) const CONSENTS: Namespace = Namespace::new("broker-consent", 100_000);
/// Sessions of browsers.
pub(crate) const SESSIONS: Namespace = Namespace::new("broker-session", 100_000);
/// The signing keys.
pub(crate) const KEYS: Namespace = Namespace::new("broker-keys", 1);

/// Typed records.
#[derive(Clone)]
pub(crate) struct TypedStore(Arc<dyn Records>);

impl TypedStore {
    pub(crate) fn new(records: Arc<dyn Records>) -> Self {
        Self(records)
    }

    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Stored<T>>, StoreError> {
        let Some(stored) = self.0.read(namespace, key).await? else { return Ok(None) };
        let value = parse(namespace, &stored.value)?;
        Ok(Some(Stored { value, revision: stored.revision }))
    }

    pub(crate) async fn write<T: Serialize>(
        &self,
        namespace: Namespace,
        key: &str,
        value: &T,
        until: SystemTime,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
        serde_json::to_writer(&mut *bytes, value)
            .map_err(|error| StoreError::unavailable("writing a record", error))?;
        self.0.write(namespace, key, &bytes, until, expected).await
    }

    /// Writes a record whose key is new and random.
    pub(crate) async fn put<T: Serialize>(
        &self,
        namespace: Namespace,
        key: &str,
        value: &T,
        until: SystemTime,
    ) -> Result<(), StoreError> {
        match self.write(namespace, key, value, until, Revision::ABSENT).await {
            Ok(_) => Ok(()),
            Err(SaveError::Store(error)) => Err(error),
            Err(conflict @ SaveError::Conflict) => {
                Err(StoreError::unavailable("writing a record", conflict))
            }
        }
    }

    /// Changes or creates a record: `change` gets the current value and returns the new one. It may
    /// be called several times, where others write at the same time.
    pub(crate) async fn change<T>(
        &self,
        namespace: Namespace,
        key: &str,
        until: SystemTime,
        change: impl Fn(Option<T>) -> T,
    ) -> Result<(), StoreError>
    where
        T: Serialize + DeserializeOwned,
    {
        loop {
            let (found, revision) = match self.read(namespace, key).await? {
                Some(stored) => (Some(stored.value), stored.revision),
                None => (None, Revision::ABSENT),
            };
            match self.write(namespace, key, &change(found), until, revision).await {
                Ok(_) => return Ok(()),
                // Another writer has succeeded, so this ends.
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }

    pub(crate) async fn take<T: DeserializeOwned>(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<T>, StoreError> {
        let taken = self.0.take(namespace, key).await?;
        taken.map(|bytes| parse(namespace, &bytes)).transpose()
    }
}

/// The authorizations whose browsers are at the provider.
#[async_trait]
impl PendingStore for TypedStore {
    async fn put(
        &self,
        state: &str,
        value: &[u8],
        expires_at: SystemTime,
    ) -> Result<(), StoreError> {
        match self.0.write(AUTHORIZATIONS, state, value, expires_at, Revision::ABSENT).await {
            Ok(_) => Ok(()),
            Err(SaveError::Store(error)) => Err(error),
            Err(conflict @ SaveError::Conflict) => {
                Err(StoreError::unavailable("writing an authorization", conflict))
            }
        }
    }

    async fn peek(&self, state: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.0.read(AUTHORIZATIONS, state).await?.map(|stored| stored.value))
    }

    async fn take(&self, state: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.0.take(AUTHORIZATIONS, state).await
    }
}

fn parse<T: DeserializeOwned>(namespace: Namespace, bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes)
        .map_err(|error| StoreError::unavailable(format!("reading a {}", namespace.name()), error))
}

/// A time as records have it, in milliseconds since 1970.
pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The time of a record.
pub(crate) fn moment(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis.min(1 << 53))
}
