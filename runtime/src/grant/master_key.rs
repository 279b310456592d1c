//! Master key, from the environment or from a file that is created at first start.

use std::{
    env, fmt, fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretBox};
use zeroize::{Zeroize as _, Zeroizing};

use crate::support::crypto;

const VARIABLE: &str = "TOOLGATE_KEY";

/// The largest file that is read; a key has 45 bytes.
const MAX_KEY_FILE_BYTES: u64 = 1024;

/// The key that encrypts everything at rest: 32 bytes.
///
/// ```
/// use toolgate::grant::MasterKey;
///
/// // As `openssl rand -base64 32` prints it.
/// let key = MasterKey::from_base64("d29uZGVyZnVsIHdvcmxkIG9mIHRoaXJ0eS10d28hISE=")?;
/// assert_eq!(format!("{key:?}"), "MasterKey([redacted])");
/// # Ok::<(), toolgate::grant::KeyError>(())
/// ```
pub struct MasterKey(SecretBox<[u8; 32]>);

impl MasterKey {
    /// Creates a key from these bytes, which are erased.
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let key = Self(SecretBox::init_with_mut(|to: &mut [u8; 32]| to.copy_from_slice(&bytes)));
        bytes.zeroize();
        key
    }

    /// Creates a random key.
    pub fn generate() -> Self {
        Self(SecretBox::init_with_mut(|to: &mut [u8; 32]| crypto::fill_random(to)))
    }

    /// Reads a key from 32 bytes in base64, the form of `TOOLGATE_KEY`.
    ///
    /// # Errors
    ///
    /// [`KeyError::Variable`] if the text is something else.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        decode(text).ok_or(KeyError::Variable)
    }

    /// Reads the key in `TOOLGATE_KEY`. Returns `None` if the variable is not set.
    ///
    /// # Errors
    ///
    /// [`KeyError::Variable`] if its value is not a key.
    pub fn from_env() -> Result<Option<Self>, KeyError> {
        match env::var(VARIABLE) {
            Ok(text) => Self::from_base64(&text).map(Some),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(env::VarError::NotUnicode(_)) => Err(KeyError::Variable),
        }
    }

    /// Reads the key in `file`. If there is no file, creates one, unless `database` exists: a new key
    /// could not decrypt it.
    ///
    /// # Errors
    ///
    /// The file cannot be read or created, is not a key, is readable by others, or is missing
    /// although the database exists. Nothing is overwritten in any case.
    pub fn from_file(file: &Path, database: &Path) -> Result<Self, KeyError> {
        // Before the key is read: another process that starts at this moment creates its key first.
        let database_exists = fs::metadata(database).is_ok_and(|meta| meta.len() > 0);
        match read(file) {
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        if database_exists {
            return Err(KeyError::Missing { file: file.into(), database: database.into() });
        }
        create(file)?;
        read(file)
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl Clone for MasterKey {
    fn clone(&self) -> Self {
        Self(SecretBox::init_with_mut(|to: &mut [u8; 32]| to.copy_from_slice(self.expose())))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey([redacted])")
    }
}

fn decode(text: &str) -> Option<MasterKey> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
    let bytes: &[u8; 32] = bytes.as_slice().try_into().ok()?;
    Some(MasterKey(SecretBox::init_with_mut(|to: &mut [u8; 32]| to.copy_from_slice(bytes))))
}

fn read(file: &Path) -> Result<MasterKey, KeyError> {
    let failed = |source| KeyError::File { file: file.into(), source };
    let meta = fs::metadata(file).map_err(failed)?;
    if !meta.is_file() || meta.len() > MAX_KEY_FILE_BYTES {
        return Err(KeyError::NotAKey { file: file.into() });
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if meta.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Readable { file: file.into() });
        }
    }
    let text = Zeroizing::new(fs::read(file).map_err(failed)?);
    std::str::from_utf8(&text)
        .ok()
        .and_then(decode)
        .ok_or_else(|| KeyError::NotAKey { file: file.into() })
}

/// Writes a new key to a draft and links it to `file`: completely or not at all, and never over a
/// key that another process has just created.
fn create(file: &Path) -> Result<(), KeyError> {
    let failed = |source| KeyError::File { file: file.into(), source };
    let mut name = [0; 8];
    crypto::fill_random(&mut name);
    let draft = file.with_extension(format!("{:016x}.new", u64::from_be_bytes(name)));
    let key = MasterKey::generate();
    let mut text = Zeroizing::new(STANDARD.encode(key.expose()));
    text.push('\n');
    let made = write_new(&draft, text.as_bytes()).and_then(|()| fs::hard_link(&draft, file));
    let _ = fs::remove_file(&draft);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // A file system without hard links.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            write_new(file, text.as_bytes()).map_err(failed)
        }
        other => other.map_err(failed),
    }
}

fn write_new(file: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(file)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Why there is no master key. Nothing was overwritten.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// `TOOLGATE_KEY` is not a key.
    #[error(
        "TOOLGATE_KEY is not 32 bytes in base64; `openssl rand -base64 32` makes one, but a \
         database that exists needs the key it was made with"
    )]
    Variable,
    /// The key file cannot be read or created.
    #[error("the key file {} cannot be read or made: {source}", file.display())]
    File {
        /// The key file.
        file: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The key file has another content.
    #[error(
        "{} is not a toolgate key (32 bytes in base64); it was left untouched. Restore it from \
         a backup",
        file.display()
    )]
    NotAKey {
        /// The key file.
        file: PathBuf,
    },
    /// Others on this machine can read the key file.
    #[error(
        "the key file {} can be read by others; run `chmod 600 {}`",
        file.display(), file.display()
    )]
    Readable {
        /// The key file.
        file: PathBuf,
    },
    /// There is a database but no key for it.
    #[error(
        "the key file {} is missing, and the grants in {} cannot be read without it. Restore \
         the file or set TOOLGATE_KEY; or move the database away and connect the accounts again",
        file.display(), database.display()
    )]
    Missing {
        /// Where the key file should be.
        file: PathBuf,
        /// The database that needs it.
        database: PathBuf,
    },
    /// The key is not the one that the database was made with.
    #[error(
        "the master key ({origin}) is not the one that {} was made with; the database was left \
         untouched. Give the right key, or move the database away and connect the accounts again",
        database.display()
    )]
    Wrong {
        /// Where the key came from.
        origin: String,
        /// The database.
        database: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_created_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let (file, database) = (dir.path().join("key"), dir.path().join("grants.db"));
        let first = MasterKey::from_file(&file, &database).unwrap();
        fs::write(&database, "there").unwrap();
        let second = MasterKey::from_file(&file, &database).unwrap();
        assert_eq!(first.expose(), second.expose());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn concurrent_starts_use_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let (file, database) = (dir.path().join("key"), dir.path().join("grants.db"));
        let keys: Vec<_> = std::thread::scope(|scope| {
            let start = || MasterKey::from_file(&file, &database).unwrap();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| key.expose() == keys[0].expose()));
    }

    #[test]
    fn a_missing_key_of_a_database_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (file, database) = (dir.path().join("key"), dir.path().join("grants.db"));
        fs::write(&database, "there").unwrap();
        let error = MasterKey::from_file(&file, &database).unwrap_err();
        assert!(matches!(error, KeyError::Missing { .. }));
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
        assert!(!file.exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (file, database) = (dir.path().join("key"), dir.path().join("grants.db"));
        MasterKey::from_file(&file, &database).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let error = MasterKey::from_file(&file, &database).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_key_is_kept_and_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        write_new(&file, b"hunter2").unwrap();
        let error = MasterKey::from_file(&file, &dir.path().join("grants.db")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        assert_eq!(fs::read(&file).unwrap(), b"hunter2");
        assert!(MasterKey::from_base64("c2hvcnQ=").is_err());
    }
}
