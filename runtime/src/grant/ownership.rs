//! Ownership of the data directory and its files: what another user put there is not trusted.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::store_error::StoreError;
use crate::support::crypto;

/// The user that this process runs as, as the file system of a directory names it.
pub(crate) struct Ownership {
    #[cfg(unix)]
    user: u32,
}

impl Ownership {
    /// Finds it out by a file that is created in `directory`, because the standard library has no
    /// other way that is safe.
    pub(crate) fn of(directory: &Path) -> Result<Self, StoreError> {
        let mut name = [0; 8];
        crypto::fill_random(&mut name);
        let probe = directory.join(format!("{:016x}.probe", u64::from_be_bytes(name)));
        let file = fs::OpenOptions::new().write(true).create_new(true).open(&probe);
        let meta = file.and_then(|file| file.metadata());
        let _ = fs::remove_file(&probe);
        let meta = meta.map_err(|source| failed("creating a file in", directory, source))?;
        Ok(Self::of_file(&meta))
    }

    #[cfg(unix)]
    fn of_file(meta: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self { user: meta.uid() }
    }

    #[cfg(not(unix))]
    fn of_file(_: &fs::Metadata) -> Self {
        Self {}
    }

    /// Checks that the directory and those of the files which are there belong to this user or to
    /// root, and that no other user may replace them.
    pub(crate) fn check<'p>(
        &self,
        directory: &'p Path,
        files: impl IntoIterator<Item = &'p PathBuf>,
    ) -> Result<(), StoreError> {
        self.check_directory(directory)?;
        for file in files {
            // A link has an owner of its own.
            for meta in [fs::symlink_metadata(file), fs::metadata(file)] {
                match meta {
                    Ok(meta) => self.check_owner(file, &meta)?,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(failed("reading the owner of", file, error)),
                }
            }
        }
        Ok(())
    }

    fn check_directory(&self, directory: &Path) -> Result<(), StoreError> {
        let meta = fs::metadata(directory);
        let meta = meta.map_err(|source| failed("reading the owner of", directory, source))?;
        self.check_owner(directory, &meta)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // In a directory with the sticky bit, only its owner replaces a file.
            if meta.permissions().mode() & 0o1002 == 0o002 {
                return Err(StoreError::Unsafe {
                    path: directory.to_owned(),
                    problem: "can be written by every user",
                    advice: "run `chmod o-w` on it, or point TOOLGATE_DATA at another directory",
                });
            }
        }
        Ok(())
    }

    #[cfg_attr(not(unix), allow(clippy::unused_self, clippy::unnecessary_wraps))]
    fn check_owner(&self, path: &Path, meta: &fs::Metadata) -> Result<(), StoreError> {
        #[cfg(unix)]
        {
            let owner = Self::of_file(meta).user;
            if owner != self.user && owner != 0 {
                return Err(StoreError::Unsafe {
                    path: path.to_owned(),
                    problem: "belongs to another user, who may know the key in it or replace it",
                    advice: "give it to the user that the server runs as, or point TOOLGATE_DATA at another directory",
                });
            }
        }
        #[cfg(not(unix))]
        let _ = (path, meta);
        Ok(())
    }
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::File { doing, path: path.to_owned(), source }
}
