//! Data keys of a store, which a [`KeySource`] unwraps: how long they are used, and when they are
//! unwrapped again.

mod renewal;
#[cfg(test)]
mod tests;
mod wrapped;

use std::{
    sync::{Arc, PoisonError, RwLock, Weak},
    time::Duration,
};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep, sleep_until, timeout},
};

pub(crate) use self::wrapped::{MAX_DATA_KEYS, NAME_PREFIX, WrappedKeys};
use super::{
    key_ring::KeyRing,
    key_source::{KeySource, KeySourceError},
    master_key::MasterKey,
    store_error::StoreError,
};
use crate::support::{background as task, clock::Clock, crypto};

/// How long one renewal may take. A call waits no longer than that for a key.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(8);

/// How long after a failure the source is not asked again.
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// The longest wait between two tries in the background.
const MAX_RETRY_WAIT: Duration = Duration::from_secs(30);

/// The data keys of one store.
pub(crate) struct DataKeys {
    source: Arc<dyn KeySource>,
    rows: Arc<dyn WrappedKeys>,
    clock: Arc<dyn Clock>,
    /// The master key of the store before it had a source.
    fixed: Option<MasterKey>,
    cached: RwLock<Option<Cached>>,
    /// A key that seals while there is no data key. Nothing that it seals is stored or opened again.
    void: Arc<KeyRing>,
    renewal: Mutex<Renewal>,
}

#[derive(Clone)]
struct Cached {
    ring: Arc<KeyRing>,
    /// When it was unwrapped, and when it is no longer used.
    since: Instant,
    until: Instant,
}

#[derive(Default)]
struct Renewal {
    /// The last failure, unless the source has answered since.
    failed: Option<(Instant, KeySourceError)>,
    /// The first key of a store that has none yet, and its row.
    first: Option<(MasterKey, (String, Vec<u8>))>,
}

impl DataKeys {
    /// Unwraps the data keys of a store, or makes the first one. [`first_row`](Self::first_row) returns
    /// it until it is stored.
    pub(crate) async fn load(
        source: Arc<dyn KeySource>,
        rows: Arc<dyn WrappedKeys>,
        clock: Arc<dyn Clock>,
        fixed: Option<MasterKey>,
    ) -> Result<Arc<Self>, StoreError> {
        let keys = Arc::new(Self {
            source,
            rows,
            clock,
            fixed,
            cached: RwLock::default(),
            void: Arc::new(KeyRing::new(&MasterKey::generate())),
            renewal: Mutex::default(),
        });
        keys.reload().await?;
        task::spawn(keep_fresh(Arc::downgrade(&keys)));
        Ok(keys)
    }

    /// The row of the first data key, which a new database is created with.
    pub(crate) async fn first_row(&self) -> Option<(String, Vec<u8>)> {
        Some(self.renewal.lock().await.first.as_ref()?.1.clone())
    }

    /// Stores the first data key in a database that had none. If another process was faster, its key is
    /// used instead.
    pub(crate) async fn store_first(&self) -> Result<(), StoreError> {
        let mut renewal = self.renewal.lock().await;
        let Some((_, (name, value))) = &renewal.first else { return Ok(()) };
        self.rows.insert(name, value).await?;
        renewal.first = None;
        drop(renewal);
        self.reload().await
    }

    /// Unwraps the data keys that the store has now.
    pub(crate) async fn reload(&self) -> Result<(), StoreError> {
        let mut renewal = self.renewal.lock().await;
        self.renew(&mut renewal).await.map(drop).map_err(StoreError::DataKeys)
    }

    /// The keys, unwrapped if there are none in memory.
    ///
    /// # Errors
    ///
    /// There are none, and the source does not answer or refuses.
    pub(crate) async fn ready(&self) -> Result<Arc<KeyRing>, StoreError> {
        if let Some(cached) = self.valid() {
            return Ok(cached.ring);
        }
        let mut renewal = self.renewal.lock().await;
        // Another call may have waited for the source.
        if let Some(cached) = self.valid() {
            return Ok(cached.ring);
        }
        if let Some((at, error)) = &renewal.failed
            && at.elapsed() < RETRY_WAIT
        {
            return Err(StoreError::DataKeys(error.clone()));
        }
        self.renew(&mut renewal).await.map_err(StoreError::DataKeys)
    }

    /// The keys in memory, or a ring that opens nothing.
    pub(crate) fn ring_or_void(&self) -> Arc<KeyRing> {
        self.valid().map_or_else(|| Arc::clone(&self.void), |cached| cached.ring)
    }

    fn valid(&self) -> Option<Cached> {
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        cached.as_ref().filter(|cached| Instant::now() < cached.until).cloned()
    }

    fn set(&self, cached: Option<Cached>) {
        *self.cached.write().unwrap_or_else(PoisonError::into_inner) = cached;
    }

    /// Asks the source, within a bound.
    async fn renew(&self, renewal: &mut Renewal) -> Result<Arc<KeyRing>, KeySourceError> {
        let since = Instant::now();
        let found = timeout(RENEWAL_TIMEOUT, self.unwrapped(renewal)).await.unwrap_or_else(|_| {
            Err(KeySourceError::unavailable(format!("no answer within {RENEWAL_TIMEOUT:?}")))
        });
        match found {
            Ok(ring) => {
                let (ring, until) = (Arc::new(ring), since + self.source.cache_lifetime());
                self.set(Some(Cached { ring: Arc::clone(&ring), since, until }));
                if renewal.failed.take().is_some() {
                    tracing::info!(target: "toolgate::grant", "the key source answers again");
                }
                Ok(ring)
            }
            Err(error) => {
                if error.is_refusal() {
                    self.set(None);
                }
                if renewal.failed.is_none() {
                    let in_use = self.valid().map(|cached| cached.until - Instant::now());
                    tracing::warn!(target: "toolgate::grant", %error, ?in_use, "the data keys of the store cannot be unwrapped; this is tried again");
                }
                renewal.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

/// Unwraps the data keys again at about half of their lifetime, and erases them at its end.
async fn keep_fresh(keys: Weak<DataKeys>) {
    let mut retry_wait = RETRY_WAIT;
    while let Some(alive) = keys.upgrade() {
        let failed = alive.renewal.lock().await.failed.is_some();
        let cached = alive.cached.read().unwrap_or_else(PoisonError::into_inner).clone();
        drop(alive);
        match cached {
            Some(cached) if !failed => {
                retry_wait = RETRY_WAIT;
                // Replicas that were started at once do not ask at once.
                let lifetime = cached.until - cached.since;
                sleep_until(cached.since + lifetime.mul_f64(0.4 + jitter() / 5.0)).await;
            }
            Some(cached) => sleep_until(cached.until.min(Instant::now() + retry_wait)).await,
            None => sleep(retry_wait.mul_f64(0.5 + jitter() / 2.0)).await,
        }
        let Some(alive) = keys.upgrade() else { return };
        if alive.reload().await.is_err() {
            retry_wait = (retry_wait * 2).min(MAX_RETRY_WAIT);
            if alive.valid().is_none() {
                alive.set(None);
            }
        }
    }
}

/// A random number from 0 to 1.
fn jitter() -> f64 {
    let mut bytes = [0; 4];
    crypto::fill_random(&mut bytes);
    f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
}
