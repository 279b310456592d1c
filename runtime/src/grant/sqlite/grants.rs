//! The database as a [`GrantStore`].

use std::{
    any::Any,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use rusqlite::params;

use super::{SqliteStore, pool::query_all};
use crate::grant::{
    inventory::{Inventory, PENDING},
    millis::{from_millis, to_millis},
    model::{Grant, GrantKey, Revision, Stored},
    records::Records,
    rows::{account_column, first_revision, key_of, place, row_id, signed, unsigned},
    seal::Sealer,
    store::{GrantStore, HolderId, Lease, MAX_LEASE_TTL, MAX_PENDING, MAX_PENDING_BYTES},
    store_error::{SaveError, StoreError},
};

#[async_trait]
impl GrantStore for SqliteStore {
    fn records(self: Arc<Self>) -> Option<Arc<dyn Records>> {
        Some(self)
    }

    fn inventory(self: Arc<Self>) -> Option<Box<dyn Any + Send + Sync>> {
        Some(Box::new(self as Arc<dyn Inventory>))
    }

    async fn load(&self, key: &GrantKey) -> Result<Option<Stored<Grant>>, StoreError> {
        let sealer = self.sealer.ready().await?;
        let place = row_of(key);
        let rows = self.pool.run("reading a grant", move |connection| {
            let sql = "SELECT sealed, revision FROM grants WHERE subject = ? AND provider = ?";
            query_all(connection, sql, place)
        });
        let rows: Vec<(Vec<u8>, i64)> = rows.await?;
        let Some((sealed, revision)) = rows.first() else { return Ok(None) };
        let value = sealer.open_grant(key, sealed).map_err(|source| StoreError::Sealed {
            what: format!("grant for {} in {}", key.provider, self.path().display()),
            source,
        })?;
        Ok(Some(Stored { value, revision: Revision(unsigned(*revision)) }))
    }

    async fn save(
        &self,
        key: &GrantKey,
        grant: &Grant,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        let sealed = self.sealer.ready().await?.seal_grant(key, grant);
        let [subject, provider] = row_of(key);
        let (sql, revision) = if expected == Revision::ABSENT {
            let sql = "INSERT INTO grants (sealed, revision, subject, provider) \
                       VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING RETURNING revision";
            (sql, first_revision())
        } else {
            let sql = "UPDATE grants SET sealed = ?1, revision = revision + 1 \
                       WHERE revision = ?2 AND subject = ?3 AND provider = ?4 RETURNING revision";
            (sql, signed(expected.0))
        };
        let rows = self.pool.run("writing a grant", move |connection| {
            query_all(connection, sql, params![sealed, revision, subject, provider])
        });
        let rows: Vec<(i64,)> = rows.await?;
        let (revision,) = rows.first().ok_or(SaveError::Conflict)?;
        Ok(Revision(unsigned(*revision)))
    }

    async fn remove(&self, key: &GrantKey) -> Result<(), StoreError> {
        let place = row_of(key);
        let removed = self.pool.run("removing a grant", move |connection| {
            let sql = "DELETE FROM grants WHERE subject = ? AND provider = ?";
            connection.execute(sql, place)
        });
        removed.await.map(drop)
    }

    async fn list(&self, subject: &str) -> Result<Vec<GrantKey>, StoreError> {
        let owned = subject.to_owned();
        let rows = self.pool.run("listing grants", move |connection| {
            let sql = "SELECT provider FROM grants WHERE subject = ? ORDER BY provider";
            query_all(connection, sql, [owned])
        });
        let rows: Vec<(String,)> = rows.await?;
        let mut keys: Vec<_> = rows.iter().map(|(column,)| key_of(subject, column)).collect();
        keys.sort();
        Ok(keys)
    }

    async fn lease(
        &self,
        key: &GrantKey,
        holder: HolderId,
        term: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let now = self.clock.now();
        let expires_at = now + term.min(MAX_LEASE_TTL);
        let [subject, provider] = row_of(key);
        let taken = self.pool.run("taking a lease", move |connection| {
            let sql = "INSERT INTO leases (subject, provider, holder, expires_at) \
                       VALUES (?1, ?2, ?3, ?4) \
                       ON CONFLICT DO UPDATE SET holder = ?3, expires_at = ?4 \
                       WHERE holder = ?3 OR leases.expires_at <= ?5 OR leases.expires_at > ?6";
            let [until, now, longest] =
                [expires_at, now, now + MAX_LEASE_TTL].map(|time| signed(to_millis(time)));
            connection.execute(sql, params![subject, provider, holder.0, until, now, longest])
        });
        let lease = || Lease::new(key.clone(), holder, from_millis(to_millis(expires_at)));
        Ok((taken.await? == 1).then(lease))
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let [subject, provider] = row_of(&lease.key);
        let released = self.pool.run("releasing a lease", move |connection| {
            let sql = "DELETE FROM leases WHERE subject = ? AND provider = ? AND holder = ?";
            connection.execute(sql, params![subject, provider, lease.holder.0])
        });
        released.await.map(drop)
    }

    async fn put_pending(
        &self,
        id: &str,
        value: &[u8],
        expires_at: SystemTime,
    ) -> Result<(), StoreError> {
        if value.len() > MAX_PENDING_BYTES {
            return Err(StoreError::Full);
        }
        let row = row_id(id);
        let about = [PENDING, &place(&row)];
        let sealer = self.sealer.ready().await?;
        let sealed = sealer.seal_until("record", &about, expires_at, value);
        let now = signed(to_millis(self.clock.now()));
        let put = self.pool.run("storing a consent", move |connection| {
            connection.execute("DELETE FROM pending WHERE expires_at <= ?", [now])?;
            let sql = "INSERT INTO pending (id, sealed, expires_at) SELECT ?1, ?2, ?3 \
                       WHERE (SELECT count(*) FROM pending WHERE id <> ?1) < ?4 \
                       ON CONFLICT (id) DO UPDATE SET sealed = ?2, expires_at = ?3";
            let (until, most) = (signed(to_millis(expires_at)), signed(MAX_PENDING as u64));
            connection.execute(sql, params![row, sealed, until, most])
        });
        if put.await? == 0 { Err(StoreError::Full) } else { Ok(()) }
    }

    async fn take_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sealer = self.sealer.ready().await?;
        let row = row_id(id);
        let rows = self.pool.run("taking a consent", move |connection| {
            let sql = "DELETE FROM pending WHERE id = ? RETURNING sealed, expires_at";
            query_all(connection, sql, [row])
        });
        self.pending(&sealer, id, rows.await?.first())
    }

    async fn peek_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sealer = self.sealer.ready().await?;
        let row = row_id(id);
        let rows = self.pool.run("reading a consent", move |connection| {
            query_all(connection, "SELECT sealed, expires_at FROM pending WHERE id = ?", [row])
        });
        self.pending(&sealer, id, rows.await?.first())
    }
}

impl SqliteStore {
    fn pending(
        &self,
        sealer: &Sealer,
        id: &str,
        row: Option<&(Vec<u8>, i64)>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((sealed, until)) = row else { return Ok(None) };
        let until = from_millis(unsigned(*until));
        if until <= self.clock.now() {
            return Ok(None);
        }
        let opened = sealer.open_until("record", &[PENDING, &place(&row_id(id))], until, sealed);
        // A version before has sealed it for its key.
        let opened = opened.or_else(|_| sealer.open_until("pending", &[id], until, sealed));
        let value = opened.map_err(|source| StoreError::Sealed {
            what: format!("consent in {}", self.path().display()),
            source,
        })?;
        Ok(Some(value.to_vec()))
    }
}

/// The key of a row.
fn row_of(key: &GrantKey) -> [String; 2] {
    [key.subject.clone(), account_column(key).into_owned()]
}
