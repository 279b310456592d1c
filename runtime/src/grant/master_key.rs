//! Master key: 32 bytes, and those that were used before.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretBox};
use zeroize::{Zeroize as _, Zeroizing};

use super::key_error::KeyError;
use crate::support::crypto;

/// The key that encrypts everything at rest: 32 bytes.
///
/// ```
/// use toolgate::grant::MasterKey;
///
/// // As `openssl rand -base64 32` prints it.
/// let key = MasterKey::from_base64("d29uZGVyZnVsIHdvcmxkIG9mIHRoaXJ0eS10d28hISE=")?;
/// assert_eq!(format!("{key:?}"), "MasterKey([redacted])");
/// # Ok::<(), toolgate::grant::KeyError>(())
/// ```
pub struct MasterKey {
    secret: SecretBox<[u8; 32]>,
    previous: Vec<MasterKey>,
}

impl MasterKey {
    /// Creates a key from these bytes, which are erased.
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let key = Self::copied(&bytes);
        bytes.zeroize();
        key
    }

    fn copied(bytes: &[u8; 32]) -> Self {
        let secret = SecretBox::init_with_mut(|to: &mut [u8; 32]| to.copy_from_slice(bytes));
        Self { secret, previous: Vec::new() }
    }

    /// Creates a random key.
    pub fn generate() -> Self {
        let secret = SecretBox::init_with_mut(|to: &mut [u8; 32]| crypto::fill_random(to));
        Self { secret, previous: Vec::new() }
    }

    /// Adds a key that was used before: what it has sealed is opened, and nothing more is sealed with
    /// it.
    #[must_use]
    pub fn or_previous(mut self, previous: Self) -> Self {
        self.previous.push(previous);
        self
    }

    /// Reads a key from 32 bytes in base64, the form of `TOOLGATE_KEY`. Further keys after it,
    /// separated by commas or white space, are [previous](Self::or_previous) ones.
    ///
    /// # Errors
    ///
    /// [`KeyError::Variable`] if the text is something else.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        decode_all(text).ok_or(KeyError::Variable)
    }

    /// The form that [`from_base64`](Self::from_base64) reads.
    #[cfg(all(feature = "keyring", feature = "sqlite"))]
    pub(super) fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.expose()))
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.secret.expose_secret()
    }

    pub(crate) fn previous(&self) -> &[Self] {
        &self.previous
    }
}

impl Clone for MasterKey {
    fn clone(&self) -> Self {
        let previous = self.previous.clone();
        Self { previous, ..Self::copied(self.secret.expose_secret()) }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey([redacted])")
    }
}

fn decode(text: &str) -> Option<MasterKey> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
    let bytes: &[u8; 32] = bytes.as_slice().try_into().ok()?;
    Some(MasterKey::copied(bytes))
}

/// The keys of a text: the current one first.
pub(super) fn decode_all(text: &str) -> Option<MasterKey> {
    let mut keys = text.split([',', ' ', '\t', '\r', '\n']).filter(|part| !part.is_empty());
    let current = decode(keys.next()?)?;
    keys.try_fold(current, |all, key| Some(all.or_previous(decode(key)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_before_the_current_one_are_read_too() {
        let [new, old, older] = [1, 2, 3].map(|byte| STANDARD.encode([byte; 32]));
        for text in [format!("{new},{old},{older}"), format!("{new}\n{old}\r\n {older}\n")] {
            let key = MasterKey::from_base64(&text).unwrap();
            assert_eq!(key.expose(), [1; 32]);
            let previous: Vec<_> = key.previous().iter().map(MasterKey::expose).collect();
            assert_eq!(previous, [[2; 32], [3; 32]]);
        }
        for text in ["", ",", &format!("{new},short"), &format!("{new};{old}")] {
            assert!(MasterKey::from_base64(text).is_err(), "{text}");
        }
    }
}
