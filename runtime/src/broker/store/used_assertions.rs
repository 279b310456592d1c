//! Assertions that were used: of clients and of identity providers (RFC 7523 §3, RFC 7521 §8.2).
//!
//! Anyone who publishes a metadata document is a client, and signs as many assertions as they like. Those
//! of clients are kept in slots, a fixed number for each host, and where a slot is full a further assertion
//! is refused: if an earlier one were forgotten instead, it could be used again.

use std::{collections::BTreeMap, time::SystemTime};

use serde::{Deserialize, Serialize};
use url::Url;

use super::typed_store::{CLIENT_ASSERTIONS, IDENTITY_ASSERTIONS, TypedStore, millis, moment};
use crate::{
    grant::{Revision, SaveError, StoreError},
    support::crypto::{base64url, sha256, sha256_base64url},
};

/// How many slots the clients of one host have, each of which is a record.
const SLOTS_OF_HOST: u8 = 64;

/// The most assertions in a slot.
const MAX_IN_SLOT: usize = 256;

/// How many of them one client may have.
const MAX_OF_CLIENT: usize = MAX_IN_SLOT / 4;

/// An assertion of a client whose signature was verified.
#[derive(Clone, Copy)]
pub(crate) struct ClientAssertion<'a> {
    /// The client's identifier, which is a URL.
    pub(crate) client: &'a str,
    pub(crate) jti: &'a str,
    /// Until when its use is remembered.
    pub(crate) until: SystemTime,
}

/// The assertions of a slot that were used, each with the time until which it is remembered, by their
/// client. Both are digests.
#[derive(Default, Serialize, Deserialize)]
struct Slot(BTreeMap<String, Vec<(String, u64)>>);

impl TypedStore {
    /// Records the use of an identity provider's assertion, by its `jti`, for all replicas. Returns
    /// whether it is the first use.
    pub(crate) async fn is_first_use(
        &self,
        issuer: &str,
        jti: &str,
        until: SystemTime,
    ) -> Result<bool, StoreError> {
        let key = sha256_base64url(&format!("{issuer}\n{jti}"));
        match self.write(IDENTITY_ASSERTIONS, &key, &(), until, Revision::ABSENT).await {
            Ok(_) => Ok(true),
            Err(SaveError::Conflict) => Ok(false),
            Err(SaveError::Store(error)) => Err(error),
        }
    }

    /// Records the use of a client's assertion for all replicas. Returns whether it is the first use.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] if there is no room for another assertion of the client or of its host, or in
    /// all.
    pub(crate) async fn is_first_use_of_client(
        &self,
        assertion: ClientAssertion<'_>,
        now: SystemTime,
    ) -> Result<bool, StoreError> {
        let key = assertion.slot();
        loop {
            let (mut slot, revision) = match self.read::<Slot>(CLIENT_ASSERTIONS, &key).await? {
                Some(stored) => (stored.value, stored.revision),
                None => (Slot::default(), Revision::ABSENT),
            };
            slot.forget_expired(now);
            if !slot.is_first_use(assertion)? {
                return Ok(false);
            }
            match self.write(CLIENT_ASSERTIONS, &key, &slot, slot.until(), revision).await {
                Ok(_) => return Ok(true),
                // Another writer has succeeded, so this ends.
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }
}

impl ClientAssertion<'_> {
    fn digest(&self) -> [u8; 32] {
        sha256(format!("{}\n{}", self.client, self.jti).as_bytes())
    }

    /// Which of the slots of its host it belongs to.
    fn slot_number(&self) -> u8 {
        self.digest()[0] % SLOTS_OF_HOST
    }

    /// The key of this slot.
    fn slot(&self) -> String {
        let url = Url::parse(self.client).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or(self.client);
        sha256_base64url(&format!("{host}\n{}", self.slot_number()))
    }
}

impl Slot {
    fn forget_expired(&mut self, now: SystemTime) {
        self.0.retain(|_, used| {
            used.retain(|(_, until)| moment(*until) > now);
            !used.is_empty()
        });
    }

    /// Adds an assertion, unless it is there.
    fn is_first_use(&mut self, assertion: ClientAssertion<'_>) -> Result<bool, StoreError> {
        let short = |digest: [u8; 32]| base64url(&digest[..16]);
        let in_all = self.0.values().map(Vec::len).sum::<usize>();
        let used = self.0.entry(short(sha256(assertion.client.as_bytes()))).or_default();
        let (digest, of_client) = (short(assertion.digest()), used.len());
        if used.iter().any(|(known, _)| *known == digest) {
            return Ok(false);
        }
        if of_client >= MAX_OF_CLIENT || in_all >= MAX_IN_SLOT {
            return Err(StoreError::Full);
        }
        used.push((digest, millis(assertion.until)));
        Ok(true)
    }

    /// Until when the slot is kept.
    fn until(&self) -> SystemTime {
        moment(self.0.values().flatten().map(|(_, until)| *until).max().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        broker::store::typed_store::Capacity,
        grant::{Clock, ManualClock, MemoryStore},
    };

    const ALICE: &str = "https://alice.example/client.json";
    const MALLORY: &str = "https://mallory.example/client.json";
    const MINUTE: Duration = Duration::from_mins(1);

    struct Fixture {
        store: TypedStore,
        clock: Arc<ManualClock>,
    }

    impl Fixture {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::new());
            let records = Arc::new(MemoryStore::with_clock(clock.clone()));
            Self { store: TypedStore::new(records, Capacity { people: 1, requests: 1 }), clock }
        }

        async fn is_first(
            &self,
            client: &str,
            jti: &str,
            minutes: u32,
        ) -> Result<bool, StoreError> {
            let now = self.clock.now();
            let assertion = ClientAssertion { client, jti, until: now + minutes * MINUTE };
            self.store.is_first_use_of_client(assertion, now).await
        }

        /// Uses new assertions of one slot until one is refused, and returns how many were accepted.
        async fn fill_slot(&self, client: &str) -> usize {
            let is_of_slot = |jti: &String| {
                ClientAssertion { client, jti, until: SystemTime::UNIX_EPOCH }.slot_number() == 7
            };
            for (used, jti) in (0..).map(|n| n.to_string()).filter(is_of_slot).enumerate() {
                match self.is_first(client, &jti, 60).await {
                    Ok(is_first) => assert!(is_first && used <= MAX_IN_SLOT, "{used} of {client}"),
                    Err(error) => {
                        assert!(matches!(error, StoreError::Full), "{error}");
                        return used;
                    }
                }
            }
            unreachable!("there is always another assertion")
        }
    }

    #[tokio::test]
    async fn an_assertion_is_used_once_until_it_is_no_longer_accepted() {
        let fixture = Fixture::new();
        assert!(fixture.is_first(ALICE, "a", 5).await.unwrap());
        assert!(!fixture.is_first(ALICE, "a", 5).await.unwrap());
        assert!(fixture.is_first(MALLORY, "a", 5).await.unwrap(), "that of another client");
        fixture.clock.advance(4 * MINUTE);
        assert!(!fixture.is_first(ALICE, "a", 5).await.unwrap());
        fixture.clock.advance(MINUTE);
        assert!(fixture.is_first(ALICE, "a", 5).await.unwrap());
    }

    #[tokio::test]
    async fn of_several_uses_at_once_one_is_the_first() {
        let fixture = Fixture::new();
        let uses = (0..8).map(|_| fixture.is_first(ALICE, "a", 5));
        let first = futures::future::join_all(uses).await.into_iter().map(Result::unwrap);
        assert_eq!(first.filter(|is_first| *is_first).count(), 1);
    }

    #[tokio::test]
    async fn one_client_makes_no_assertion_usable_again_and_locks_out_no_other() {
        let fixture = Fixture::new();
        let neighbour = "https://mallory.example/neighbour.json";
        assert!(fixture.is_first(MALLORY, "early", 60).await.unwrap());
        assert_eq!(fixture.fill_slot(MALLORY).await, MAX_OF_CLIENT);
        assert!(!fixture.is_first(MALLORY, "early", 60).await.unwrap(), "it is remembered");
        assert_eq!(fixture.fill_slot(neighbour).await, MAX_OF_CLIENT);
        assert_eq!(fixture.fill_slot(ALICE).await, MAX_OF_CLIENT);
        fixture.clock.advance(60 * MINUTE);
        assert_eq!(fixture.fill_slot(MALLORY).await, MAX_OF_CLIENT, "it passes");
    }

    #[tokio::test]
    async fn one_host_locks_out_no_other() {
        let fixture = Fixture::new();
        let mut accepted = 0;
        for n in 0..9 {
            accepted += fixture.fill_slot(&format!("https://mallory.example/{n}.json")).await;
        }
        assert_eq!(accepted, MAX_IN_SLOT);
        assert_eq!(fixture.fill_slot(ALICE).await, MAX_OF_CLIENT);
    }

    #[tokio::test]
    async fn what_all_hosts_take_is_bounded_and_nothing_is_forgotten() {
        let fixture = Fixture::new();
        assert!(fixture.is_first(ALICE, "early", 5).await.unwrap());
        let mut refused = 0;
        for n in 0..=CLIENT_ASSERTIONS.max_records {
            let client = format!("https://{n}.mallory.example/client.json");
            match fixture.is_first(&client, "a", 60).await {
                Ok(is_first) => assert!(is_first),
                Err(error) => {
                    assert!(matches!(error, StoreError::Full), "{error}");
                    refused += 1;
                }
            }
        }
        assert_eq!(refused, 2);
        assert!(!fixture.is_first(ALICE, "early", 5).await.unwrap());
    }

    #[tokio::test]
    async fn clients_do_not_displace_the_assertions_of_identity_providers() {
        let fixture = Fixture::new();
        let until = fixture.clock.now() + MINUTE;
        let is_first = async |issuer: &str| fixture.store.is_first_use(issuer, "a", until).await;
        assert!(is_first("https://idp.example").await.unwrap());
        assert!(fixture.is_first("https://idp.example", "a", 1).await.unwrap());
        assert!(!is_first("https://idp.example").await.unwrap());
        assert!(is_first("https://other.example").await.unwrap());
    }
}
