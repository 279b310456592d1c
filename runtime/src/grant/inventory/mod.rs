//! Inventory of a database: its rows as they are stored, for those who administer it.
//!
//! Rows are found without the keys that the program uses: a grant by its columns, a record by its
//! digest. Values are opened and sealed with the database's own sealer.

pub(crate) mod check;
pub(crate) mod notes;
pub(crate) mod relocation;

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;
use zeroize::Zeroizing;

use self::notes::Notes;
use super::{
    millis::from_millis,
    model::{Grant, GrantKey},
    rows::{key_of, place, unsigned},
    seal::Sealer,
    store::GrantStore,
    store_error::StoreError,
    unseal_error::UnsealError,
};

/// How many rows are read and written at once.
pub(crate) const BATCH: usize = 500;

/// The name under which the rows of consents in progress are, in every database.
pub(crate) const PENDING: &str = "pending";

/// The place of a row. In order, all grants come before all records.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A grant, by its columns. The column of the provider has the account as well.
    Grant { subject: String, provider: String },
    /// A record, by the digest of its key.
    Record { namespace: String, id: Vec<u8> },
}

/// A row as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) place: Place,
    pub(crate) sealed: Vec<u8>,
    pub(crate) revision: i64,
    /// When a record expires, in milliseconds since 1970; 0 for a grant.
    pub(crate) expires_at: i64,
}

/// What a database accepts from the servers that use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// Everything.
    All,
    /// No further lease: renewals under way end, and none begins.
    NoLeases,
    /// No writes.
    Nothing,
}

/// The rows of a database.
#[async_trait]
pub(crate) trait Inventory: Notes {
    /// The database as messages name it, without user and password.
    fn name(&self) -> String;

    /// The sealer of the values, with the keys that there are now.
    async fn sealer(&self) -> Result<Sealer, StoreError>;

    /// Up to [`BATCH`] rows after a place, in the database's order. `grants`: of the grants alone.
    async fn page(&self, after: Option<&Place>, grants: bool) -> Result<Vec<Row>, StoreError>;

    /// The revisions of the rows at these places; `None` where there is none.
    async fn revisions(&self, places: &[Place]) -> Result<Vec<Option<i64>>, StoreError>;

    /// Replaces the value of a row if it is still the same. The revision stays: nothing else changes.
    async fn reseal(&self, row: &Row, sealed: Vec<u8>) -> Result<bool, StoreError>;

    /// Writes rows as they are, in the place of those that are there.
    async fn put(&self, rows: Vec<Row>) -> Result<(), StoreError>;

    /// Removes rows.
    async fn delete(&self, places: Vec<Place>) -> Result<(), StoreError>;

    /// How many leases are held at a time.
    async fn leases(&self, now: SystemTime) -> Result<u64, StoreError>;

    /// Sets what the database accepts from servers, also from those that are running.
    async fn accept(&self, accepted: Accepted) -> Result<(), StoreError>;
}

/// The inventory of a store. `None`: a store in memory, or one that the program implements, has none.
pub(crate) fn inventory_of(store: Arc<dyn GrantStore>) -> Option<Arc<dyn Inventory>> {
    let found = store.inventory()?.downcast::<Arc<dyn Inventory>>().ok()?;
    Some(*found)
}

impl Place {
    /// The key of a grant.
    pub(crate) fn grant(&self) -> Option<GrantKey> {
        match self {
            Self::Grant { subject, provider } => Some(key_of(subject, provider)),
            Self::Record { .. } => None,
        }
    }

    /// The kind of the row, for people.
    pub(crate) fn kind(&self) -> &str {
        match self {
            Self::Grant { .. } => "grant",
            Self::Record { namespace, .. } => namespace,
        }
    }
}

impl Row {
    /// The value.
    pub(crate) fn open(&self, sealer: &Sealer) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        match &self.place {
            Place::Grant { subject, provider } => {
                let key = key_of(subject, provider);
                key.with_place(|place| sealer.open("grant", place, &self.sealed))
            }
            Place::Record { namespace, id } => {
                let until = from_millis(unsigned(self.expires_at));
                sealer.open_until("record", &[namespace, &place(id)], until, &self.sealed)
            }
        }
    }

    /// The value, sealed for the same row by this sealer.
    pub(crate) fn sealed_by(&self, sealer: &Sealer, value: &[u8]) -> Vec<u8> {
        match &self.place {
            Place::Grant { subject, provider } => {
                let key = key_of(subject, provider);
                key.with_place(|place| sealer.seal("grant", place, value))
            }
            Place::Record { namespace, id } => {
                let until = from_millis(unsigned(self.expires_at));
                sealer.seal_until("record", &[namespace, &place(id)], until, value)
            }
        }
    }

    /// The grant of a row that is one.
    pub(crate) fn grant(&self, sealer: &Sealer) -> Option<Result<Grant, UnsealError>> {
        Some(sealer.open_grant(&self.place.grant()?, &self.sealed))
    }
}
