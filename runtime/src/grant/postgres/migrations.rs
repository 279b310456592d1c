//! Migrations of the schema: embedded, forward only, each process waiting for the one that migrates.

use std::{path::PathBuf, time::Duration};

use tokio::time::timeout;
use tokio_postgres::{Client, GenericClient, types::Type};

use super::{
    database::{Database, column},
    errors::describe,
};
use crate::{
    grant::{
        inventory::notes::KEY_CHECK_VALUE, key_error::KeyError, seal::Sealer,
        store_error::StoreError,
    },
    support::crash_point::crash_point,
};

/// The statements that lead from each version to the next.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/1.sql")];

/// How long a process waits for its own migration and for those of others.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(600);

/// The key of the lock that the process which migrates holds: "toolgate".
const LOCK: i64 = 0x746f_6f6c_6761_7465;

const DOING: &str = "migrating the schema";
const READING: &str = "reading the schema";

/// Brings the schema to the current version, and checks that the database has one of the keys.
pub(super) async fn migrate(
    database: &Database,
    sealer: &Sealer,
    origin: &str,
    data_key: Option<(String, Vec<u8>)>,
) -> Result<(), StoreError> {
    let mut connection = database.connection("connecting").await?;
    let client: &mut Client = &mut connection;
    let migration = Migration { database, sealer, origin, data_key };
    match timeout(MIGRATION_TIMEOUT, migration.run(client)).await {
        Ok(result) => result,
        Err(_) => Err(database.unavailable(DOING, "another process has not finished it")),
    }
}

/// Whether every migration of this program was made. Those of a newer program may have been made, too:
/// while replicas are replaced one after the other, the older ones go on.
pub(super) async fn is_current(database: &Database) -> Result<bool, StoreError> {
    let sql = "SELECT coalesce(max(version), 0) FROM toolgate_migrations";
    let rows = database.query(READING, sql, &[]).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    let found: i64 = column(row, 0)?;
    Ok(usize::try_from(found).is_ok_and(|found| found >= MIGRATIONS.len()))
}

struct Migration<'a> {
    database: &'a Database,
    sealer: &'a Sealer,
    /// Where the key comes from, for errors.
    origin: &'a str,
    /// The row of the data key that a new database begins with.
    data_key: Option<(String, Vec<u8>)>,
}

impl Migration<'_> {
    async fn run(&self, client: &mut Client) -> Result<(), StoreError> {
        let failed =
            |error: tokio_postgres::Error| self.database.unavailable(DOING, describe(&error));
        if self.version(client).await? == MIGRATIONS.len() {
            return self.check_key(client).await;
        }
        let transaction = client.transaction().await.map_err(failed)?;
        // The bound is that of the whole migration.
        let unbounded = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0";
        transaction.batch_execute(unbounded).await.map_err(failed)?;
        let lock = "SELECT pg_advisory_xact_lock($1)";
        transaction.query_typed(lock, &[(&LOCK, Type::INT8)]).await.map_err(failed)?;
        // Another process may have migrated while this one waited.
        let found = self.version(&transaction).await?;
        if found > 0 {
            self.check_key(&transaction).await?;
        }
        for (at, sql) in MIGRATIONS.iter().enumerate().skip(found) {
            if at == 0 {
                let table = "CREATE TABLE toolgate_migrations (version bigint PRIMARY KEY, \
                             applied_at timestamptz NOT NULL DEFAULT now())";
                transaction.batch_execute(table).await.map_err(failed)?;
            }
            transaction.batch_execute(sql).await.map_err(failed)?;
            crash_point("migration.created");
            if at == 0 {
                let note = (KEY_CHECK_VALUE, &self.sealer.check_value()[..]);
                let data_key = self.data_key.as_ref().map(|(name, value)| (&name[..], &value[..]));
                for (name, value) in [note].into_iter().chain(data_key) {
                    let sql = "INSERT INTO toolgate_meta (name, value) VALUES ($1, $2)";
                    let row = [(&name as _, Type::TEXT), (&value as _, Type::BYTEA)];
                    transaction.query_typed(sql, &row).await.map_err(failed)?;
                }
            }
            let version = i64::try_from(at + 1).unwrap_or(i64::MAX);
            let sql = "INSERT INTO toolgate_migrations (version) VALUES ($1)";
            transaction.query_typed(sql, &[(&version, Type::INT8)]).await.map_err(failed)?;
        }
        crash_point("migration.committing");
        transaction.commit().await.map_err(failed)?;
        crash_point("migration.committed");
        Ok(())
    }

    /// The version of the schema; 0 where there is none.
    async fn version(&self, client: &impl GenericClient) -> Result<usize, StoreError> {
        let failed =
            |error: tokio_postgres::Error| self.database.unavailable(READING, describe(&error));
        // `to_regclass` is not used: after it has not found a table, it may not find it later in the
        // same transaction.
        let sql = "SELECT EXISTS (SELECT 1 FROM pg_class \
                   WHERE relname = 'toolgate_migrations' AND pg_table_is_visible(oid))";
        let rows = client.query_typed(sql, &[]).await.map_err(failed)?;
        let exists = rows.first().map(|row| row.try_get(0)).transpose().map_err(failed)?;
        if exists != Some(true) {
            return Ok(0);
        }
        let sql = "SELECT coalesce(max(version), 0) FROM toolgate_migrations";
        let rows = client.query_typed(sql, &[]).await.map_err(failed)?;
        let found: Option<i64> =
            rows.first().map(|row| row.try_get(0)).transpose().map_err(failed)?;
        let found = found.unwrap_or_default();
        match usize::try_from(found) {
            Ok(version) if version <= MIGRATIONS.len() => Ok(version),
            _ => Err(StoreError::NewerSchema {
                database: self.database.name().to_owned(),
                found,
                known: i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX),
            }),
        }
    }

    async fn check_key(&self, client: &impl GenericClient) -> Result<(), StoreError> {
        let sql = "SELECT value FROM toolgate_meta WHERE name = $1";
        let rows = client.query_typed(sql, &[(&KEY_CHECK_VALUE, Type::TEXT)]).await;
        let rows = rows.map_err(|error| self.database.unavailable(READING, describe(&error)))?;
        let Some(row) = rows.first() else {
            return Err(self.database.unavailable(READING, "its key check value is missing"));
        };
        if self.sealer.recognise(column(row, 0)?).is_some() {
            return Ok(());
        }
        let database = PathBuf::from(self.database.name());
        Err(KeyError::Wrong { origin: self.origin.to_owned(), database }.into())
    }
}
