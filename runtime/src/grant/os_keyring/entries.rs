//! Entries of a keyring, each a key in base64.

#[cfg(feature = "sqlite")]
use std::{
    fs,
    path::{Path, PathBuf},
};
use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use keyring_core::{CredentialStore, Entry, Error};
use zeroize::Zeroizing;

use crate::grant::{key_error::KeyError, master_key::MasterKey};

/// The service name of all entries. The name of a key is the user name of its entry.
const SERVICE: &str = "toolgate";

/// How long the keyring may take: it may ask a person to unlock it.
const KEYRING_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest name of an entry.
const MAX_NAME_LEN: usize = 64;

/// The file that a process locks while it creates a key: no keyring can create an entry only if it does
/// not exist.
#[cfg(feature = "sqlite")]
const LOCK_FILE: &str = "keyring.lock";

/// Reads the keys with these names, the current one first.
pub(crate) fn read(names: Vec<String>) -> Result<MasterKey, KeyError> {
    within(KEYRING_TIMEOUT, move || Keyring::open()?.all(&names))
}

/// As [`read`]. The current key is created if it is not there, and nothing was sealed with it: there
/// is no database yet, or it has one of the other keys.
#[cfg(feature = "sqlite")]
pub(crate) fn read_or_create(
    names: Vec<String>,
    database: &Path,
    folder: &Path,
) -> Result<MasterKey, KeyError> {
    // Before the key is read: another process that starts at this moment creates its key first.
    let exists = fs::metadata(database).is_ok_and(|meta| meta.len() > 0);
    let (database, lock) = (database.to_owned(), folder.join(LOCK_FILE));
    within(KEYRING_TIMEOUT, move || {
        Keyring::open()?.all_or_create(&names, exists.then_some(&database), &lock)
    })
}

/// Runs blocking work on a thread of its own, and gives up after a timeout.
fn within<T: Send + 'static>(
    timeout: Duration,
    work: impl FnOnce() -> Result<T, KeyError> + Send + 'static,
) -> Result<T, KeyError> {
    let (done, result) = mpsc::sync_channel(1);
    let started = thread::Builder::new().name("keyring".to_owned()).spawn(move || {
        let _ = done.send(work());
    });
    started.map_err(|error| problem(format!("cannot be asked: {error}")))?;
    result.recv_timeout(timeout).unwrap_or_else(|_| {
        let seconds = timeout.as_secs();
        Err(problem(format!(
            "has not answered for {seconds} seconds: unlock it, and start the server again"
        )))
    })
}

fn problem(problem: impl Into<String>) -> KeyError {
    KeyError::Keyring { problem: problem.into() }
}

/// A keyring that answers.
struct Keyring(Arc<CredentialStore>);

impl Keyring {
    fn open() -> Result<Self, KeyError> {
        platform_store().map(Self).map_err(|error| absent(&error))
    }

    /// The keys with these names.
    fn all(&self, names: &[String]) -> Result<MasterKey, KeyError> {
        let (current, previous) = split(names)?;
        let found = self.key(current)?.ok_or_else(|| missing(current))?;
        self.with_previous(found, previous)
    }

    fn with_previous(&self, key: MasterKey, names: &[String]) -> Result<MasterKey, KeyError> {
        names.iter().try_fold(key, |all, name| {
            Ok(all.or_previous(self.key(name)?.ok_or_else(|| missing(name))?))
        })
    }

    fn entry(&self, name: &str) -> Result<Entry, KeyError> {
        Entry::new_in_store(&self.0, SERVICE, name).map_err(|error| failed(name, error))
    }

    /// The key with this name. `None`: there is no such entry.
    fn key(&self, name: &str) -> Result<Option<MasterKey>, KeyError> {
        match self.entry(name)?.get_password().map(Zeroizing::new) {
            Ok(text) => match MasterKey::from_base64(&text) {
                Ok(key) if key.previous().is_empty() => Ok(Some(key)),
                _ => Err(not_a_key(name)),
            },
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(failed(name, error)),
        }
    }
}

#[cfg(feature = "sqlite")]
impl Keyring {
    /// As [`all`](Self::all). `database`: the one that exists.
    fn all_or_create(
        &self,
        names: &[String],
        database: Option<&PathBuf>,
        lock: &Path,
    ) -> Result<MasterKey, KeyError> {
        let (current, previous) = split(names)?;
        if let Some(found) = self.key(current)? {
            return self.with_previous(found, previous);
        }
        if let Some(database) = database
            && previous.is_empty()
        {
            return Err(problem(format!(
                "has no key `{current}`, and the grants in {} cannot be read without the one that \
                 they were sealed with. {}; or move the database away and connect the accounts again",
                database.display(),
                advice(current)
            )));
        }
        // An old key that is missing is noticed before a new one is made.
        let unused = self.with_previous(MasterKey::generate(), previous)?;
        drop(unused);
        let held = fs::File::options().create(true).append(true).open(lock);
        let held = held.and_then(|file| file.lock().map(|()| file));
        let held = held.map_err(|source| KeyError::File { file: lock.to_owned(), source })?;
        if self.key(current)?.is_none() {
            let key = MasterKey::generate().to_base64();
            let made = self.entry(current)?.set_password(&key);
            made.map_err(|error| failed(current, error))?;
            tracing::info!(target: "toolgate::grant", name = current, "a master key was made in the keyring of the operating system");
        }
        // The entry is read again, because the next start reads it too.
        let found = self.key(current)?.ok_or_else(|| missing(current))?;
        drop(held);
        self.with_previous(found, previous)
    }
}

/// The current name and the others.
fn split(names: &[String]) -> Result<(&str, &[String]), KeyError> {
    let is_name = |name: &str| name.len() <= MAX_NAME_LEN && !name.chars().any(char::is_control);
    match names.split_first() {
        Some((current, previous)) if names.iter().all(|name| is_name(name)) => {
            Ok((current, previous))
        }
        _ => Err(problem(format!(
            "has no such names as TOOLGATE_KEYRING has: one or several of at most {MAX_NAME_LEN} \
             bytes, separated by commas, such as `TOOLGATE_KEYRING=tools`"
        ))),
    }
}

fn missing(name: &str) -> KeyError {
    problem(format!("has no key `{name}`. {}", advice(name)))
}

fn not_a_key(name: &str) -> KeyError {
    problem(format!(
        "has something else than a key (32 bytes in base64) as `{name}` of `{SERVICE}`; it was left \
         untouched"
    ))
}

/// How an operator stores a key that exists.
fn advice(name: &str) -> String {
    if cfg!(target_os = "macos") {
        return format!(
            "Store it with `security add-generic-password -s {SERVICE} -a '{name}' -w`"
        );
    }
    if cfg!(windows) {
        return format!(
            "Store it as the generic credential `{name}.{SERVICE}`, with the user `{name}`"
        );
    }
    format!(
        "Store it with `secret-tool store --label='{SERVICE} {name}' service {SERVICE} username '{name}'`"
    )
}

/// Why there is no keyring.
fn absent(cause: &Error) -> KeyError {
    problem(format!(
        "cannot be reached ({cause}). A server outside of a desktop session has none: give it the key \
         by TOOLGATE_KEY_FILE in place of TOOLGATE_KEYRING"
    ))
}

/// Why a name was not read or written.
fn failed(name: &str, error: Error) -> KeyError {
    match error {
        Error::NoStorageAccess(cause) => problem(format!(
            "does not give the key `{name}`, because it is locked or has no default collection \
             ({cause}): unlock it, as a sign-in at the desktop or `gnome-keyring-daemon --unlock` \
             does, and start the server again"
        )),
        Error::Ambiguous(entries) => problem(format!(
            "has {} entries `{name}` of `{SERVICE}`: remove all but one",
            entries.len()
        )),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => not_a_key(name),
        error @ Error::PlatformFailure(_) => absent(&error),
        error => problem(format!("does not give the key `{name}`: {error}")),
    }
}

#[cfg(all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android"))))]
fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(not(any(windows, all(unix, not(any(target_os = "ios", target_os = "android"))))))]
fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Err(Error::NotSupportedByStore("this platform has no keyring that toolgate knows".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring() -> Keyring {
        Keyring(keyring_core::mock::Store::new().unwrap())
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn set(keyring: &Keyring, name: &str, text: &str) {
        keyring.entry(name).unwrap().set_password(text).unwrap();
    }

    #[test]
    fn a_keyring_that_does_not_answer_is_given_up() {
        let (hold, held) = mpsc::channel::<()>();
        let error = within(Duration::from_millis(1), move || {
            let _ = held.recv();
            Ok(())
        });
        assert!(error.unwrap_err().to_string().contains("unlock it"));
        drop(hold);
        assert!(within(KEYRING_TIMEOUT, || Ok(1)).is_ok_and(|one| one == 1));
    }

    #[test]
    fn names_are_bounded() {
        let keyring = keyring();
        for names in [names(&[]), names(&[&"n".repeat(65)]), names(&["a\u{7}b"])] {
            let error = keyring.all(&names).unwrap_err().to_string();
            assert!(
                error.contains("TOOLGATE_KEYRING=tools") && !error.contains('\u{7}'),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        let keyring = keyring();
        for text in ["", "hunter2", &"a".repeat(44)] {
            set(&keyring, "tools", text);
            let error = keyring.all(&names(&["tools"])).unwrap_err().to_string();
            assert!(error.contains("something else than a key"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let error = keyring.all(&names(&["other"])).unwrap_err().to_string();
        assert!(error.contains("has no key `other`"), "{error}");
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn a_key_is_made_for_a_new_database_or_before_an_old_one() {
        let (dir, keyring) = (tempfile::tempdir().unwrap(), keyring());
        let (lock, database) = (dir.path().join("lock"), dir.path().join("grants.db"));
        let make = |given: &[&str], database| keyring.all_or_create(&names(given), database, &lock);
        let first = make(&["work"], None).unwrap();
        assert_eq!(make(&["work"], None).unwrap().expose(), first.expose());
        assert_eq!(make(&["work"], Some(&database)).unwrap().expose(), first.expose());

        let rotated = make(&["next", "work"], Some(&database)).unwrap();
        assert_ne!(rotated.expose(), first.expose());
        assert_eq!(rotated.previous()[0].expose(), first.expose());
        assert_eq!(make(&["next"], Some(&database)).unwrap().expose(), rotated.expose());

        // No new key is created for a database whose key is missing.
        let error = make(&["lost"], Some(&database)).unwrap_err().to_string();
        assert!(error.contains("grants.db") && error.contains("move the database away"), "{error}");
        let error = make(&["new", "lost"], Some(&database)).unwrap_err().to_string();
        assert!(error.contains("has no key `lost`"), "{error}");
        for name in ["lost", "new"] {
            assert!(keyring.key(name).unwrap().is_none(), "{name}");
        }
    }

    #[test]
    fn an_error_of_the_keyring_says_what_to_do() {
        let keyring = keyring();
        let cases = [
            (Error::NoStorageAccess("locked".into()), "unlock it"),
            (Error::PlatformFailure("no bus".into()), "TOOLGATE_KEY_FILE"),
            (Error::Ambiguous(Vec::new()), "remove all but one"),
            (Error::NotSupportedByStore("that".to_owned()), "does not give the key `tools`"),
        ];
        for (error, advice) in cases {
            set(&keyring, "tools", "text");
            let entry = keyring.entry("tools").unwrap();
            let mock = entry.as_any().downcast_ref::<keyring_core::mock::Cred>().unwrap();
            mock.set_error(error);
            let said = keyring.all(&names(&["tools"])).unwrap_err().to_string();
            assert!(said.contains(advice), "{said}");
        }
    }
}
