//! Keys of a sealer: the one that seals, and those that only open.

use std::sync::OnceLock;

use aws_lc_rs::hkdf;

use super::master_key::MasterKey;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use crate::support::crypto;

/// The length of a key's identifier, which is in each value that it sealed.
pub(crate) const KEY_ID_LEN: usize = 8;

/// The keys that seal and open values at one time.
pub(crate) struct KeyRing {
    pub(crate) current: SealingKey,
    previous: Vec<SealingKey>,
    /// Keys that will seal later. Other processes may already seal with them.
    upcoming: Vec<SealingKey>,
}

/// One key.
pub(crate) struct SealingKey {
    pub(crate) key: MasterKey,
    /// Derived at first use: many servers never seal anything.
    id: OnceLock<[u8; KEY_ID_LEN]>,
}

/// Which key made a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(any(feature = "postgres", feature = "sqlite")),
    allow(dead_code, reason = "databases seal again")
)]
pub(crate) enum KeyAge {
    /// The one that seals.
    Current,
    /// One that only opens.
    Previous,
    /// One that will seal after the current one.
    Upcoming,
}

impl SealingKey {
    pub(crate) fn new(key: &MasterKey) -> Self {
        Self { key: key.clone(), id: OnceLock::new() }
    }

    pub(crate) fn id(&self) -> &[u8; KEY_ID_LEN] {
        self.id.get_or_init(|| {
            let mut id = [0; KEY_ID_LEN];
            derive(&self.key, &[], &[b"toolgate key id"], &mut id);
            id
        })
    }

    pub(crate) fn check_value(&self) -> [u8; 32] {
        let mut out = [0; 32];
        derive(&self.key, &[], &[b"toolgate key check value"], &mut out);
        out
    }
}

impl KeyRing {
    /// The ring of a master key and its previous ones.
    pub(crate) fn new(key: &MasterKey) -> Self {
        let previous = key.previous().iter().map(SealingKey::new).collect();
        Self { current: SealingKey::new(key), previous, upcoming: Vec::new() }
    }

    /// The key with the identifier of a sealed value.
    pub(crate) fn key_of(&self, id: &[u8]) -> Option<&SealingKey> {
        if id == self.current.id() {
            return Some(&self.current);
        }
        self.previous.iter().chain(&self.upcoming).find(|key| id == key.id())
    }
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
impl KeyRing {
    /// The ring of data keys.
    pub(crate) fn of(
        current: SealingKey,
        previous: Vec<SealingKey>,
        upcoming: Vec<SealingKey>,
    ) -> Self {
        Self { current, previous, upcoming }
    }

    pub(crate) fn has_previous(&self) -> bool {
        !self.previous.is_empty()
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn is_upcoming(&self, id: &[u8]) -> bool {
        self.upcoming.iter().any(|key| id == key.id())
    }

    /// The key that has this check value. `None`: none of them.
    pub(crate) fn recognise(&self, check_value: &[u8]) -> Option<KeyAge> {
        let is_of = |key: &SealingKey| crypto::constant_time_eq(check_value, key.check_value());
        if is_of(&self.current) {
            return Some(KeyAge::Current);
        }
        if self.previous.iter().any(is_of) {
            return Some(KeyAge::Previous);
        }
        self.upcoming.iter().any(is_of).then_some(KeyAge::Upcoming)
    }
}

/// Derives bytes from a key for one use (HKDF-SHA-256, RFC 5869).
pub(crate) fn derive(key: &MasterKey, salt: &[u8], info: &[&[u8]], out: &mut [u8]) {
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
