//! Refusal of a program that was built without the feature.

#[cfg(feature = "sqlite")]
use std::path::Path;

use crate::grant::{key_error::KeyError, master_key::MasterKey};

pub(crate) fn read(_: Vec<String>) -> Result<MasterKey, KeyError> {
    let problem = "cannot be read, because this program was built without the feature `keyring` of \
                   toolgate: build it with the feature, or give the key in another way than by \
                   TOOLGATE_KEYRING";
    Err(KeyError::Keyring { problem: problem.to_owned() })
}

#[cfg(feature = "sqlite")]
pub(crate) fn read_or_create(
    names: Vec<String>,
    _: &Path,
    _: &Path,
) -> Result<MasterKey, KeyError> {
    read(names)
}
