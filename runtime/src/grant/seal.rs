//! Authenticated encryption of everything at rest.
//!
//! A sealed value is `version ‖ key id ‖ salt ‖ ciphertext ‖ tag`. The AES-256-GCM key is derived
//! by HKDF-SHA-256 from the master key, a fresh 32-byte salt and the purpose; each derived key
//! seals one value, so a nonce cannot repeat. The purpose, the subject of the value, its expiry if it
//! has one, and the header are associated data, so that a row cannot be moved to another place or
//! made to last longer. Version 1 did not have the expiry; such values are still opened.

use std::{fmt, ops::Deref, sync::Arc, time::SystemTime};

use aws_lc_rs::{aead, hmac};
use zeroize::Zeroizing;

#[cfg(any(feature = "postgres", feature = "sqlite", test))]
use super::key_ring::KeyAge;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use super::{data_keys::DataKeys, store_error::StoreError};
use super::{
    key_ring::{KEY_ID_LEN, KeyRing, derive},
    master_key::MasterKey,
    millis::to_millis,
    model::{Grant, GrantKey},
    record,
    unseal_error::UnsealError,
};
use crate::support::crypto;

const VERSION: u8 = 2;

/// The version before the expiry was associated data.
const VERSION_WITHOUT_EXPIRY: u8 = 1;

const SALT_LEN: usize = 32;
const HEADER_LEN: usize = 1 + KEY_ID_LEN + SALT_LEN;

/// Encrypts and decrypts values under one master key.
///
/// ```
/// use toolgate::grant::{MasterKey, Sealer};
///
/// let sealer = Sealer::new(&MasterKey::generate());
/// let sealed = sealer.seal("request-state", &["alice"], b"secret");
/// assert_eq!(sealer.open("request-state", &["alice"], &sealed).unwrap().as_slice(), b"secret");
/// assert!(sealer.open("request-state", &["bob"], &sealed).is_err());
/// ```
///
/// What was sealed under a [previous](MasterKey::or_previous) key is opened too.
///
/// A sealer of a store with a [`KeySource`](super::KeySource) has the store's data keys. While it has
/// none, because the source does not answer, what it seals outside the store is opened by no one.
#[derive(Clone)]
pub struct Sealer {
    keys: Keys,
}

#[derive(Clone)]
enum Keys {
    Fixed(Arc<KeyRing>),
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    Sourced(Arc<DataKeys>),
}

/// The keys at one moment.
enum Ring<'a> {
    Fixed(&'a KeyRing),
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    Sourced(Arc<KeyRing>),
}

impl Deref for Ring<'_> {
    type Target = KeyRing;

    fn deref(&self) -> &KeyRing {
        match self {
            Self::Fixed(ring) => ring,
            #[cfg(any(feature = "postgres", feature = "sqlite"))]
            Self::Sourced(ring) => ring,
        }
    }
}

impl Sealer {
    /// Creates a sealer under `key`.
    pub fn new(key: &MasterKey) -> Self {
        Self { keys: Keys::Fixed(Arc::new(KeyRing::new(key))) }
    }

    fn ring(&self) -> Ring<'_> {
        match &self.keys {
            Keys::Fixed(ring) => Ring::Fixed(ring),
            #[cfg(any(feature = "postgres", feature = "sqlite"))]
            Keys::Sourced(keys) => Ring::Sourced(keys.ring_or_void()),
        }
    }

    /// A value by which a store recognises its key. It reveals nothing about the key.
    pub fn check_value(&self) -> [u8; 32] {
        self.ring().current.check_value()
    }

    /// Encrypts `plaintext` for one purpose and one subject, such as a user.
    pub fn seal(&self, purpose: &str, about: &[&str], plaintext: &[u8]) -> Vec<u8> {
        self.seal_as(VERSION, &Place { purpose, about, expires_at: None }, plaintext)
    }

    /// As [`seal`](Self::seal), for a value that is stored with this expiry. A stored expiry that
    /// is changed without the key makes the value unreadable.
    pub fn seal_until(
        &self,
        purpose: &str,
        about: &[&str],
        expires_at: SystemTime,
        plaintext: &[u8],
    ) -> Vec<u8> {
        let place = Place { purpose, about, expires_at: Some(expires_at) };
        self.seal_as(VERSION, &place, plaintext)
    }

    fn seal_as(&self, version: u8, place: &Place<'_>, plaintext: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_LEN + plaintext.len() + 16);
        let ring = self.ring();
        out.push(version);
        out.extend_from_slice(ring.current.id());
        let mut salt = [0; SALT_LEN];
        crypto::fill_random(&mut salt);
        out.extend_from_slice(&salt);
        let aad = place.associated(&out);
        out.extend_from_slice(plaintext);
        let tag = record_key(&ring.current.key, place.purpose, &salt)
            .seal_in_place_separate_tag(nonce(), aead::Aad::from(aad), &mut out[HEADER_LEN..])
            .expect("AES-GCM takes any plaintext that fits in memory");
        out.extend_from_slice(tag.as_ref());
        out
    }

    /// Decrypts what [`seal`](Self::seal) made for the same purpose and the same subject.
    ///
    /// # Errors
    ///
    /// The value was sealed under another key or for something else, or was changed.
    pub fn open(
        &self,
        purpose: &str,
        about: &[&str],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        self.open_at(&Place { purpose, about, expires_at: None }, sealed)
    }

    /// Decrypts what [`seal_until`](Self::seal_until) made with the same expiry, to the millisecond.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_until(
        &self,
        purpose: &str,
        about: &[&str],
        expires_at: SystemTime,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        self.open_at(&Place { purpose, about, expires_at: Some(expires_at) }, sealed)
    }

    fn open_at(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let &version = sealed.first().ok_or(UnsealError::Damaged)?;
        if !(VERSION_WITHOUT_EXPIRY..=VERSION).contains(&version) {
            return Err(UnsealError::Version(version));
        }
        let (header, body) = sealed.split_at_checked(HEADER_LEN).ok_or(UnsealError::Damaged)?;
        let ring = self.ring();
        let key = ring.key_of(&header[1..=KEY_ID_LEN]).ok_or(UnsealError::OtherKey)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = record_key(&key.key, place.purpose, &header[1 + KEY_ID_LEN..])
            .open_in_place(nonce(), aead::Aad::from(place.associated(header)), &mut body)
            .map_err(|_| UnsealError::Damaged)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    /// Encrypts a grant for its place in a store.
    pub fn seal_grant(&self, key: &GrantKey, grant: &Grant) -> Vec<u8> {
        key.with_place(|place| self.seal("grant", place, &record::write(grant)))
    }

    /// Decrypts a grant that was sealed for the same place.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_grant(&self, key: &GrantKey, sealed: &[u8]) -> Result<Grant, UnsealError> {
        let opened = key.with_place(|place| self.open("grant", place, sealed))?;
        record::read(&opened).ok_or(UnsealError::Form)
    }

    /// A message authentication code for one purpose (HMAC-SHA-256).
    pub(crate) fn mac(&self, purpose: &str, message: &[&str]) -> [u8; 32] {
        mac(&self.ring().current.key, purpose, message)
    }

    /// As [`mac`](Self::mac), with the key that has sealed `sealed`.
    #[cfg_attr(not(feature = "broker"), allow(dead_code, reason = "the broker uses it"))]
    pub(crate) fn mac_of(&self, sealed: &[u8], purpose: &str, message: &[&str]) -> [u8; 32] {
        let ring = self.ring();
        let key = sealed.get(1..=KEY_ID_LEN).and_then(|id| ring.key_of(id));
        mac(&key.unwrap_or(&ring.current).key, purpose, message)
    }
}

/// What databases need of it: keys that are there, and sealing again.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
impl Sealer {
    /// Creates a sealer under the data keys of a store.
    pub(crate) fn sourced(keys: Arc<DataKeys>) -> Self {
        Self { keys: Keys::Sourced(keys) }
    }

    /// The sealer with the keys of now, for one operation of a store.
    pub(crate) async fn ready(&self) -> Result<Self, StoreError> {
        match &self.keys {
            Keys::Fixed(_) => Ok(self.clone()),
            Keys::Sourced(keys) => Ok(Self { keys: Keys::Fixed(keys.ready().await?) }),
        }
    }

    /// Whether its keys change while the process runs.
    #[cfg(feature = "postgres")]
    pub(crate) fn is_sourced(&self) -> bool {
        matches!(self.keys, Keys::Sourced(_))
    }

    /// Whether there are, or may be, keys which only open.
    pub(crate) fn has_previous(&self) -> bool {
        match &self.keys {
            Keys::Fixed(ring) => ring.has_previous(),
            Keys::Sourced(_) => true,
        }
    }

    /// The identifier of the current key, with which values are sealed.
    pub(crate) fn key_id(&self) -> [u8; KEY_ID_LEN] {
        *self.ring().current.id()
    }

    /// The key that has this check value. `None`: none of them.
    pub(crate) fn recognise(&self, check_value: &[u8]) -> Option<KeyAge> {
        self.ring().recognise(check_value)
    }

    /// Whether the value was sealed by another process with a key that seals here only later.
    #[cfg(feature = "postgres")]
    pub(crate) fn is_ahead(&self, sealed: &[u8]) -> bool {
        sealed.get(1..=KEY_ID_LEN).is_some_and(|id| self.ring().is_upcoming(id))
    }

    /// Encrypts what a previous key has sealed under the current one.
    pub(crate) fn reseal(
        &self,
        purpose: &str,
        about: &[&str],
        expires_at: Option<SystemTime>,
        sealed: &[u8],
    ) -> Result<Vec<u8>, UnsealError> {
        let place = Place { purpose, about, expires_at };
        Ok(self.seal_as(VERSION, &place, &self.open_at(&place, sealed)?))
    }
}

fn mac(key: &MasterKey, purpose: &str, message: &[&str]) -> [u8; 32] {
    let mut derived = Zeroizing::new([0; 32]);
    derive(key, &[], &[b"toolgate mac ", purpose.as_bytes()], derived.as_mut_slice());
    let key = hmac::Key::new(hmac::HMAC_SHA256, derived.as_slice());
    let mut found = [0; 32];
    let message = Place { purpose, about: message, expires_at: None }.associated(&[]);
    found.copy_from_slice(hmac::sign(&key, &message).as_ref());
    found
}

fn record_key(key: &MasterKey, purpose: &str, salt: &[u8]) -> aead::LessSafeKey {
    let mut derived = Zeroizing::new([0; 32]);
    derive(key, salt, &[b"toolgate seal ", purpose.as_bytes()], derived.as_mut_slice());
    let key = aead::UnboundKey::new(&aead::AES_256_GCM, derived.as_slice())
        .expect("an AES-256 key has 32 bytes");
    aead::LessSafeKey::new(key)
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer([redacted])")
    }
}

/// Each value has a key of its own, so the nonce may be constant.
fn nonce() -> aead::Nonce {
    aead::Nonce::assume_unique_for_key([0; aead::NONCE_LEN])
}

/// What a value is sealed for.
struct Place<'a> {
    purpose: &'a str,
    about: &'a [&'a str],
    expires_at: Option<SystemTime>,
}

impl Place<'_> {
    /// The associated data of a value with this header. Each part has its length in front, so that
    /// no two places have the same bytes; the expiry follows a length that no part has.
    fn associated(&self, header: &[u8]) -> Vec<u8> {
        let mut out = header.to_vec();
        for part in std::iter::once(&self.purpose).chain(self.about) {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part.as_bytes());
        }
        if let Some(expires_at) = self.expires_at
            && header.first() != Some(&VERSION_WITHOUT_EXPIRY)
        {
            out.extend_from_slice(&u64::MAX.to_be_bytes());
            out.extend_from_slice(&to_millis(expires_at).to_be_bytes());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn opens_only_in_its_place_and_under_its_key() {
        let sealer = Sealer::new(&MasterKey::generate());
        let value = sealer.seal("grant", &["alice", "forge"], b"token");
        let open = |purpose, about: &[&str]| sealer.open(purpose, about, &value);
        assert_eq!(open("grant", &["alice", "forge"]).unwrap().as_slice(), b"token");
        assert_eq!(open("grant", &["bob", "forge"]), Err(UnsealError::Damaged));
        assert_eq!(open("grant", &["alicef", "orge"]), Err(UnsealError::Damaged));
        assert_eq!(open("pending", &["alice", "forge"]), Err(UnsealError::Damaged));
        let other = Sealer::new(&MasterKey::generate());
        assert_eq!(other.open("grant", &["alice", "forge"], &value), Err(UnsealError::OtherKey));
    }

    #[test]
    fn a_grant_opens_as_the_account_that_it_was_sealed_for() {
        let sealer = Sealer::new(&MasterKey::generate());
        let grant = Grant::new("token", SystemTime::UNIX_EPOCH);
        let first = GrantKey::new("alice", "forge");
        let keys = [first.clone(), first.account("home"), first.account("work")];
        for owner in &keys {
            let value = sealer.seal_grant(owner, &grant);
            for key in &keys {
                assert_eq!(sealer.open_grant(key, &value).is_ok(), key == owner, "{key:?}");
            }
        }
        // As it was sealed before there were others.
        let before = sealer.seal("grant", &["alice", "forge"], &record::write(&grant));
        assert!(sealer.open_grant(&first, &before).is_ok());
    }

    #[test]
    fn a_previous_key_opens_and_does_not_seal() {
        let (old, new) = (MasterKey::generate(), MasterKey::generate());
        let before = Sealer::new(&old).seal("grant", &["alice"], b"token");
        let sealer = Sealer::new(&new.clone().or_previous(old.clone()));
        assert_eq!(sealer.open("grant", &["alice"], &before).unwrap().as_slice(), b"token");
        let after = sealer.seal("grant", &["alice"], b"token");
        assert_eq!(Sealer::new(&old).open("grant", &["alice"], &after), Err(UnsealError::OtherKey));
        assert!(Sealer::new(&new).open("grant", &["alice"], &after).is_ok());
        assert_eq!(sealer.recognise(&Sealer::new(&old).check_value()), Some(KeyAge::Previous));
        assert_eq!(sealer.recognise(&Sealer::new(&new).check_value()), Some(KeyAge::Current));
        assert_eq!(Sealer::new(&old).recognise(&sealer.check_value()), None);
        let secret = Sealer::new(&old).mac("secret", &["client"]);
        assert_eq!(sealer.mac_of(&before, "secret", &["client"]), secret);
        assert_eq!(sealer.mac_of(&after, "secret", &["client"]), sealer.mac("secret", &["client"]));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let sealer = Sealer::new(&MasterKey::generate());
        let value = sealer.seal("grant", &["alice"], b"token");
        for at in 0..value.len() {
            let mut changed = value.clone();
            changed[at] ^= 1;
            assert!(sealer.open("grant", &["alice"], &changed).is_err(), "byte {at}");
            assert!(sealer.open("grant", &["alice"], &value[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_value_lasts_no_longer_than_it_was_sealed_for() {
        let sealer = Sealer::new(&MasterKey::generate());
        let until = SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_123);
        let value = sealer.seal_until("record", &["code"], until, b"alice");
        let open = |until| sealer.open_until("record", &["code"], until, &value);
        assert_eq!(open(until).unwrap().as_slice(), b"alice");
        assert_eq!(open(until + Duration::from_millis(1)), Err(UnsealError::Damaged));
        assert_eq!(sealer.open("record", &["code"], &value), Err(UnsealError::Damaged));
        let mut older = value.clone();
        older[0] = VERSION_WITHOUT_EXPIRY;
        let reopened = sealer.open_until("record", &["code"], until, &older);
        assert_eq!(reopened, Err(UnsealError::Damaged), "the version is sealed as well");
    }

    #[test]
    fn a_value_of_the_version_before_is_opened() {
        let sealer = Sealer::new(&MasterKey::generate());
        let until = SystemTime::UNIX_EPOCH;
        let place = Place { purpose: "record", about: &["code"], expires_at: Some(until) };
        let value = sealer.seal_as(VERSION_WITHOUT_EXPIRY, &place, b"alice");
        let opened = sealer.open_until("record", &["code"], until, &value);
        assert_eq!(opened.unwrap().as_slice(), b"alice");
        assert_eq!(sealer.open("record", &["code"], &value).unwrap().as_slice(), b"alice");
        assert_eq!(sealer.open("record", &["code"], &[3; 80]), Err(UnsealError::Version(3)));
    }

    #[test]
    fn two_seals_of_one_value_differ() {
        let sealer = Sealer::new(&MasterKey::generate());
        assert_ne!(sealer.seal("p", &[], b"same"), sealer.seal("p", &[], b"same"));
    }
}
