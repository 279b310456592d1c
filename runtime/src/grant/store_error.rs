//! Errors of stores.

use std::{error::Error as StdError, fmt, io, path::PathBuf};

use super::{key_error::KeyError, key_source::KeySourceError, unseal_error::UnsealError};

/// A failure of a store. It never means that there is no grant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store did not answer, or refused: a full disk, a lock held too long, a lost connection.
    #[error("the grant store failed {doing}: {source}")]
    Unavailable {
        /// What was being done, as in "reading a grant".
        doing: String,
        /// The cause.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A file cannot be read or created.
    #[error("{doing} {} failed: {source}", path.display())]
    File {
        /// What was being done, as in "opening".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The database is damaged. It was left as it is.
    #[error(
        "the grant database {} is damaged ({detail}); it was left untouched. Restore it from a \
         backup, or move it away and connect the accounts again",
        path.display()
    )]
    Corrupted {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The database was written by a newer toolgate. It was left as it is.
    #[error(
        "the grant database {} has schema version {found}, and this toolgate knows up to \
         {known}; it was left untouched. Run the newer toolgate, or point TOOLGATE_DATA at \
         another directory",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The database was migrated by a newer toolgate. It was left as it is.
    #[error(
        "{database} has schema version {found}, and this toolgate knows up to {known}; it was left \
         untouched. Run the newer toolgate, or point TOOLGATE_STORE at another database"
    )]
    NewerSchema {
        /// The database.
        database: String,
        /// Its version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The rows of the database are in another one, or on their way there.
    #[error("{database} {problem}")]
    Moved {
        /// The database.
        database: String,
        /// Where its rows are, and what to do.
        problem: String,
    },
    /// The URL of the store names none that this program can open.
    #[error("the URL of the store: {problem}")]
    Url {
        /// What is wrong with it, without the URL: it may have a password.
        problem: String,
    },
    /// The file is another program's database. It was left as it is.
    #[error(
        "{} is not a toolgate database; it was left untouched. Point TOOLGATE_DATA at another \
         directory",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// One row cannot be opened with the key that opens the others.
    #[error(
        "the stored {what} cannot be opened: {source}. If the database was edited or restored \
         in part, remove this grant and connect again"
    )]
    Sealed {
        /// What the row holds, as in "grant for forge".
        what: String,
        /// Why not.
        source: UnsealError,
    },
    /// The data keys cannot be unwrapped. Nothing is lost: the source is asked again by the next call.
    #[error("the grant store has no key: {0}")]
    DataKeys(KeySourceError),
    /// The master key is missing or wrong.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Another user of this machine owns a file or directory, or may replace the files in it.
    #[error("{} {problem}; {advice}", path.display())]
    Unsafe {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// There is no directory for data: the platform names no home directory.
    #[error("no data directory: the platform names no home; set TOOLGATE_DATA to a directory")]
    NoHome,
    /// Too many consents or records, or one that is too long. Anyone can cause them, so they are
    /// bounded.
    #[error("too many consents are in progress, or one is too large; try again in a few minutes")]
    Full,
}

impl StoreError {
    /// Creates an error for your own store, which failed at `doing`, as in "reading a grant".
    pub fn unavailable(
        doing: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { doing: doing.into(), source: source.into() }
    }
}

/// Why a grant was not saved.
#[derive(Debug)]
pub enum SaveError {
    /// The row has another revision than expected; read it again.
    Conflict,
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict => f.write_str("the grant was changed in the meantime"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl StdError for SaveError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Conflict => None,
            Self::Store(error) => error.source(),
        }
    }
}

impl From<StoreError> for SaveError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
