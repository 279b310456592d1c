//! Data keys in the database, wrapped.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::{
    open::{self, Place, connect},
    pool::{ConnectionPool, blocking, failed, query_all},
};
use crate::{
    grant::{
        data_keys::{DataKeys, MAX_DATA_KEYS, NAME_PREFIX, WrappedKeys},
        key_error::KeyError,
        key_source::KeySource,
        master_key::MasterKey,
        rows::signed,
        seal::Sealer,
        store_error::StoreError,
    },
    support::clock::Clock,
};

/// Opens a database whose keys a source wraps.
pub(super) async fn open(
    place: Place,
    key: Option<MasterKey>,
    source: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
) -> Result<(ConnectionPool, Sealer), StoreError> {
    let (place, key) = blocking(move || {
        let key = place.former_key(key)?;
        Ok((Arc::new(place), key))
    })
    .await?;
    let rows = Arc::new(Rows { path: place.database.clone() });
    let keys = DataKeys::load(source, rows, clock, key).await?;
    let sealer = Sealer::sourced(Arc::clone(&keys));
    let opened = |sealer: Sealer, first| {
        let place = Arc::clone(&place);
        let origin = "of the key source".to_owned();
        blocking(move || open::open(&place, &sealer, origin, first))
    };
    let first = keys.first_row().await;
    let is_first = first.is_some();
    let mut pool = opened(sealer.ready().await?, first).await;
    if is_first && matches!(pool, Err(StoreError::Key(KeyError::Wrong { .. }))) {
        // Another process has created the database in the meantime, with a data key of its own.
        keys.reload().await?;
        pool = opened(sealer.ready().await?, None).await;
    }
    let pool = pool?;
    keys.store_first().await?;
    Ok((pool, sealer))
}

/// The rows of the database at a path. Each use has a connection of its own.
struct Rows {
    path: PathBuf,
}

impl Rows {
    async fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = self.path.clone();
        blocking(move || {
            let done = connect(&path).and_then(|connection| work(&connection));
            done.map_err(|error| failed(&path, doing, error))
        })
        .await
    }
}

#[async_trait]
impl WrappedKeys for Rows {
    async fn read(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        self.run("reading the data keys", |connection| {
            let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'";
            if connection.query_row(sql, [], |row| row.get::<_, i64>(0))? == 0 {
                return Ok(Vec::new());
            }
            let sql = "SELECT name, value FROM meta WHERE substr(name, 1, length(?1)) = ?1 \
                       ORDER BY name LIMIT ?2";
            let limit = signed(MAX_DATA_KEYS as u64 + 1);
            query_all(connection, sql, params![NAME_PREFIX, limit])
        })
        .await
    }

    async fn insert(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let (name, value) = (name.to_owned(), value.to_vec());
        self.run("writing a data key", move |connection| {
            let sql = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING";
            connection.execute(sql, params![name, value]).map(drop)
        })
        .await
    }

    async fn replace(&self, name: &str, before: &[u8], after: &[u8]) -> Result<(), StoreError> {
        let (name, before, after) = (name.to_owned(), before.to_vec(), after.to_vec());
        self.run("writing a data key", move |connection| {
            let sql = "UPDATE meta SET value = ?3 WHERE name = ?1 AND value = ?2";
            connection.execute(sql, params![name, before, after]).map(drop)
        })
        .await
    }
}
