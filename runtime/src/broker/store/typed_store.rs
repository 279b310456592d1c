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
    grant::{Namespace, Records, Revision, SaveError, StoreError, Stored, Watch},
};

// Where the maximum is 0 here, it follows from the capacity of a store: see `TypedStore::sized`.

/// Authorization requests whose consent page is open.
pub(crate) const REQUESTS: Namespace = Namespace::new("broker-request", 0);
/// Authorizations whose browsers are at the provider.
pub(crate) const AUTHORIZATIONS: Namespace = Namespace::new("broker-authorization", 0);
/// Sign-ins: codes, and the refresh tokens after them.
pub(crate) const SIGN_INS: Namespace = Namespace::new("broker-sign-in", 0).evicting();
/// People, by their subject. Without this record a person's sign-ins, sessions and consents are over.
pub(crate) const PEOPLE: Namespace = Namespace::new("broker-person", 0).evicting();
/// Consents that people gave to clients.
pub(crate) const CONSENTS: Namespace = Namespace::new("broker-consent", 0).evicting();
/// Sessions of browsers.
pub(crate) const SESSIONS: Namespace = Namespace::new("broker-session", 0).evicting();
/// Metadata documents of clients that people use.
pub(crate) const DOCUMENTS: Namespace = Namespace::new("broker-document", 10_000).evicting();
/// Assertions of clients that were used. Beyond so many, those that expire first are forgotten early.
pub(crate) const CLIENT_ASSERTIONS: Namespace =
    Namespace::new("broker-assertion", 100_000).evicting();
/// Assertions of identity providers that were used. They have a namespace of their own,
/// because anyone can be a client and fill that of clients.
pub(crate) const IDENTITY_ASSERTIONS: Namespace =
    Namespace::new("broker-identity-assertion", 100_000).evicting();
/// The signing keys.
pub(crate) const KEYS: Namespace = Namespace::new("broker-keys", 1);

/// The most people of whom records are kept, unless the operator says otherwise. What one person
/// takes is bounded by itself, so this is far more than anyone needs.
pub(crate) const MAX_PEOPLE: usize = 1_000_000;
/// How many sign-ins, sessions and consents there is room for, for each person on average.
const RECORDS_PER_PERSON: usize = 4;

/// How many records the kinds may have whose number an operator decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// People.
    pub(crate) people: usize,
    /// Authorization requests under way.
    pub(crate) requests: usize,
}

/// Typed records.
#[derive(Clone)]
pub(crate) struct TypedStore {
    records: Arc<dyn Records>,
    capacity: Capacity,
}

impl TypedStore {
    pub(crate) fn new(records: Arc<dyn Records>, capacity: Capacity) -> Self {
        Self { records, capacity }
    }

    /// The namespace with the number of records that it may hold here.
    fn sized(&self, namespace: Namespace) -> Namespace {
        let max_records = match (Namespace { is_watched: false, ..namespace }) {
            REQUESTS | AUTHORIZATIONS => self.capacity.requests,
            PEOPLE => self.capacity.people,
            SIGN_INS | CONSENTS | SESSIONS => self.capacity.people * RECORDS_PER_PERSON,
            _ => return namespace,
        };
        Namespace { max_records, ..namespace }
    }

    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Stored<T>>, StoreError> {
        let Some(stored) = self.records.read(namespace, key).await? else { return Ok(None) };
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
        self.records.write(self.sized(namespace), key, &bytes, until, expected).await
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

    /// Changes or creates a record: `change` gets the current value and returns the new one, with a
    /// result for the caller. It may be called several times, where others write at the same time.
    pub(crate) async fn change<T, R>(
        &self,
        namespace: Namespace,
        key: &str,
        until: SystemTime,
        change: impl Fn(Option<T>) -> (T, R),
    ) -> Result<R, StoreError>
    where
        T: Serialize + DeserializeOwned,
    {
        loop {
            let (found, revision) = match self.read(namespace, key).await? {
                Some(stored) => (Some(stored.value), stored.revision),
                None => (None, Revision::ABSENT),
            };
            let (changed, result) = change(found);
            match self.write(namespace, key, &changed, until, revision).await {
                Ok(_) => return Ok(result),
                // Another writer has succeeded, so this ends.
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }

    /// Waits, from this call on, until the record may have changed, as
    /// [`Records::watch`] does.
    pub(crate) fn watch(&self, namespace: Namespace, key: &str, poll_interval: Duration) -> Watch {
        self.records.watch(namespace, key, poll_interval)
    }

    pub(crate) async fn take<T: DeserializeOwned>(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<T>, StoreError> {
        let taken = self.records.take(namespace, key).await?;
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
        let namespace = self.sized(AUTHORIZATIONS);
        match self.records.write(namespace, state, value, expires_at, Revision::ABSENT).await {
            Ok(_) => Ok(()),
            Err(SaveError::Store(error)) => Err(error),
            Err(conflict @ SaveError::Conflict) => {
                Err(StoreError::unavailable("writing an authorization", conflict))
            }
        }
    }

    async fn peek(&self, state: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.records.read(AUTHORIZATIONS, state).await?.map(|stored| stored.value))
    }

    async fn take(&self, state: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.records.take(AUTHORIZATIONS, state).await
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
