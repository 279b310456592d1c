//! Stores by URL, as operators choose them.

use std::{fs, path::Path, sync::Arc};

#[cfg(any(feature = "postgres", feature = "sqlite"))]
use super::inventory::Inventory;
use super::{
    key_source::KeySource, memory::MemoryStore, store::GrantStore, store_error::StoreError,
};
use crate::{
    env,
    support::{
        clock::{Clock, SystemClock},
        file_mode,
    },
};

const VARIABLE: &str = "TOOLGATE_STORE";

/// The variable with the path of a file that has the URL, because a URL may have a password.
const FILE_VARIABLE: &str = "TOOLGATE_STORE_FILE";

/// The largest file that is read.
const MAX_URL_FILE_BYTES: u64 = 16 * 1024;

/// A [`GrantStore`] that was chosen when the program started.
///
/// ```
/// use toolgate::grant::{GrantKey, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), toolgate::grant::StoreError> {
/// let store = Store::open("memory:").await?;
/// assert!(store.get().load(&GrantKey::new("alice", "forge")).await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Store(Arc<dyn GrantStore>);

impl Store {
    /// Opens the store at a URL:
    ///
    /// - `sqlite:DIRECTORY`, an SQLite database (feature `sqlite`);
    /// - `postgres://USER:PASSWORD@HOST/DATABASE`, a PostgreSQL database (feature `postgres`);
    /// - `memory:`, which ends with the process.
    ///
    /// The master key of a database is that of [`MasterKey::from_env`](super::MasterKey::from_env), and
    /// that of SQLite a file where no variable is set.
    ///
    /// # Errors
    ///
    /// The URL names no store, the program was built without it, or it cannot be opened.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_at(url, Arc::new(SystemClock), None).await
    }

    /// As [`open`](Self::open), with data keys that `source` wraps, in place of a master key. A
    /// database that has a master key so far needs it until all is sealed again.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), or the source does not answer.
    pub async fn open_with_keys(url: &str, source: impl KeySource) -> Result<Self, StoreError> {
        Self::open_at(url, Arc::new(SystemClock), Some(Arc::new(source))).await
    }

    /// Opens the store that `TOOLGATE_STORE` names, or the file of `TOOLGATE_STORE_FILE`. Returns
    /// `None` if neither variable is set.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open); or both are set, or the file cannot be read.
    pub async fn from_env() -> Result<Option<Self>, StoreError> {
        Self::from_env_at(Arc::new(SystemClock), None).await
    }

    pub(crate) async fn from_env_at(
        clock: Arc<dyn Clock>,
        source: Option<Arc<dyn KeySource>>,
    ) -> Result<Option<Self>, StoreError> {
        match Self::url_from_env()? {
            Some(url) => Self::open_at(url.trim(), clock, source).await.map(Some),
            None => Ok(None),
        }
    }

    /// The URL that the variables name.
    pub(crate) fn url_from_env() -> Result<Option<String>, StoreError> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        Ok(Some(match (set(VARIABLE), set(FILE_VARIABLE)) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return Err(problem("TOOLGATE_STORE and TOOLGATE_STORE_FILE are both set"));
            }
            (Some(url), None) => {
                url.into_string().map_err(|_| problem("TOOLGATE_STORE is not UTF-8"))?
            }
            (None, Some(file)) => read(Path::new(&file))?,
        }))
    }

    async fn open_at(
        url: &str,
        clock: Arc<dyn Clock>,
        source: Option<Arc<dyn KeySource>>,
    ) -> Result<Self, StoreError> {
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(problem(UNKNOWN));
        };
        match scheme {
            "memory" => Ok(MemoryStore::with_clock(clock).into()),
            "sqlite" => sqlite(rest, clock, source).await,
            "postgres" | "postgresql" => postgres(url, clock, source).await,
            _ => Err(problem(UNKNOWN)),
        }
    }

    /// Opens an SQLite database and the PostgreSQL database to which its rows are copied.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) async fn open_for_relocation(
        from: &str,
        to: &str,
        source: Option<Arc<dyn KeySource>>,
    ) -> Result<(Arc<dyn Inventory>, Arc<dyn Inventory>), StoreError> {
        #[cfg(all(feature = "postgres", feature = "sqlite"))]
        if let (Some(directory), Some(("postgres" | "postgresql", _))) =
            (from.strip_prefix("sqlite:"), to.split_once(':'))
        {
            let directory = directory.strip_prefix("//").unwrap_or(directory);
            if !Path::new(directory).join("grants.db").exists() {
                return Err(problem(format!("{directory} has no database")));
            }
            let from = super::SqliteStore::at(directory)
                .shared_key_source(source.clone())
                .relocated()
                .open()
                .await?;
            let to =
                super::PostgresStore::at(to).shared_key_source(source).relocated().open().await?;
            return Ok((Arc::new(from), Arc::new(to)));
        }
        #[cfg(not(all(feature = "postgres", feature = "sqlite")))]
        let _ = (from, to, source);
        let needs = "a program with the features `sqlite` and `postgres` migrates from `sqlite:DIRECTORY` to `postgres://..`";
        Err(problem(needs))
    }

    /// The store itself.
    pub fn get(&self) -> &dyn GrantStore {
        &*self.0
    }

    pub(crate) fn into_inner(self) -> Arc<dyn GrantStore> {
        self.0
    }
}

impl<T: GrantStore> From<T> for Store {
    fn from(store: T) -> Self {
        Self(Arc::new(store))
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

const UNKNOWN: &str = "it begins with none of `postgres://`, `sqlite:` and `memory:`";

fn problem(problem: impl Into<String>) -> StoreError {
    StoreError::Url { problem: problem.into() }
}

fn read(file: &Path) -> Result<String, StoreError> {
    let failed = |source| StoreError::File { doing: "reading", path: file.to_owned(), source };
    let meta = fs::metadata(file).map_err(failed)?;
    if !meta.is_file() || meta.len() > MAX_URL_FILE_BYTES {
        return Err(problem(format!("{} is not a file with a URL", file.display())));
    }
    if file_mode::others_may_write(&meta) {
        return Err(problem(file_mode::writable(file)));
    }
    fs::read_to_string(file).map_err(failed)
}

#[cfg(feature = "sqlite")]
async fn sqlite(
    directory: &str,
    clock: Arc<dyn Clock>,
    source: Option<Arc<dyn KeySource>>,
) -> Result<Store, StoreError> {
    let directory = directory.strip_prefix("//").unwrap_or(directory);
    if directory.is_empty() {
        return Err(problem("`sqlite:` is followed by the path of a directory"));
    }
    let options = super::sqlite::SqliteStore::at(directory).clock(clock);
    Ok(options.shared_key_source(source).open().await?.into())
}

#[cfg(not(feature = "sqlite"))]
#[allow(clippy::unused_async, reason = "the function with SQLite is async")]
async fn sqlite(
    _: &str,
    _: Arc<dyn Clock>,
    _: Option<Arc<dyn KeySource>>,
) -> Result<Store, StoreError> {
    Err(problem("this program was built without the feature `sqlite` of toolgate"))
}

#[cfg(feature = "postgres")]
async fn postgres(
    url: &str,
    clock: Arc<dyn Clock>,
    source: Option<Arc<dyn KeySource>>,
) -> Result<Store, StoreError> {
    let options = super::postgres::PostgresStore::at(url).clock(clock);
    Ok(options.shared_key_source(source).open().await?.into())
}

#[cfg(not(feature = "postgres"))]
#[allow(clippy::unused_async, reason = "the function with PostgreSQL is async")]
async fn postgres(
    _: &str,
    _: Arc<dyn Clock>,
    _: Option<Arc<dyn KeySource>>,
) -> Result<Store, StoreError> {
    Err(problem("this program was built without the feature `postgres` of toolgate"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_that_names_no_store_is_refused_without_being_shown() {
        for url in ["", "mysql://u:hunter2@db/g", "hunter2", "sqlite:", "postgres"] {
            let error = Store::open(url).await.unwrap_err();
            assert!(matches!(error, StoreError::Url { .. }), "{url}: {error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_with_the_url_may_be_read_but_not_written_by_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("url");
        fs::write(&file, "sqlite:data").unwrap();
        let read_with = |mode| {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            read(&file)
        };
        assert_eq!(read_with(0o444).unwrap(), "sqlite:data");
        let error = read_with(0o664).unwrap_err().to_string();
        assert!(error.contains("go-w"), "{error}");
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn a_path_of_a_directory_is_a_url_of_sqlite() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        for url in [format!("sqlite:{}", path.display()), format!("sqlite://{}", path.display())] {
            let store = Store::open(&url).await.unwrap();
            assert!(store.get().list("alice").await.unwrap().is_empty());
        }
        assert!(path.join("grants.db").exists());
    }
}
