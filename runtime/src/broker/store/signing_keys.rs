//! The keys that sign access tokens (ES256): one signs, the next is published before it does, and an
//! old one stays published until its tokens have expired.
//!
//! The time alone determines which key is the current one, so replicas only share the record.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use jsonwebtoken::{
    Algorithm, EncodingKey,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use serde::{Deserialize, Serialize};

use super::typed_store::{KEYS, TypedStore, millis, moment};
use crate::grant::{Clock, Revision, SaveError, StoreError};

/// How long a key signs, and how long before that it is published.
const SIGNING_PERIOD: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long an old key stays after its last token has expired, for clocks that differ.
const CLOCK_SKEW: Duration = Duration::from_secs(600);

/// How long a replica caches the keys.
const CACHE_TTL: Duration = Duration::from_secs(300);

/// The name of the one record.
const RECORD_KEY: &str = "signing";

#[derive(Serialize, Deserialize)]
struct StoredKeys {
    /// In the order in which they sign.
    keys: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    pkcs8: String,
    signs_from: u64,
}

/// The keys, parsed.
pub(crate) struct KeySet {
    keys: Vec<SigningKey>,
    read_at: SystemTime,
}

/// One key.
pub(crate) struct SigningKey {
    pub(crate) kid: String,
    pub(crate) encoding: EncodingKey,
    jwk: Jwk,
    signs_from: SystemTime,
}

impl KeySet {
    /// The key that signs at `now`.
    pub(crate) fn current(&self, now: SystemTime) -> Result<&SigningKey, StoreError> {
        let begun = self.keys.iter().rev().find(|key| key.signs_from <= now);
        // After the clock was set back, the oldest key signs.
        begun.or(self.keys.first()).ok_or_else(|| {
            StoreError::unavailable("reading the signing keys", std::io::Error::other("none"))
        })
    }

    /// The keys that may have signed a valid token, and the next one.
    pub(crate) fn published(&self) -> JwkSet {
        JwkSet { keys: self.keys.iter().map(|key| key.jwk.clone()).collect() }
    }
}

/// The keys in the store, cached.
pub(crate) struct SigningKeys {
    records: TypedStore,
    clock: Arc<dyn Clock>,
    access_token_ttl: Duration,
    key_set: RwLock<Option<Arc<KeySet>>>,
}

impl SigningKeys {
    pub(crate) fn new(
        records: TypedStore,
        clock: Arc<dyn Clock>,
        access_token_ttl: Duration,
    ) -> Self {
        Self { records, clock, access_token_ttl, key_set: RwLock::default() }
    }

    /// The keys as they are now, or as they were cached if the store does not answer.
    pub(crate) async fn key_set(&self) -> Result<Arc<KeySet>, StoreError> {
        let now = self.clock.now();
        let known = self.key_set.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(key_set) = &known
            && now.duration_since(key_set.read_at).is_ok_and(|age| age < CACHE_TTL)
        {
            return Ok(Arc::clone(key_set));
        }
        match self.load(now).await {
            Ok(key_set) => {
                let key_set = Arc::new(key_set);
                *self.key_set.write().unwrap_or_else(PoisonError::into_inner) =
                    Some(key_set.clone());
                Ok(key_set)
            }
            Err(error) => known.ok_or(error),
        }
    }

    async fn load(&self, now: SystemTime) -> Result<KeySet, StoreError> {
        loop {
            let (mut written, revision) =
                match self.records.read::<StoredKeys>(KEYS, RECORD_KEY).await? {
                    Some(stored) => (stored.value, stored.revision),
                    None => (StoredKeys { keys: Vec::new() }, Revision::ABSENT),
                };
            if !self.rotate(&mut written, now)? {
                return read(&written, now);
            }
            // Longer than any key is needed. Every rotation prolongs it.
            let until = now + SIGNING_PERIOD * 400;
            match self.records.write(KEYS, RECORD_KEY, &written, until, revision).await {
                Ok(_) => return read(&written, now),
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }

    /// Generates keys so that there is a current and a next one, and removes those whose tokens have
    /// expired. Returns whether anything changed.
    fn rotate(&self, written: &mut StoredKeys, now: SystemTime) -> Result<bool, StoreError> {
        let mut changed = false;
        let begun = |key: &StoredKey| moment(key.signs_from) <= now;
        if !written.keys.iter().any(begun) {
            let signs_from = millis(now);
            written.keys.insert(0, StoredKey { pkcs8: generate()?, signs_from });
            changed = true;
        }
        if written.keys.iter().all(begun) {
            let signs_from = millis(now + SIGNING_PERIOD);
            written.keys.push(StoredKey { pkcs8: generate()?, signs_from });
            changed = true;
        }
        // A key has signed its last token when its successor begins.
        let over = written
            .keys
            .iter()
            .skip(1)
            .take_while(|successor| {
                moment(successor.signs_from) + self.access_token_ttl + CLOCK_SKEW <= now
            })
            .count();
        written.keys.drain(..over);
        Ok(changed || over > 0)
    }
}

fn generate() -> Result<String, StoreError> {
    let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|error| StoreError::unavailable("making a signing key", error))?;
    Ok(BASE64_STANDARD.encode(pair.as_ref()))
}

fn read(written: &StoredKeys, now: SystemTime) -> Result<KeySet, StoreError> {
    let keys = written.keys.iter().map(key).collect::<Result<_, _>>()?;
    Ok(KeySet { keys, read_at: now })
}

fn key(written: &StoredKey) -> Result<SigningKey, StoreError> {
    // Without the cause, which may quote the key.
    let wrong = || {
        StoreError::unavailable("reading a signing key", std::io::Error::other("it is malformed"))
    };
    let pkcs8 = BASE64_STANDARD.decode(&written.pkcs8).map_err(|_| wrong())?;
    let encoding = EncodingKey::from_ec_der(&pkcs8);
    let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::ES256).map_err(|_| wrong())?;
    let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| wrong())?;
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(SigningKey { kid, encoding, jwk, signs_from: moment(written.signs_from) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        broker::store::typed_store::Capacity,
        grant::{ManualClock, MemoryStore},
    };

    const ACCESS_TOKEN_TTL: Duration = Duration::from_secs(600);

    fn store(clock: &Arc<ManualClock>) -> TypedStore {
        let capacity = Capacity { people: 9, requests: 9 };
        TypedStore::new(Arc::new(MemoryStore::with_clock(clock.clone())), capacity)
    }

    fn kids(key_set: &KeySet) -> Vec<String> {
        key_set.keys.iter().map(|key| key.kid.clone()).collect()
    }

    #[tokio::test]
    async fn the_next_key_is_published_before_it_signs_and_the_old_one_stays_a_while() {
        let clock = Arc::new(ManualClock::new());
        let records = store(&clock);
        let keys = SigningKeys::new(records.clone(), clock.clone(), ACCESS_TOKEN_TTL);
        let first = kids(&keys.key_set().await.unwrap());
        assert_eq!(first.len(), 2);
        let sign = async || keys.key_set().await.unwrap().current(clock.now()).unwrap().kid.clone();
        assert_eq!(sign().await, first[0]);

        clock.advance(SIGNING_PERIOD);
        assert_eq!(sign().await, first[1], "it was published a whole period before");
        let second = kids(&keys.key_set().await.unwrap());
        assert_eq!(second[..2], first[..], "the old key verifies what it has signed");
        assert_eq!(second.len(), 3);

        clock.advance(ACCESS_TOKEN_TTL + CLOCK_SKEW);
        let third = kids(&keys.key_set().await.unwrap());
        assert_eq!(third[..], second[1..], "and goes when all of that has expired");

        let replica = SigningKeys::new(records, clock.clone(), ACCESS_TOKEN_TTL);
        assert_eq!(kids(&replica.key_set().await.unwrap()), third, "replicas have the same keys");
    }

    #[tokio::test]
    async fn nothing_private_is_published() {
        let clock = Arc::new(ManualClock::new());
        let records = store(&clock);
        let keys = SigningKeys::new(records, clock.clone(), ACCESS_TOKEN_TTL);
        let text = serde_json::to_string(&keys.key_set().await.unwrap().published()).unwrap();
        assert!(text.contains("\"kty\":\"EC\"") && text.contains("\"use\":\"sig\""), "{text}");
        assert!(!text.contains("\"d\""), "no private part: {text}");
    }
}
