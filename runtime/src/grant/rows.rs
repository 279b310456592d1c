//! Values of rows in a database: integers, revisions and ids.

use std::borrow::Cow;

use aws_lc_rs::digest;

use super::model::GrantKey;
use crate::support::crypto;

/// The separator of provider and account in a column.
const ACCOUNT_SEPARATOR: char = '\n';

/// The provider and the account in one column. For a first account it is the provider alone, as in rows
/// of versions with one account per person, which can share the database.
pub(crate) fn account_column(key: &GrantKey) -> Cow<'_, str> {
    if key.account.is_empty() && !key.provider.contains(ACCOUNT_SEPARATOR) {
        return (&*key.provider).into();
    }
    let provider = key.provider.replace('\\', "\\\\").replace(ACCOUNT_SEPARATOR, "\\n");
    format!("{provider}{ACCOUNT_SEPARATOR}{}", key.account).into()
}

/// The key of `subject`'s grant with this [column](account_column).
pub(crate) fn key_of(subject: &str, column: &str) -> GrantKey {
    let Some((escaped, account)) = column.split_once(ACCOUNT_SEPARATOR) else {
        return GrantKey::new(subject, column);
    };
    let (mut provider, mut characters) = (String::new(), escaped.chars());
    while let Some(c) = characters.next() {
        provider.push(match (c, c == '\\') {
            (_, true) if characters.next() == Some('n') => ACCOUNT_SEPARATOR,
            (c, _) => c,
        });
    }
    GrantKey::new(subject, provider).account(account)
}

/// The integers of databases are signed.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// A random revision, so that a row that is created again does not repeat those of the removed one.
pub(crate) fn first_revision() -> i64 {
    let mut bytes = [0; 8];
    crypto::fill_random(&mut bytes);
    signed((u64::from_be_bytes(bytes) >> 2) | 1)
}

/// The place that a record is sealed for: its row, so that it can be sealed again, and moved, without
/// its key.
pub(crate) fn place(id: &[u8]) -> String {
    crypto::base64url(id)
}

/// The digest of an id, which may be a secret.
pub(crate) fn row_id(id: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, id.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_key_comes_back_from_its_column() {
        let texts = ["", "forge", "a\nb", "\\", "\\n", "a\\\nb\\n", "\n"];
        let mut columns = HashSet::new();
        for provider in texts {
            for account in texts {
                let key = GrantKey::new("alice", provider).account(account);
                let column = account_column(&key).into_owned();
                assert_eq!(key_of("alice", &column), key, "{column:?}");
                assert!(columns.insert(column), "two keys have one column");
            }
        }
        assert_eq!(account_column(&GrantKey::new("alice", "forge")), "forge", "as before");
    }
}
