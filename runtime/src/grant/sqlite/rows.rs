//! Values of rows: integers, revisions and ids.

use aws_lc_rs::digest;

use crate::support::crypto;

/// SQLite's integers are signed.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// A random revision, so that a row that is created again does not repeat those of the removed one.
pub(super) fn first_revision() -> i64 {
    let mut bytes = [0; 8];
    crypto::fill_random(&mut bytes);
    signed((u64::from_be_bytes(bytes) >> 2) | 1)
}

/// The digest of an id, which may be a secret.
pub(super) fn row_id(id: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, id.as_bytes()).as_ref().to_vec()
}
