//! The keys that sign access tokens (ES256): one signs, the next is published before its time, and
//! an old one stays published until its tokens have expired.
//!
//! Time alone makes the next key the current one, so replicas need not agree on anything but the
//! record of the keys.

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

use super::typed_store::{KEYS, Shelf, millis, moment};
use crate::grant::{Clock, Revision, SaveError, StoreError};

/// How long a key signs, and how long before that it is published.
const PERIOD: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long after its tokens' life an old key stays: for clocks that differ.
const MARGIN: Duration = Duration::from_secs(600);

/// How long a replica believes what it has read.
const FRESH: Duration = Duration::from_secs(300);

/// The name of the one record.
const RECORD: &str = "signing";

#[derive(Serialize, Deserialize)]
struct Written {
    /// In the order in which they sign.
    keys: Vec<WrittenKey>,
}

#[derive(Serialize, Deserialize)]
struct WrittenKey {
    pkcs8: String,
    signs_from: u64,
}

/// The keys, read.
pub(crate) struct Ring {
    keys: Vec<Key>,
    read_at: SystemTime,
}

/// One key.
pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) encoding: EncodingKey,
    jwk: Jwk,
    signs_from: SystemTime,
}

impl Ring {
    /// The key that signs at `now`.
    pub(crate) fn current(&self, now: SystemTime) -> Result<&Key, StoreError> {
        let begun = self.keys.iter().rev().find(|key| key.signs_from <= now);
        // A clock that was set back: better the oldest than none.
        begun.or(self.keys.first()).ok_or_else(|| {
            StoreError::unavailable("reading the signing keys", std::io::Error::other("none"))
        })
    }

    /// All that may have signed, and the one that will.
    pub(crate) fn published(&self) -> JwkSet {
        JwkSet { keys: self.keys.iter().map(|key| key.jwk.clone()).collect() }
    }
}

/// Where the keys are kept.
pub(crate) struct Keys {
    shelf: Shelf,
    clock: Arc<dyn Clock>,
    /// How long a token lives.
    life: Duration,
    ring: RwLock<Option<Arc<Ring>>>,
}

impl Keys {
    pub(crate) fn new(shelf: Shelf, clock: Arc<dyn Clock>, life: Duration) -> Self {
        Self { shelf, clock, life, ring: RwLock::default() }
    }

    /// The keys as they are now; those read last, if the store does not answer.
    pub(crate) async fn ring(&self) -> Result<Arc<Ring>, StoreError> {
        let now = self.clock.now();
        let known = self.ring.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(ring) = &known
            && now.duration_since(ring.read_at).is_ok_and(|age| age < FRESH)
        {
            return Ok(Arc::clone(ring));
        }
        match self.load(now).await {
            Ok(ring) => {
                let ring = Arc::new(ring);
                *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Some(ring.clone());
                Ok(ring)
            }
            Err(error) => known.ok_or(error),
        }
    }

    async fn load(&self, now: SystemTime) -> Result<Ring, StoreError> {
        loop {
            let (mut written, revision) = match self.shelf.read::<Written>(KEYS, RECORD).await? {
                Some(stored) => (stored.value, stored.revision),
                None => (Written { keys: Vec::new() }, Revision::ABSENT),
            };
            if !self.rotate(&mut written, now)? {
                return read(&written, now);
            }
            // Longer than any key is needed; every rotation prolongs it.
            let until = now + PERIOD * 400;
            match self.shelf.write(KEYS, RECORD, &written, until, revision).await {
                Ok(_) => return read(&written, now),
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }

    /// Makes keys so that there is one for now and one for later, and drops those whose tokens
    /// have expired. `false`: nothing had to change.
    fn rotate(&self, written: &mut Written, now: SystemTime) -> Result<bool, StoreError> {
        let mut changed = false;
        let begun = |key: &WrittenKey| moment(key.signs_from) <= now;
        if !written.keys.iter().any(begun) {
            let signs_from = millis(now);
            written.keys.insert(0, WrittenKey { pkcs8: generate()?, signs_from });
            changed = true;
        }
        if written.keys.iter().all(begun) {
            let signs_from = millis(now + PERIOD);
            written.keys.push(WrittenKey { pkcs8: generate()?, signs_from });
            changed = true;
        }
        // A key has signed its last token when its successor begins.
        let over = written
            .keys
            .iter()
            .skip(1)
            .take_while(|successor| moment(successor.signs_from) + self.life + MARGIN <= now)
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

fn read(written: &Written, now: SystemTime) -> Result<Ring, StoreError> {
    let keys = written.keys.iter().map(key).collect::<Result<_, _>>()?;
    Ok(Ring { keys, read_at: now })
}

fn key(written: &WrittenKey) -> Result<Key, StoreError> {
    // Without the cause: it may quote the key.
    let wrong = || {
        StoreError::unavailable("reading a signing key", std::io::Error::other("it is malformed"))
    };
    let pkcs8 = BASE64_STANDARD.decode(&written.pkcs8).map_err(|_| wrong())?;
    let encoding = EncodingKey::from_ec_der(&pkcs8);
    let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::ES256).map_err(|_| wrong())?;
    let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| wrong())?;
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(Key { kid, encoding, jwk, signs_from: moment(written.signs_from) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::{ManualClock, MemoryStore};

    const LIFE: Duration = Duration::from_secs(600);

    fn kids(ring: &Ring) -> Vec<String> {
        ring.keys.iter().map(|key| key.kid.clone()).collect()
    }

    #[tokio::test]
    async fn the_next_key_is_published_before_it_signs_and_the_old_one_stays_a_while() {
        let clock = Arc::new(ManualClock::new());
        let shelf = Shelf::new(Arc::new(MemoryStore::with_clock(clock.clone())));
        let keys = Keys::new(shelf.clone(), clock.clone(), LIFE);
        let first = kids(&keys.ring().await.unwrap());
        assert_eq!(first.len(), 2);
        let sign = async || keys.ring().await.unwrap().current(clock.now()).unwrap().kid.clone();
        assert_eq!(sign().await, first[0]);

        clock.advance(PERIOD);
        assert_eq!(sign().await, first[1], "it was published a whole period before");
        let second = kids(&keys.ring().await.unwrap());
        assert_eq!(second[..2], first[..], "the old key verifies what it has signed");
        assert_eq!(second.len(), 3);

        clock.advance(LIFE + MARGIN);
        let third = kids(&keys.ring().await.unwrap());
        assert_eq!(third[..], second[1..], "and goes when all of that has expired");

        let replica = Keys::new(shelf, clock.clone(), LIFE);
        assert_eq!(kids(&replica.ring().await.unwrap()), third, "replicas have the same keys");
    }

    #[tokio::test]
    async fn nothing_private_is_published() {
        let clock = Arc::new(ManualClock::new());
        let shelf = Shelf::new(Arc::new(MemoryStore::with_clock(clock.clone())));
        let keys = Keys::new(shelf, clock.clone(), LIFE);
        let text = serde_json::to_string(&keys.ring().await.unwrap().published()).unwrap();
        assert!(text.contains("\"kty\":\"EC\"") && text.contains("\"use\":\"sig\""), "{text}");
        assert!(!text.contains("\"d\""), "no private part: {text}");
    }
}
