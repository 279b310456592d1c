//! File of a master key, which is created at first start.

use std::{fs, io, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{
    key_error::KeyError,
    master_key::{MasterKey, decode_all},
};
use crate::support::{crypto, file_mode};

/// The largest file that is read; a key has 45 bytes.
const MAX_KEY_FILE_BYTES: u64 = 1024;

impl MasterKey {
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
}

fn read(file: &Path) -> Result<MasterKey, KeyError> {
    if file_mode::has(&metadata(file)?, 0o077) {
        return Err(KeyError::Readable { file: file.into() });
    }
    read_any(file)
}

/// Reads a key that an operator mounts. Container runtimes mount secrets so that every user of the
/// container can read them, but not write them.
fn read_secret(file: &Path) -> Result<MasterKey, KeyError> {
    if file_mode::others_may_write(&metadata(file)?) {
        return Err(KeyError::Writable { file: file.into() });
    }
    read_any(file)
}

fn metadata(file: &Path) -> Result<fs::Metadata, KeyError> {
    fs::metadata(file).map_err(|source| KeyError::File { file: file.into(), source })
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
        // A file system without hard links: Linux reports EPERM.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
            ) =>
        {
            match write_new(file, text.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                other => other.map_err(failed),
            }
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

    #[cfg(unix)]
    #[test]
    fn a_mounted_secret_may_be_read_but_not_written_by_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        write_new(&file, STANDARD.encode([7; 32]).as_bytes()).unwrap();
        let read = |mode| {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            read_secret(&file)
        };
        read(0o444).unwrap();
        let error = read(0o664).unwrap_err();
        assert!(matches!(error, KeyError::Writable { .. }), "{error}");
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
