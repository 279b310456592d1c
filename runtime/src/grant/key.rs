//! The master key: from the environment, or a file that the first start makes.

use std::{
    env, fmt,
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use super::{Sealer, seal};
use crate::error::ConfigError;

/// The key under which grants are sealed: 32 bytes, in base64 where it is text.
#[derive(Clone)]
pub struct Key(pub(crate) Sealer);

impl Key {
    /// The key that the text holds: 32 bytes in base64, as `openssl rand -base64 32` prints them.
    ///
    /// # Errors
    ///
    /// It is something else. The text is not repeated.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let wrong = || {
            ConfigError::new("the key is not 32 bytes in base64")
                .help("`openssl rand -base64 32` makes one")
        };
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(text.trim()).map_err(|_| wrong())?);
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| wrong())?;
        Ok(Self(Sealer::new(Zeroizing::new(bytes))))
    }

    /// The key from `TOOLGATE_KEY`, or else from the file `key` in `folder`, which is made if
    /// neither it nor `database` exists yet.
    ///
    /// # Errors
    ///
    /// There is a database and no key for it, or the key cannot be read. Nothing is overwritten.
    pub fn find(folder: &Path, database: &Path) -> Result<Self, ConfigError> {
        if let Ok(text) = env::var("TOOLGATE_KEY") {
            let text = Zeroizing::new(text);
            return Self::parse(&text)
                .map_err(|error| ConfigError::new(format!("`TOOLGATE_KEY`: {error}")));
        }
        let path = folder.join("key");
        match fs::read_to_string(&path) {
            Ok(text) => {
                let text = Zeroizing::new(text);
                Self::parse(&text)
                    .map_err(|error| ConfigError::new(format!("{}: {error}", path.display())))
            }
            Err(error) if error.kind() == ErrorKind::NotFound && !database.exists() => {
                Self::create(&path)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Err(ConfigError::new(format!(
                "there are grants in {}, and no key to open them",
                database.display()
            ))
            .help(format!(
                "set `TOOLGATE_KEY`, or put the key back at {}; without it the users have to connect again: move the database away",
                path.display()
            ))),
            Err(error) => Err(ConfigError::new(format!("{}: {error}", path.display()))),
        }
    }

    fn create(path: &Path) -> Result<Self, ConfigError> {
        let fault =
            |error: std::io::Error| ConfigError::new(format!("{}: {error}", path.display()));
        let bytes: Zeroizing<[u8; 32]> = seal::random();
        let text = Zeroizing::new(BASE64_STANDARD.encode(*bytes));
        // `create_new`: of two first starts at once, one makes the key and the other reads it.
        let mut file = match private().create_new(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let text = Zeroizing::new(fs::read_to_string(path).map_err(fault)?);
                return Self::parse(&text);
            }
            Err(error) => return Err(fault(error)),
        };
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fault)?;
        Ok(Self(Sealer::new(bytes)))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([redacted])")
    }
}

/// Options of a file that only its owner reads.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The folder for the data of the server `name`: `TOOLGATE_DATA`, or the platform's, made if it is
/// not there, for its owner alone.
///
/// # Errors
///
/// The platform names none, or it cannot be made.
pub fn data_dir(name: &str) -> Result<PathBuf, ConfigError> {
    let folder = match env::var_os("TOOLGATE_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => directories::ProjectDirs::from("", "", "toolgate")
            .map(|folders| folders.data_dir().join(name))
            .ok_or_else(|| {
                ConfigError::new("this system names no folder for data")
                    .help("set `TOOLGATE_DATA` to one")
            })?,
    };
    make_folder(&folder)?;
    Ok(folder)
}

pub(super) fn make_folder(folder: &Path) -> Result<(), ConfigError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|error| ConfigError::new(format!("{}: {error}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_never_beside_a_database() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("grants.db");
        let key = Key::find(folder.path(), &database).unwrap();
        let sealed = key.0.seal("x", b"y");
        let again = Key::find(folder.path(), &database).unwrap();
        assert!(again.0.open("x", &sealed).is_ok());
        assert_eq!(format!("{key:?}"), "Key([redacted])");

        fs::write(&database, "something").unwrap();
        fs::remove_file(folder.path().join("key")).unwrap();
        let error = Key::find(folder.path(), &database).unwrap_err().to_string();
        assert!(error.contains("no key to open them") && error.contains("TOOLGATE_KEY"), "{error}");
        assert!(!folder.path().join("key").exists());
    }

    #[test]
    fn a_wrong_key_is_not_repeated() {
        let error = Key::parse("c2VjcmV0").unwrap_err().to_string();
        assert!(error.contains("32 bytes") && !error.contains("c2VjcmV0"), "{error}");
    }
}
