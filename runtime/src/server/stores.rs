//! Stores of a server whose program names none: that of the environment, or the default.

use std::sync::Arc;

use crate::{
    error::ConfigError,
    grant::{Clock, GrantStore, KeySource, MasterKey, MemoryStore, Sealer, Store, key_settings},
    http::SessionKeys,
};

/// The store that the environment names. A server without providers opens it as well, for its sessions.
pub(super) async fn chosen_store(
    clock: &Arc<dyn Clock>,
    source: Option<&Arc<dyn KeySource>>,
) -> Result<Option<Arc<dyn GrantStore>>, ConfigError> {
    let store = Store::from_env_at(Arc::clone(clock), source.cloned()).await;
    let store = store.map_err(|error| ConfigError::new(error.to_string()))?;
    Ok(store.map(Store::into_inner))
}

#[cfg(feature = "sqlite")]
pub(super) async fn default_store(
    name: &str,
    clock: &Arc<dyn Clock>,
    source: Option<Arc<dyn KeySource>>,
) -> Result<Arc<dyn GrantStore>, ConfigError> {
    use crate::grant::{SqliteStore, data_directory};

    let error = |error: crate::grant::StoreError| ConfigError::new(error.to_string());
    let directory = data_directory(name).map_err(error)?;
    let options = SqliteStore::at(directory).clock(Arc::clone(clock));
    Ok(Arc::new(options.shared_key_source(source).open().await.map_err(error)?))
}

#[cfg(not(feature = "sqlite"))]
#[allow(clippy::unused_async, reason = "the function with SQLite is async")]
pub(super) async fn default_store(
    _: &str,
    clock: &Arc<dyn Clock>,
    _: Option<Arc<dyn KeySource>>,
) -> Result<Arc<dyn GrantStore>, ConfigError> {
    Ok(Arc::new(MemoryStore::with_clock(Arc::clone(clock))))
}

/// The key of session identifiers: that of the store, so that all processes which share it serve each
/// other's sessions. Without one it is the master key, if the environment has it.
pub(super) async fn session_keys(
    store: Option<&Arc<dyn GrantStore>>,
    dev_key: Option<&MasterKey>,
    clock: &Arc<dyn Clock>,
) -> Result<SessionKeys, ConfigError> {
    if let Some(records) = store.and_then(|store| Arc::clone(store).records()) {
        return Ok(SessionKeys { sealer: records.sealer().clone(), records });
    }
    let key = key_settings::given().await;
    let key = key.map_err(|error| ConfigError::new(error.to_string()))?.map(|(key, _)| key);
    let key = key.or_else(|| dev_key.cloned());
    let sealer = Sealer::new(&key.unwrap_or_else(MasterKey::generate));
    Ok(SessionKeys { sealer, records: Arc::new(MemoryStore::with_clock(Arc::clone(clock))) })
}
