//! Records in the database of the grants.

use std::time::SystemTime;

use async_trait::async_trait;
use sqlx::{Row as _, sqlite::SqliteRow};
use zeroize::Zeroizing;

use super::{SqliteStore, first_revision, row_id, signed, unsigned};
use crate::grant::{
    Namespace, Records, Revision, SaveError, StoreError, Stored,
    record::{from_millis, to_millis},
    records::RECORD_BYTES,
};

#[async_trait]
impl Records for SqliteStore {
    async fn read(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Stored<Zeroizing<Vec<u8>>>>, StoreError> {
        let rows = sqlx::query(
            "SELECT sealed, expires_at, revision FROM records WHERE namespace = ? AND id = ?",
        )
        .bind(namespace.name)
        .bind(row_id(key))
        .fetch_all(&self.pool)
        .await
        .map_err(|error| self.failed("reading a record", error))?;
        self.record(namespace, key, rows.first())
    }

    async fn write(
        &self,
        namespace: Namespace,
        key: &str,
        value: &[u8],
        expires_at: SystemTime,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        if value.len() > RECORD_BYTES {
            return Err(StoreError::Full.into());
        }
        let wrong = |error| self.failed("writing a record", error);
        let now = signed(to_millis(self.clock.now()));
        let sealed = self.sealer.seal("record", &[namespace.name, key], value);
        let until = signed(to_millis(expires_at));
        let rows = if expected == Revision::ABSENT {
            sqlx::query("DELETE FROM records WHERE expires_at <= ?")
                .bind(now)
                .execute(&self.pool)
                .await
                .map_err(wrong)?;
            sqlx::query(
                "INSERT INTO records (namespace, id, sealed, expires_at, revision) \
                 SELECT ?1, ?2, ?3, ?4, ?5 \
                 WHERE (SELECT count(*) FROM records WHERE namespace = ?1) < ?6 \
                 ON CONFLICT (namespace, id) DO NOTHING RETURNING revision",
            )
            .bind(namespace.name)
            .bind(row_id(key))
            .bind(sealed)
            .bind(until)
            .bind(first_revision())
            .bind(signed(namespace.most as u64))
            .fetch_all(&self.pool)
            .await
            .map_err(wrong)?
        } else {
            sqlx::query(
                "UPDATE records SET sealed = ?3, expires_at = ?4, revision = revision + 1 \
                 WHERE namespace = ?1 AND id = ?2 AND revision = ?5 AND expires_at > ?6 \
                 RETURNING revision",
            )
            .bind(namespace.name)
            .bind(row_id(key))
            .bind(sealed)
            .bind(until)
            .bind(signed(expected.0))
            .bind(now)
            .fetch_all(&self.pool)
            .await
            .map_err(wrong)?
        };
        if let Some(row) = rows.first() {
            let revision: i64 = row.try_get(0).map_err(wrong)?;
            return Ok(Revision(unsigned(revision)));
        }
        // A new row that was not made: it is there already, or there are too many.
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
        let rows = sqlx::query(
            "DELETE FROM records WHERE namespace = ? AND id = ? \
             RETURNING sealed, expires_at, revision",
        )
        .bind(namespace.name)
        .bind(row_id(key))
        .fetch_all(&self.pool)
        .await
        .map_err(|error| self.failed("taking a record", error))?;
        Ok(self.record(namespace, key, rows.first())?.map(|stored| stored.value))
    }
}

impl SqliteStore {
    fn record(
        &self,
        namespace: Namespace,
        key: &str,
        row: Option<&SqliteRow>,
    ) -> Result<Option<Stored<Zeroizing<Vec<u8>>>>, StoreError> {
        let Some(row) = row else { return Ok(None) };
        let wrong = |error| self.failed("reading a record", error);
        let until: i64 = row.try_get("expires_at").map_err(wrong)?;
        if from_millis(unsigned(until)) <= self.clock.now() {
            return Ok(None);
        }
        let sealed: Vec<u8> = row.try_get("sealed").map_err(wrong)?;
        let revision: i64 = row.try_get("revision").map_err(wrong)?;
        let value =
            self.sealer.open("record", &[namespace.name, key], &sealed).map_err(|source| {
                let what = format!("{} record in {}", namespace.name, self.path.display());
                StoreError::Sealed { what, source }
            })?;
        Ok(Some(Stored { value, revision: Revision(unsigned(revision)) }))
    }
}
