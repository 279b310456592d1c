//! Directories of the database and of its key.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{env, grant::store_error::StoreError};

/// Returns the directory of a server's database: `TOOLGATE_DATA`, or a directory with the server's
/// name in the platform's data directory.
///
/// # Errors
///
/// [`StoreError::NoHome`] if neither is known.
pub fn data_directory(server: &str) -> Result<PathBuf, StoreError> {
    if let Some(directory) = env::var_os("TOOLGATE_DATA").filter(|value| !value.is_empty()) {
        return Ok(directory.into());
    }
    // Any name becomes one path component.
    let name: String = server
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' })
        .collect();
    let name = if name.is_empty() { "server".to_owned() } else { name };
    Ok(platform_data().ok_or(StoreError::NoHome)?.join(name))
}

/// The platform's directory for application data.
fn platform_data() -> Option<PathBuf> {
    let home = || std::env::home_dir().filter(|home| home.is_absolute());
    if cfg!(windows) {
        let roaming = std::env::var_os("APPDATA").map(PathBuf::from);
        let roaming = roaming.or_else(|| Some(home()?.join("AppData").join("Roaming")))?;
        return Some(roaming.join("toolgate").join("data"));
    }
    if cfg!(target_vendor = "apple") {
        return Some(home()?.join("Library/Application Support/toolgate"));
    }
    let given = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let given = given.filter(|given| given.is_absolute());
    Some(given.or_else(|| Some(home()?.join(".local/share")))?.join("toolgate"))
}

/// Creates a directory for its owner only.
pub(super) fn create_directory(directory: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(directory).map_err(|source| {
        let path = directory.to_owned();
        StoreError::File { doing: "creating the directory", path, source }
    })
}
