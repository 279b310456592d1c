//! Place of the key file: apart from the database, so that a copy of one is not a copy of both.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;

use super::data_directory::create_directory;
use crate::grant::{
    key_error::KeyError, master_key::MasterKey, ownership::Ownership, store_error::StoreError,
};

/// The name of a credential of systemd, as `LoadCredential=` gives it to a service.
const CREDENTIAL: &str = "toolgate.key";

/// Reads the key of the database in `directory`, or creates one, and says where it is from.
///
/// It is the credential of systemd, or a file next to the database, as it was made by earlier
/// versions, or one in the directory for configuration.
pub(super) fn master_key(
    directory: &Path,
    database: &Path,
    given: Option<PathBuf>,
) -> Result<(MasterKey, String), StoreError> {
    if let Some(file) = given {
        return read_or_create(&file, database);
    }
    if let Some(file) = credential() {
        return Ok((MasterKey::from_secret_file(&file)?, file.display().to_string()));
    }
    let (former, apart) = (directory.join("key"), file_apart(directory));
    if former.exists() {
        let found = read_or_create(&former, database)?;
        warn(&former, apart.as_deref());
        return Ok(found);
    }
    let apart = apart.ok_or_else(|| KeyError::NoPlace { database: database.into() })?;
    read_or_create(&apart, database)
}

/// The directory in which processes take turns to create a key, because it is that of all servers of a
/// user.
pub(super) fn folder(directory: &Path) -> Result<PathBuf, StoreError> {
    let folder = configuration().unwrap_or_else(|| directory.to_owned());
    create_directory(&folder)?;
    Ok(folder)
}

/// Whether there is a key file already.
pub(super) fn exists(directory: &Path, given: Option<&Path>) -> bool {
    if let Some(file) = given {
        return file.exists();
    }
    let files = [credential(), Some(directory.join("key")), file_apart(directory)];
    files.into_iter().flatten().any(|file| file.exists())
}

fn read_or_create(file: &Path, database: &Path) -> Result<(MasterKey, String), StoreError> {
    if let Some(folder) = file.parent() {
        create_directory(folder)?;
        Ownership::of(folder)?.check(folder, [&file.to_owned()])?;
    }
    Ok((MasterKey::from_file(file, database)?, file.display().to_string()))
}

fn warn(former: &Path, apart: Option<&Path>) {
    let Some(apart) = apart else {
        tracing::warn!(target: "toolgate::grant", file = %former.display(), "the key lies next to the database that it opens; set TOOLGATE_KEY_FILE to a file elsewhere, and move it there");
        return;
    };
    let folder = apart.parent().unwrap_or(apart);
    let advice = format!(
        "mkdir -p -m 700 '{}' && mv '{}' '{}'",
        folder.display(),
        former.display(),
        apart.display()
    );
    tracing::warn!(target: "toolgate::grant", "the key lies next to the database that it opens; with the server stopped, run: {advice}");
}

fn credential() -> Option<PathBuf> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)?;
    Some(folder.join(CREDENTIAL)).filter(|file| folder.is_absolute() && file.exists())
}

/// The file in the directory for configuration: its name has that of the database's directory, and a
/// digest of its path.
fn file_apart(directory: &Path) -> Option<PathBuf> {
    let whole = fs::canonicalize(directory).or_else(|_| std::path::absolute(directory)).ok()?;
    let digest = digest::digest(&digest::SHA256, whole.as_os_str().as_encoded_bytes());
    let [a, b, c, d, ..] = *digest.as_ref() else { return None };
    let digest = format!("{:08x}", u32::from_be_bytes([a, b, c, d]));
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    Some(configuration()?.join(format!("{name}-{digest}.key")))
}

/// The platform's directory for an application's configuration.
fn configuration() -> Option<PathBuf> {
    let home = || std::env::home_dir().filter(|home| home.is_absolute());
    if cfg!(windows) {
        let roaming = std::env::var_os("APPDATA").map(PathBuf::from);
        let roaming = roaming.or_else(|| Some(home()?.join("AppData").join("Roaming")))?;
        return Some(roaming.join("toolgate").join("config"));
    }
    let given = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    if let Some(given) = given.filter(|given| given.is_absolute()) {
        return Some(given.join("toolgate"));
    }
    let folder = if cfg!(target_vendor = "apple") { "Library/Preferences" } else { ".config" };
    Some(home()?.join(folder).join("toolgate"))
}
