//! The database as a [`GrantStore`].

use std::{
    any::Any,
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use tokio_postgres::types::Type;

use super::{
    PostgresStore,
    database::column,
    migrations,
    places::{from_legible, legible},
};
use crate::grant::{
    inventory::{self, Inventory},
    millis::from_millis,
    model::{Grant, GrantKey, Revision, Stored},
    records::{Namespace, Records},
    rows::{account_column, first_revision, key_of, row_id, signed, unsigned},
    store::{GrantStore, HolderId, Lease, MAX_LEASE_TTL, MAX_PENDING, MAX_PENDING_BYTES},
    store_error::{SaveError, StoreError},
};
use crate::support::clock::Clock;

/// The consents in progress, which are records.
pub(super) const PENDING: Namespace = Namespace::new(inventory::PENDING, MAX_PENDING);

/// Takes a lease at $4, which is the database's time where it is null. The time is that of the
/// statement's arrival, so that waiting for another statement does not prolong the lease.
const LEASE: &str = "INSERT INTO toolgate_leases AS held (owner, provider, holder, expires_at) \
    SELECT $1, $2, $3, time.now + $5 FROM (SELECT coalesce($4, \
    (extract(epoch FROM statement_timestamp()) * 1000)::bigint) AS now) AS time \
    ON CONFLICT (owner, provider) DO UPDATE SET holder = $3, expires_at = excluded.expires_at \
    WHERE held.holder = $3 OR held.expires_at <= excluded.expires_at - $5 \
    OR held.expires_at > excluded.expires_at - $5 + $6 RETURNING expires_at";

#[async_trait]
impl GrantStore for PostgresStore {
    fn records(self: Arc<Self>) -> Option<Arc<dyn Records>> {
        Some(self)
    }

    async fn is_migrated(&self) -> Result<bool, StoreError> {
        migrations::is_current(&self.database).await
    }

    fn inventory(self: Arc<Self>) -> Option<Box<dyn Any + Send + Sync>> {
        Some(Box::new(self as Arc<dyn Inventory>))
    }

    fn shared_clock(&self) -> Option<Arc<dyn Clock>> {
        self.clocks.shared()
    }

    async fn load(&self, key: &GrantKey) -> Result<Option<Stored<Grant>>, StoreError> {
        let sealer = self.sealer.ready().await?;
        let (owner, provider) = row_of(key);
        let sql = "SELECT sealed, revision FROM toolgate_grants WHERE owner = $1 AND provider = $2";
        let parameters = [(&owner as _, Type::BYTEA), (&provider as _, Type::TEXT)];
        let rows = self.database.query("reading a grant", sql, &parameters).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let sealed: &[u8] = column(row, 0)?;
        let value = sealer.open_grant(key, sealed).map_err(|source| StoreError::Sealed {
            what: format!("grant for {} in {}", key.provider, self.database.name()),
            source,
        })?;
        Ok(Some(Stored { value, revision: Revision(unsigned(column(row, 1)?)) }))
    }

    async fn save(
        &self,
        key: &GrantKey,
        grant: &Grant,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        let sealed = self.sealer.ready().await?.seal_grant(key, grant);
        let (owner, provider) = row_of(key);
        let place = [(&owner as _, Type::BYTEA), (&provider as _, Type::TEXT)];
        let value = (&sealed as _, Type::BYTEA);
        let (is_new, subject) = (expected == Revision::ABSENT, legible(&key.subject));
        let revision = if is_new { first_revision() } else { signed(expected.0) };
        let revision = (&revision as _, Type::INT8);
        let rows = if is_new {
            let sql = "INSERT INTO toolgate_grants (owner, provider, sealed, revision, subject) \
                       VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING revision";
            let [owner, provider] = place;
            let parameters = [owner, provider, value, revision, (&subject as _, Type::TEXT)];
            self.database.query("writing a grant", sql, &parameters).await?
        } else {
            let sql = "UPDATE toolgate_grants SET sealed = $3, revision = revision + 1 \
                       WHERE owner = $1 AND provider = $2 AND revision = $4 RETURNING revision";
            let [owner, provider] = place;
            let parameters = [owner, provider, value, revision];
            self.database.query("writing a grant", sql, &parameters).await?
        };
        let row = rows.first().ok_or(SaveError::Conflict)?;
        Ok(Revision(unsigned(column(row, 0)?)))
    }

    async fn remove(&self, key: &GrantKey) -> Result<(), StoreError> {
        let (owner, provider) = row_of(key);
        let sql = "DELETE FROM toolgate_grants WHERE owner = $1 AND provider = $2";
        let parameters = [(&owner as _, Type::BYTEA), (&provider as _, Type::TEXT)];
        self.database.query("removing a grant", sql, &parameters).await.map(drop)
    }

    async fn list(&self, subject: &str) -> Result<Vec<GrantKey>, StoreError> {
        let owner = row_id(subject);
        let sql = "SELECT provider FROM toolgate_grants WHERE owner = $1 ORDER BY provider";
        let rows = self.database.query("listing grants", sql, &[(&owner, Type::BYTEA)]).await?;
        let key = |row| Ok(key_of(subject, &from_legible(column(row, 0)?)));
        let mut keys = rows.iter().map(key).collect::<Result<Vec<_>, StoreError>>()?;
        keys.sort();
        Ok(keys)
    }

    async fn lease(
        &self,
        key: &GrantKey,
        holder: HolderId,
        term: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let term = term.min(MAX_LEASE_TTL);
        let (owner, provider) = row_of(key);
        let now = self.clocks.given_now();
        let [term_millis, longest] = [term, MAX_LEASE_TTL].map(millis);
        let holder_id = &holder.0[..];
        let parameters = [
            (&owner as _, Type::BYTEA),
            (&provider as _, Type::TEXT),
            (&holder_id as _, Type::BYTEA),
            (&now as _, Type::INT8),
            (&term_millis as _, Type::INT8),
            (&longest as _, Type::INT8),
        ];
        let rows = self.database.query("taking a lease", LEASE, &parameters).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let expires_at = from_millis(unsigned(column(row, 0)?));
        self.clocks.measure(self.database.name(), expires_at - term);
        Ok(Some(Lease::new(key.clone(), holder, expires_at)))
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let (owner, provider) = row_of(&lease.key);
        let holder = &lease.holder.0[..];
        let sql = "DELETE FROM toolgate_leases \
                   WHERE owner = $1 AND provider = $2 AND holder = $3";
        let parameters =
            [(&owner as _, Type::BYTEA), (&provider as _, Type::TEXT), (&holder as _, Type::BYTEA)];
        self.database.query("releasing a lease", sql, &parameters).await.map(drop)
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
        let row = self.new_row(PENDING, id, value, expires_at).await?;
        if self.insert(&row, true).await?.is_some() { Ok(()) } else { Err(StoreError::Full) }
    }

    async fn take_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sealer = self.sealer.ready().await?;
        let row = self.delete("taking a consent", PENDING, id).await?;
        Ok(self.opened(&sealer, PENDING, row)?.map(|stored| stored.value.to_vec()))
    }

    async fn peek_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sealer = self.sealer.ready().await?;
        let row = self.select("reading a consent", PENDING, id).await?;
        Ok(self.opened(&sealer, PENDING, row)?.map(|stored| stored.value.to_vec()))
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// The key of a row: the digest of the subject, which may be of any length, and the provider with the
/// account.
fn row_of(key: &GrantKey) -> (Vec<u8>, Cow<'_, str>) {
    let column = match account_column(key) {
        Cow::Borrowed(column) => legible(column),
        Cow::Owned(column) => legible(&column).into_owned().into(),
    };
    (row_id(&key.subject), column)
}
