//! Connection pool. SQLite blocks on the disk, so all work is done on blocking threads.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, Params, Row};
use tokio::{
    sync::{Semaphore, oneshot},
    task::spawn_blocking,
    time::timeout,
};

use crate::grant::store_error::StoreError;

/// The most connections that are open at once.
const MAX_CONNECTIONS: u32 = 4;

/// How long work waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the caller waits for its work, for a disk that does not answer.
const WORK_TIMEOUT: Duration = Duration::from_secs(10);

type Work = Box<dyn FnOnce(&mut Connection) -> rusqlite::Result<()> + Send>;

pub(crate) struct ConnectionPool {
    path: PathBuf,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
    open: fn(&Path) -> rusqlite::Result<Connection>,
}

impl ConnectionPool {
    /// Creates a pool for the database at `path` and opens its first connection.
    pub(crate) fn new(
        path: PathBuf,
        open: fn(&Path) -> rusqlite::Result<Connection>,
    ) -> rusqlite::Result<Self> {
        let idle = Arc::new(Mutex::new(vec![open(&path)?]));
        Ok(Self { path, permits: Arc::new(Semaphore::new(MAX_CONNECTIONS as usize)), idle, open })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` with a connection. It runs to its end even if the caller is cancelled or waits no
    /// longer.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        doing: &str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, mut receiver) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let _ = sender.send(work(connection)?);
            Ok(())
        });
        self.run_boxed(doing, work).await?;
        receiver.try_recv().map_err(|error| self.unavailable(doing, error))
    }

    /// The part of [`run`](Self::run) that is compiled once, and not for each statement.
    async fn run_boxed(&self, doing: &str, work: Work) -> Result<(), StoreError> {
        let permit = timeout(ACQUIRE_TIMEOUT, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit
            .map_err(|_| self.unavailable(doing, "it is busy"))?
            .map_err(|_| self.unavailable(doing, "it is closed"))?;
        let (path, idle, open) = (self.path.clone(), Arc::clone(&self.idle), self.open);
        let done = spawn_blocking(move || {
            let found = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = found.map_or_else(|| open(&path), Ok)?;
            let done = work(&mut connection);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(permit);
            done
        });
        let done = timeout(WORK_TIMEOUT, done).await;
        let done = done.map_err(|_| self.unavailable(doing, "the disk does not answer"))?;
        let done = done.map_err(|error| self.unavailable(doing, error))?;
        done.map_err(|error| failed(&self.path, doing, error))
    }

    fn unavailable(&self, doing: &str, why: impl Display) -> StoreError {
        StoreError::unavailable(format!("{doing} in {}", self.path.display()), why.to_string())
    }

    /// Closes the connections once the work in progress is done.
    pub(crate) async fn close(&self) {
        let Ok(all) = self.permits.acquire_many(MAX_CONNECTIONS).await else { return };
        self.permits.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        // Closing the last connection writes the rest of the log to the database.
        let _ = spawn_blocking(move || drop(idle)).await;
    }
}

/// Runs what blocks on the disk.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(StoreError::unavailable("opening the database", error)),
    }
}

/// Runs a statement and returns all rows. A statement commits when its last row was read.
pub(crate) fn query_all<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> rusqlite::Result<Vec<T>>
where
    T: for<'row> TryFrom<&'row Row<'row>, Error = rusqlite::Error>,
{
    connection.prepare(sql)?.query_map(parameters, |row| T::try_from(row))?.collect()
}

/// Converts an error of the driver. A damaged database is separate from failures that may pass.
pub(crate) fn failed(path: &Path, doing: &str, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupted { path: path.to_owned(), detail: error.to_string() }
        }
        _ => StoreError::unavailable(format!("{doing} in {}", path.display()), error),
    }
}
