//! The notes of the database.

use async_trait::async_trait;
use tokio_postgres::types::Type;

use super::{
    PostgresStore,
    database::{Database, column},
};
use crate::grant::{inventory::notes::Notes, store_error::StoreError};

#[async_trait]
impl Notes for Database {
    async fn note(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT value FROM toolgate_meta WHERE name = $1";
        let rows = self.query("reading a note", sql, &[(&name, Type::TEXT)]).await?;
        rows.first().map(|row| column(row, 0)).transpose()
    }

    async fn set_note(&self, name: &'static str, value: Option<&[u8]>) -> Result<(), StoreError> {
        let doing = "writing a note";
        let set = match value {
            Some(value) => {
                let sql = "INSERT INTO toolgate_meta (name, value) VALUES ($1, $2) \
                           ON CONFLICT (name) DO UPDATE SET value = excluded.value";
                let parameters = [(&name as _, Type::TEXT), (&value as _, Type::BYTEA)];
                self.query(doing, sql, &parameters).await
            }
            None => {
                let sql = "DELETE FROM toolgate_meta WHERE name = $1";
                self.query(doing, sql, &[(&name, Type::TEXT)]).await
            }
        };
        set.map(drop)
    }
}

#[async_trait]
impl Notes for PostgresStore {
    async fn note(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.database.note(name).await
    }

    async fn set_note(&self, name: &'static str, value: Option<&[u8]>) -> Result<(), StoreError> {
        self.database.set_note(name, value).await
    }
}
