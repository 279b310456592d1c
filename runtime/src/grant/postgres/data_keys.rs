//! Data keys in the database, wrapped.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use tokio_postgres::types::Type;

use super::{
    database::{Database, column},
    migrations::migrate,
};
use crate::{
    grant::{
        data_keys::{DataKeys, MAX_DATA_KEYS, NAME_PREFIX, WrappedKeys},
        key_error::KeyError,
        key_source::KeySource,
        master_key::MasterKey,
        seal::Sealer,
        store_error::StoreError,
    },
    support::clock::Clock,
};

const READING: &str = "reading the data keys";
const WRITING: &str = "writing a data key";

/// The rows of a database, as long as its store is open.
struct Rows(Weak<Database>);

/// Migrates a database whose keys a source wraps.
pub(super) async fn open(
    database: &Arc<Database>,
    source: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    key: Option<MasterKey>,
) -> Result<Sealer, StoreError> {
    let rows = Arc::new(Rows(Arc::downgrade(database)));
    let keys = DataKeys::load(source, rows, clock, key).await?;
    let sealer = Sealer::sourced(Arc::clone(&keys));
    let origin = "of the key source";
    let first = keys.first_row().await;
    let is_first = first.is_some();
    let mut migrated = migrate(database, &sealer.ready().await?, origin, first).await;
    if is_first && matches!(migrated, Err(StoreError::Key(KeyError::Wrong { .. }))) {
        // Another process has created the database in the meantime, with a data key of its own.
        keys.reload().await?;
        migrated = migrate(database, &sealer.ready().await?, origin, None).await;
    }
    migrated?;
    keys.store_first().await?;
    Ok(sealer)
}

impl Rows {
    fn database(&self, doing: &'static str) -> Result<Arc<Database>, StoreError> {
        self.0.upgrade().ok_or_else(|| StoreError::unavailable(doing, "the store is closed"))
    }
}

#[async_trait]
impl WrappedKeys for Rows {
    async fn read(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let database = self.database(READING)?;
        let sql = "SELECT 1 FROM pg_class \
                   WHERE relname = 'toolgate_meta' AND pg_table_is_visible(oid)";
        if database.query(READING, sql, &[]).await?.is_empty() {
            return Ok(Vec::new());
        }
        let sql = "SELECT name, value FROM toolgate_meta WHERE starts_with(name, $1) \
                   ORDER BY name LIMIT $2";
        let limit = i64::try_from(MAX_DATA_KEYS + 1).unwrap_or(i64::MAX);
        let parameters = [(&NAME_PREFIX as _, Type::TEXT), (&limit as _, Type::INT8)];
        let rows = database.query(READING, sql, &parameters).await?;
        rows.iter().map(|row| Ok((column(row, 0)?, column(row, 1)?))).collect()
    }

    async fn insert(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT INTO toolgate_meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let parameters = [(&name as _, Type::TEXT), (&value as _, Type::BYTEA)];
        self.database(WRITING)?.query(WRITING, sql, &parameters).await.map(drop)
    }

    async fn replace(&self, name: &str, before: &[u8], after: &[u8]) -> Result<(), StoreError> {
        let sql = "UPDATE toolgate_meta SET value = $3 WHERE name = $1 AND value = $2";
        let parameters =
            [(&name as _, Type::TEXT), (&before as _, Type::BYTEA), (&after as _, Type::BYTEA)];
        self.database(WRITING)?.query(WRITING, sql, &parameters).await.map(drop)
    }
}
