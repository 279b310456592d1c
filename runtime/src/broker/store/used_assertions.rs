//! Assertions that were used: of clients and of identity providers (RFC 7523 §3, RFC 7521 §8.2).

use std::time::SystemTime;

use super::typed_store::{ASSERTIONS, TypedStore};
use crate::{
    grant::{Revision, SaveError, StoreError},
    support::crypto,
};

impl TypedStore {
    /// Records the use of an assertion, by its signer and its `jti`, for all replicas. Returns whether
    /// it is the first use.
    pub(crate) async fn is_first_use(
        &self,
        kind: &str,
        issuer: &str,
        jti: &str,
        until: SystemTime,
    ) -> Result<bool, StoreError> {
        let key = crypto::sha256_base64url(&format!("{kind}\n{issuer}\n{jti}"));
        match self.write(ASSERTIONS, &key, &(), until, Revision::ABSENT).await {
            Ok(_) => Ok(true),
            Err(SaveError::Conflict) => Ok(false),
            Err(SaveError::Store(error)) => Err(error),
        }
    }
}
