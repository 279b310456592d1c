//! The database as an [`Inventory`].

use std::time::SystemTime;

use async_trait::async_trait;
use tokio_postgres::types::Type;

use super::{
    PostgresStore,
    database::column,
    places::{from_legible, legible},
};
use crate::grant::{
    inventory::{Accepted, BATCH, Inventory, Place, Row},
    millis::to_millis,
    rows::{row_id, signed, unsigned},
    seal::Sealer,
    store_error::StoreError,
};

const GRANTS: &str = "SELECT subject, provider, sealed, revision FROM toolgate_grants \
    WHERE (owner, provider) > ($1, $2) ORDER BY owner, provider LIMIT $3";

const RECORDS: &str = "SELECT namespace, id, sealed, revision, expires_at FROM toolgate_records \
    WHERE (namespace, id) > ($1, $2) ORDER BY namespace, id LIMIT $3";

const GRANT_REVISIONS: &str = "SELECT found.revision \
    FROM unnest($1::bytea[], $2::text[]) WITH ORDINALITY AS asked (owner, provider, at) \
    LEFT JOIN toolgate_grants AS found USING (owner, provider) ORDER BY asked.at";

const RECORD_REVISIONS: &str = "SELECT found.revision \
    FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS asked (namespace, id, at) \
    LEFT JOIN toolgate_records AS found USING (namespace, id) ORDER BY asked.at";

const PUT_GRANTS: &str = "INSERT INTO toolgate_grants (owner, provider, subject, sealed, revision) \
    SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bytea[], $5::int8[]) \
    ON CONFLICT (owner, provider) DO UPDATE \
    SET sealed = excluded.sealed, revision = excluded.revision";

const PUT_RECORDS: &str = "INSERT INTO toolgate_records (namespace, id, sealed, expires_at, revision) \
    SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::int8[], $5::int8[]) \
    ON CONFLICT (namespace, id) DO UPDATE SET sealed = excluded.sealed, \
    expires_at = excluded.expires_at, revision = excluded.revision";

const DELETE_GRANTS: &str = "DELETE FROM toolgate_grants USING \
    unnest($1::bytea[], $2::text[]) AS gone (owner, provider) \
    WHERE toolgate_grants.owner = gone.owner AND toolgate_grants.provider = gone.provider";

const DELETE_RECORDS: &str = "DELETE FROM toolgate_records USING \
    unnest($1::text[], $2::bytea[]) AS gone (namespace, id) \
    WHERE toolgate_records.namespace = gone.namespace AND toolgate_records.id = gone.id";

/// The columns by which grants and records are found, each kind in its order.
#[derive(Default)]
struct Columns {
    owners: Vec<Vec<u8>>,
    providers: Vec<String>,
    subjects: Vec<String>,
    namespaces: Vec<String>,
    ids: Vec<Vec<u8>>,
}

impl Columns {
    fn of<'a>(places: impl IntoIterator<Item = &'a Place>) -> Self {
        let mut columns = Self::default();
        for place in places {
            match place {
                Place::Grant { subject, provider } => {
                    columns.owners.push(row_id(subject));
                    columns.providers.push(legible(provider).into_owned());
                    columns.subjects.push(legible(subject).into_owned());
                }
                Place::Record { namespace, id } => {
                    columns.namespaces.push(namespace.clone());
                    columns.ids.push(id.clone());
                }
            }
        }
        columns
    }
}

#[async_trait]
impl Inventory for PostgresStore {
    fn name(&self) -> String {
        self.database.name().to_owned()
    }

    async fn sealer(&self) -> Result<Sealer, StoreError> {
        self.sealer.ready().await
    }

    async fn page(&self, after: Option<&Place>, grants: bool) -> Result<Vec<Row>, StoreError> {
        let limit = signed(BATCH as u64);
        let (namespace, id) = match after {
            Some(Place::Record { namespace, id }) => (namespace.clone(), id.clone()),
            of_grants => {
                let (owner, provider) = match of_grants {
                    Some(Place::Grant { subject, provider }) => {
                        (row_id(subject), legible(provider).into_owned())
                    }
                    _ => (Vec::new(), String::new()),
                };
                let parameters = [
                    (&owner as _, Type::BYTEA),
                    (&provider as _, Type::TEXT),
                    (&limit as _, Type::INT8),
                ];
                let found = self.database.query("reading rows", GRANTS, &parameters).await?;
                if grants || !found.is_empty() {
                    let row = |row: &tokio_postgres::Row| {
                        let text = |at| Ok::<_, StoreError>(from_legible(column(row, at)?).into());
                        Ok(Row {
                            place: Place::Grant { subject: text(0)?, provider: text(1)? },
                            sealed: column(row, 2)?,
                            revision: column(row, 3)?,
                            expires_at: 0,
                        })
                    };
                    return found.iter().map(row).collect();
                }
                (String::new(), Vec::new())
            }
        };
        let parameters =
            [(&namespace as _, Type::TEXT), (&id as _, Type::BYTEA), (&limit as _, Type::INT8)];
        let found = self.database.query("reading rows", RECORDS, &parameters).await?;
        let row = |row: &tokio_postgres::Row| {
            Ok(Row {
                place: Place::Record { namespace: column(row, 0)?, id: column(row, 1)? },
                sealed: column(row, 2)?,
                revision: column(row, 3)?,
                expires_at: column(row, 4)?,
            })
        };
        found.iter().map(row).collect()
    }

    async fn revisions(&self, places: &[Place]) -> Result<Vec<Option<i64>>, StoreError> {
        let Columns { owners, providers, namespaces, ids, .. } = Columns::of(places);
        let doing = "reading revisions";
        let parameters = [(&owners as _, Type::BYTEA_ARRAY), (&providers as _, Type::TEXT_ARRAY)];
        let grants = self.database.query(doing, GRANT_REVISIONS, &parameters).await?;
        let parameters = [(&namespaces as _, Type::TEXT_ARRAY), (&ids as _, Type::BYTEA_ARRAY)];
        let records = self.database.query(doing, RECORD_REVISIONS, &parameters).await?;
        let (mut grants, mut records) = (grants.iter(), records.iter());
        let mut found = Vec::with_capacity(places.len());
        for place in places {
            let row = match place {
                Place::Grant { .. } => grants.next(),
                Place::Record { .. } => records.next(),
            };
            found.push(row.map(|row| column(row, 0)).transpose()?.flatten());
        }
        Ok(found)
    }

    async fn reseal(&self, row: &Row, sealed: Vec<u8>) -> Result<bool, StoreError> {
        let before = (&row.sealed as _, Type::BYTEA);
        let made = (&sealed as _, Type::BYTEA);
        let doing = "sealing a row again";
        let changed = match &row.place {
            Place::Grant { subject, provider } => {
                let (owner, provider) = (row_id(subject), legible(provider));
                let sql = "UPDATE toolgate_grants SET sealed = $1 WHERE sealed = $2 \
                           AND owner = $3 AND provider = $4 RETURNING 1";
                let key = [(&owner as _, Type::BYTEA), (&provider as _, Type::TEXT)];
                let [owner, provider] = key;
                self.database.query(doing, sql, &[made, before, owner, provider]).await?
            }
            Place::Record { namespace, id } => {
                let sql = "UPDATE toolgate_records SET sealed = $1 WHERE sealed = $2 \
                           AND namespace = $3 AND id = $4 RETURNING 1";
                let key = [(namespace as _, Type::TEXT), (id as _, Type::BYTEA)];
                let [namespace, id] = key;
                self.database.query(doing, sql, &[made, before, namespace, id]).await?
            }
        };
        Ok(!changed.is_empty())
    }

    async fn put(&self, rows: Vec<Row>) -> Result<(), StoreError> {
        let (grants, records): (Vec<_>, Vec<_>) =
            rows.iter().partition(|row| matches!(row.place, Place::Grant { .. }));
        let doing = "writing rows";
        if !grants.is_empty() {
            let columns = Columns::of(grants.iter().map(|row| &row.place));
            let sealed: Vec<_> = grants.iter().map(|row| &row.sealed).collect();
            let revisions: Vec<_> = grants.iter().map(|row| row.revision).collect();
            let parameters = [
                (&columns.owners as _, Type::BYTEA_ARRAY),
                (&columns.providers as _, Type::TEXT_ARRAY),
                (&columns.subjects as _, Type::TEXT_ARRAY),
                (&sealed as _, Type::BYTEA_ARRAY),
                (&revisions as _, Type::INT8_ARRAY),
            ];
            self.database.query(doing, PUT_GRANTS, &parameters).await?;
        }
        if !records.is_empty() {
            let columns = Columns::of(records.iter().map(|row| &row.place));
            let sealed: Vec<_> = records.iter().map(|row| &row.sealed).collect();
            let ends: Vec<_> = records.iter().map(|row| row.expires_at).collect();
            let revisions: Vec<_> = records.iter().map(|row| row.revision).collect();
            let parameters = [
                (&columns.namespaces as _, Type::TEXT_ARRAY),
                (&columns.ids as _, Type::BYTEA_ARRAY),
                (&sealed as _, Type::BYTEA_ARRAY),
                (&ends as _, Type::INT8_ARRAY),
                (&revisions as _, Type::INT8_ARRAY),
            ];
            self.database.query(doing, PUT_RECORDS, &parameters).await?;
        }
        Ok(())
    }

    async fn delete(&self, places: Vec<Place>) -> Result<(), StoreError> {
        let Columns { owners, providers, namespaces, ids, .. } = Columns::of(&places);
        let doing = "removing rows";
        let parameters = [(&owners as _, Type::BYTEA_ARRAY), (&providers as _, Type::TEXT_ARRAY)];
        self.database.query(doing, DELETE_GRANTS, &parameters).await?;
        let parameters = [(&namespaces as _, Type::TEXT_ARRAY), (&ids as _, Type::BYTEA_ARRAY)];
        self.database.query(doing, DELETE_RECORDS, &parameters).await.map(drop)
    }

    async fn leases(&self, now: SystemTime) -> Result<u64, StoreError> {
        let now = signed(to_millis(now));
        let sql = "SELECT count(*) FROM toolgate_leases WHERE expires_at > $1";
        let rows = self.database.query("counting leases", sql, &[(&now, Type::INT8)]).await?;
        let counted = rows.first().map(|row| column(row, 0)).transpose()?;
        Ok(unsigned(counted.unwrap_or_default()))
    }

    async fn accept(&self, _: Accepted) -> Result<(), StoreError> {
        let why = "only an SQLite database is moved to another one";
        Err(self.database.unavailable("closing the database", why))
    }
}
