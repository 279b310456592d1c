//! The database as an [`Inventory`].

use std::{path::Path, time::SystemTime};

use async_trait::async_trait;
use rusqlite::{
    Connection, OptionalExtension as _, ToSql, Transaction, TransactionBehavior, params,
};

use super::{SqliteStore, pool::query_all};
use crate::grant::{
    inventory::{Accepted, BATCH, Inventory, PENDING, Place, Row, notes::Notes},
    millis::to_millis,
    rows::{signed, unsigned},
    seal::Sealer,
    store_error::StoreError,
};

/// The triggers that make the database refuse writes of servers, and the operation of each.
const NO_LEASES: [(&str, &str); 1] = [("no_leases", "INSERT ON leases")];
const NO_WRITES: [(&str, &str); 9] = [
    ("no_new_grant", "INSERT ON grants"),
    ("no_changed_grant", "UPDATE ON grants"),
    ("no_removed_grant", "DELETE ON grants"),
    ("no_new_record", "INSERT ON records"),
    ("no_changed_record", "UPDATE ON records"),
    ("no_removed_record", "DELETE ON records"),
    ("no_new_consent", "INSERT ON pending"),
    ("no_changed_consent", "UPDATE ON pending"),
    ("no_removed_consent", "DELETE ON pending"),
];

type GrantRow = (String, String, Vec<u8>, i64);
type RecordRow = (String, Vec<u8>, Vec<u8>, i64, i64);

#[async_trait]
impl Inventory for SqliteStore {
    fn name(&self) -> String {
        self.path().parent().unwrap_or(Path::new("")).display().to_string()
    }

    async fn sealer(&self) -> Result<Sealer, StoreError> {
        self.sealer.ready().await
    }

    async fn page(&self, after: Option<&Place>, grants: bool) -> Result<Vec<Row>, StoreError> {
        let after = after.cloned();
        self.pool
            .run("reading rows", move |connection| {
                let limit = signed(BATCH as u64);
                let (namespace, id) = match after {
                    Some(Place::Record { namespace, id }) => (namespace, id),
                    of_grants => {
                        let rows = grants_after(connection, of_grants, limit)?;
                        if grants || !rows.is_empty() {
                            return Ok(rows);
                        }
                        (String::new(), Vec::new())
                    }
                };
                records_after(connection, &namespace, &id, limit)
            })
            .await
    }

    async fn revisions(&self, places: &[Place]) -> Result<Vec<Option<i64>>, StoreError> {
        let places = places.to_vec();
        self.pool
            .run("reading revisions", move |connection| {
                let found = places.iter().map(|place| revision(connection, place));
                found.collect()
            })
            .await
    }

    async fn reseal(&self, row: &Row, sealed: Vec<u8>) -> Result<bool, StoreError> {
        let row = row.clone();
        let changed = self.pool.run("sealing a row again", move |connection| match &row.place {
            Place::Grant { subject, provider } => {
                let sql = "UPDATE grants SET sealed = ?1 \
                           WHERE subject = ?2 AND provider = ?3 AND sealed = ?4";
                connection.execute(sql, params![sealed, subject, provider, row.sealed])
            }
            Place::Record { namespace, id } if namespace == PENDING => {
                let sql = "UPDATE pending SET sealed = ?1 WHERE id = ?2 AND sealed = ?3";
                connection.execute(sql, params![sealed, id, row.sealed])
            }
            Place::Record { namespace, id } => {
                let sql = "UPDATE records SET sealed = ?1 \
                           WHERE namespace = ?2 AND id = ?3 AND sealed = ?4";
                connection.execute(sql, params![sealed, namespace, id, row.sealed])
            }
        });
        Ok(changed.await? == 1)
    }

    async fn put(&self, rows: Vec<Row>) -> Result<(), StoreError> {
        self.pool
            .run("writing rows", move |connection| in_one(connection, |all| put(all, &rows)))
            .await
    }

    async fn delete(&self, places: Vec<Place>) -> Result<(), StoreError> {
        self.pool
            .run("removing rows", move |connection| in_one(connection, |all| delete(all, &places)))
            .await
    }

    async fn leases(&self, now: SystemTime) -> Result<u64, StoreError> {
        let now = signed(to_millis(now));
        let held = self.pool.run("counting leases", move |connection| {
            let sql = "SELECT count(*) FROM leases WHERE expires_at > ?";
            connection.query_row(sql, [now], |row| row.get::<_, i64>(0))
        });
        held.await.map(unsigned)
    }

    async fn accept(&self, accepted: Accepted) -> Result<(), StoreError> {
        self.pool
            .run("closing the database", move |connection| {
                in_one(connection, |all| {
                    for (name, _) in NO_LEASES.iter().chain(&NO_WRITES) {
                        all.execute_batch(&format!("DROP TRIGGER IF EXISTS {name}"))?;
                    }
                    let writes = NO_WRITES.iter().filter(|_| accepted == Accepted::Nothing);
                    let leases = NO_LEASES.iter().filter(|_| accepted != Accepted::All);
                    for (name, place) in leases.chain(writes) {
                        all.execute_batch(&format!(
                            "CREATE TRIGGER {name} BEFORE {place} BEGIN SELECT \
                             RAISE(ABORT, 'its rows are being moved to another database'); END"
                        ))?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

#[async_trait]
impl Notes for SqliteStore {
    async fn note(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.pool
            .run("reading a note", move |connection| {
                let sql = "SELECT value FROM meta WHERE name = ?";
                connection.query_row(sql, [name], |row| row.get(0)).optional()
            })
            .await
    }

    async fn set_note(&self, name: &'static str, value: Option<&[u8]>) -> Result<(), StoreError> {
        let value = value.map(<[u8]>::to_vec);
        let set = self.pool.run("writing a note", move |connection| match value {
            Some(value) => {
                let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) \
                           ON CONFLICT (name) DO UPDATE SET value = ?2";
                connection.execute(sql, params![name, value])
            }
            None => connection.execute("DELETE FROM meta WHERE name = ?", [name]),
        });
        set.await.map(drop)
    }
}

/// Runs statements in one transaction.
fn in_one(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    work(&transaction)?;
    transaction.commit()
}

fn grants_after(
    connection: &Connection,
    after: Option<Place>,
    limit: i64,
) -> rusqlite::Result<Vec<Row>> {
    let select = "SELECT subject, provider, sealed, revision FROM grants";
    let order = "ORDER BY subject, provider LIMIT";
    let rows: Vec<GrantRow> = match after {
        Some(Place::Grant { subject, provider }) => {
            let sql = format!("{select} WHERE (subject, provider) > (?1, ?2) {order} ?3");
            query_all(connection, &sql, params![subject, provider, limit])?
        }
        _ => query_all(connection, &format!("{select} {order} ?1"), [limit])?,
    };
    let row = |(subject, provider, sealed, revision)| {
        let place = Place::Grant { subject, provider };
        Row { place, sealed, revision, expires_at: 0 }
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Consents in progress are among the records in their order, although their table is another one.
fn records_after(
    connection: &Connection,
    namespace: &str,
    id: &[u8],
    limit: i64,
) -> rusqlite::Result<Vec<Row>> {
    let sql = "SELECT namespace, id, sealed, revision, expires_at FROM ( \
               SELECT namespace, id, sealed, revision, expires_at FROM records \
               WHERE (namespace, id) > (?1, ?2) \
               UNION ALL SELECT ?4, id, sealed, 0, expires_at FROM pending \
               WHERE (?4, id) > (?1, ?2)) ORDER BY namespace, id LIMIT ?3";
    let rows: Vec<RecordRow> = query_all(connection, sql, params![namespace, id, limit, PENDING])?;
    let row = |(namespace, id, sealed, revision, expires_at): RecordRow| {
        let revision = if namespace == PENDING { salt(&sealed) } else { revision };
        Row { place: Place::Record { namespace, id }, sealed, revision, expires_at }
    };
    Ok(rows.into_iter().map(row).collect())
}

/// What tells two values of one consent from each other: part of their random salt.
fn salt(sealed: &[u8]) -> i64 {
    let salt = sealed.get(9..17).and_then(|salt| salt.try_into().ok()).unwrap_or_default();
    signed((u64::from_be_bytes(salt) >> 2) | 1)
}

fn revision(connection: &Connection, place: &Place) -> rusqlite::Result<Option<i64>> {
    let find = |sql: &str, parameters: &[&dyn ToSql]| {
        connection.query_row(sql, parameters, |row| row.get(0)).optional()
    };
    match place {
        Place::Grant { subject, provider } => {
            let sql = "SELECT revision FROM grants WHERE subject = ? AND provider = ?";
            find(sql, &[subject, provider])
        }
        Place::Record { namespace, id } if namespace == PENDING => {
            let sql = "SELECT sealed FROM pending WHERE id = ?";
            let sealed = connection.query_row(sql, [id], |row| row.get::<_, Vec<u8>>(0));
            Ok(sealed.optional()?.map(|sealed| salt(&sealed)))
        }
        Place::Record { namespace, id } => {
            find("SELECT revision FROM records WHERE namespace = ? AND id = ?", &[namespace, id])
        }
    }
}

fn put(all: &Transaction<'_>, rows: &[Row]) -> rusqlite::Result<()> {
    for Row { place, sealed, revision, expires_at } in rows {
        match place {
            Place::Grant { subject, provider } => {
                let sql = "INSERT INTO grants (subject, provider, sealed, revision) \
                           VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE \
                           SET sealed = ?3, revision = ?4";
                all.prepare(sql)?.execute(params![subject, provider, sealed, revision])?;
            }
            Place::Record { namespace, id } if namespace == PENDING => {
                let sql = "INSERT INTO pending (id, sealed, expires_at) VALUES (?1, ?2, ?3) \
                           ON CONFLICT DO UPDATE SET sealed = ?2, expires_at = ?3";
                all.prepare(sql)?.execute(params![id, sealed, expires_at])?;
            }
            Place::Record { namespace, id } => {
                let sql = "INSERT INTO records (namespace, id, sealed, expires_at, revision) \
                           VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE \
                           SET sealed = ?3, expires_at = ?4, revision = ?5";
                let row = params![namespace, id, sealed, expires_at, revision];
                all.prepare(sql)?.execute(row)?;
            }
        }
    }
    Ok(())
}

fn delete(all: &Transaction<'_>, places: &[Place]) -> rusqlite::Result<()> {
    for place in places {
        match place {
            Place::Grant { subject, provider } => {
                let sql = "DELETE FROM grants WHERE subject = ? AND provider = ?";
                all.prepare(sql)?.execute([subject, provider])?;
            }
            Place::Record { namespace, id } if namespace == PENDING => {
                all.prepare("DELETE FROM pending WHERE id = ?")?.execute([id])?;
            }
            Place::Record { namespace, id } => {
                let sql = "DELETE FROM records WHERE namespace = ? AND id = ?";
                all.prepare(sql)?.execute(params![namespace, id])?;
            }
        }
    }
    Ok(())
}
