//! Rows of a store in memory, as they are handed over.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize, de::Error as _};
use zeroize::Zeroizing;

use super::{
    millis::{from_millis, to_millis},
    model::{Grant, GrantKey, Revision, Stored},
    record,
    record_table::RecordTable,
};

/// A grant.
#[derive(Serialize, Deserialize)]
pub(super) struct GrantRow {
    pub(super) key: GrantKey,
    revision: u64,
    /// As it is inside a seal, in base64.
    grant: String,
}

/// A record of a namespace, or a pending authorization.
#[derive(Serialize, Deserialize)]
pub(super) struct RecordRow {
    pub(super) key: String,
    revision: u64,
    /// In milliseconds since 1970.
    expires_at: u64,
    /// In base64.
    value: String,
}

impl GrantRow {
    pub(super) fn of(key: &GrantKey, stored: &Stored<Grant>) -> Self {
        Self {
            key: key.clone(),
            revision: stored.revision.0,
            grant: BASE64_STANDARD.encode(record::write(&stored.value)),
        }
    }

    pub(super) fn read(&self) -> Result<Stored<Grant>, serde_json::Error> {
        let bytes = decode(&self.grant)?;
        let value = record::read(&bytes)
            .ok_or_else(|| serde_json::Error::custom("a grant is of another version"))?;
        Ok(Stored { value, revision: Revision(self.revision) })
    }
}

impl RecordRow {
    /// All rows of a table.
    pub(super) fn all_of(table: &RecordTable) -> Vec<Self> {
        let row = |(key, stored, expires_at): (&str, &Stored<Zeroizing<Vec<u8>>>, _)| Self {
            key: key.to_owned(),
            revision: stored.revision.0,
            expires_at: to_millis(expires_at),
            value: BASE64_STANDARD.encode(&*stored.value),
        };
        table.iter().map(row).collect()
    }

    pub(super) fn read(&self) -> Result<Stored<Zeroizing<Vec<u8>>>, serde_json::Error> {
        let value = Zeroizing::new(decode(&self.value)?);
        Ok(Stored { value, revision: Revision(self.revision) })
    }

    /// Puts what was read into a table.
    pub(super) fn insert(self, stored: Stored<Zeroizing<Vec<u8>>>, table: &mut RecordTable) {
        table.insert(&self.key, stored, from_millis(self.expires_at));
    }
}

fn decode(text: &str) -> Result<Vec<u8>, serde_json::Error> {
    BASE64_STANDARD.decode(text).map_err(serde_json::Error::custom)
}
