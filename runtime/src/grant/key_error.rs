//! Errors of the master key.

use std::{io, path::PathBuf};

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
    #[error("the key file {} cannot be read or created: {source}", file.display())]
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
