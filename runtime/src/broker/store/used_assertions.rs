//! Assertions that were used: of clients and of identity providers (RFC 7523 §3, RFC 7521 §8.2).

use std::time::SystemTime;

use super::typed_store::TypedStore;
use crate::{
    grant::{Namespace, Revision, SaveError, StoreError},
    support::crypto,
};

impl TypedStore {
    /// Records the use of an assertion of this kind, by its signer and its `jti`, for all replicas.
    /// Returns whether it is the first use.
    pub(crate) async fn is_first_use(
        &self,
        kind: Namespace,
        issuer: &str,
        jti: &str,
        until: SystemTime,
    ) -> Result<bool, StoreError> {
        let key = crypto::sha256_base64url(&format!("{issuer}\n{jti}"));
        match self.write(kind, &key, &(), until, Revision::ABSENT).await {
            Ok(_) => Ok(true),
            Err(SaveError::Conflict) => Ok(false),
            Err(SaveError::Store(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        broker::store::typed_store::{CLIENT_ASSERTIONS, Capacity, IDENTITY_ASSERTIONS},
        grant::MemoryStore,
    };

    #[tokio::test]
    async fn clients_do_not_displace_the_assertions_of_identity_providers() {
        let capacity = Capacity { people: 1, requests: 1 };
        let store = TypedStore::new(Arc::new(MemoryStore::new()), capacity);
        let now = SystemTime::now();
        let is_first = async |kind, jti: &str, minutes| {
            let until = now + Duration::from_mins(minutes);
            store.is_first_use(kind, "https://a.example", jti, until).await.unwrap()
        };
        assert!(is_first(IDENTITY_ASSERTIONS, "early", 60).await);
        assert!(is_first(CLIENT_ASSERTIONS, "early", 60).await);
        // Anyone who publishes a metadata document is a client, and signs as many as they like.
        for jti in 0..CLIENT_ASSERTIONS.max_records {
            assert!(is_first(CLIENT_ASSERTIONS, &jti.to_string(), 61).await);
        }
        assert!(is_first(CLIENT_ASSERTIONS, "early", 60).await, "there was no room for it");
        assert!(!is_first(IDENTITY_ASSERTIONS, "early", 60).await);
    }
}
