//! The database as [`Records`].

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use rusqlite::{TransactionBehavior, params};
use zeroize::Zeroizing;

use super::{SqliteStore, pool::query_all};
use crate::grant::{
    millis::{from_millis, to_millis},
    model::{Revision, Stored},
    records::{MAX_RECORD_BYTES, Namespace, Records},
    rows::{first_revision, place, row_id, signed, unsigned},
    seal::Sealer,
    store_error::{SaveError, StoreError},
    watchers::{Watch, record_id},
};

/// Removes the record of a full namespace that expires first, to make room for another one.
const EVICT: &str = "DELETE FROM records WHERE namespace = ?1 \
    AND id = (SELECT id FROM records WHERE namespace = ?1 ORDER BY expires_at LIMIT 1) \
    AND (SELECT records FROM record_counts WHERE namespace = ?1) >= ?3 \
    AND NOT EXISTS (SELECT 1 FROM records WHERE namespace = ?1 AND id = ?2)";

#[async_trait]
impl Records for SqliteStore {
    fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    async fn read(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Stored<Zeroizing<Vec<u8>>>>, StoreError> {
        let sealer = self.sealer.ready().await?;
        let row = row_id(key);
        let rows = self.pool.run("reading a record", move |connection| {
            let sql = "SELECT sealed, expires_at, revision FROM records \
                       WHERE namespace = ? AND id = ?";
            query_all(connection, sql, params![namespace.name, row])
        });
        self.record(&sealer, namespace, key, rows.await?.first())
    }

    async fn write(
        &self,
        namespace: Namespace,
        key: &str,
        value: &[u8],
        expires_at: SystemTime,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        if value.len() > MAX_RECORD_BYTES {
            return Err(StoreError::Full.into());
        }
        let now = signed(to_millis(self.clock.now()));
        let sealer = self.sealer.ready().await?;
        let (row, until) = (row_id(key), signed(to_millis(expires_at)));
        let about = [namespace.name, &place(&row)];
        let sealed = sealer.seal_until("record", &about, expires_at, value);
        let rows = self.pool.run("writing a record", move |connection| {
            if expected == Revision::ABSENT {
                let max_records = signed(namespace.max_records as u64);
                let transaction =
                    connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                transaction.execute("DELETE FROM records WHERE expires_at <= ?", [now])?;
                if namespace.evicts {
                    transaction.execute(EVICT, params![namespace.name, row, max_records])?;
                }
                let sql = "INSERT INTO records (namespace, id, sealed, expires_at, revision) \
                           SELECT ?1, ?2, ?3, ?4, ?5 \
                           WHERE ?7 OR coalesce((SELECT records FROM record_counts \
                                                 WHERE namespace = ?1), 0) < ?6 \
                           ON CONFLICT (namespace, id) DO NOTHING RETURNING revision";
                let revision = first_revision();
                let rows = query_all(
                    &transaction,
                    sql,
                    params![
                        namespace.name,
                        row,
                        sealed,
                        until,
                        revision,
                        max_records,
                        namespace.evicts
                    ],
                )?;
                transaction.commit()?;
                Ok(rows)
            } else {
                let sql = "UPDATE records SET sealed = ?3, expires_at = ?4, \
                           revision = revision + 1 \
                           WHERE namespace = ?1 AND id = ?2 AND revision = ?5 AND expires_at > ?6 \
                           RETURNING revision";
                let revision = signed(expected.0);
                query_all(
                    connection,
                    sql,
                    params![namespace.name, row, sealed, until, revision, now],
                )
            }
        });
        let rows: Vec<(i64,)> = rows.await?;
        if let Some((revision,)) = rows.first() {
            self.changed(namespace, key);
            return Ok(Revision(unsigned(*revision)));
        }
        // A new row was not inserted: it exists already, or there are too many.
        if expected == Revision::ABSENT && self.read(namespace, key).await?.is_none() {
            return Err(StoreError::Full.into());
        }
        Err(SaveError::Conflict)
    }

    async fn take(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let sealer = self.sealer.ready().await?;
        let row = row_id(key);
        let rows = self.pool.run("taking a record", move |connection| {
            let sql = "DELETE FROM records WHERE namespace = ? AND id = ? \
                       RETURNING sealed, expires_at, revision";
            query_all(connection, sql, params![namespace.name, row])
        });
        let rows = rows.await?;
        self.changed(namespace, key);
        Ok(self.record(&sealer, namespace, key, rows.first())?.map(|stored| stored.value))
    }

    /// A change by another process wakes nobody.
    fn watch(&self, namespace: Namespace, key: &str, poll_interval: Duration) -> Watch {
        self.watchers.watch(record_id(namespace.name, key), poll_interval)
    }
}

impl SqliteStore {
    fn changed(&self, namespace: Namespace, key: &str) {
        if namespace.is_watched {
            self.watchers.wake(&record_id(namespace.name, key));
        }
    }

    fn record(
        &self,
        sealer: &Sealer,
        namespace: Namespace,
        key: &str,
        row: Option<&(Vec<u8>, i64, i64)>,
    ) -> Result<Option<Stored<Zeroizing<Vec<u8>>>>, StoreError> {
        let Some((sealed, until, revision)) = row else { return Ok(None) };
        let until = from_millis(unsigned(*until));
        if until <= self.clock.now() {
            return Ok(None);
        }
        let open = |of: &str| sealer.open_until("record", &[namespace.name, of], until, sealed);
        // A version before has sealed it for its key.
        let opened = open(&place(&row_id(key))).or_else(|_| open(key));
        let value = opened.map_err(|source| {
            let what = format!("{} record in {}", namespace.name, self.path().display());
            StoreError::Sealed { what, source }
        })?;
        Ok(Some(Stored { value, revision: Revision(unsigned(*revision)) }))
    }
}
