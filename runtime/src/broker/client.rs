//! Clients: who requests access, and who vouches for their metadata.

use std::{collections::HashMap, time::Duration};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::store::typed_store::TypedStore;
use crate::{browser::request_limit::TooManyRequests, error::ConfigError, grant::StoreError};

/// How long a client that registered itself is stored until the first sign-in with it. The store has
/// room for as many as the rate limit allows in that time.
pub(crate) const UNUSED_CLIENT_TTL: Duration = Duration::from_secs(8 * 3600);
/// How long it is stored after a sign-in.
pub(crate) const USED_CLIENT_TTL: Duration = Duration::from_secs(90 * 24 * 3600);

/// The longest `client_id`.
pub(super) const MAX_CLIENT_ID_LEN: usize = 1024;

/// Who vouches for a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ClientTrust {
    /// The operator of this server.
    Known,
    /// The site at which its metadata document is published.
    Document { host: String },
    /// Nobody, because it registered itself.
    Registered,
}

/// A client of any kind.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) trust: ClientTrust,
}

/// A client that registered itself, as it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RegisteredClient {
    pub(crate) name: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
    /// The digest of its secret; `None` for a public client.
    pub(crate) secret: Option<String>,
    pub(crate) refreshes: bool,
    /// When its registration was prolonged last.
    pub(crate) prolonged_at: u64,
}

/// A client that the operator registers with [`BrokerBuilder::client`](super::BrokerBuilder::client).
///
/// `Debug` does not show its secret.
#[derive(Clone, Debug)]
pub struct KnownClient {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) redirect_uris: Vec<String>,
    pub(super) secret: Option<SecretString>,
}

impl KnownClient {
    /// Creates the client `id`, which consent pages call `name`.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), redirect_uris: Vec::new(), secret: None }
    }

    /// Adds a redirect URI. Requests must match it exactly, except for the port of a loopback address.
    #[must_use]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// Makes this a confidential client with this secret.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(SecretString::from(secret.into()));
        self
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn check(&self, schemes: &[String]) -> Result<(), ConfigError> {
        let fault = |what: String| ConfigError::new(format!("the client `{}`: {what}", self.id));
        if self.id.is_empty() || self.id.len() > MAX_CLIENT_ID_LEN || is_url(&self.id) {
            return Err(fault("its id is empty, too long, or a URL".to_owned()));
        }
        if self.redirect_uris.is_empty() {
            return Err(fault("it has no redirect URI".to_owned()));
        }
        for uri in &self.redirect_uris {
            super::redirect::check(uri, schemes).map_err(|why| fault(format!("`{uri}`: {why}")))?;
        }
        Ok(())
    }
}

/// Why a client cannot be used.
pub(crate) enum ClientError {
    Unknown,
    /// Its metadata document cannot be used.
    Document(String),
    TooManyRequests(TooManyRequests),
    Store(StoreError),
}

impl From<StoreError> for ClientError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Whether the `client_id` is the URL of a metadata document.
pub(crate) fn is_url(id: &str) -> bool {
    let scheme = id.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|s| s.eq_ignore_ascii_case("https") || s.eq_ignore_ascii_case("http"))
}

/// The clients without metadata documents.
pub(crate) struct Clients {
    pub(crate) records: TypedStore,
    pub(crate) known: HashMap<String, KnownClient>,
}
