//! Where grants live, and consents under way: what a store promises.

use std::time::SystemTime;

use async_trait::async_trait;

use super::{Grant, GrantKey};

/// Counts the changes of a grant; 0 stands for none yet.
pub type Revision = u64;

/// A grant as it was read.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The grant.
    pub grant: Grant,
    /// Its revision, for the next [`GrantStore::save`].
    pub revision: Revision,
}

/// Keeps what outlives a request.
///
/// [`crate::grant::contract`] is the suite that every store must pass; it is public behind the
/// feature `testing`, so that your own can be held to it.
///
/// A store that cannot be read says so: `Ok(None)` means that nothing was ever granted, and makes
/// the user connect again.
///
/// The lease for a refresh is no method of its own. It is a [`super::GrantState`], taken with
/// [`GrantStore::save`] like every other change: so it cannot be held apart from the token that it
/// is for.
#[async_trait]
pub trait GrantStore: Send + Sync + 'static {
    /// The grant of `key`, if there is one.
    async fn load(&self, key: &GrantKey) -> Result<Option<Stored>, StoreError>;

    /// Writes `grant`, if its revision is still `expected` (0: there is none yet), and returns the
    /// new revision. When it returns, the grant is durable.
    async fn save(
        &self,
        key: &GrantKey,
        grant: &Grant,
        expected: Revision,
    ) -> Result<Revision, SaveError>;

    /// Forgets the grant of `key`, if there is one.
    async fn remove(&self, key: &GrantKey) -> Result<(), StoreError>;

    /// The grants of a subject.
    async fn list(&self, subject: &str) -> Result<Vec<GrantKey>, StoreError>;

    /// Keeps `value` under `id`, once, until it expires.
    async fn put_pending(
        &self,
        id: &str,
        value: &[u8],
        expires_at: SystemTime,
    ) -> Result<(), StoreError>;

    /// Takes what is kept under `id`: the second taker gets `None`, and so does one who comes after
    /// `now` has passed its expiry.
    async fn take_pending(&self, id: &str, now: SystemTime) -> Result<Option<Vec<u8>>, StoreError>;
}

/// The store failed, which says nothing about the grant.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the grant store: {message}")]
pub struct StoreError {
    message: String,
}

impl StoreError {
    /// A failure, named.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// Why a grant was not written.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// Somebody else changed it first.
    #[error("the grant was changed by somebody else")]
    Conflict,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
