//! Authenticated encryption of everything at rest.
//!
//! A sealed value is `version ‖ key id ‖ salt ‖ ciphertext ‖ tag`. The AES-256-GCM key is derived
//! by HKDF-SHA-256 from the master key, a fresh 32-byte salt and the purpose; each derived key
//! seals one value, so a nonce cannot repeat. The purpose, the subject of the value, its expiry if it
//! has one, and the header are associated data, so that a row cannot be moved to another place or
//! made to last longer. Version 1 did not have the expiry; such values are still opened.

use std::{fmt, sync::OnceLock, time::SystemTime};

use aws_lc_rs::{aead, hkdf, hmac};
use zeroize::Zeroizing;

use super::{
    master_key::MasterKey,
    millis::to_millis,
    model::{Grant, GrantKey},
    record,
};
use crate::support::crypto;

const VERSION: u8 = 2;

/// The version before the expiry was associated data.
const VERSION_WITHOUT_EXPIRY: u8 = 1;

const KEY_ID_LEN: usize = 8;
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
#[derive(Clone)]
pub struct Sealer {
    key: MasterKey,
    /// Derived at first use: many servers never seal anything.
    id: OnceLock<[u8; KEY_ID_LEN]>,
}

impl Sealer {
    /// Creates a sealer under `key`.
    pub fn new(key: &MasterKey) -> Self {
        Self { key: key.clone(), id: OnceLock::new() }
    }

    fn id(&self) -> &[u8; KEY_ID_LEN] {
        self.id.get_or_init(|| {
            let mut id = [0; KEY_ID_LEN];
            derive(&self.key, &[], &[b"toolgate key id"], &mut id);
            id
        })
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
        out.push(version);
        out.extend_from_slice(self.id());
        let mut salt = [0; SALT_LEN];
        crypto::fill_random(&mut salt);
        out.extend_from_slice(&salt);
        let aad = place.associated(&out);
        out.extend_from_slice(plaintext);
        let tag = self
            .record_key(place.purpose, &salt)
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
        if &header[1..=KEY_ID_LEN] != self.id() {
            return Err(UnsealError::OtherKey);
        }
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .record_key(place.purpose, &header[1 + KEY_ID_LEN..])
            .open_in_place(nonce(), aead::Aad::from(place.associated(header)), &mut body)
            .map_err(|_| UnsealError::Damaged)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    /// Encrypts a grant for its place in a store.
    pub fn seal_grant(&self, key: &GrantKey, grant: &Grant) -> Vec<u8> {
        self.seal("grant", &[&key.subject, &key.provider], &record::write(grant))
    }

    /// Decrypts a grant that was sealed for the same place.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_grant(&self, key: &GrantKey, sealed: &[u8]) -> Result<Grant, UnsealError> {
        record::read(&self.open("grant", &[&key.subject, &key.provider], sealed)?)
            .ok_or(UnsealError::Form)
    }

    /// A value by which a store recognises its key. It reveals nothing about the key.
    pub fn check_value(&self) -> [u8; 32] {
        let mut out = [0; 32];
        derive(&self.key, &[], &[b"toolgate key check value"], &mut out);
        out
    }

    /// A message authentication code for one purpose (HMAC-SHA-256).
    #[cfg_attr(not(feature = "broker"), allow(dead_code, reason = "the broker uses it"))]
    pub(crate) fn mac(&self, purpose: &str, message: &[&str]) -> [u8; 32] {
        let mut key = Zeroizing::new([0; 32]);
        derive(&self.key, &[], &[b"toolgate mac ", purpose.as_bytes()], key.as_mut_slice());
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_slice());
        let mut found = [0; 32];
        let message = Place { purpose, about: message, expires_at: None }.associated(&[]);
        found.copy_from_slice(hmac::sign(&key, &message).as_ref());
        found
    }

    fn record_key(&self, purpose: &str, salt: &[u8]) -> aead::LessSafeKey {
        let mut key = Zeroizing::new([0; 32]);
        derive(&self.key, salt, &[b"toolgate seal ", purpose.as_bytes()], key.as_mut_slice());
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, key.as_slice())
            .expect("an AES-256 key has 32 bytes");
        aead::LessSafeKey::new(key)
    }
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

fn derive(key: &MasterKey, salt: &[u8], info: &[&[u8]], out: &mut [u8]) {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(key.expose())
        .expand(info, Length(out.len()))
        .and_then(|okm| okm.fill(out))
        .expect("HKDF gives up to 8160 bytes");
}

/// Why a sealed value cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// Another key sealed it.
    #[error("it was sealed with another key")]
    OtherKey,
    /// It was cut short, changed, or sealed for something else.
    #[error("it is damaged or belongs elsewhere")]
    Damaged,
    /// A newer toolgate sealed it.
    #[error("its format, version {0}, is newer than this toolgate")]
    Version(u8),
    /// It was opened, but its content has an unknown form.
    #[error("its content has a form that this toolgate does not know")]
    Form,
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
