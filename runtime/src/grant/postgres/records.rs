//! The database as [`Records`].

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use tokio_postgres::{Row, types::Type};
use zeroize::Zeroizing;

use super::{
    PostgresStore,
    database::{Parameter, column},
    listener::{CHANNEL, announcement},
};
use crate::grant::{
    millis::{from_millis, to_millis},
    model::{Revision, Stored},
    records::{MAX_RECORD_BYTES, Namespace, Records},
    rows::{first_revision, place, row_id, signed, unsigned},
    seal::Sealer,
    store_error::{SaveError, StoreError},
    watchers::{RecordId, Watch, record_id},
};

/// How many insertions of a process there are for each removal of expired records.
const INSERTS_PER_CLEANUP: u32 = 64;

/// The most expired records of one removal.
const CLEANUP_LIMIT: i64 = 1000;

/// How often an insertion makes room and is tried again, while others take the room.
const MAX_INSERT_ATTEMPTS: usize = 5;

/// After how long an insertion makes no room any more.
const INSERT_TIMEOUT: Duration = Duration::from_secs(4);

/// Inserts a record where there is room, or takes the place of one that has expired at $7, which is the
/// database's time where it is null. Where $8, it replaces any.
const INSERT: &str = "INSERT INTO toolgate_records AS found \
    (namespace, id, sealed, expires_at, revision) \
    SELECT $1, $2, $3, $4, $5 \
    WHERE (SELECT coalesce(sum(records), 0) FROM toolgate_record_counts WHERE namespace = $1) < $6 \
    OR EXISTS (SELECT 1 FROM toolgate_records WHERE namespace = $1 AND id = $2) \
    ON CONFLICT (namespace, id) DO UPDATE \
    SET sealed = excluded.sealed, expires_at = excluded.expires_at, revision = excluded.revision \
    WHERE found.expires_at <= coalesce($7, (extract(epoch FROM statement_timestamp()) * 1000)::bigint) \
    OR $8 RETURNING revision";

/// Replaces a record that has not expired.
const UPDATE: &str = "UPDATE toolgate_records \
    SET sealed = $3, expires_at = $4, revision = revision + 1 \
    WHERE namespace = $1 AND id = $2 AND revision = $5 \
    AND expires_at > coalesce($6, (extract(epoch FROM statement_timestamp()) * 1000)::bigint) RETURNING revision";

/// The statement `sql`, which notifies all processes as well. It returns the same columns.
fn announcing(sql: &str, parameter: usize) -> String {
    format!(
        "WITH changed AS ({sql}) SELECT *, pg_notify('{CHANNEL}', ${parameter})::text FROM changed"
    )
}

/// Removes up to $3 records that have expired, which no other statement is about to change.
const CLEAN_UP: &str = "DELETE FROM toolgate_records WHERE namespace = $1 AND id = ANY(ARRAY( \
    SELECT id FROM toolgate_records WHERE namespace = $1 \
    AND expires_at <= coalesce($2, (extract(epoch FROM statement_timestamp()) * 1000)::bigint) \
    ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED)) RETURNING 1";

/// Removes the record of a full namespace that expires first, to make room for another one, and one more
/// where there are too many: insertions at the same time do not see each other.
const EVICT: &str = "DELETE FROM toolgate_records WHERE namespace = $1 AND id = ANY(ARRAY( \
    SELECT id FROM toolgate_records WHERE namespace = $1 ORDER BY expires_at \
    LIMIT (SELECT least(greatest(coalesce(sum(records), 0) - $2 + 1, 0), 2)::bigint \
           FROM toolgate_record_counts WHERE namespace = $1) \
    FOR UPDATE SKIP LOCKED)) RETURNING 1";

/// A row as it is stored.
pub(super) struct StoredRow {
    id: Vec<u8>,
    sealed: Vec<u8>,
    until: i64,
    revision: i64,
}

/// A row to insert.
pub(super) struct NewRow {
    namespace: Namespace,
    id: Vec<u8>,
    sealed: Vec<u8>,
    until: i64,
    /// `None`: the database's time.
    now: Option<i64>,
    /// What waiters of all processes wait for, where the namespace is watched.
    announced: Option<RecordId>,
}

#[async_trait]
impl Records for PostgresStore {
    fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    async fn read(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Stored<Zeroizing<Vec<u8>>>>, StoreError> {
        let sealer = self.sealer.ready().await?;
        let row = self.select("reading a record", namespace, key).await?;
        self.opened(&sealer, namespace, row)
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
        let row = self.new_row(namespace, key, value, expires_at).await?;
        if expected != Revision::ABSENT {
            return self.update(&row, expected).await;
        }
        match self.insert(&row, false).await? {
            Some(revision) => Ok(revision),
            // It was not inserted: it exists already, or there are too many.
            None if self.is_there(&row).await? => Err(SaveError::Conflict),
            None => Err(StoreError::Full.into()),
        }
    }

    async fn take(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let sealer = self.sealer.ready().await?;
        let row = self.delete("taking a record", namespace, key).await?;
        Ok(self.opened(&sealer, namespace, row)?.map(|stored| stored.value))
    }

    fn watch(&self, namespace: Namespace, key: &str, poll_interval: Duration) -> Watch {
        self.listener.watch(record_id(namespace.name, key), poll_interval)
    }

    fn is_shared(&self) -> bool {
        true
    }
}

impl PostgresStore {
    pub(super) async fn new_row(
        &self,
        namespace: Namespace,
        key: &str,
        value: &[u8],
        expires_at: SystemTime,
    ) -> Result<NewRow, StoreError> {
        let sealer = self.sealer.ready().await?;
        let id = row_id(key);
        let place = place(&id);
        let expires_at = self.clocks.expiry(self.database.name(), expires_at);
        let sealed = sealer.seal_until("record", &[namespace.name, &place], expires_at, value);
        let announced = namespace.is_watched.then(|| record_id(namespace.name, key));
        Ok(NewRow {
            namespace,
            id,
            sealed,
            until: signed(to_millis(expires_at)),
            now: self.clocks.given_now(),
            announced,
        })
    }

    pub(super) async fn select(
        &self,
        doing: &'static str,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<StoredRow>, StoreError> {
        let sql = "SELECT sealed, expires_at, revision FROM toolgate_records \
                   WHERE namespace = $1 AND id = $2";
        self.row(doing, sql, namespace, key).await
    }

    pub(super) async fn delete(
        &self,
        doing: &'static str,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<StoredRow>, StoreError> {
        let sql = "DELETE FROM toolgate_records WHERE namespace = $1 AND id = $2 \
                   RETURNING sealed, expires_at, revision";
        self.row(doing, sql, namespace, key).await
    }

    async fn row(
        &self,
        doing: &'static str,
        sql: &str,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<StoredRow>, StoreError> {
        let id = row_id(key);
        let parameters = [(&namespace.name as _, Type::TEXT), (&id as _, Type::BYTEA)];
        let rows = self.database.query(doing, sql, &parameters).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (sealed, until, revision) = (column(row, 0)?, column(row, 1)?, column(row, 2)?);
        Ok(Some(StoredRow { id, sealed, until, revision }))
    }

    /// The value of a row, unless it has expired.
    pub(super) fn opened(
        &self,
        sealer: &Sealer,
        namespace: Namespace,
        row: Option<StoredRow>,
    ) -> Result<Option<Stored<Zeroizing<Vec<u8>>>>, StoreError> {
        let Some(row) = row else { return Ok(None) };
        let until = from_millis(unsigned(row.until));
        if until <= self.clocks.now() {
            return Ok(None);
        }
        let place = place(&row.id);
        let value = sealer.open_until("record", &[namespace.name, &place], until, &row.sealed);
        let value = value.map_err(|source| {
            let what = format!("{} record in {}", namespace.name, self.database.name());
            StoreError::Sealed { what, source }
        })?;
        Ok(Some(Stored { value, revision: Revision(unsigned(row.revision)) }))
    }

    /// Inserts the row, and makes room for it where there is none. `None`: there is one, or no room
    /// can be made. `replaces`: it takes the place of one that is there.
    pub(super) async fn insert(
        &self,
        row: &NewRow,
        replaces: bool,
    ) -> Result<Option<Revision>, StoreError> {
        if self.inserts.fetch_add(1, Ordering::Relaxed) % INSERTS_PER_CLEANUP
            == INSERTS_PER_CLEANUP - 1
        {
            self.clean_up(row).await?;
        }
        let most = signed(row.namespace.max_records as u64);
        let begun = Instant::now();
        for _ in 0..MAX_INSERT_ATTEMPTS {
            if begun.elapsed() > INSERT_TIMEOUT {
                return Err(self.database.unavailable("writing a record", "it takes too long"));
            }
            if let Some(revision) = self.insert_below(row, replaces, most).await? {
                return Ok(Some(revision));
            }
            if self.is_there(row).await? {
                return Ok(None);
            }
            if self.clean_up(row).await? == 0 {
                break;
            }
        }
        if !row.namespace.evicts {
            return Ok(None);
        }
        let parameters = [(&row.namespace.name as _, Type::TEXT), (&most as _, Type::INT8)];
        self.database.query("evicting a record", EVICT, &parameters).await?;
        // Other insertions may have taken the room, but each of them has made room as well.
        self.insert_below(row, replaces, i64::MAX).await
    }

    /// Inserts the row where there are fewer than `most`.
    async fn insert_below(
        &self,
        row: &NewRow,
        replaces: bool,
        most: i64,
    ) -> Result<Option<Revision>, StoreError> {
        let revision = first_revision();
        let parameters = [
            (&row.namespace.name as _, Type::TEXT),
            (&row.id as _, Type::BYTEA),
            (&row.sealed as _, Type::BYTEA),
            (&row.until as _, Type::INT8),
            (&revision as _, Type::INT8),
            (&most as _, Type::INT8),
            (&row.now as _, Type::INT8),
            (&replaces as _, Type::BOOL),
        ];
        let rows = self.change(INSERT, &parameters, row.announced.as_ref()).await?;
        let Some(inserted) = rows.first() else { return Ok(None) };
        Ok(Some(Revision(unsigned(column(inserted, 0)?))))
    }

    async fn update(&self, row: &NewRow, expected: Revision) -> Result<Revision, SaveError> {
        let revision = signed(expected.0);
        let parameters = [
            (&row.namespace.name as _, Type::TEXT),
            (&row.id as _, Type::BYTEA),
            (&row.sealed as _, Type::BYTEA),
            (&row.until as _, Type::INT8),
            (&revision as _, Type::INT8),
            (&row.now as _, Type::INT8),
        ];
        let rows = self.change(UPDATE, &parameters, row.announced.as_ref()).await?;
        let updated = rows.first().ok_or(SaveError::Conflict)?;
        Ok(Revision(unsigned(column(updated, 0)?)))
    }

    /// Runs a statement that writes one record, and announces it where it is watched.
    async fn change(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
        announced: Option<&RecordId>,
    ) -> Result<Vec<Row>, StoreError> {
        const DOING: &str = "writing a record";
        let Some(record) = announced else {
            return self.database.query(DOING, sql, parameters).await;
        };
        let text = announcement(record);
        let mut parameters = parameters.to_vec();
        parameters.push((&text as _, Type::TEXT));
        let sql = announcing(sql, parameters.len());
        let rows = self.database.query(DOING, &sql, &parameters).await?;
        // Waiters of this process are woken directly, because a pooler may swallow the notification.
        if !rows.is_empty() {
            self.listener.wake(record);
        }
        Ok(rows)
    }

    /// Whether there is such a record that has not expired.
    async fn is_there(&self, row: &NewRow) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM toolgate_records WHERE namespace = $1 AND id = $2 \
                   AND expires_at > coalesce($3, (extract(epoch FROM statement_timestamp()) * 1000)::bigint)";
        let parameters = [
            (&row.namespace.name as _, Type::TEXT),
            (&row.id as _, Type::BYTEA),
            (&row.now as _, Type::INT8),
        ];
        let rows = self.database.query("reading a record", sql, &parameters).await?;
        Ok(!rows.is_empty())
    }

    /// Removes records that have expired, and returns how many.
    async fn clean_up(&self, row: &NewRow) -> Result<usize, StoreError> {
        let parameters = [
            (&row.namespace.name as _, Type::TEXT),
            (&row.now as _, Type::INT8),
            (&CLEANUP_LIMIT as _, Type::INT8),
        ];
        Ok(self.database.query("removing expired records", CLEAN_UP, &parameters).await?.len())
    }
}
