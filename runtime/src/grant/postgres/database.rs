//! Connection pool and statements. Every wait is bounded.

use std::{fmt::Display, sync::Arc, time::Duration};

use deadpool::{
    Runtime,
    managed::{Object, Pool, PoolError, TimeoutType},
};
use tokio::time::timeout;
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use super::{
    connect::{Connections, Connector},
    errors::{chain, describe, is_usable_after},
    settings::Settings,
};
use crate::{
    grant::store_error::StoreError,
    support::outage::{Ask, Outage},
};

/// How long work waits for a connection that others use.
const BUSY_TIMEOUT: Duration = Duration::from_secs(4);

/// How long work waits for a connection, be it one that others use or a new one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the answer to a statement may take. The server ends the statement before.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(6);

const SILENT: &str = "the database does not answer";

/// A parameter of a statement.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// A database and the connections to it.
pub(super) struct Database {
    pool: Pool<Connections>,
    name: String,
    /// Whether new connections succeed. In an outage, work fails at once instead of waiting for one
    /// connection after another.
    outage: Outage,
}

impl Database {
    /// Creates the pool. The first statement connects.
    pub(super) fn new(settings: &Settings, connector: Arc<Connector>) -> Result<Self, StoreError> {
        let pool = Pool::builder(Connections(connector))
            .max_size(settings.max_connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(BUSY_TIMEOUT))
            .build();
        let name = settings.name.clone();
        let pool =
            pool.map_err(|error| StoreError::unavailable(format!("opening {name}"), error))?;
        Ok(Self { pool, name, outage: Outage::default() })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Runs one statement, in a transaction of its own, and returns its rows.
    ///
    /// The statement is not prepared: this takes one round trip, and lets poolers in between share
    /// connections.
    pub(super) async fn query(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let connection = self.connection(doing).await?;
        match timeout(STATEMENT_TIMEOUT, connection.query_typed(sql, parameters)).await {
            Ok(Ok(rows)) => {
                self.answered();
                Ok(rows)
            }
            Ok(Err(error)) => {
                if error.as_db_error().is_some() {
                    self.answered();
                }
                if !is_usable_after(&error) {
                    drop(Object::take(connection));
                }
                Err(self.unavailable(doing, describe(&error)))
            }
            Err(_) => {
                drop(Object::take(connection));
                // The other connections are of the same time, and would fail one by one.
                self.pool.retain(|_, _| false);
                Err(self.unavailable(doing, SILENT))
            }
        }
    }

    /// Waits for a connection.
    pub(super) async fn connection(&self, doing: &str) -> Result<Object<Connections>, StoreError> {
        if self.outage.ask() == Ask::NotNow {
            return Err(self.unavailable(doing, SILENT));
        }
        let Ok(found) = timeout(ACQUIRE_TIMEOUT, self.pool.get()).await else {
            return Err(self.unavailable(doing, SILENT));
        };
        found.map_err(|error| match error {
            PoolError::Backend(error) => {
                if error.is_silent && self.outage.begin() {
                    tracing::error!(target: "toolgate::grant", database = self.name, "new connections to the database are not answered; calls that need it fail at once");
                }
                self.unavailable(doing, error)
            }
            PoolError::Timeout(TimeoutType::Wait) => {
                self.unavailable(doing, "all connections are busy")
            }
            PoolError::Closed => self.unavailable(doing, "the store is closed"),
            other => self.unavailable(doing, other),
        })
    }

    fn answered(&self) {
        if self.outage.end() {
            tracing::info!(target: "toolgate::grant", database = self.name, "the database answers again");
        }
    }

    pub(super) fn unavailable(&self, doing: &str, why: impl Display) -> StoreError {
        StoreError::unavailable(format!("{doing} in {}", self.name), why.to_string())
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }
}

/// A column of a row.
pub(super) fn column<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    at: usize,
) -> Result<T, StoreError> {
    row.try_get(at).map_err(|error| StoreError::unavailable("reading a row", chain(&error)))
}
