//! Key services, which wrap the data keys of a store.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use secrecy::SecretSlice;

use crate::support::escape::{MAX_LOGGED_CHARS, escape_to};

/// A service that encrypts and decrypts keys, such as a KMS or an HSM, under a key that never leaves
/// it.
///
/// Values of a store are sealed under data keys of 32 bytes, which toolgate makes. The store has them
/// in wrapped form, and a server asks the source to unwrap them when it starts and twice in each
/// [`cache_lifetime`](Self::cache_lifetime): calls do not wait for the source, and once the source
/// refuses the server, nothing can be opened after that time.
///
/// - While the source does not answer, the data keys are used until their lifetime ends. After that
///   the store fails with [`StoreError::DataKeys`](super::StoreError::DataKeys), each call asks again,
///   at most once a second, and the first answer ends the failure.
/// - When the source refuses to unwrap the current data key, it is erased from memory at once.
///
/// Give it to [`Server::key_source`](crate::Server::key_source), or to the options of a store.
///
/// ```
/// use secrecy::{ExposeSecret, SecretSlice};
/// use toolgate::grant::{KeySource, KeySourceError};
///
/// struct Vault {
///     client: reqwest::Client,
///     key: String,
/// }
///
/// #[async_trait::async_trait]
/// impl KeySource for Vault {
///     async fn wrap(&self, key: &SecretSlice<u8>) -> Result<Vec<u8>, KeySourceError> {
///         let request = self.client.post(format!("{}/encrypt", self.key));
///         answer(request.body(key.expose_secret().to_vec())).await
///     }
///
///     async fn unwrap(&self, wrapped: &[u8]) -> Result<SecretSlice<u8>, KeySourceError> {
///         let request = self.client.post(format!("{}/decrypt", self.key));
///         answer(request.body(wrapped.to_vec())).await.map(SecretSlice::from)
///     }
/// }
///
/// async fn answer(request: reqwest::RequestBuilder) -> Result<Vec<u8>, KeySourceError> {
///     let response = request.send().await.map_err(KeySourceError::unavailable)?;
///     match response.status() {
///         status if status.is_client_error() => Err(KeySourceError::refused(status)),
///         status if !status.is_success() => Err(KeySourceError::unavailable(status)),
///         _ => Ok(response.bytes().await.map_err(KeySourceError::unavailable)?.to_vec()),
///     }
/// }
/// ```
#[async_trait]
pub trait KeySource: Send + Sync + 'static {
    /// Encrypts a data key of 32 bytes. What is returned is stored, at most 4 KiB of it.
    ///
    /// # Errors
    ///
    /// The source does not answer, or refuses.
    async fn wrap(&self, key: &SecretSlice<u8>) -> Result<Vec<u8>, KeySourceError>;

    /// Decrypts what [`wrap`](Self::wrap) returned.
    ///
    /// # Errors
    ///
    /// The source does not answer, or refuses.
    async fn unwrap(&self, wrapped: &[u8]) -> Result<SecretSlice<u8>, KeySourceError>;

    /// Returns whether the source's current key has wrapped this. If not, it is unwrapped and wrapped
    /// again, so that an older key of the source can be destroyed. The default returns `true`: many
    /// services manage their old keys themselves.
    fn is_current(&self, wrapped: &[u8]) -> bool {
        let _ = wrapped;
        true
    }

    /// How long data keys are used without the source: an hour. A new data key seals once all
    /// replicas have it, which is a little later than this time.
    fn cache_lifetime(&self) -> Duration {
        Duration::from_hours(1)
    }

    /// The age at which a data key is replaced: 90 days. Values are sealed again under the new one.
    fn rotation_period(&self) -> Duration {
        Duration::from_hours(90 * 24)
    }
}

/// Why a [`KeySource`] has wrapped or unwrapped nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySourceError {
    kind: Kind,
    description: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unavailable,
    Refused,
    /// The wrapped keys could not be read or written.
    #[cfg_attr(not(any(feature = "postgres", feature = "sqlite")), expect(dead_code))]
    Store,
}

impl KeySourceError {
    /// The source does not answer, or cannot at the moment: it is asked again.
    pub fn unavailable(why: impl fmt::Display) -> Self {
        Self { kind: Kind::Unavailable, description: described(&why) }
    }

    /// The source refuses: its key was disabled or revoked, or access to it was withdrawn. Data keys in
    /// memory are erased.
    pub fn refused(why: impl fmt::Display) -> Self {
        Self { kind: Kind::Refused, description: described(&why) }
    }

    /// Whether the source refuses.
    pub fn is_refusal(&self) -> bool {
        self.kind == Kind::Refused
    }

    /// The store that has the wrapped keys fails.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn of_store(why: &impl fmt::Display) -> Self {
        Self { kind: Kind::Store, description: described(why) }
    }
}

fn described(why: &impl fmt::Display) -> String {
    escape_to(&why.to_string(), MAX_LOGGED_CHARS).into_owned()
}

impl fmt::Display for KeySourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = match self.kind {
            Kind::Unavailable => "the key source does not answer",
            Kind::Refused => "the key source refuses",
            Kind::Store => "the wrapped keys cannot be read",
        };
        write!(f, "{problem}: {}", self.description)
    }
}

impl std::error::Error for KeySourceError {}
