//! The connections to the database. SQLite waits for the disk, so whatever uses one does so on a
//! thread that may wait.

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

use crate::grant::StoreError;

/// So many are open at once.
const MOST: u32 = 4;

/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

type Work = Box<dyn FnOnce(&mut Connection) -> rusqlite::Result<()> + Send>;

pub(crate) struct Connections {
    path: PathBuf,
    turns: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
    open: fn(&Path) -> rusqlite::Result<Connection>,
}

impl Connections {
    /// Those to the database at `path`, of which one is open.
    pub(crate) fn of(
        path: PathBuf,
        open: fn(&Path) -> rusqlite::Result<Connection>,
    ) -> rusqlite::Result<Self> {
        let idle = Arc::new(Mutex::new(vec![open(&path)?]));
        Ok(Self { path, turns: Arc::new(Semaphore::new(MOST as usize)), idle, open })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Does `work` with a connection, to its end, even if nobody waits for it any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        doing: &str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (say, mut said) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let _ = say.send(work(connection)?);
            Ok(())
        });
        self.work(doing, work).await?;
        said.try_recv().map_err(|error| self.unavailable(doing, error))
    }

    /// Apart from what it is for, which is a type of its own for each statement.
    async fn work(&self, doing: &str, work: Work) -> Result<(), StoreError> {
        let turn = timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn
            .map_err(|_| self.unavailable(doing, "it is busy"))?
            .map_err(|_| self.unavailable(doing, "it is closed"))?;
        let (path, idle, open) = (self.path.clone(), Arc::clone(&self.idle), self.open);
        let done = spawn_blocking(move || {
            let found = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = found.map_or_else(|| open(&path), Ok)?;
            let done = work(&mut connection);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(turn);
            done
        });
        let done = done.await.map_err(|error| self.unavailable(doing, error))?;
        done.map_err(|error| failed(&self.path, doing, error))
    }

    fn unavailable(&self, doing: &str, why: impl Display) -> StoreError {
        StoreError::unavailable(format!("{doing} in {}", self.path.display()), why.to_string())
    }

    /// Closes them, after what is under way.
    pub(crate) async fn close(&self) {
        let Ok(all) = self.turns.acquire_many(MOST).await else { return };
        self.turns.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        // Closing the last one writes what the log still holds.
        let _ = spawn_blocking(move || drop(idle)).await;
    }
}

/// All rows, so that the statement runs to its end and commits.
pub(crate) fn all<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> rusqlite::Result<Vec<T>>
where
    T: for<'row> TryFrom<&'row Row<'row>, Error = rusqlite::Error>,
{
    connection.prepare(sql)?.query_map(parameters, |row| T::try_from(row))?.collect()
}

/// The driver's "this is not, or no longer, a database" apart from what may pass.
pub(crate) fn failed(path: &Path, doing: &str, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupted { path: path.to_owned(), detail: error.to_string() }
        }
        _ => StoreError::unavailable(format!("{doing} in {}", path.display()), error),
    }
}
