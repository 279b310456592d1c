//! Master key, from the environment or from a file that is created at first start.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretBox};
use zeroize::{Zeroize as _, Zeroizing};

use crate::support::crypto;

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
pub struct MasterKey {
    secret: SecretBox<[u8; 32]>,
    previous: Vec<MasterKey>,
}

impl MasterKey {
    /// Creates a key from these bytes, which are erased.
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let key = Self::copied(&bytes);
        bytes.zeroize();
        key
    }

    fn copied(bytes: &[u8; 32]) -> Self {
        let secret = SecretBox::init_with_mut(|to: &mut [u8; 32]| to.copy_from_slice(bytes));
        Self { secret, previous: Vec::new() }
    }

    /// Creates a random key.
    pub fn generate() -> Self {
        let secret = SecretBox::init_with_mut(|to: &mut [u8; 32]| crypto::fill_random(to));
        Self { secret, previous: Vec::new() }
    }

    /// Adds a key that was used before: what it has sealed is opened, and nothing more is sealed with
    /// it.
    #[must_use]
    pub fn or_previous(mut self, previous: Self) -> Self {
        self.previous.push(previous);
        self
    }

    /// Reads a key from 32 bytes in base64, the form of `TOOLGATE_KEY`. Further keys after it,
    /// separated by commas or white space, are [previous](Self::or_previous) ones.
    ///
    /// # Errors
    ///
    /// [`KeyError::Variable`] if the text is something else.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        decode_all(text).ok_or(KeyError::Variable)
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

    /// Reads a key that an operator mounts.
    pub(crate) fn from_secret_file(file: &Path) -> Result<Self, KeyError> {
        read_secret(file)
    }

    /// The form that [`from_base64`](Self::from_base64) reads.
    #[cfg(all(feature = "keyring", feature = "sqlite"))]
    pub(super) fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.expose()))
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.secret.expose_secret()
    }

    pub(crate) fn previous(&self) -> &[Self] {
        &self.previous
    }
}

impl Clone for MasterKey {
    fn clone(&self) -> Self {
        let previous = self.previous.clone();
        Self { previous, ..Self::copied(self.secret.expose_secret()) }
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
    Some(MasterKey::copied(bytes))
}

/// The keys of a text: the current one first.
fn decode_all(text: &str) -> Option<MasterKey> {
    let mut keys = text.split([',', ' ', '\t', '\r', '\n']).filter(|part| !part.is_empty());
    let current = decode(keys.next()?)?;
    keys.try_fold(current, |all, key| Some(all.or_previous(decode(key)?)))
}

fn read(file: &Path) -> Result<MasterKey, KeyError> {
    if others_may(file, 0o077)? {
        return Err(KeyError::Readable { file: file.into() });
    }
    read_any(file)
}

/// Reads a key that an operator mounts. Container runtimes mount secrets so that every user of the
/// container can read them, but not write them.
fn read_secret(file: &Path) -> Result<MasterKey, KeyError> {
    if others_may(file, 0o022)? {
        return Err(KeyError::Writable { file: file.into() });
    }
    read_any(file)
}

/// Whether the file's mode has any of these bits.
fn others_may(file: &Path, bits: u32) -> Result<bool, KeyError> {
    let meta = fs::metadata(file);
    let meta = meta.map_err(|source| KeyError::File { file: file.into(), source })?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        Ok(meta.permissions().mode() & bits != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = (meta, bits);
        Ok(false)
    }
}

fn read_any(file: &Path) -> Result<MasterKey, KeyError> {
    let failed = |source| KeyError::File { file: file.into(), source };
    let meta = fs::metadata(file).map_err(failed)?;
    if !meta.is_file() || meta.len() > MAX_KEY_FILE_BYTES {
        return Err(KeyError::NotAKey { file: file.into() });
    }
    let text = Zeroizing::new(fs::read(file).map_err(failed)?);
    std::str::from_utf8(&text)
        .ok()
        .and_then(decode_all)
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
    /// Others on this machine can write the file that `TOOLGATE_KEY_FILE` names.
    #[error("the key file {} can be written by others; run `chmod go-w {}`", file.display(), file.display())]
    Writable {
        /// The key file.
        file: PathBuf,
    },
    /// Several variables are set.
    #[error(
        "several of TOOLGATE_KEY, TOOLGATE_KEYS, TOOLGATE_KEY_FILE, TOOLGATE_KEYS_FILE and \
         TOOLGATE_KEYRING are set; set one of them"
    )]
    Both,
    /// The keyring of the operating system has not given the keys that `TOOLGATE_KEYRING` names.
    #[error("the keyring of the operating system {problem}")]
    Keyring {
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A database that several machines share has no key file of its own.
    #[error(
        "{} needs a master key: set TOOLGATE_KEY, or TOOLGATE_KEY_FILE to a file with it, to the same \
         key on every machine. `openssl rand -base64 32` makes one",
        database.display()
    )]
    Required {
        /// The database.
        database: PathBuf,
    },
    /// The platform names no directory in which a key file could be created.
    #[error(
        "there is no place for the key of {}, because the platform names no home directory: set \
         TOOLGATE_KEY, or TOOLGATE_KEY_FILE to a file with a key, which `openssl rand -base64 32` \
         makes",
        database.display()
    )]
    NoPlace {
        /// The database.
        database: PathBuf,
    },
    /// There is a database but no key for it.
    #[error(
        "the key file {} is missing, and the grants in {} cannot be read without it. Restore \
         the file, under another name if the database was moved here, or set TOOLGATE_KEY; or move \
         the database away and connect the accounts again",
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
    fn keys_before_the_current_one_are_read_too() {
        let [new, old, older] = [1, 2, 3].map(|byte| STANDARD.encode([byte; 32]));
        for text in [format!("{new},{old},{older}"), format!("{new}\n{old}\r\n {older}\n")] {
            let key = MasterKey::from_base64(&text).unwrap();
            assert_eq!(key.expose(), [1; 32]);
            let previous: Vec<_> = key.previous().iter().map(MasterKey::expose).collect();
            assert_eq!(previous, [[2; 32], [3; 32]]);
        }
        for text in ["", ",", &format!("{new},short"), &format!("{new};{old}")] {
            assert!(MasterKey::from_base64(text).is_err(), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_mounted_secret_may_be_read_but_not_written_by_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        write_new(&file, STANDARD.encode([7; 32]).as_bytes()).unwrap();
        for (mode, is_accepted) in [(0o400, true), (0o444, true), (0o664, false), (0o646, false)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read_secret(&file).is_ok(), is_accepted, "{mode:o}");
        }
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
