//! Master keys that variables give: their text, a file with it, or names in a keyring.

#[cfg(feature = "sqlite")]
use std::path::Path;
use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use zeroize::Zeroizing;

#[cfg(feature = "sqlite")]
use super::store_error::StoreError;
use super::{key_error::KeyError, master_key::MasterKey, os_keyring};
use crate::env;

/// The variables that have the key, or the new key and the old ones.
const VARIABLES: [&str; 2] = ["TOOLGATE_KEY", "TOOLGATE_KEYS"];

/// The variables with the path of a file that has them, as secrets of containers are mounted.
const FILE_VARIABLES: [&str; 2] = ["TOOLGATE_KEY_FILE", "TOOLGATE_KEYS_FILE"];

/// The variable with names in the keyring of the operating system.
const KEYRING_VARIABLE: &str = "TOOLGATE_KEYRING";

const FROM_ENVIRONMENT: &str = "of the environment";
const FROM_KEYRING: &str = "of the keyring";

/// What the variables say of the key.
enum Given {
    Text(OsString),
    File(PathBuf),
    Keyring(Vec<String>),
}

impl MasterKey {
    /// Reads the key in `TOOLGATE_KEY`, or the new key and the old ones in `TOOLGATE_KEYS`, or those
    /// in the file that `TOOLGATE_KEY_FILE` or `TOOLGATE_KEYS_FILE` names, or those which
    /// `TOOLGATE_KEYRING` names in the keyring of the operating system (feature `keyring`). Returns
    /// `None` if no variable is set.
    ///
    /// It blocks until the keyring answers, for a minute at most: a person may have to unlock it.
    ///
    /// # Errors
    ///
    /// [`KeyError::Variable`] if the value is not a key, [`KeyError::Both`] if several are set,
    /// [`KeyError::Keyring`] if the keyring has not such keys or cannot be read, and the errors of a
    /// file that is missing, is not a key, or may be written by others.
    pub fn from_env() -> Result<Option<Self>, KeyError> {
        Ok(read()?.map(|(key, _)| key))
    }
}

/// As [`read`], on a thread that may wait.
pub(crate) async fn given() -> Result<Option<(MasterKey, &'static str)>, KeyError> {
    match tokio::task::spawn_blocking(read).await {
        Ok(found) => found,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// The key that a variable gives, and where it comes from.
pub(crate) fn read() -> Result<Option<(MasterKey, &'static str)>, KeyError> {
    from(os_keyring::read)
}

/// As [`read`]; the key of a new database is created in the keyring. Processes that create keys take
/// turns by a lock on a file in `folder`.
#[cfg(feature = "sqlite")]
pub(crate) fn read_or_create(
    database: &Path,
    folder: impl FnOnce() -> Result<PathBuf, StoreError>,
) -> Result<Option<(MasterKey, &'static str)>, StoreError> {
    from(|names| Ok(os_keyring::read_or_create(names, database, &folder()?)?))
}

fn from<E: From<KeyError>>(
    keyring: impl FnOnce(Vec<String>) -> Result<MasterKey, E>,
) -> Result<Option<(MasterKey, &'static str)>, E> {
    let Some(given) = variable()? else { return Ok(None) };
    let (key, origin) = match given {
        Given::Text(text) => {
            let text = text.into_string().map(Zeroizing::new).map_err(|_| KeyError::Variable)?;
            (MasterKey::from_base64(&text)?, FROM_ENVIRONMENT)
        }
        Given::File(file) => (MasterKey::from_secret_file(&file)?, FROM_ENVIRONMENT),
        Given::Keyring(names) => (keyring(names)?, FROM_KEYRING),
    };
    Ok(Some((key, origin)))
}

/// The variable that is set, of all.
fn variable() -> Result<Option<Given>, KeyError> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let texts = VARIABLES.iter().filter_map(|name| env::var_os(name)).map(Given::Text);
    let files = FILE_VARIABLES.iter().filter_map(|name| set(name));
    let files = files.map(|file| Given::File(file.into()));
    let keyring = set(KEYRING_VARIABLE).map(|names| Given::Keyring(split(&names)));
    let mut found = texts.chain(files).chain(keyring);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(KeyError::Both),
        (found, _) => Ok(found),
    }
}

/// The names in a text, separated as keys are.
fn split(names: &OsStr) -> Vec<String> {
    let names = names.to_string_lossy();
    let names = names.split([',', ' ', '\t', '\r', '\n']).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}
