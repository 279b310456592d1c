//! Clients: who requests access, and who vouches for their metadata.

use std::collections::HashMap;

use jsonwebtoken::jwk::JwkSet;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{documents::error::DocumentError, registered_client::Registrations};
use crate::{browser::request_limit::TooManyRequests, error::ConfigError, grant::StoreError};

/// The longest `client_id` of the operator, and of a metadata document.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) trust: ClientTrust,
    /// The keys by which it authenticates (RFC 7523), if it publishes any.
    pub(crate) keys: Option<ClientKeys>,
    /// Whether it authenticates by them alone.
    pub(crate) requires_assertion: bool,
    /// Whether it only asks who the person is, and gets no scopes unless it names them.
    pub(crate) only_identifies: bool,
}

impl Client {
    /// A client without keys.
    fn new(id: &str, name: Option<String>, redirect_uris: Vec<String>, trust: ClientTrust) -> Self {
        Self {
            id: id.to_owned(),
            name,
            redirect_uris,
            trust,
            keys: None,
            requires_assertion: false,
            only_identifies: false,
        }
    }
}

/// The public keys of a client (RFC 7591 §2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum ClientKeys {
    /// In its metadata.
    Set(JwkSet),
    /// At this URL.
    Uri(String),
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
    pub(super) only_identifies: bool,
}

impl KnownClient {
    /// Creates the client `id`, which consent pages call `name`.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            redirect_uris: Vec::new(),
            secret: None,
            only_identifies: false,
        }
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

    /// Gives the client no scopes unless it names them: it asks who the person is.
    #[must_use]
    pub(crate) fn only_identifies(mut self) -> Self {
        self.only_identifies = true;
        self
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let fault = |what: String| ConfigError::new(format!("the client `{}`: {what}", self.id));
        if self.id.is_empty() || self.id.len() > MAX_CLIENT_ID_LEN || is_url(&self.id) {
            return Err(fault("its id is empty, too long, or a URL".to_owned()));
        }
        if self.redirect_uris.is_empty() {
            return Err(fault("it has no redirect URI".to_owned()));
        }
        for uri in &self.redirect_uris {
            super::redirect::check(uri).map_err(|why| fault(format!("`{uri}`: {why}")))?;
        }
        Ok(())
    }
}

/// Why a client cannot be used.
pub(crate) enum ClientError {
    Unknown,
    /// Its metadata document cannot be used.
    Document(DocumentError),
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
    pub(crate) registrations: Registrations,
    pub(crate) known: HashMap<String, KnownClient>,
}

impl Clients {
    /// The client with this identifier, of the operator or registered by itself.
    pub(crate) fn find(&self, id: &str) -> Option<Client> {
        if let Some(known) = self.known.get(id) {
            let (name, uris) = (Some(known.name.clone()), known.redirect_uris.clone());
            let client = Client::new(id, name, uris, ClientTrust::Known);
            return Some(Client { only_identifies: known.only_identifies, ..client });
        }
        let registered = self.registrations.open(id)?;
        let (name, uris) = (registered.name, registered.redirect_uris);
        Some(Client::new(id, name, uris, ClientTrust::Registered))
    }
}
